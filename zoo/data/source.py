"""A source of images: what lies behind `--data`, before anything is decoded."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import UnknownName, ZooError, near_misses

if TYPE_CHECKING:
    from zoo.data.decode import Crop
    from zoo.data.tree import Tree
    from zoo.grammar import Reference
    from zoo.registry import Registered

__all__ = ["IMAGE_FIELDS", "Item", "Source", "open_source"]

IMAGE_FIELDS = ("image", "source", "mask")
"""Fields of an item that are pictures: `image` is what critics judge, `source` is a translation's input."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a source."""

    key: str  # stable name, relative to the source, with forward slashes
    label: int | None = None  # None is unlabelled
    captions: tuple[str, ...] = ()


class Source(ABC):
    """Named images in a fixed order. Every attribute is known without decoding a picture."""

    name: str
    items: Sequence[Item]
    classes: tuple[str, ...] = ()  # class names by label; empty when unlabelled or unnamed
    split: str | None = None  # "train", "val", "test" or "all"; None when the source has no splits
    splits: tuple[str, ...] = ()  # the splits that can be asked for
    licence: str = ""
    notice: str = ""  # a line the user should read; empty is none
    fields: tuple[str, ...] = ("image",)  # pictures that each item has, out of IMAGE_FIELDS
    reference: str = ""  # text that opens this very content again; empty: the text it was opened by
    other: "Source | None" = None  # domain A, where its pictures belong to none of these: its `image` is our `source`

    def __len__(self) -> int:
        return len(self.items)

    @abstractmethod
    def read(self, i: int, field: str = "image") -> bytes:
        """The encoded bytes of one picture of item i. Raises OSError or ValueError when there are none."""

    @abstractmethod
    def fingerprint(self) -> str:
        """A hexadecimal key that changes when the content does; cheap, nothing is decoded."""

    def state(self) -> str:
        """As `fingerprint`, and stricter where that costs nothing: what was decoded is kept for as long as it holds."""
        return self.fingerprint()

    def size(self, i: int, field: str = "image") -> int:
        """Number of bytes of `read(i, field)`, cheaper where the source knows it."""
        return len(self.read(i, field))

    def check(self, i: int, contents: Mapping[str, bytes]) -> None:  # noqa: B027  most items are one picture
        """Raise ZooError when the pictures of item i, by field, do not belong together."""

    def at(self, size: int, crop: "Crop") -> "Source":
        """The source whose pictures are about to be brought to `size` pixels; one that draws pictures does so there."""
        return self

    def held_out(self) -> "Source | None":
        """The test split beside this training split; None where there is none."""
        return None


def open_source(text: str | Path, split: str | None = None, pair: str = "") -> Source:
    """The source behind a folder, a .zip, parquet files, a prepared folder, a dataset of the Hub
    `hf:owner/name[@revision][#config/split]`, or a registered name `emoji:style=noto,items=100`.

    Text that starts with `.`, `/`, `~` or `\\`, or that exists on the disk, is a path; anything else is a
    name; what is both is refused. `split` chooses one for a path that has several; a name takes it as an
    option. `pair` reads it as two domains: `ab`, `ba` or `edges`, see `zoo.data.pairs`. Raises ZooError,
    UnknownName or InvalidOptions.
    """
    if isinstance(text, str) and _is_both(text):
        raise ZooError(
            f"{text!r} is a registered dataset, and a file or folder here too: ./{text} means the latter, "
            f"{_dataset(text).qualified} the dataset."
        )
    if isinstance(text, Path) or _is_path(text):
        return _open_path(Path(text).expanduser(), split, pair)
    if text.startswith("hf:"):
        from ganzoo_hub.data import open_hub

        return _paired(open_hub(text, split), pair, split)
    from zoo.grammar import parse

    try:
        reference = parse(text)
    except ZooError as error:
        raise _unknown(text) from error
    return _paired(_open_name(reference, split), pair, split)


def _is_path(text: str) -> bool:
    if text.startswith((".", "/", "~", "\\")) or text.endswith((".zip", ".parquet", "/", "\\")):
        return True
    try:
        return Path(text).exists()
    except OSError:  # such as a name too long for a file
        return False


def _is_both(text: str) -> bool:
    from zoo.plugins import registry

    return text in registry().names("dataset") and Path(text).exists()


def _dataset(name: str) -> "Registered":
    from zoo.plugins import registry

    return registry().select("dataset", name)[0]


def _open_path(path: Path, split: str | None, pair: str) -> Source:
    from zoo.data.layout import image_names
    from zoo.data.pairs import is_two_domains
    from zoo.data.parquet import open_parquet
    from zoo.data.prepared import MARKER, open_prepared
    from zoo.data.prepared_source import PreparedSource
    from zoo.data.tree import open_tree
    from zoo.data.tree_source import TreeSource

    try:
        if not path.exists():
            raise ZooError(_missing(path))
        if path.is_dir() and (path / MARKER).is_file():
            return _paired(PreparedSource(open_prepared(path)), pair, split)
        if path.is_file() and path.suffix == ".parquet":
            return _paired(open_parquet({path.name: path}, path.stem, split), pair, split)
        tree = open_tree(path)
        tables = [name for name in tree.names if name.endswith(".parquet")]
        if path.is_dir() and tables and not image_names(tree.names):
            return _paired(open_parquet({name: path / name for name in tables}, path.name, split), pair, split)
        return _paired(tree, pair, split) if pair or is_two_domains(tree) else TreeSource(tree, split=split)
    except PermissionError as error:
        raise ZooError(f"No permission to read {error.filename or path}; change it with chmod.") from error


def _paired(found: "Source | Tree", pair: str, split: str | None) -> Source:
    """As two domains, where that is asked for or plain to see."""
    from zoo.data.pairs import open_pairs

    if isinstance(found, Source) and not pair:
        return found
    return open_pairs(found, pair or "ab", split)


def _missing(path: Path) -> str:
    parent = path.parent
    while not parent.exists():
        parent = parent.parent
    beside = [entry.name for entry in parent.iterdir()] if parent.is_dir() else []
    hint = near_misses(path.name, beside) if parent == path.parent else f"{parent} is there, nothing below it."
    return (
        f"The data {str(path)!r} does not exist. {hint}".rstrip()
        + " Give a folder of images, a .zip, a .parquet, or a dataset's name."
    )


def _open_name(reference: "Reference", split: str | None) -> Source:
    from zoo.options import bind
    from zoo.plugins import registry

    try:
        target: Callable[..., Any] = registry().load("dataset", reference.qualified)
    except UnknownName as error:
        raise _unknown(reference.qualified, error) from error
    if reference.variant:
        raise ZooError(
            f"The dataset {reference.name!r} was given with the variant {reference.variant!r}; datasets take "
            "options: "
            f"{reference.name}:key=value."
        )
    options: dict[str, object] = dict(reference.options)
    if split is not None:
        options.setdefault("split", split)
    source = target(**bind(target, options, where=reference.name))
    if not isinstance(source, Source):
        raise ZooError(f"The dataset {reference.name!r} gave a {type(source).__name__}, not a zoo.data.Source.")
    return source


def _unknown(text: str, cause: UnknownName | None = None) -> UnknownName:
    first = str(cause) if cause else f"No dataset is named {text!r}, and it cannot be the name of one."
    return UnknownName(
        f"{first}\nNo file or folder is called {text!r} here either; a path may be written as ./{text.lstrip('/')}"
    )
