"""Distances to nearest neighbours, block by block: never a whole matrix of distances at once."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["blocks", "nearest", "nearest_of", "radii"]

Floats = NDArray[np.float64]
ROWS = 512  # of a block


def blocks(rows: NDArray[np.floating], others: NDArray[np.floating]) -> Iterator[tuple[slice, Floats]]:
    """Euclidean distances [<=512, m] in float64 of each block of `rows` [n,d] to all `others` [m,d]."""
    for start in range(0, len(rows), ROWS):
        part = slice(start, min(start + ROWS, len(rows)))
        some = torch.from_numpy(np.array(rows[part], np.float64))
        found = [distances(some, others[at : at + 8 * ROWS]) for at in range(0, len(others), 8 * ROWS)]
        yield part, torch.cat(found, dim=1).numpy()


def distances(some: torch.Tensor, others: NDArray[np.floating]) -> torch.Tensor:
    """Float64 distances; by products only where rows are many: those cancel for neighbours that coincide."""
    several = torch.from_numpy(np.array(others, np.float64))
    return torch.cdist(some, several, compute_mode="use_mm_for_euclid_dist_if_necessary")


def radii(rows: NDArray[np.floating], k: int) -> Floats:
    """The distance of each row to its k-th nearest other row, [n]."""
    found = np.empty(len(rows))
    for part, apart in blocks(rows, rows):
        apart[np.arange(len(apart)), np.arange(part.start, part.stop)] = 0.0  # itself: not what rounding makes of it
        found[part] = np.partition(apart, k, axis=1)[:, k]
    return found


def nearest(rows: NDArray[np.floating], others: NDArray[np.floating]) -> tuple[Floats, NDArray[np.int64]]:
    """(distance [n], index [n]) of each row's nearest among the others."""
    near, index = np.empty(len(rows)), np.empty(len(rows), np.int64)
    for part, apart in blocks(rows, others):
        index[part] = apart.argmin(axis=1)
        near[part] = apart.min(axis=1)
    return near, index


def nearest_of(rows: NDArray[np.floating], others: NDArray[np.floating], k: int) -> NDArray[np.int64]:
    """The indices of each row's k nearest among the others, nearest first, [n,k]."""
    found = np.empty((len(rows), k), np.int64)
    for part, apart in blocks(rows, others):
        found[part] = np.argsort(apart, axis=1)[:, :k]
    return found
