"""Parquet files with pictures in them, as the Hugging Face Hub stores datasets."""

import hashlib
import json
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import Any

from zoo.data.layout import SPLITS
from zoo.data.source import Item, Source
from zoo.errors import ZooError, near_misses

__all__ = ["Columns", "ParquetSource", "columns_of", "open_parquet", "split_of"]

IMAGES = ("image", "img", "picture", "jpg", "png", "webp")
CAPTIONS = ("text", "caption", "captions", "prompt")
LABELS = ("label", "labels", "class", "fine_label", "category")
KEPT = 4  # groups of rows in memory at a time


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold what. `image` is binary, or a struct with `bytes`; empty names are none."""

    image: str
    nested: bool
    label: str = ""
    classes: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    notice: str = ""


class ParquetSource(Source):
    """The rows of parquet files, in their order. Pictures are read a group of rows at a time, never all at once.

    `files` are paths with the names that keys begin with. `identity` stands for the content where the files are known
    to be of one commit; without it their sizes and times do. Raises ZooError for files without pictures, and where
    pyarrow is missing.
    """

    def __init__(
        self,
        files: Mapping[str, Path],
        *,
        name: str,
        split: str | None = None,
        splits: Sequence[str] = (),
        licence: str = "",
        identity: str = "",
        notice: str = "",
        reference: str = "",
    ) -> None:
        self.name, self.split, self.splits, self.licence = name, split, tuple(splits), licence
        self.reference = reference
        self._identity = identity
        self._tables = [Table(key, path) for key, path in files.items()]
        found = [columns_of(table.schema(), str(table.path)) for table in self._tables]
        if any((one.image, one.label, one.classes, one.captions) != keyed(found[0]) for one in found):
            raise ZooError(f"The parquet files of {name} do not have the same columns; give those of one set alone.")
        self._columns = found[0]
        self.notice = " ".join(filter(None, (notice, self._columns.notice)))
        self._starts = list(accumulate((table.rows for table in self._tables), initial=0))
        self.items = [item for table in self._tables for item in table.items(self._columns)]
        if not self.items:
            raise ZooError(f"The parquet files of {name} hold no row.")
        self.classes = self._columns.classes or numbered(self.items)

    def read(self, i: int, field: str = "image") -> bytes:
        """The picture's file. Raises ValueError for a row that has none."""
        place = bisect_right(self._starts, i) - 1
        return self._tables[place].picture(i - self._starts[place], self._columns)

    def fingerprint(self) -> str:
        """Of the commit, or of names, sizes and times of change; and of the columns."""
        digest = hashlib.blake2b(repr((self._identity, self._columns)).encode(), digest_size=16)
        for table in self._tables:
            digest.update(f"{table.key}\0{'' if self._identity else stamp(table.path)}\n".encode())
        return digest.hexdigest()


def keyed(columns: Columns) -> tuple[object, ...]:
    """What the files of a set must have in common."""
    return columns.image, columns.label, columns.classes, columns.captions


def stamp(path: Path) -> str:
    """Place, size and time of change of a file."""
    status = path.stat()
    return f"{path.resolve()}:{status.st_size}:{status.st_mtime_ns}"


@dataclass
class Table:
    """One parquet file; its pictures are read in groups of rows, of which a few are kept."""

    key: str
    path: Path
    rows: int = field(init=False)
    _starts: list[int] = field(init=False, repr=False)
    _kept: "OrderedDict[int, Any]" = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        about = opened(self.path).metadata
        self.rows = about.num_rows
        groups = (about.row_group(i).num_rows for i in range(about.num_row_groups))
        self._starts = list(accumulate(groups, initial=0))

    def schema(self) -> Any:
        """Its columns."""
        return opened(self.path).schema_arrow

    def items(self, columns: Columns) -> Iterator[Item]:
        """Its rows without their pictures."""
        wanted = [name for name in (columns.label, *columns.captions) if name]
        content = opened(self.path).read(columns=wanted).to_pydict() if wanted else {}
        labels = content.get(columns.label, [None] * self.rows)
        for row in range(self.rows):
            label = labels[row]
            captions = tuple(text for name in columns.captions for text in texts(content[name][row]))
            # what is not labelled is -1 in some sets
            yield Item(f"{self.key}/{row:08}", None if label is None or label < 0 else int(label), captions)

    def picture(self, row: int, columns: Columns) -> bytes:
        """The file in a row. Safe in several threads."""
        group = bisect_right(self._starts, row) - 1
        with self._lock:
            if group not in self._kept:
                self._kept[group] = opened(self.path).read_row_group(group, columns=[columns.image]).column(0)
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(group)
            value = self._kept[group][row - self._starts[group]].as_py()
        content = value.get("bytes") if columns.nested and value is not None else value
        if content is None:
            raise ValueError(f"row {row} of {self.path.name} holds no picture")
        return bytes(content)


