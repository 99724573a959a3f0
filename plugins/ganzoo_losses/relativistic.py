"""Games in which a real image is judged against fakes, and a fake against reals."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor
from torch.nn.functional import relu, softplus

from zoo import Game

__all__ = ["Relativistic", "RelativisticAverage"]

LOSSES: dict[str, Callable[[Tensor], Tensor]] = {
    "logistic": lambda x: softplus(-x),
    "least-squares": lambda x: (x - 1).square(),
    "hinge": lambda x: relu(1 - x),
}
"""What a player minimises of a difference x that it wants to be high."""


class Paired(Game):
    """Only differences of D mean something, so there is no boundary; G's step needs D(real)."""

    needs_real: ClassVar[bool] = True

    @property
    def boundary(self) -> None:
        """None."""
        return


@dataclass(frozen=True, slots=True)
class Relativistic(Paired):
    """Jolicoeur-Martineau 2018, eq. 6 and 7 (RSGAN); RpGAN of Huang et al. 2024 with r1 and r2. Row i meets row i."""

    def d(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """softplus(-(r - f)), which no two parts make up: half of it each."""
        half = softplus(fake - real).mean() / 2
        return half, half

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """softplus(-(f - r))."""
        assert real is not None
        return softplus(real - fake).mean()


@dataclass(frozen=True, slots=True)
class RelativisticAverage(Paired):
    """Jolicoeur-Martineau 2018, section 4.2: r - E f and f - E r, whose means carry gradients.

    Both players' losses are halved as in the author's code; the paper's equations are not.
    """

    form: Literal["logistic", "least-squares", "hinge"] = "logistic"  # RaSGAN, RaLSGAN, RaHingeGAN

    def d(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """½ loss(r - E f) and ½ loss(-(f - E r))."""
        return self.half(real - fake.mean()), self.half(real.mean() - fake)

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """½ loss(f - E r) + ½ loss(-(r - E f))."""
        assert real is not None
        return self.half(fake - real.mean()) + self.half(fake.mean() - real)

    def half(self, difference: Tensor) -> Tensor:
        """Half the mean loss."""
        return LOSSES[self.form](difference).mean() / 2
