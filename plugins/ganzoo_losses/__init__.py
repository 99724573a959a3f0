"""Losses and regularisers, each usable with every architecture."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_losses", "ganzoo_regularizers"]


@hookimpl
def ganzoo_losses() -> Iterator[Entry]:
    """What the two players minimise."""
    yield Entry(
        "non-saturating",
        "ganzoo_losses.losses:NonSaturating",
        "the logistic game with -log D(G(z)) for the generator",
        paper="1406.2661",
    )
    yield Entry(
        "minimax",
        "ganzoo_losses.losses:Minimax",
        "the original zero-sum game: the generator minimises log(1 - D(G(z)))",
        paper="1406.2661",
    )
    yield Entry(
        "hinge",
        "ganzoo_losses.losses:Hinge",
        "margins of one on each side; the generator raises D(G(z))",
        paper="1705.02894",
    )
    yield Entry(
        "least-squares",
        "ganzoo_losses.losses:LeastSquares",
        "LSGAN: squared distance to targets a (fake), b (real) and c (generator)",
        paper="1611.04076",
    )
    yield Entry(
        "wasserstein",
        "ganzoo_losses.losses:Wasserstein",
        "WGAN: the difference of means, with weights clipped to [-clip, clip]",
        paper="1701.07875",
    )
    yield Entry(
        "wgan-gp",
        "ganzoo_losses.losses:WassersteinGP",
        "the difference of means without clipping; combine it with --regularize gradient-penalty",
        paper="1704.00028",
    )


@hookimpl
def ganzoo_regularizers() -> Iterator[Entry]:
    """What keeps the discriminator smooth."""
    yield Entry(
        "r1",
        "ganzoo_losses.penalties:R1",
        "gamma/2 times the squared gradient of D at real images, lazily every few steps",
        paper="1801.04406",
        traits={"scope": "critic"},
    )
    yield Entry(
        "gradient-penalty",
        "ganzoo_losses.penalties:GradientPenalty",
        "D's gradient drawn to norm 1 (or target) on the lines between reals and fakes",
        paper="1704.00028",
        traits={"scope": "critic"},
    )
    yield Entry(
        "spectral-norm",
        "ganzoo_losses.spectral:SpectralNorm",
        "every weight of the discriminator divided by its largest singular value",
        paper="1802.05957",
        traits={"scope": "network"},
    )
