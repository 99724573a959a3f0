"""Games of energies: EBGAN (Zhao et al. 2016), BEGAN (Berthelot et al. 2017), and the discriminator they need."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_discriminators", "ganzoo_losses", "ganzoo_regularizers"]


@hookimpl
def ganzoo_losses() -> Iterator[Entry]:
    """What the two players minimise, as functions of energies."""
    yield Entry(
        "ebgan",
        "ganzoo_ebgan.games:EBGAN",
        "low energies for reals, fakes pushed up to a margin; with --discriminator autoencoder",
        paper="1609.03126",
        traits={
            "output": "energy",
            "boundary": "none",
            "formula": "D: E(x) + max(0, m - E(G(z)));  G: E(G(z))",
            "divergence": "total variation, up to the margin, where both players are at their best",
        },
    )
    yield Entry(
        "began",
        "ganzoo_ebgan.games:BEGAN",
        "energies held in balance by a control term; with --discriminator autoencoder:form=began",
        paper="1703.10717",
        traits={
            "output": "energy",
            "boundary": "none",
            "formula": "D: E(x) - k E(G(z));  G: E(G(z));  k <- clip(k + rate (gamma E(x) - E(G(z))), 0, 1)",
            "divergence": "a lower bound of the Wasserstein distance between the laws of reconstruction errors",
        },
    )


@hookimpl
def ganzoo_regularizers() -> Iterator[Entry]:
    """What keeps the fakes apart."""
    yield Entry(
        "pull-away",
        "ganzoo_ebgan.pull_away:PullAway",
        "the fakes' features are driven apart, in G's loss (EBGAN-PT)",
        paper="1609.03126",
        traits={
            "scope": "critic",
            "player": "G",
            "needs": "features",
            "formula": "sum over i != j of cos(s_i, s_j)^2 / (N (N - 1))",
        },
    )


@hookimpl
def ganzoo_discriminators() -> Iterator[Entry]:
    """The autoencoder whose reconstruction error is the energy."""
    yield Entry(
        "autoencoder",
        "ganzoo_ebgan.networks:autoencoder",
        "an autoencoder; its energy is the error of its reconstruction",
        paper="1609.03126",
        traits={"role": "replace", "output": "energy", "features": "yes", "loss": "ebgan", "tiny": "width=4"},
    )
