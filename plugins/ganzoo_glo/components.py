"""Principal components of images that need not fit into memory."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

__all__ = ["principal_components"]

SPARE = 8  # directions beyond those asked for, which sharpen them
ROUNDS = 5


def principal_components(batches: Callable[[], Iterable[Tensor]], number: int) -> tuple[Tensor, Tensor]:
    """The mean [D] and the first components [D,k], k <= number, of the rows [n,D] of all batches; largest first.

    Subspace iteration (Halko, Martinsson & Tropp 2011), which reads the batches a few times and keeps none. Fewer than
    `number` come back where there are fewer rows or columns.
    """
    total, count = torch.zeros(()), 0
    for rows in batches():
        total, count = total + rows.double().sum(0), count + len(rows)
    mean = (total / count).float()
    number = min(number, count, len(mean))
    random = torch.Generator().manual_seed(0)
    basis = torch.randn(len(mean), min(number + SPARE, count, len(mean)), generator=random)
    for _ in range(ROUNDS):
        basis = torch.linalg.qr(spread(batches(), mean, basis))[0]
    _, axes = torch.linalg.eigh(basis.T @ spread(batches(), mean, basis))  # ascending
    return mean, (basis @ axes.flip(1))[:, :number]


def spread(batches: Iterable[Tensor], mean: Tensor, basis: Tensor) -> Tensor:
    """The scatter matrix of the rows, times `basis`."""
    out = torch.zeros_like(basis)
    for rows in batches:
        centred = rows - mean
        out += centred.T @ (centred @ basis)
    return out
