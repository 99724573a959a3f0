"""What the names of files say: which are images, their splits and their classes. Pure functions of names."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

__all__ = [
    "EXTENSIONS",
    "SPLITS",
    "Place",
    "class_names",
    "class_of",
    "domain_of",
    "domains_of",
    "image_names",
    "splits_of",
]

EXTENSIONS = (
    ".png",
    ".jpg",
    ".jpeg",
    ".webp",
    ".bmp",
    ".gif",
    ".tif",
    ".tiff",
    ".ppm",
    ".pgm",
    ".pnm",
    ".avif",
    ".jp2",
)

SPLITS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "val": "val",
    "valid": "val",
    "validation": "val",
}
_DOMAIN = re.compile(r"(?:([A-Za-z]+)[_-]?)?([AB])")  # the folder of a domain: A, trainA, train_A
_BUCKET = re.compile(r"\d{5}")  # 00000, 01000: how FFHQ and NVIDIA's tools divide large sets, no classes


def image_names(names: Iterable[str]) -> tuple[str, ...]:
    """The names whose ending is that of an image, in the order given."""
    return tuple(name for name in names if PurePosixPath(name).suffix.lower() in EXTENSIONS)


def splits_of(images: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Split -> its images, when every image lies in a top folder named as a split and one is `train`, else
    {}.

    Where there is `val` and no `test`, it is called `test`.
    """
    found: dict[str, list[str]] = {}
    for name in images:
        top, slash, _ = name.partition("/")
        split = SPLITS.get(top.lower()) if slash else None
        if split is None:
            return {}
        found.setdefault(split, []).append(name)
    if "train" not in found:
        return {}
    if "val" in found and "test" not in found:
        found["test"] = found.pop("val")
    return {split: tuple(found[split]) for split in ("train", "val", "test") if split in found}


def class_names(splits: Mapping[str, Sequence[str]], images: Sequence[str]) -> tuple[str, ...]:
    """The class folders, sorted: two or more folders that hold every image, below the splits where there are
    any.

    Splits without class folders (ImageNet's flat val) give none and spoil nothing. Folders named only by five
    digits are buckets, not classes.
    """
    found: set[str] = set()
    for below, group in [(1, group) for group in splits.values()] if splits else [(0, images)]:
        parts = [PurePosixPath(name).parts for name in group]
        if all(len(one) > below + 1 for one in parts):
            found |= {one[below] for one in parts}
    if len(found) < 2 or all(_BUCKET.fullmatch(name) for name in found):
        return ()
    return tuple(sorted(found))


def class_of(name: str, below: int, classes: Mapping[str, int]) -> int | None:
    """The label that an image's folder gives; `below` is 1 where splits come first, else 0."""
    parts = PurePosixPath(name).parts
    return classes.get(parts[below]) if len(parts) > below + 1 else None


class Place(NamedTuple):
    """Where a picture of two domains lies."""

    split: str  # train, val or test; empty without splits
    domain: str  # A or B
    rest: str  # the path below
    joined: bool  # split and domain in one word, as unpaired sets have them


def domain_of(name: str) -> Place | None:
    """What `A/x.png`, `trainA/x.png`, `train/A/x.png` or `A/train/x.png` says; None for any other name."""
    parts = PurePosixPath(name).parts
    if len(parts) < 2:
        return None
    top, below = _DOMAIN.fullmatch(parts[0]), parts[1:]
    if top is None:
        split = SPLITS.get(parts[0].lower(), "")
        return Place(split, parts[1], "/".join(parts[2:]), False) if split and parts[1] in ("A", "B") else None
    split = SPLITS.get((top[1] or "").lower(), "")
    if top[1] and not split:
        return None
    if not split and len(below) > 1 and below[0].lower() in SPLITS:
        split, below = SPLITS[below[0].lower()], below[1:]
    return Place(split, top[2], "/".join(below), bool(top[1]))


def domains_of(images: Sequence[str]) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Split -> (images of A, images of B), when each lies in a folder of one domain, else {}.

    Without splits everything stands under "". As elsewhere, `val` is called `test` where there is none.
    """
    places = {name: place for name in images if (place := domain_of(name))}
    if not places or len(places) < len(images):
        return {}
    splits = [split for split in ("train", "val", "test") if any(place.split == split for place in places.values())]
    whole = any(not place.split for place in places.values())
    found = {}
    for split in [""] if whole else splits:
        of_split = {name: place.domain for name, place in places.items() if whole or place.split == split}
        found[split] = (
            tuple(name for name, domain in of_split.items() if domain == "A"),
            tuple(name for name, domain in of_split.items() if domain == "B"),
        )
    if "val" in found and "test" not in found:
        found["test"] = found.pop("val")
    return found
