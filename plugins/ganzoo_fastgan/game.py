"""The hinge game with a margin drawn anew for each logit."""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor
from torch.nn.functional import relu

from zoo import Game, Range

__all__ = ["SoftHinge"]


@dataclass(frozen=True, slots=True)
class SoftHinge(Game):
    """The hinge game (Lim & Ye 2017) as FastGAN's code plays it: margins are uniform on [low, 1]."""

    low: Annotated[float, Range(0, 1)] = 0.8  # the smallest margin; 1 gives the plain hinge game

    def d(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """max(0, m - r) + max(0, m + f)."""
        return relu(self.margins(real) - real).mean(), relu(self.margins(fake) + fake).mean()

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """-f."""
        return -fake.mean()

    def margins(self, logits: Tensor) -> Tensor:
        """m, one for each logit."""
        return self.low + (1 - self.low) * torch.rand_like(logits)
