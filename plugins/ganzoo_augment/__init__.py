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
    yield Entry(
        "ada",
        "ganzoo_augment.ada:Ada",
        "adaptive augmentation: up to eighteen operations whose probability follows how sure D is of the reals",
        paper="2006.06676",
        tags=("adaptive", "colour", "geometry", "low-data"),
        traits={"adaptive": "p", "continued": "kimg=100"},
    )
    yield Entry(
        "apa",
        "ganzoo_augment.apa:Apa",
        "adaptive pseudo augmentation: D is shown some fakes as real, the more the surer it is of the reals",
        paper="2111.06849",
        tags=("adaptive", "low-data"),
        traits={"adaptive": "p"},
    )
    yield Entry(
        "instance-noise",
        "ganzoo_augment.instance_noise:InstanceNoise",
        "white noise on reals and fakes that fades over the first images",
        paper="1610.04490",
        tags=("noise",),
    )
