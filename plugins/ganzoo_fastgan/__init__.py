"""FastGAN (Liu et al. 2021)."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_architectures", "ganzoo_discriminators", "ganzoo_losses"]


@hookimpl
def ganzoo_architectures() -> Iterator[Entry]:
    """The generator and its training, in the published form and in Projected GAN's two."""
    yield Entry(
        "fastgan",
        "ganzoo_fastgan.model:FastGAN",
        "skip-layer excitation and a discriminator that rebuilds its images; for few images, from 16 to 1024 px",
        paper="2101.04775",
        tags=("unconditional", "conditional", "low-data", "high-resolution"),
        needs=("image",),
        traits={"norm": "batch", "memory": "no"},
        presets={
            "default": "published networks from 256 px on, slimmer ones below; sound averages; pixel distance",
            "paper": "the published settings; its LPIPS distance needs VGG-16 weights and the package lpips",
            "tiny": "for tests: a few thousand weights",
        },
    )


@hookimpl
def ganzoo_losses() -> Iterator[Entry]:
    """Its game."""
    yield Entry(
        "soft-hinge",
        "ganzoo_fastgan.game:SoftHinge",
        "hinge whose margins are drawn from [0.8, 1] for each logit, as in FastGAN's code",
        paper="2101.04775",
    )


@hookimpl
def ganzoo_discriminators() -> Iterator[Entry]:
    """Its discriminator, for other models; it rebuilds real images there too."""
    yield Entry(
        "fastgan",
        "ganzoo_fastgan.networks:discriminator",
        "two views, and decoders that rebuild real images from what it saw",
        paper="2101.04775",
        traits={"role": "replace", "output": "logits", "norm": "batch", "memory": "no", "tiny": "width=4"},
    )
