"""Class-conditional GANs: cGAN (Mirza & Osindero 2014), AC-GAN (Odena et al. 2017), InfoGAN (Chen et al. 2016)."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_architectures"]


@hookimpl
def ganzoo_architectures() -> Iterator[Entry]:
    """Three ways to say which picture is wanted."""
    yield Entry(
        "cgan",
        "ganzoo_conditional.cgan:CGAN",
        "labels go into every layer of both players, or into D as a projection",
        paper="1411.1784",
        tags=("conditional", "classic", "small"),
        needs=("image", "label"),
        traits={"conditions": "label", "features": "yes", "norm": "d_norm=none"},
        presets={
            "default": "quick on a CPU: no normalisation in D, lazy R1, an average",
            "paper": "the convolutional form of the DCGAN authors' code for MNIST",
            "projection": "as default, with the label in D as an inner product (Miyato & Koyama 2018)",
            "tiny": "for tests: a few thousand weights",
        },
    )
    yield Entry(
        "acgan",
        "ganzoo_conditional.acgan:ACGAN",
        "the discriminator names the class besides judging",
        paper="1610.09585",
        tags=("conditional", "classic"),
        needs=("image", "label"),
        traits={"heads": "class logits", "features": "yes", "norm": "d_norm=none"},
        presets={
            "default": "quick on a CPU: the CIFAR pair with an average",
            "paper": "the published settings: CIFAR networks, or ImageNet's at 128 px",
            "tiny": "for tests: a few thousand weights",
        },
    )
    yield Entry(
        "infogan",
        "ganzoo_conditional.infogan:InfoGAN",
        "codes that the discriminator can read back from the picture come to mean something",
        paper="1606.03657",
        tags=("unconditional", "classic", "small"),
        needs=("image",),
        traits={"heads": "readings of the codes", "norm": "batch"},
        presets={
            "default": "the published settings for MNIST, with an average",
            "paper": "the published settings for MNIST",
            "tiny": "for tests: a few thousand weights",
        },
    )
