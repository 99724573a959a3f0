"""DCGAN (Radford, Metz & Chintala 2015)."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_architectures", "ganzoo_discriminators"]


@hookimpl
def ganzoo_architectures() -> Iterator[Entry]:
    """The generator and its training."""
    yield Entry(
        "dcgan",
        "ganzoo_dcgan.model:DCGAN",
        "all-convolutional pair with batch normalisation; quick on a laptop",
        paper="1511.06434",
        tags=("unconditional", "classic", "small"),
        needs=("image",),
        traits={"players": "pair", "features": "yes", "norm": "d_norm=none"},
        presets={
            "default": "rough pictures from a small set in minutes on a CPU: EMA, lazy R1, DiffAugment",
            "paper": "the official networks and settings of dcgan.torch and pytorch/examples",
            "theano": "the authors' own code: 5x5 kernels, dense first and last layers, twice the width",
            "tiny": "for tests: a few thousand weights",
        },
    )


@hookimpl
def ganzoo_discriminators() -> Iterator[Entry]:
    """Its discriminator, for other models."""
    yield Entry(
        "dcgan",
        "ganzoo_dcgan.networks:discriminator",
        "strided 4x4 convolutions down to one logit",
        paper="1511.06434",
        traits={"role": "replace", "output": "logits", "features": "yes", "tiny": "width=4"},
    )
