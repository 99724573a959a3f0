"""Losses and regularisers, each usable with every architecture."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_losses", "ganzoo_regularizers"]


@hookimpl
def ganzoo_losses() -> Iterator[Entry]:
    """What the two players minimise; in the formulas r = D(x), f = D(G(z)), and each term is a mean."""
    yield Entry(
        "non-saturating",
        "ganzoo_losses.losses:NonSaturating",
        "the logistic game with -log D(G(z)) for the generator",
        paper="1406.2661",
        traits={
            "formula": "D: softplus(-r) + softplus(f);  G: softplus(-f)",
            "divergence": "none itself; its gradient at the best D is that of KL(fake || real) - 2 Jensen-Shannon",
        },
    )
    yield Entry(
        "minimax",
        "ganzoo_losses.losses:Minimax",
        "the original zero-sum game: the generator minimises log(1 - D(G(z)))",
        paper="1406.2661",
        traits={
            "formula": "D: softplus(-r) + softplus(f);  G: -softplus(f)",
            "divergence": "2 Jensen-Shannon - log 4",
        },
    )
    yield Entry(
        "hinge",
        "ganzoo_losses.losses:Hinge",
        "margins of one on each side; the generator raises D(G(z))",
        paper="1705.02894",
        traits={
            "formula": "D: max(0, 1 - r) + max(0, 1 + f);  G: -f",
            "divergence": "total variation, with the best D between -1 and 1",
        },
    )
    yield Entry(
        "least-squares",
        "ganzoo_losses.losses:LeastSquares",
        "LSGAN: squared distance to targets a (fake), b (real) and c (generator)",
        paper="1611.04076",
        traits={
            "formula": "D: scale (r - b)^2 + scale (f - a)^2;  G: scale (f - c)^2",
            "divergence": "Pearson chi^2(real + fake || 2 fake) with a=-1,b=1,c=0; with 0,1,1 no exact one",
        },
    )
    yield Entry(
        "wasserstein",
        "ganzoo_losses.losses:Wasserstein",
        "WGAN: the difference of means, with weights clipped to [-clip, clip]",
        paper="1701.07875",
        traits={
            "boundary": "none",
            "clips": "clip",
            "formula": "D: -r + f, every weight in [-clip, clip];  G: -f",
            "divergence": "the Wasserstein-1 distance, up to a factor, as far as clipped networks reach",
        },
    )
    yield Entry(
        "wgan-gp",
        "ganzoo_losses.losses:WassersteinGP",
        "the difference of means without clipping; combine it with --regularize gradient-penalty",
        paper="1704.00028",
        traits={
            "boundary": "none",
            "formula": "D: -r + drift r^2 + f;  G: -f",
            "divergence": "the Wasserstein-1 distance, if a regularizer keeps D 1-Lipschitz",
        },
    )
    yield Entry(
        "relativistic",
        "ganzoo_losses.relativistic:Relativistic",
        "a real image against a fake, in pairs; with r1 and r2 the game of R3GAN",
        paper="1807.00734",
        traits={
            "boundary": "none",
            "formula": "D: softplus(-(r - f));  G: softplus(-(f - r))",
            "divergence": "one between the laws of real and fake; which, has no name",
        },
    )
    yield Entry(
        "relativistic-average",
        "ganzoo_losses.relativistic:RelativisticAverage",
        "each image against the mean of the other side: RaSGAN, RaLSGAN, RaHingeGAN",
        paper="1807.00734",
        traits={
            "boundary": "none",
            "formula": "D: (loss(r - mean f) + loss(mean r - f)) / 2;  G: (loss(f - mean r) + loss(mean f - r)) / 2",
            "divergence": "one between the laws of real and fake; which, has no name",
        },
    )
    yield Entry(
        "f-gan",
        "ganzoo_losses.f_gan:FGAN",
        "the variational bound of a chosen f-divergence",
        paper="1606.00709",
        traits={
            "formula": "D: -g_f(r) + f*(g_f(f));  G: -g_f(f)",
            "divergence": "the one chosen: kl, reverse-kl, pearson, hellinger, jensen-shannon, gan, total-variation",
        },
    )


@hookimpl
def ganzoo_regularizers() -> Iterator[Entry]:
    """What keeps the discriminator smooth, or the two players in step."""
    yield Entry(
        "r1",
        "ganzoo_losses.penalties:R1",
        "gamma/2 times the squared gradient of D at real images, lazily every few steps",
        paper="1801.04406",
        traits={"scope": "critic", "per_sample": "yes", "formula": "gamma/2 |grad D(x)|^2"},
    )
    yield Entry(
        "r2",
        "ganzoo_losses.penalties:R2",
        "gamma/2 times the squared gradient of D at fakes",
        paper="1801.04406",
        traits={"scope": "critic", "per_sample": "yes", "formula": "gamma/2 |grad D(G(z))|^2"},
    )
    yield Entry(
        "gradient-penalty",
        "ganzoo_losses.penalties:GradientPenalty",
        "D's gradient drawn to norm 1 (or target) on the lines between reals and fakes",
        paper="1704.00028",
        traits={"scope": "critic", "per_sample": "yes", "formula": "weight (|grad D(x + u (G(z) - x))| - target)^2"},
    )
    yield Entry(
        "dragan",
        "ganzoo_losses.penalties:Dragan",
        "D's gradient drawn to norm 1 near the reals",
        paper="1705.07215",
        traits={
            "scope": "critic",
            "per_sample": "yes",
            "formula": "weight (|grad D(x + u scale std(x) noise)| - target)^2",
        },
    )
    yield Entry(
        "lecam",
        "ganzoo_losses.lecam:LeCam",
        "D's logits kept near a moving average of the other side's; for small sets",
        paper="2104.03310",
        tags=("low-data",),
        traits={
            "scope": "critic",
            "output": "logits",
            "formula": "weight (max(0, r - mean f)^2 + max(0, mean r - f)^2), means over past steps",
        },
    )
    yield Entry(
        "feature-matching",
        "ganzoo_losses.matching:FeatureMatching",
        "G's loss also asks for the mean features that D finds in reals",
        paper="1606.03498",
        traits={
            "scope": "critic",
            "player": "G",
            "needs": "features",
            "formula": "weight |E features(x) - E features(G(z))|",
        },
    )
    yield Entry(
        "replay",
        "ganzoo_losses.replay:Replay",
        "half of D's fakes come from a pool of earlier ones",
        paper="1612.07828",
        traits={"scope": "critic", "memory": "yes"},
    )
    yield Entry(
        "spectral-norm",
        "ganzoo_losses.spectral:SpectralNorm",
        "every weight of the discriminator divided by its largest singular value",
        paper="1802.05957",
        traits={"scope": "network", "formula": "W / sigma(W)"},
    )
    yield Entry(
        "consensus",
        "ganzoo_losses.consensus:Consensus",
        "both players step at once and also shorten their common gradient",
        paper="1705.10461",
        traits={"scope": "players", "formula": "v + strength grad(|v|^2 / 2), v the gradients of both players"},
    )
    yield Entry(
        "unrolled",
        "ganzoo_losses.unrolled:Unrolled",
        "G plays against the discriminator of some steps ahead",
        paper="1611.02163",
        traits={"scope": "players", "formula": "G: -L_D(G, D after K steps)"},
    )
