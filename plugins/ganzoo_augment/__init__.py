"""How a discriminator sees images: augmentations usable with every architecture."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_augmentations"]


@hookimpl
def ganzoo_augmentations() -> Iterator[Entry]:
    """Differentiable views of reals and fakes alike, for both players."""
    yield Entry(
        "flip",
        "ganzoo_augment.flip:Flip",
        "a horizontal flip of every second image",
        tags=("geometry",),
    )
    yield Entry(
        "diffaugment",
        "ganzoo_augment.diffaugment:DiffAugment",
        "colour, translation and cutout, as published",
        paper="2006.10738",
        tags=("colour", "geometry", "low-data"),
    )
