"""ProGAN (Karras, Aila, Laine & Lehtinen 2018)."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_architectures", "ganzoo_discriminators", "ganzoo_importers"]


@hookimpl
def ganzoo_architectures() -> Iterator[Entry]:
    """The generator and its training."""
    yield Entry(
        "progan",
        "ganzoo_progan.model:ProGAN",
        "progressive growing from 4x4 pixels, with WGAN-GP and equalised layers",
        paper="1710.10196",
        tags=("unconditional", "classic", "progressive"),
        needs=("image",),
        traits={"grows": "yes", "weights": "equalised"},
        presets={
            "default": "64 px within 40 minutes on a 2-core CPU: narrow networks, short phases, lazy R1",
            "celeba-hq": "the paper's networks, schedule and batches for CelebA-HQ at up to 1024 px",
            "v2": "the authors' later recipe for one GPU: larger batches, shorter phases, a higher last rate",
            "tiny": "for tests: a few thousand weights",
        },
    )


@hookimpl
def ganzoo_discriminators() -> Iterator[Entry]:
    """Its discriminator, fully grown, for other models."""
    yield Entry(
        "progan",
        "ganzoo_progan.networks:discriminator",
        "equalised convolutions and the spread of the batch, down to one logit",
        paper="1710.10196",
        traits={"role": "replace", "output": "logits", "weights": "equalised", "tiny": "base=64,limit=8"},
    )


@hookimpl
def ganzoo_importers() -> Iterator[Entry]:
    """Published weights."""
    yield Entry(
        "progan-tensorflow",
        "ganzoo_progan.importing:TensorFlowImporter",
        "the authors' .pkl files, without TensorFlow",
        paper="1710.10196",
        traits={"architecture": "progan"},
    )
    yield Entry(
        "progan-facebook",
        "ganzoo_progan.importing:FacebookImporter",
        "the .pth files of pytorch_GAN_zoo",
        paper="1710.10196",
        traits={"architecture": "progan"},
    )
