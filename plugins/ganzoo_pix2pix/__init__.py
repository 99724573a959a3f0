"""pix2pix (Isola, Zhu, Zhou & Efros 2017)."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_architectures", "ganzoo_discriminators", "ganzoo_importers"]


@hookimpl
def ganzoo_architectures() -> Iterator[Entry]:
    """The generators and their training."""
    yield Entry(
        "pix2pix",
        "ganzoo_pix2pix.model:Pix2Pix",
        "pictures into pictures from pairs: U-Net or ResNet, PatchGAN, L1",
        paper="1611.07004",
        tags=("translation", "paired", "classic"),
        needs=("image", "source"),
        traits={
            "players": "pair",
            "conditions": "source",
            "spatial": "source",
            "features": "yes",
            "norm": "d_norm=instance",
        },
        presets={
            "default": "small pictures in minutes on a CPU: narrow networks, batches of 4, an average",
            "paper": "the networks, losses and 200 passes of the released code, at any power of two",
            "paper-resnet": "the same with the residual generator",
            "tiny": "for tests: a few thousand weights",
        },
    )


@hookimpl
def ganzoo_discriminators() -> Iterator[Entry]:
    """Its discriminator, for other models."""
    yield Entry(
        "patchgan",
        "ganzoo_pix2pix.patchgan:discriminator",
        "a logit for every patch of the image, 70x70 px by default, or for every pixel",
        paper="1611.07004",
        traits={
            "role": "replace",
            "output": "logits",
            "features": "yes",
            "conditions": "source",
            "tiny": "width=4,layers=1",
        },
    )


@hookimpl
def ganzoo_importers() -> Iterator[Entry]:
    """Published weights."""
    yield Entry(
        "pix2pix-pytorch",
        "ganzoo_pix2pix.importing:UNetImporter",
        "U-Net generators of pytorch-CycleGAN-and-pix2pix: facades_label2photo, edges2shoes and others",
        paper="1611.07004",
        traits={"architecture": "pix2pix"},
    )
