"""Two domains of pictures: A, the `source`, and B, the `image`; row by row, or each a set of its own."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from PIL import Image

from zoo.data.decode import Crop, open_image
from zoo.data.layout import domain_of, domains_of, image_names
from zoo.data.source import Source
from zoo.data.tree import Tree
from zoo.data.tree_source import TreeSource
from zoo.errors import ZooError, near_misses

__all__ = ["Field", "HalvesSource", "TwoDomains", "apart", "domains", "is_two_domains", "open_pairs", "swapped"]

Match = Literal["auto", "names", "none"]

KNOWN = ("ab", "ba", "edges")
SHOWN = 5  # names in an error


@dataclass(frozen=True, slots=True)
class Sides:
    """How two domains belong together."""

    match: Match = "auto"  # pair two folders by names, or not at all; auto pairs A/ B/ and not trainA/ trainB/


def open_pairs(source: Source | Tree, pair: str, split: str | None = None) -> Source:
    """A source or the files of a folder as two domains: `ab` (from the first to the second), `ba`, or `edges`.

    Folders hold `A/ B/`, `trainA/ trainB/`, `train/A ...`, or pictures with both halves side by side. Raises ZooError
    for what is not paired, InvalidOptions for options that are not known.
    """
    from zoo.grammar import parse
    from zoo.options import bind

    reference = parse(pair)
    if reference.name not in KNOWN or reference.distribution or reference.variant:
        raise ZooError(f"--pair {pair}: known are {', '.join(KNOWN)}. {near_misses(reference.name, KNOWN)}".rstrip())
    if reference.name == "edges":
        from zoo.data.edges import Canny, EdgeSource

        pictures = TreeSource(source, split=split) if isinstance(source, Tree) else source
        return EdgeSource(pictures, Canny(**bind(Canny, reference.options, where="--pair edges")))
    chosen = Sides(**bind(Sides, reference.options, where=f"--pair {reference.name}"))
    found = domains(source, split=split, match=chosen.match) if isinstance(source, Tree) else source
    if found.other is None and "source" not in found.fields:
        raise ZooError(
            f"{found.name} has one picture of each item, so there is nothing to translate between. Give a set of pairs "
            "(`ganzoo list datasets --tag paired`), a folder with A/ and B/, or --pair edges."
        )
    if chosen.match == "none":
        found = apart(found)
    elif chosen.match == "names" and found.other is not None:
        raise ZooError(f"{found.name} is no folder, so its domains cannot be matched by name; leave match out.")
    return swapped(found) if reference.name == "ba" else found


def is_two_domains(tree: Tree) -> bool:
    """Whether a folder can only be meant so: trainA/ and trainB/."""
    tops = {name.partition("/")[0] for name in image_names(tree.names)}
    return {"trainA", "trainB"} <= tops and all(domain_of(f"{top}/x") for top in tops)


def domains(
    tree: Tree, *, name: str = "", split: str | None = None, match: Match = "auto", licence: str = ""
) -> Source:
    """The two domains that lie in a folder or zip. Raises ZooError naming what has no partner."""
    name = name or tree.location.name.removesuffix(".zip") or "pairs"
    images = image_names(tree.names)
    found = domains_of(images)
    if not found:
        halves = TreeSource(tree, name=name, split=split, labelled=False, licence=licence)
        return HalvesSource(halves)
    for each, (ours, theirs) in found.items():
        for letter, names in (("A", ours), ("B", theirs)):
            if not names:
                where = f"of the split {each} " if each else ""
                raise ZooError(f"{tree.location}: domain {letter} {where}is empty; put its images beside the other's.")

    def side(number: int) -> Source:
        names = {each: two[number] for each, two in found.items()}
        keep = {image for every in names.values() for image in every}.__contains__
        splits = {} if "" in names else names
        return TreeSource(tree, name=name, split=split, labelled=False, licence=licence, splits=splits, keep=keep)

    joined = any(place.joined for image in images if (place := domain_of(image)))
    return TwoDomains(side(1), side(0), pairs=match == "names" or (match == "auto" and not joined))


class TwoDomains(Source):
    """Pictures `image` of domain B with those of domain A: `source` of each item, or a set of its own as `other`.

    Items of a pair have the same name, but for folders of domains, suffix and a final _A or _B, or with `aligned` the
    same number. Raises ZooError naming those without a partner.
    """

    def __init__(self, image: Source, source: Source, *, pairs: bool, aligned: bool = False) -> None:
        self._image, self._source, self._aligned = image, source, aligned
        self.name, self.items, self.classes = image.name, image.items, image.classes
        self.split, self.splits = image.split, image.splits
        self.licence, self.notice = image.licence, " ".join(filter(None, dict.fromkeys((image.notice, source.notice))))
        self.pairs = pairs
        if pairs:
            self.fields = ("image", "source")
            self._rows = range(len(source)) if aligned else matched(image, source)
        else:
            self.other = source

    def read(self, i: int, field: str = "image") -> bytes:
        """A picture of either domain."""
        return self._source.read(self._rows[i]) if field == "source" else self._image.read(i)

    def size(self, i: int, field: str = "image") -> int:
        """Number of its bytes."""
        return self._source.size(self._rows[i]) if field == "source" else self._image.size(i)

    def check(self, i: int, contents: Mapping[str, bytes]) -> None:
        """Both pictures of a pair are of one size."""
        sizes = {field: upright_size(content) for field, content in contents.items()}
        if len(set(sizes.values())) > 1 and None not in sizes.values():
            source, image = (f"{'x'.join(map(str, sizes[field] or ()))} px" for field in ("source", "image"))
            raise ZooError(
                f"{self.name}: the sizes of a pair differ: {self._source.items[self._rows[i]].key} is {source}, "
                f"{self.items[i].key} {image}. Bring both to one size; `ganzoo data inspect` lists every such pair."
            )

    def at(self, size: int, crop: Crop) -> "TwoDomains":
        """Both domains there."""
        image, source = self._image.at(size, crop), self._source.at(size, crop)
        return TwoDomains(image, source, pairs=self.pairs, aligned=self._aligned)

    def fingerprint(self) -> str:
        """Of both domains and of what belongs together."""
        return self._digest(self._image.fingerprint(), self._source.fingerprint())

    def state(self) -> str:
        """As strict as theirs."""
        return self._digest(self._image.state(), self._source.state())

    def _digest(self, *of_domains: str) -> str:
        return hashlib.blake2b(repr((of_domains, self.pairs)).encode(), digest_size=16).hexdigest()

    def turned(self) -> "TwoDomains":
        """From B to A."""
        return TwoDomains(self._source, self._image, pairs=self.pairs, aligned=self._aligned)

    def held_out(self) -> Source | None:
        """The test split of both."""
        image, source = self._image.held_out(), self._source.held_out()
        if image is None or source is None:
            return None
        return TwoDomains(image, source, pairs=self.pairs, aligned=self._aligned)


class Field(Source):
    """One field of a source, as a source of single pictures."""

    def __init__(self, source: Source, field: str) -> None:
        self._whole, self._field = source, field
        self.name, self.items, self.classes = source.name, source.items, source.classes
        self.split, self.splits = source.split, source.splits
        self.licence, self.notice = source.licence, source.notice

    def read(self, i: int, field: str = "image") -> bytes:
        """A picture of that field."""
        return self._whole.read(i, self._field)

    def size(self, i: int, field: str = "image") -> int:
        """Number of its bytes."""
        return self._whole.size(i, self._field)

    def at(self, size: int, crop: Crop) -> "Field":
        """The field of the source there."""
        return Field(self._whole.at(size, crop), self._field)

    def fingerprint(self) -> str:
        """Of the source and the field."""
        return hashlib.blake2b(f"{self._whole.fingerprint()} {self._field}".encode(), digest_size=16).hexdigest()

    def state(self) -> str:
        """As strict as the source's."""
        return hashlib.blake2b(f"{self._whole.state()} {self._field}".encode(), digest_size=16).hexdigest()

    def held_out(self) -> Source | None:
        """The field of the test split."""
        other = self._whole.held_out()
        return None if other is None else Field(other, self._field)


