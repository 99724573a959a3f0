"""CycleGAN (Zhu, Park, Isola & Efros 2017)."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_architectures", "ganzoo_importers"]


@hookimpl
def ganzoo_architectures() -> Iterator[Entry]:
    """Both directions and their training."""
    yield Entry(
        "cyclegan",
        "ganzoo_cyclegan.model:CycleGAN",
        "pictures into pictures without pairs: there and back again must be where it began",
        paper="1703.10593",
        tags=("translation", "unpaired", "classic"),
        needs=("image", "source"),
        traits={"features": "yes"},
        presets={
            "default": "small pictures in minutes on a CPU: narrow networks, batches of 4, averages",
            "paper": "the networks, losses and 200 passes of the released code, without the identity term",
            "painting": "the same with the identity term, which keeps colours: paintings to photographs",
            "tiny": "for tests: a few thousand weights",
        },
    )


@hookimpl
def ganzoo_importers() -> Iterator[Entry]:
    """Published weights."""
    yield Entry(
        "cyclegan-pytorch",
        "ganzoo_cyclegan.importing:ResNetImporter",
        "ResNet generators of pytorch-CycleGAN-and-pix2pix: horse2zebra, monet2photo and others",
        paper="1703.10593",
        traits={"architecture": "cyclegan"},
    )
