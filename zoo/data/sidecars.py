"""Labels and captions that lie beside the images: metadata.jsonl, metadata.csv, dataset.json and x.txt."""

import csv
import io
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from zoo.data.tree import Tree
from zoo.errors import ZooError

__all__ = ["Row", "Sidecars", "read_sidecars"]

_CAPTIONS = ("text", "caption", "captions", "prompt")
_LABELS = ("label", "class", "category")


@dataclass(frozen=True, slots=True)
class Row:
    """What is written about one image. A label is a number, a class name, or None."""

    label: int | str | None = None
    captions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sidecars:
    """Rows by image name; the files they were read from; `labelled` when some file decides about labels."""

    rows: Mapping[str, Row]
    files: tuple[str, ...]
    labelled: bool
    notice: str


def read_sidecars(tree: Tree, images: Collection[str]) -> Sidecars:
    """Everything beside the images. Raises ZooError with file and line for what cannot be read."""
    known, names = set(images), set(tree.names)
    rows: dict[str, Row] = {}
    absent: list[str] = []
    files: list[str] = []
    labelled = "dataset.json" in names
    if labelled:
        files.append("dataset.json")
        rows.update(_nvidia(tree.read("dataset.json"), known))
    for file in (name for name in tree.names if PurePosixPath(name).name in ("metadata.jsonl", "metadata.csv")):
        files.append(file)
        for image, row in _metadata(file, tree.read(file)):
            if image in known:
                rows[image] = row
                labelled = labelled or row.label is not None
            else:
                absent.append(image)
    texts = [(image, str(PurePosixPath(image).with_suffix(".txt"))) for image in images]
    for image, text in [(image, text) for image, text in texts if text in names]:
        lines = _decode(text, tree.read(text)).splitlines()
        captions = tuple(line.strip() for line in lines if line.strip())
        rows[image] = Row(rows.get(image, Row()).label, captions)
        files.append(text)
    return Sidecars(rows, tuple(files), labelled, _notice(absent))


def _notice(absent: list[str]) -> str:
    if not absent:
        return ""
    first = ", ".join(absent[:3]) + (", ..." if len(absent) > 3 else "")
    return f"The metadata names {len(absent)} images that are not there ({first}); they are left out."


def _metadata(file: str, content: bytes) -> Iterator[tuple[str, Row]]:
    """(image, row) of each line, the image relative to the root as the tree names it."""
    text, folder = _decode(file, content), PurePosixPath(file).parent
    for number, values in _json_lines(file, text) if file.endswith(".jsonl") else _csv_lines(text):
        name = values.get("file_name")
        if not isinstance(name, str) or not name:
            raise ZooError(
                f"{file}, line {number}: no `file_name`. Each line names its image in `file_name`, "
                f"with {'/'.join(_CAPTIONS)} or {'/'.join(_LABELS)} beside it."
            )
        yield (folder / name).as_posix(), Row(_label(file, number, values), _captions(values))


def _json_lines(file: str, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except ValueError as error:
            raise ZooError(f"{file}, line {number} is not JSON: {error}") from error
        if not isinstance(values, dict):
            raise ZooError(f'{file}, line {number} is not a JSON object: each line is {{"file_name": ...}}.')
        yield number, values


def _csv_lines(text: str) -> Iterable[tuple[int, Mapping[str, Any]]]:
    return enumerate(csv.DictReader(io.StringIO(text)), 2)


def _captions(values: Mapping[str, Any]) -> tuple[str, ...]:
    for column in _CAPTIONS:
        found = values.get(column)
        if found:
            return tuple(map(str, found)) if isinstance(found, list) else (str(found),)
    return ()


def _label(file: str, number: int, values: Mapping[str, Any]) -> int | str | None:
    for column in _LABELS:
        found = values.get(column)
        if found is None or found == "":
            continue
        if isinstance(found, str):
            return int(found) if found.isdecimal() and file.endswith(".csv") else found
        if isinstance(found, int) and not isinstance(found, bool) and found >= 0:
            return found
        raise ZooError(f"{file}, line {number}: the label {found!r} is neither a class name nor a number from 0 on.")
    return None


def _nvidia(content: bytes, known: Collection[str]) -> Iterator[tuple[str, Row]]:
    """NVIDIA's {"labels": [["00000/img00000000.png", 3], ...]} or {"labels": null}."""
    try:
        found = json.loads(_decode("dataset.json", content))
        labels = found.get("labels") if isinstance(found, dict) else None
        pairs = [(str(name).replace("\\", "/"), label) for name, label in labels or []]
    except (ValueError, TypeError) as error:
        raise ZooError(f'dataset.json does not hold {{"labels": [["image.png", 3], ...]}} or null: {error}') from error
    for name, label in pairs:
        if isinstance(label, bool) or not isinstance(label, int) or label < 0:
            raise ZooError(f"dataset.json labels {name} as {label!r}; whole numbers from 0 on are known.")
        if name in known:
            yield name, Row(label)


def _decode(file: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ZooError(f"{file} is not UTF-8 text ({error}); save it as UTF-8.") from error
