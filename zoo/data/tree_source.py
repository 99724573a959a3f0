"""The source behind a folder or a zip of images."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from zoo.data.layout import EXTENSIONS, class_names, class_of, image_names, splits_of
from zoo.data.sidecars import Row, Sidecars, read_sidecars
from zoo.data.source import Item, Source
from zoo.data.tree import Tree
from zoo.errors import ZooError, near_misses

__all__ = ["TreeSource"]


class TreeSource(Source):
    """Images of a tree, sorted by name. Subfolders train, test or val are splits, class folders are labels.

    `split` is one of them or "all"; None is train where there are splits. `labelled=False` ignores folders as
    labels. `splits` overrides what folders say: split -> image names; `keep` chooses among the images by
    name; `rows` replaces the files beside the images. Raises ZooError when no image is left.
    """

    def __init__(
        self,
        tree: Tree,
        *,
        name: str | None = None,
        split: str | None = None,
        labelled: bool = True,
        licence: str = "",
        splits: Mapping[str, Sequence[str]] | None = None,
        rows: Mapping[str, Row] | None = None,
        keep: Callable[[str], bool] = lambda name: True,
    ) -> None:
        self.name = name or tree.location.name.removesuffix(".zip") or "images"
        self.licence = licence
        self._tree = tree
        images = tuple(filter(keep, image_names(tree.names)))
        if not images:
            raise ZooError(_no_images(tree))
        below_split = splits is None
        found = splits_of(images) if splits is None else splits
        self.splits = tuple(found)
        self.split, chosen = _choose(self.name, split, found, images)
        # of every split, so that a class has the same number in all
        every = [image for one in found.values() for image in one] or images
        sidecars = read_sidecars(tree, every) if rows is None else Sidecars(rows, (), True, "")
        self.notice = sidecars.notice
        self._sidecars = sidecars.files
        again: dict[str, Any] = {"labelled": labelled, "licence": licence, "splits": splits, "rows": rows, "keep": keep}
        self._of_split = partial(TreeSource, tree, name=name, **again)
        folders = class_names(found if below_split else {}, images) if labelled else ()
        below = 1 if found and below_split else 0
        self.classes, labels = _labels(chosen, sidecars, folders, below)
        self.items = [
            Item(image, label, sidecars.rows.get(image, Row()).captions)
            for image, label in zip(chosen, labels, strict=True)
        ]

    def read(self, i: int, field: str = "image") -> bytes:
        """The file as it is."""
        return self._tree.read(self.items[i].key)

    def size(self, i: int, field: str = "image") -> int:
        """Number of bytes of the file."""
        return self._tree.size(self.items[i].key)

    def held_out(self) -> Source | None:
        """The split `test`, unless this is it or has it in."""
        known = "test" in self.splits and self.split not in ("test", "all")
        return self._of_split(split="test") if known else None

    def fingerprint(self) -> str:
        """Of names, sizes and times of change (folder) or checksums (zip), with those of labels and
        captions."""
        digest = hashlib.blake2b(self._tree.identity.encode(), digest_size=16)
        digest.update(repr((self.split, self.classes)).encode())
        for item in self.items:
            digest.update(f"{item.key}\0{item.label}\0{self._tree.stamp(item.key)}\n".encode())
        for file in self._sidecars:
            digest.update(f"{file}\0{self._tree.stamp(file)}\n".encode())
        return digest.hexdigest()

    def state(self) -> str:
        """With the file system's own times of change, which nothing that writes into a file can set back."""
        digest = hashlib.blake2b(self.fingerprint().encode(), digest_size=16)
        for name in (*(item.key for item in self.items), *self._sidecars):
            digest.update(f"{self._tree.changed(name)}\n".encode())
        return digest.hexdigest()


def _choose(
    name: str, split: str | None, splits: Mapping[str, Sequence[str]], images: Sequence[str]
) -> tuple[str | None, Sequence[str]]:
    """The split that was meant and its images."""
    if not splits:
        if split not in (None, "all"):
            raise ZooError(f"{name} has no splits, so there is no {split!r}; leave the split out.")
        return None, images
    split = split or next(iter(splits))
    if split == "all":
        return split, images
    if split not in splits:
        known = [*splits, "all"]
        raise ZooError(
            f"{name} has no split {split!r}. {near_misses(split, known)}".rstrip() + f" Known: {', '.join(known)}."
        )
    return split, splits[split]


def _labels(
    images: Sequence[str], sidecars: Sidecars, folders: Sequence[str], below: int
) -> tuple[tuple[str, ...], list[int | None]]:
    """(class names, label of each image): from the files beside the images where they decide, else from
    folders."""
    if not sidecars.labelled:
        numbers = {name: number for number, name in enumerate(folders)}
        return tuple(folders), [class_of(image, below, numbers) for image in images]
    known = {row.label for row in sidecars.rows.values() if row.label is not None}
    words = {label for label in known if isinstance(label, str)}
    if words and words != known:
        raise ZooError("Some labels in the metadata are numbers and some are words; write them all one way.")
    if words:
        classes = tuple(sorted(words | set(folders) if words <= set(folders) else words))
    else:
        classes = tuple(map(str, range(_highest(known) + 1)))
    numbers = {name: number for number, name in enumerate(classes)}
    given = [sidecars.rows[image].label if image in sidecars.rows else None for image in images]
    return classes, [None if label is None else numbers[str(label)] for label in given]


def _highest(labels: Iterable[int | str]) -> int:
    highest = max(map(int, labels), default=-1)
    if highest >= 1_000_000:
        raise ZooError(f"The label {highest} was given; labels count from 0, and a million classes are known at most.")
    return highest


def _no_images(tree: Tree) -> str:
    if not tree.names:
        return f"{tree.location} is empty. Put images ({', '.join(EXTENSIONS[:4])}, ...) into it."
    kinds = sorted({name.rpartition(".")[2] if "." in name else "no ending" for name in tree.names})[:8]
    return (
        f"{tree.location} holds {len(tree.names)} files and no image among them (endings: "
        f"{', '.join(kinds)}). "
        f"Images end in {', '.join(EXTENSIONS)}."
    )
