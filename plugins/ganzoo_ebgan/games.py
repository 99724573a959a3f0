"""Games of energies E(x) [N,1], low for what D takes for real."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from zoo import Game, Progress, Range, all_sum

__all__ = ["BEGAN", "EBGAN"]


@dataclass(frozen=True, slots=True)
class EBGAN(Game):
    """Zhao et al. 2016, eq. 1 and 2."""

    margin: Annotated[float, Range(0)] = 1.0  # energies of fakes count below it; of pixels in [-1, 1], squared

    output: ClassVar[str] = "energy"

    @property
    def boundary(self) -> None:
        """None: real is low, and where it ends no one says."""
        return

    def d(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """E(x) and max(0, m - E(G(z)))."""
        return real.mean(), relu(self.margin - fake).mean()

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """E(G(z))."""
        return fake.mean()


class BEGAN(nn.Module, Game):
    """Berthelot et al. 2017, section 3.4: k holds E(G(z)) at gamma·E(x).

    k moves once a step, after it, by the energies of all microbatches and processes; `convergence` is the
    measure of section 3.4.1, E(x) + |gamma·E(x) - E(G(z))|.
    """

    output: ClassVar[str] = "energy"

    def __init__(
        self,
        gamma: Annotated[float, Range(0, 1)] = 0.5,  # diversity: the wanted ratio of fake to real energy
        rate: Annotated[float, Range(0)] = 0.001,  # lambda_k, the step of k
    ) -> None:
        super().__init__()
        self.gamma = gamma
        self.rate = rate
        self.k: Tensor
        self.convergence: Tensor
        self.seen: Tensor
        self.register_buffer("k", torch.zeros(()))
        self.register_buffer("convergence", torch.zeros(()))
        self.register_buffer("seen", torch.zeros(4))  # since the last move: sums of E(x) and E(G(z)), their counts

    @property
    def boundary(self) -> None:
        """None: real is low, and where it ends no one says."""
        return

    def d(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """E(x) and -k·E(G(z))."""
        with torch.no_grad():
            counts = real.new_tensor([real.numel(), fake.numel()])
            self.seen.add_(torch.cat([torch.stack([real.sum(), fake.sum()]), counts]))
        return real.mean(), -self.k.clone() * fake.mean()

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """E(G(z))."""
        return fake.mean()

    @torch.no_grad()
    def begin_step(self, progress: Progress) -> None:
        """k <- clip(k + rate·(gamma·E(x) - E(G(z))), 0, 1), by what all processes saw in the step before."""
        seen = all_sum(self.seen)
        if seen[2] > 0:
            real, fake = (seen[:2] / seen[2:]).unbind()
            balance = self.gamma * real - fake
            self.k.add_(self.rate * balance).clamp_(0, 1)
            self.convergence.copy_(real + balance.abs())
            self.seen.zero_()
