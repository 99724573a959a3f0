"""A prepared dataset: images of one size by number, with labels and captions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zoo.data.decode import Crop, decode
from zoo.data.embeddings import Embeddings
from zoo.data.records import DecodedRecords, EncodedFile, RawRecords, Records
from zoo.data.spec import DataSpec
from zoo.errors import ZooError

__all__ = ["FORMAT", "MARKER", "OTHER", "Mode", "Prepared", "open_prepared"]

MARKER = "ganzoo-data.json"
"""The file that makes a folder a prepared dataset; written last."""

OTHER = "source"
"""The folder inside, of domain A where its pictures belong to none of these: a prepared dataset itself."""

FORMAT = 1
"""Of the folder; raised when older versions could not read it."""

Mode = Literal["raw", "encoded", "none"]


class Prepared:
    """Images uint8 by number, in the source's order less what could not be read. The order is the same in
    all modes."""

    def __init__(
        self,
        spec: DataSpec,
        records: Mapping[str, Records],
        keys: Sequence[str],
        *,
        labels: NDArray[np.int64] | None = None,
        captions: Sequence[Sequence[str]] | None = None,
        name: str = "data",
        mode: Mode = "none",
        crop: Crop = "center",
        split: str | None = None,
        licence: str = "",
        notice: str = "",
        skipped: Sequence[tuple[str, str]] = (),
        folder: Path | None = None,
        fingerprint: str = "",
        other: "Prepared | None" = None,
    ) -> None:
        counts = () if labels is None else tuple(np.bincount(labels, minlength=spec.classes).tolist())
        self.spec = replace(spec, class_counts=counts)
        self.keys = tuple(keys)
        self.labels = labels  # int64 [items], None when unlabelled
        self.captions = (
            None if captions is None else tuple(map(tuple, captions))
        )  # of each item; None when there are none
        self.name = name
        self.mode = mode
        self.crop = crop
        self.split = split
        self.licence = licence
        self.notice = notice
        self.skipped = tuple(skipped)  # (key, why) of what could not be read
        self.folder = folder  # None when nothing is kept on the disk
        self.fingerprint = fingerprint
        self.embeddings: Embeddings | None = None  # of the captions, once a text encoder has read them
        self.other = other  # the field `source` where it belongs to no image: a set with a length of its own
        self._records = dict(records)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names by label; empty when unlabelled or unnamed."""
        return self.spec.class_names

    @property
    def fields(self) -> tuple[str, ...]:
        """The pictures that it has: `image`, and perhaps `source` or `mask`."""
        return (*self._records, "source") if self.other is not None else tuple(self._records)

    def count(self, field: str = "image") -> int:
        """How many pictures of a field there are."""
        return len(self.other) if field == "source" and self.other is not None else len(self)

    def images(self, indices: NDArray[np.int64], field: str = "image") -> NDArray[np.uint8]:
        """Pictures [n,H,W,C], fresh and contiguous. Raises IndexError, or ZooError when a file no longer
        reads."""
        if field == "source" and self.other is not None:
            return self.other.images(indices)
        return self._records[field].take(indices)

    def encoded(self, i: int, field: str = "image") -> bytes:
        """One picture as a file: the original bytes where they are kept, else lossless PGM or PPM."""
        return self._records[field].encoded(i)


def open_prepared(folder: Path) -> Prepared:
    """The dataset in a folder that `prepare` wrote. Raises ZooError when it is damaged or of a newer
    version."""
    values = _marker(folder)
    for file, size in values["files"].items():
        path = folder / file
        if not path.is_file() or path.stat().st_size != size:
            raise ZooError(f"The prepared data in {folder} is damaged: {file} is missing or cut. Prepare it again.")
    spec = DataSpec.from_json(values["spec"])
    listing = json.loads((folder / "items.json").read_text(encoding="utf-8"))
    labels = folder / "labels.npy"
    crop, mode, keys = values["crop"], values["mode"], listing["keys"]
    return Prepared(
        spec,
        {field: _records(folder, field, files, mode, spec, crop, keys) for field, files in values["records"].items()},
        keys,
        labels=np.load(labels, allow_pickle=False) if labels.name in values["files"] else None,
        captions=listing["captions"],
        name=values["name"],
        mode=mode,
        crop=crop,
        split=values["split"],
        licence=values["licence"],
        notice=values["notice"],
        skipped=[(key, why) for key, why in values["skipped"]],
        folder=folder,
        fingerprint=values["fingerprint"],
        other=None if spec.paired else open_prepared(folder / OTHER),
    )


def _records(
    folder: Path, field: str, files: Sequence[str], mode: Mode, spec: DataSpec, crop: Crop, keys: Sequence[str]
) -> Records:
    if mode == "raw":
        return RawRecords([folder / file for file in files])
    content, offsets = files
    channels = spec.source_channels if field == "source" else spec.channels
    pixels = partial(decode, size=spec.resolution, channels=channels, crop=crop)
    return DecodedRecords(EncodedFile(folder / content, folder / offsets).read, pixels, keys.__getitem__)


def _marker(folder: Path) -> dict[str, Any]:
    try:
        values = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        number = values["format"]
    except FileNotFoundError as error:
        raise ZooError(
            f"{folder} holds no prepared data: it has no {MARKER}. Write it with: ganzoo data prepare"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ZooError(f"{folder / MARKER} is damaged ({error}). Prepare the data again.") from error
    if number > FORMAT:
        raise ZooError(
            f"{folder} was prepared by a newer ganzoo (format {number}; this one knows up to {FORMAT}). "
            "Upgrade ganzoo, or prepare the data again."
        )
    return dict(values)
