"""Projected GAN (Sauer et al. 2021)."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_architectures", "ganzoo_discriminators", "ganzoo_importers"]


@hookimpl
def ganzoo_architectures() -> Iterator[Entry]:
    """FastGAN's generator against the projected discriminator."""
    yield Entry(
        "projected-gan",
        "ganzoo_projected.presets:PRESETS",
        "FastGAN's generator against heads on random projections of a frozen network; quick to converge",
        paper="2111.01007",
        tags=("unconditional", "conditional", "low-data", "high-resolution"),
        needs=("image",),
        presets={
            "default": "the published networks from 256 px on; below, the lite generator, slim, for CPUs",
            "paper": "the published settings: deep blocks, batches of 64, 10 million images",
            "paper-lite": "the same with the lite generator, which is the better choice on small sets",
            "tiny": "for tests: a few thousand weights on the test backbone",
        },
        base="fastgan",
    )


@hookimpl
def ganzoo_discriminators() -> Iterator[Entry]:
    """Its discriminator, for every architecture."""
    yield Entry(
        "projected",
        "ganzoo_projected.discriminator:projected",
        "heads of several scales on random projections of a frozen network's features",
        paper="2111.01007",
        traits={
            "role": "replace",
            "output": "logits",
            "loss": "hinge",
            "norm": "batch",
            "backbone": "usual",
            "conditions": "label",
            "tiny": "size=64,width=4,backbone=test-8ch",
        },
    )


@hookimpl
def ganzoo_importers() -> Iterator[Entry]:
    """The authors' weights."""
    yield Entry(
        "projected-gan",
        "ganzoo_projected.importing:ProjectedImporter",
        "the generators of the authors' .pkl files: FastGAN's, full and lite, with and without labels",
        paper="2111.01007",
        traits={"architecture": "projected-gan"},
    )
