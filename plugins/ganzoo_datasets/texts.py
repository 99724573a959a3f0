"""The label and split files of official datasets, read safely."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from zoo.data.sidecars import Row
from zoo.data.tree import Tree
from zoo.errors import UnknownName, ZooError, near_misses

__all__ = ["attribute_rows", "locate", "partition_splits"]

_PARTITIONS = {"0": "train", "1": "val", "2": "test"}


def locate(tree: Tree, file: str) -> str | None:
    """The name in the tree of the first file of that bare name, or None."""
    return next((name for name in tree.names if PurePosixPath(name).name == file), None)


def partition_splits(tree: Tree, file: str, images: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """CelebA's `000001.jpg 0` lines as split -> images; nothing when the file is absent."""
    found = locate(tree, file)
    if found is None:
        return {}
    numbers = dict(line.split()[:2] for line in tree.read(found).decode().splitlines() if len(line.split()) >= 2)
    splits: dict[str, list[str]] = {name: [] for name in _PARTITIONS.values()}
    for image in images:
        number = numbers.get(PurePosixPath(image).name)
        if number in _PARTITIONS:
            splits[_PARTITIONS[number]].append(image)
    return {name: chosen for name, chosen in splits.items() if chosen}


def attribute_rows(tree: Tree, file: str, attribute: str, images: Sequence[str]) -> Mapping[str, Row]:
    """CelebA's table of -1 and 1 as labels "without X" and "with X" of one attribute. Raises ZooError."""
    found = locate(tree, file)
    if found is None:
        raise ZooError(
            f"{tree.location} has no {file}, which holds the attributes; put it there, or leave attribute out."
        )
    lines = [line.split() for line in tree.read(found).decode().splitlines()]
    header = next((line for line in lines if len(line) > 1), [])
    if attribute not in header:
        raise UnknownName(
            f"No attribute is called {attribute!r}. {near_misses(attribute, header)} Known: {', '.join(header)}."
        )
    column = header.index(attribute) + 1
    values = {line[0]: line[column] for line in lines if len(line) == len(header) + 1}
    without, having = f"0 without {attribute}", f"1 with {attribute}"
    return {
        image: Row(having if values[name] == "1" else without)
        for image in images
        if (name := PurePosixPath(image).name) in values
    }
