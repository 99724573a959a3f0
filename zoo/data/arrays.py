"""A source whose pictures are arrays in memory."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zoo.data.records import encode_pnm
from zoo.data.source import Item, Source
from zoo.errors import ZooError

__all__ = ["ArraySource"]


class ArraySource(Source):
    """Pictures uint8 [N,H,W] or [N,H,W,C] with C 1 or 3, labels from 0 on. Raises ZooError otherwise."""

    def __init__(
        self,
        name: str,
        images: NDArray[np.uint8],
        labels: Sequence[int] | NDArray[np.integer] | None = None,
        *,
        classes: Sequence[str] = (),
        captions: Sequence[Sequence[str]] | None = None,
        split: str | None = None,
        splits: Sequence[str] = (),
        licence: str = "",
        notice: str = "",
    ) -> None:
        if (
            images.dtype != np.uint8
            or images.ndim not in (3, 4)
            or (images.ndim == 4 and images.shape[3] not in (1, 3))
        ):
            raise ZooError(
                f"Images {images.dtype} {list(images.shape)} were given; uint8 [N,H,W] or [N,H,W,1 or 3] is known."
            )
        for what, given in (("labels", labels), ("captions", captions)):
            if given is not None and len(given) != len(images):
                raise ZooError(f"{len(given)} {what} were given for {len(images)} images.")
        self.name, self.licence, self.notice = name, licence, notice
        self.classes, self.split, self.splits = tuple(classes), split, tuple(splits)
        self._images = images
        self.items = [
            Item(
                f"{i:08d}",
                None if labels is None else int(labels[i]),
                () if captions is None else tuple(captions[i]),
            )
            for i in range(len(images))
        ]

    def read(self, i: int, field: str = "image") -> bytes:
        """One picture as lossless PGM or PPM."""
        return encode_pnm(self._images[i])

    def size(self, i: int, field: str = "image") -> int:
        """Number of bytes of one picture, nearly."""
        return int(self._images[i].nbytes) + 16

    def fingerprint(self) -> str:
        """Of every pixel, label and caption."""
        digest = hashlib.blake2b(repr((self._images.shape, self.classes, self.split)).encode(), digest_size=16)
        digest.update(np.ascontiguousarray(self._images).data)
        digest.update(repr([(item.label, item.captions) for item in self.items]).encode())
        return digest.hexdigest()
