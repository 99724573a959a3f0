"""Where an augmentation's values come from: chance, or one quantile of every distribution.

All values are drawn on the CPU: small matrices are composed there, and nothing waits for an accelerator.
"""

import torch
from torch import Tensor

__all__ = ["Draws", "Quantile"]


class Draws:
    """Values for n images, float32 [n, columns], from torch's global generator of the CPU."""

    def uniform(self, n: int, columns: int = 1) -> Tensor:
        """Uniform on [0, 1)."""
        return torch.rand(n, columns, device="cpu", dtype=torch.float32)

    def repeated(self, n: int) -> Tensor:
        """Uniform on [0, 1), of an operation that comes a second time."""
        return self.uniform(n)

    def normal(self, n: int, columns: int = 1) -> Tensor:
        """Standard normal."""
        return torch.randn(n, columns, device="cpu", dtype=torch.float32)

    def magnitude(self, n: int) -> Tensor:
        """The absolute value of a standard normal."""
        return self.normal(n).abs()

    def gate(self, n: int, probability: float) -> Tensor:
        """Whether an operation of this probability happens, bool [n, 1]."""
        return self.uniform(n) < probability


class Quantile(Draws):
    """Every value at quantile `q` in (0, 1) and every gate open: for tests and figures.

    A normal one is erfinv(2q - 1), without the factor sqrt(2), a repeated one its middle, as in the published
    debug mode (Karras et al. 2020a).
    """

    def __init__(self, q: float) -> None:
        self.q = q

    def uniform(self, n: int, columns: int = 1) -> Tensor:
        """q itself."""
        return torch.full((n, columns), self.q, device="cpu", dtype=torch.float32)

    def repeated(self, n: int) -> Tensor:
        """The middle: no second rotation."""
        return torch.full((n, 1), 0.5, device="cpu", dtype=torch.float32)

    def normal(self, n: int, columns: int = 1) -> Tensor:
        """erfinv(2q - 1)."""
        return torch.erfinv(2 * self.uniform(n, columns) - 1)

    def magnitude(self, n: int) -> Tensor:
        """erfinv(q)."""
        return torch.erfinv(self.uniform(n))

    def gate(self, n: int, probability: float) -> Tensor:
        """Always."""
        return torch.ones(n, 1, dtype=torch.bool, device="cpu")