def opened(path: Path) -> Any:
    """The file. Raises ZooError where it is none, or where pyarrow is missing."""
    try:
        import pyarrow
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        from zoo.registry import install_command

        raise ZooError(f"{path} is parquet, which pyarrow reads: {install_command('ganzoo', ('hub-data',))}") from error
    try:
        return ParquetFile(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise ZooError(f"{path} is not read as parquet: {str(error).splitlines()[0]}") from error


def texts(value: Any) -> Iterator[str]:
    """The captions in a value: text, a list of texts, or nothing."""
    if isinstance(value, str):
        yield from filter(None, [value.strip()])
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)


def columns_of(schema: Any, where: str) -> Columns:
    """Which columns hold picture, label and captions, by the Hub's own notes on them and else by type and name."""
    features = noted(schema)
    kinds = {name: kind_of(schema.field(name).type, features.get(name, {})) for name in schema.names}
    pictures = [name for name, kind in kinds.items() if kind in ("nested", "binary")]
    chosen = [name for name in IMAGES if name in pictures] or pictures
    if not chosen or (chosen[0] not in IMAGES and len(chosen) > 1):
        there = ", ".join(schema.names)
        told = f"several columns with pictures ({', '.join(chosen)})" if chosen else "no column with pictures"
        raise ZooError(
            f"{where} has {told}; one is wanted, called {', '.join(IMAGES[:3])} or the like. There: {there}."
        )
    labels = [name for name, kind in kinds.items() if kind == "label"]
    labels = labels or [name for name in LABELS if kinds.get(name) == "number"]
    label = next((name for name in LABELS if name in labels), labels[0] if labels else "")
    classes = tuple(features.get(label, {}).get("names") or ())
    captions = tuple(name for name in CAPTIONS if kinds.get(name) == "text")
    notes = [f"Labels are those of {label}; {', '.join(labels)} are there."] if len(labels) > 1 else []
    if len(pictures) > 1:
        notes.append(f"Pictures are those of {chosen[0]}; {', '.join(pictures)} are there.")
    return Columns(chosen[0], kinds[chosen[0]] == "nested", label, classes, captions, " ".join(notes))


def noted(schema: Any) -> dict[str, Any]:
    """The notes of the `datasets` library on each column; none in files of other makers."""
    try:
        notes = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        return {name: about for name, about in notes["info"]["features"].items() if isinstance(about, dict)}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def kind_of(kind: Any, about: Mapping[str, Any]) -> str:
    """What a column can hold: nested or binary (pictures), label, number, text; or nothing of use."""
    from pyarrow import types

    if types.is_struct(kind) and "bytes" in [kind.field(i).name for i in range(kind.num_fields)]:
        return "nested" if about.get("_type", "Image") == "Image" else ""  # sound is laid out alike
    if types.is_binary(kind) or types.is_large_binary(kind):
        return "binary"
    if types.is_integer(kind):
        return "label" if about.get("_type") == "ClassLabel" else "number"
    inner = kind.value_type if types.is_list(kind) or types.is_large_list(kind) else kind
    return "text" if types.is_string(inner) or types.is_large_string(inner) else ""


def numbered(items: Iterable[Item]) -> tuple[str, ...]:
    """Classes by number where they have no names."""
    highest = max((item.label for item in items if item.label is not None), default=-1)
    if highest >= 1_000_000:
        raise ZooError(f"The label {highest} was found; labels count from 0, and a million classes are known at most.")
    return tuple(map(str, range(highest + 1)))


def split_of(name: str) -> str | None:
    """The split that a file's name tells: of `train-00000-of-00002.parquet`, or of a folder around it."""
    *folders, file = PurePosixPath(name).parts
    words = [file.removesuffix(".parquet").partition("-")[0], *reversed(folders)]
    return next((SPLITS[word.lower()] for word in words if word.lower() in SPLITS), None)


def open_parquet(files: Mapping[str, Path], name: str, split: str | None) -> ParquetSource:
    """Parquet files on disk; their names tell the splits, where they tell them of all."""
    told = {key: split_of(key) for key in files}
    found = [one for one in ("train", "val", "test") if one in told.values()] if all(told.values()) else []
    if not found:
        if split not in (None, "all"):
            raise ZooError(f"{name} has no splits, so there is no {split!r}; leave the split out.")
        return ParquetSource(files, name=name)
    chosen = split or found[0]
    if chosen not in (*found, "all"):
        raise ZooError(f"{name} has no split {chosen!r}. {near_misses(chosen, found)} Known: {', '.join(found)}, all.")
    kept = {key: path for key, path in files.items() if chosen in ("all", told[key])}
    return ParquetSource(kept, name=name, split=chosen, splits=found)
