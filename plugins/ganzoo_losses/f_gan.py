"""f-GAN: any f-divergence by its variational bound."""

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import softplus

from zoo import Game

__all__ = ["FGAN"]

Function = Callable[[Tensor], Tensor]
Divergence = Literal["kl", "reverse-kl", "pearson", "hellinger", "jensen-shannon", "gan", "total-variation"]

PAIRS: dict[str, tuple[Function, Function]] = {
    "kl": (lambda v: v, lambda v: torch.exp(v - 1)),
    "reverse-kl": (lambda v: -torch.exp(-v), lambda v: v - 1),
    "pearson": (lambda v: v, lambda v: v.square() / 4 + v),
    "hellinger": (lambda v: 1 - torch.exp(-v), lambda v: torch.exp(v) - 1),
    "jensen-shannon": (lambda v: log(2) - softplus(-v), lambda v: softplus(v) - log(2)),
    "gan": (lambda v: -softplus(-v), softplus),
    "total-variation": (lambda v: torch.tanh(v) / 2, lambda v: torch.tanh(v) / 2),
}
"""g_f(v), the activation of a logit v, and f*(g_f(v)) in a form that does not overflow early (tables 2 and 6)."""


@dataclass(frozen=True, slots=True)
class FGAN(Game):
    """Nowozin et al. 2016, eq. 7: D raises E g_f(r) - E f*(g_f(f)), a lower bound of the divergence of f."""

    divergence: Divergence = "kl"  # from the data's law to the fakes'
    saturating: bool = False  # G lowers the bound itself; false: G raises E g_f(f) (section 3.2)

    @property
    def boundary(self) -> float:
        """The logit v with g_f(v) = f'(1): where fakes are as likely as reals."""
        return 1.0 if self.divergence == "kl" else 0.0

    def d(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """-g_f(r) and f*(g_f(f))."""
        activation, conjugate = PAIRS[self.divergence]
        return -activation(real).mean(), conjugate(fake).mean()

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """-g_f(f), or -f*(g_f(f))."""
        activation, conjugate = PAIRS[self.divergence]
        return -(conjugate if self.saturating else activation)(fake).mean()
