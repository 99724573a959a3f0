"""A prepared folder as a source, so that it can be given as data and be prepared again at another size."""

import hashlib

from zoo.data.prepared import Prepared
from zoo.data.source import Item, Source

__all__ = ["PreparedSource"]


class PreparedSource(Source):
    """The images of a prepared dataset."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self.name = prepared.name
        self.classes = prepared.class_names
        self.split = prepared.split
        self.splits = (prepared.split,) if prepared.split else ()
        self.licence = prepared.licence
        self.notice = prepared.notice
        self.other = None if prepared.other is None else PreparedSource(prepared.other)
        self.fields = tuple(field for field in prepared.fields if self.other is None or field != "source")
        labels, captions = prepared.labels, prepared.captions
        self.items = [
            Item(key, None if labels is None else int(labels[i]), () if captions is None else captions[i])
            for i, key in enumerate(prepared.keys)
        ]

    def read(self, i: int, field: str = "image") -> bytes:
        """The original bytes where they are kept, else the prepared picture."""
        return self.prepared.encoded(i, field)

    def fingerprint(self) -> str:
        """Of what it was prepared from and how."""
        prepared = self.prepared
        facts: tuple[object, ...] = (prepared.fingerprint, prepared.spec, prepared.mode, prepared.crop, prepared.keys)
        facts += () if self.other is None else (self.other.fingerprint(),)
        return hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()
