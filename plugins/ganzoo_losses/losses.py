"""Adversarial games as pairs of functions of the logits r = D(x) and f = D(G(z))."""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, softplus

from zoo import Game, Range, trainable

__all__ = ["Hinge", "LeastSquares", "Minimax", "NonSaturating", "Wasserstein", "WassersteinGP"]


@dataclass(frozen=True, slots=True)
class NonSaturating(Game):
    """Goodfellow et al. 2014, section 3: D maximises log D(x) + log(1 - D(G(z))), G maximises log D(G(z))."""

    smooth: Annotated[float, Range(0, 0.5)] = 0.0  # one-sided label smoothing: the real target is 1 - smooth
    d_scale: Annotated[float, Range(0)] = 1.0  # factor on D's loss; 0.5 in pix2pix, whose D is to learn slowly

    def d(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """softplus(-r) + softplus(f): the cross-entropy with targets 1 - smooth and 0, on logits."""
        real_part = softplus(-real).mean() + self.smooth * real.mean()
        return self.d_scale * real_part, self.d_scale * softplus(fake).mean()

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """softplus(-f) = -log D(G(z))."""
        return softplus(-fake).mean()


@dataclass(frozen=True, slots=True)
class Minimax(NonSaturating):
    """Goodfellow et al. 2014, eq. 1: the generator minimises log(1 - D(G(z)))."""

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """-softplus(f) = log(1 - D(G(z)))."""
        return -softplus(fake).mean()


@dataclass(frozen=True, slots=True)
class Hinge(Game):
    """Lim & Ye 2017; Miyato et al. 2018, eq. 16 and 17."""

    def d(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """max(0, 1 - r) + max(0, 1 + f)."""
        return relu(1 - real).mean(), relu(1 + fake).mean()

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """-f."""
        return -fake.mean()


@dataclass(frozen=True, slots=True)
class LeastSquares(Game):
    """Mao et al. 2017, eq. 2. (a,b,c) = (0,1,1) by default; (-1,1,0) minimises the Pearson chi-square."""

    a: float = 0.0  # D's target for fakes
    b: float = 1.0  # D's target for reals
    c: float = 1.0  # the target that G wants for its fakes
    scale: Annotated[float, Range(0)] = 0.5  # factor on every term: 0.5 in the paper, 1 in many codes
    d_scale: Annotated[float, Range(0)] = 1.0  # a further one on D's loss: 0.5 in CycleGAN, where scale is 1

    @property
    def boundary(self) -> float:
        """Half-way between the targets."""
        return (self.a + self.b) / 2

    def d(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """d_scale·scale·(r - b)² + d_scale·scale·(f - a)²."""
        scale = self.d_scale * self.scale
        return scale * (real - self.b).square().mean(), scale * (fake - self.a).square().mean()

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """scale·(f - c)²."""
        return self.scale * (fake - self.c).square().mean()


@dataclass(frozen=True, slots=True)
class Wasserstein(Game):
    """Arjovsky et al. 2017, eq. 2 and algorithm 1, with D high on reals (the official code negates D)."""

    clip: Annotated[float, Range(0)] = 0.01  # every parameter of D stays in [-clip, clip]; 0 switches it off

    @property
    def boundary(self) -> None:
        """None: only differences of D mean something."""
        return

    def d(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """-r + f."""
        return -real.mean(), fake.mean()

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """-f."""
        return -fake.mean()

    @torch.no_grad()
    def constrain(self, network: nn.Module) -> None:
        """Clip every learned parameter, the affine ones of normalisation layers included."""
        if self.clip:
            for parameter in trainable(network):
                parameter.clamp_(-self.clip, self.clip)


@dataclass(frozen=True, slots=True)
class WassersteinGP(Game):
    """Gulrajani et al. 2017, eq. 3 without its last term, which is the regulariser `gradient-penalty`."""

    drift: Annotated[float, Range(0)] = 0.0  # weight of D(x)² at reals, which keeps D near 0; 0.001 in ProGAN

    @property
    def boundary(self) -> None:
        """None: only differences of D mean something."""
        return

    def d(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """-r + drift·r² (Karras et al. 2018, appendix A.1), and f."""
        real_part = -real.mean()
        if self.drift:
            real_part = real_part + self.drift * real.square().mean()
        return real_part, fake.mean()

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """-f."""
        return -fake.mean()
