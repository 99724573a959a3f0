"""What a source holds, picture by picture: the facts behind `ganzoo data inspect`."""

import hashlib
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from PIL import Image

from zoo.data.decode import CorruptImageError, flatten, open_image
from zoo.data.decoding import Progress, ordered, progress_bar
from zoo.data.source import Source
from zoo.errors import ZooError

__all__ = ["Inspection", "inspect_source"]


@dataclass(frozen=True, slots=True)
class Inspection:
    """Counts over all items; `sizes`, `modes`, `formats` and `channels` leave corrupt ones out."""

    name: str
    items: int
    split: str | None
    splits: tuple[str, ...]
    licence: str
    notice: str
    fields: tuple[str, ...]
    sizes: dict[str, int]  # "640x480" (as stored) -> count, most frequent first
    modes: dict[str, int]  # Pillow's mode -> count
    channels: dict[str, int]  # grey, colour; with "+transparency"
    formats: dict[str, int]  # PNG, JPEG, ...
    rotated: int  # turned by EXIF orientation
    labelled: int
    labels: dict[str, int]  # class name -> count, by label
    captioned: int
    captions: int
    duplicates: tuple[tuple[str, ...], ...]  # keys of byte-for-byte equal files
    corrupt: tuple[tuple[str, str], ...]  # (key, why)
    pairs: int = 0  # items that have a `source`
    unequal: tuple[tuple[str, str], ...] = ()  # (key, why) of pairs whose pictures differ in size
    other: "Inspection | None" = None  # domain A, where it is a set of its own

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """The same for reading."""
        yield f"{self.name}: {self.items:,} items"
        yield f"split       {self.split} of {', '.join(self.splits)}" if self.splits else "split       has none"
        yield f"licence     {self.licence or 'not stated'}"
        yield f"pictures    {', '.join(self.fields)}"
        for what, counts in (("sizes", self.sizes), ("modes", self.modes), ("channels", self.channels)):
            yield f"{what:<11} {_counts(counts)}"
        yield f"formats     {_counts(self.formats)}" + (f"; {self.rotated:,} turned by EXIF" if self.rotated else "")
        yield f"labels      {self.labelled:,} of {self.items:,} items, {len(self.labels)} classes"
        yield from (f"            {name}: {count:,}" for name, count in list(self.labels.items())[:20])
        if len(self.labels) > 20:
            yield f"            ... and {len(self.labels) - 20} more"
        yield f"captions    {self.captions:,} on {self.captioned:,} of {self.items:,} items"
        yield f"duplicates  {sum(map(len, self.duplicates)) - len(self.duplicates):,} files repeat another"
        yield from (f"            {' = '.join(group)}" for group in self.duplicates[:10])
        yield f"corrupt     {len(self.corrupt):,}"
        yield from (f"            {key}: {why}" for key, why in self.corrupt)
        if self.pairs:
            yield f"pairs       {self.pairs:,} of source and image; {len(self.unequal):,} differ in size"
            yield from (f"            {why}" for _, why in self.unequal)
        if self.other is not None:
            yield f"pairs       none: {self.other.items:,} pictures of domain A are a set of their own:"
            yield from (f"  {line}" for line in self.other.lines())
        if self.notice:
            yield f"notice      {self.notice}"


@dataclass(frozen=True, slots=True)
class _Picture:
    digest: str = ""
    size: str = ""
    mode: str = ""
    channels: str = ""
    kind: str = ""
    rotated: bool = False
    trouble: str = ""
    unequal: str = ""


def inspect_source(source: Source, progress: Progress | None = None) -> Inspection:
    """Read and decode every picture of the source (its field `image`), by threads, and count."""
    pictures: list[_Picture] = []
    with progress_bar(f"Inspecting {source.name}", progress) as advance:
        for i, picture in ordered(lambda i: _look(source, i), len(source)):
            pictures.append(picture)
            advance(i + 1, len(source))
    keys = [item.key for item in source.items]
    groups: dict[str, list[str]] = {}
    for key, picture in zip(keys, pictures, strict=True):
        if picture.digest:
            groups.setdefault(picture.digest, []).append(key)
    whole = [picture for picture in pictures if not picture.trouble]
    labels = Counter(item.label for item in source.items if item.label is not None)
    return Inspection(
        source.name,
        len(source),
        source.split,
        source.splits,
        source.licence,
        source.notice,
        source.fields,
        _frequent(picture.size for picture in whole),
        _frequent(picture.mode for picture in whole),
        _frequent(picture.channels for picture in whole),
        _frequent(picture.kind for picture in whole),
        sum(picture.rotated for picture in whole),
        sum(labels.values()),
        {_class_name(source, label): labels[label] for label in sorted(labels)},
        sum(bool(item.captions) for item in source.items),
        sum(len(item.captions) for item in source.items),
        tuple(tuple(group) for group in groups.values() if len(group) > 1),
        tuple((key, picture.trouble) for key, picture in zip(keys, pictures, strict=True) if picture.trouble),
        len(source) if "source" in source.fields else 0,
        tuple((key, picture.unequal) for key, picture in zip(keys, pictures, strict=True) if picture.unequal),
        None if source.other is None else inspect_source(source.other, progress),
    )


def _look(source: Source, i: int) -> _Picture:
    """One picture; what cannot be read is trouble, not an exception."""
    digest = ""
    try:
        content = source.read(i)
        digest = hashlib.blake2b(content, digest_size=16).hexdigest()
        upright = open_image(content)
        image = Image.open(io.BytesIO(content))
        kind, mode, rotated = image.format or "?", image.mode, image.getexif().get(0x0112, 1) not in (0, 1)
        flatten(upright, 3)
        channels = "grey" if mode in ("1", "L", "LA", "La", "F") or mode.startswith("I") else "colour"
        if upright.has_transparency_data:
            channels += "+transparency"
        size = f"{image.width}x{image.height}"
        return _Picture(digest, size, mode, channels, kind, rotated, unequal=_check_pair(source, i, content))
    except CorruptImageError as error:
        return _Picture(digest, trouble=str(error))
    except Exception as error:  # decoders of foreign bytes raise nearly anything
        return _Picture(digest, trouble=f"{type(error).__name__}: {error}")


def _check_pair(source: Source, i: int, content: bytes) -> str:
    """Why the pictures of an item are no pair; empty when they are."""
    if "source" not in source.fields:
        return ""
    other = source.read(i, "source")
    flatten(open_image(other), 3)
    try:
        source.check(i, {"image": content, "source": other})
    except ZooError as error:
        return str(error).partition(". ")[0]
    return ""


def _class_name(source: Source, label: int) -> str:
    return source.classes[label] if label < len(source.classes) else str(label)


def _frequent(values: Iterator[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _counts(counts: dict[str, int], most: int = 6) -> str:
    shown = ", ".join(f"{name} ({count:,})" for name, count in list(counts.items())[:most])
    return (shown or "none") + (f", ... {len(counts) - most} more" if len(counts) > most else "")