class HalvesSource(Source):
    """Pictures that show A on the left and B on the right, cut in the middle."""

    fields = ("image", "source")

    def __init__(self, pictures: Source) -> None:
        self._pictures = pictures
        self.name, self.items, self.classes = pictures.name, pictures.items, pictures.classes
        self.split, self.splits = pictures.split, pictures.splits
        self.licence = pictures.licence
        halves = f"Each picture of {self.name} is a pair: A is its left half, B its right."
        self.notice = f"{halves} {pictures.notice}".strip()

    def read(self, i: int, field: str = "image") -> bytes:
        """One half, as PNG. Raises ZooError where there are no two equal ones."""
        whole = open_image(self._pictures.read(i))
        if whole.width % 2:
            raise ZooError(
                f"{self.items[i].key} of {self.name} is {whole.width} px wide, which makes no two equal halves; pairs "
                "lie side by side, A on the left and B on the right."
            )
        middle = whole.width // 2
        box = (0, 0, middle, whole.height) if field == "source" else (middle, 0, whole.width, whole.height)
        half, buffer = whole.crop(box), io.BytesIO()
        (half if half.mode not in ("CMYK", "YCbCr", "LAB", "HSV") else half.convert("RGB")).save(
            buffer, "PNG", compress_level=1
        )
        return buffer.getvalue()

    def size(self, i: int, field: str = "image") -> int:
        """Number of bytes of half a picture, nearly."""
        return self._pictures.size(i) // 2

    def fingerprint(self) -> str:
        """Of the pictures."""
        return hashlib.blake2b(f"halves {self._pictures.fingerprint()}".encode(), digest_size=16).hexdigest()

    def state(self) -> str:
        """As strict as theirs."""
        return hashlib.blake2b(f"halves {self._pictures.state()}".encode(), digest_size=16).hexdigest()

    def held_out(self) -> Source | None:
        """The test split, cut alike."""
        other = self._pictures.held_out()
        return None if other is None else HalvesSource(other)


def swapped(source: Source) -> Source:
    """A and B in each other's place."""
    if isinstance(source, TwoDomains):
        return source.turned()
    if source.other is not None:
        return TwoDomains(source.other, Field(source, "image"), pairs=False)
    return TwoDomains(Field(source, "source"), Field(source, "image"), pairs=True, aligned=True)


def apart(source: Source) -> Source:
    """Pairs as two sets of their own."""
    if source.other is not None:
        return source
    return TwoDomains(Field(source, "image"), Field(source, "source"), pairs=False)


def matched(image: Source, source: Source) -> list[int]:
    """By item of `image`, the item of `source` of the same name. Raises ZooError naming those without one."""
    ours, theirs = (_by_name(one) for one in (image, source))
    lone = [theirs[name] for name in theirs if name not in ours] + [ours[name] for name in ours if name not in theirs]
    if lone:
        raise ZooError(
            f"{image.name}: {len(lone)} pictures have no partner of the same name in the other domain: {_named(lone)}. "
            "Add the partners or remove these; domains that are no pairs are opened by --pair ab:match=none."
        )
    places = {item.key: i for i, item in enumerate(source.items)}
    found = {ours[name]: places[theirs[name]] for name in ours}
    return [found[item.key] for item in image.items]


def _by_name(source: Source) -> dict[str, str]:
    """Keys by what a pair has in common. Raises ZooError when two are called alike."""
    found: dict[str, str] = {}
    for item in source.items:
        name = partner_name(item.key)
        if name in found:
            raise ZooError(f"{source.name}: {found[name]} and {item.key} would be pairs of one picture; rename one.")
        found[name] = item.key
    return found


def partner_name(key: str) -> str:
    """A file's path below the folder of its domain, without suffix and without a final _A or _B."""
    place = domain_of(key)
    path = PurePosixPath(key if place is None else place.rest).with_suffix("")
    return str(path).removesuffix("_A").removesuffix("_B")


def upright_size(content: bytes) -> tuple[int, int] | None:
    """Width and height as it is looked at, without decoding; None for what decoding will refuse."""
    try:
        with Image.open(io.BytesIO(content)) as picture:
            turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
            return (picture.height, picture.width) if turned else picture.size
    except Exception:  # decoders of foreign bytes raise nearly anything
        return None


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
