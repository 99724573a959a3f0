"""Orthogonal wavelet filters as small matrices: one product per axis pads, resamples or filters an image.

A product can be differentiated any number of times. Its work grows with the size where a convolution's does not, so it
suits small pictures. All matrices are float32 on the CPU.
"""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["MARGIN", "bands", "downsampler", "upsampler"]

SYM6 = np.array(
    [
        *(0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633),
        *(0.4910559419267466, 0.787641141030194, 0.3379294217276218, -0.07263752278646252),
        *(-0.021060292512300564, 0.04472490177066578, 0.0017677118642428036, -0.007800708325034148),
    ]
)
SYM2 = np.array([-0.12940952255092145, 0.22414386804185735, 0.836516303737469, 0.48296291314469025])

MARGIN = len(SYM6) // 4  # pixels on each side that the resampling filter looks at


def mirrored(positions: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Positions outside [0, size) reflected at the outermost pixels, as often as need be."""
    period = max(2 * (size - 1), 1)
    inside = np.abs(positions) % period
    return np.minimum(inside, period - inside) if size > 1 else np.zeros_like(positions)


@lru_cache(maxsize=256)
def upsampler(size: int, before: int, after: int) -> Tensor:
    """[2(before+size+after), size]: pad by reflection, then double by sym6 with unit gain."""
    taps = 2 * SYM6 / SYM6.sum()
    padded = before + size + after
    row = np.arange(2 * padded)[:, None]
    tap = np.arange(len(taps))[None, :]
    column, odd = np.divmod(row + 5 - tap, 2)  # out[t] = sum over k of taps[t + 5 - 2k] padded[k]
    used = (odd == 0) & (column >= 0) & (column < padded)
    matrix = np.zeros((2 * padded, size))
    rows, weights = np.broadcast_to(row, used.shape)[used], np.broadcast_to(taps, used.shape)[used]
    np.add.at(matrix, (rows, mirrored(column[used] - before, size)), weights)
    return torch.from_numpy(matrix.astype(np.float32))


@lru_cache(maxsize=8)
def downsampler(size: int) -> Tensor:
    """[size, 2·size+10]: halve by sym6 mirrored; undoes `upsampler`, of which it takes the inner rows."""
    taps = SYM6 / SYM6.sum()
    matrix = np.zeros((size, 2 * size + len(taps) - 2))
    for i in range(size):
        matrix[i, 2 * i : 2 * i + len(taps)] = taps
    return torch.from_numpy(matrix.astype(np.float32))


@lru_cache(maxsize=8)
def bands(size: int) -> Tensor:
    """[4, size, size]: what each of the four octave bands of the sym2 filter bank passes, reflected at the borders.

    Their sum is the identity.
    """
    filters = filter_bank()
    reach = filters.shape[1] // 2
    matrix = np.zeros((size, size, len(filters)))
    place = np.arange(size)
    for tap, weights in enumerate(filters.T):
        np.add.at(matrix, (place, mirrored(place + tap - reach, size)), weights)
    return torch.from_numpy(matrix.transpose(2, 0, 1).astype(np.float32))


def filter_bank() -> NDArray[np.float64]:
    """[4, 43]: zero-phase octave bands, lowest first (Karras et al. 2020a, appendix B)."""
    high = SYM2 * (-1.0) ** np.arange(len(SYM2))
    low, high = (np.convolve(each, each[::-1]) / 2 for each in (SYM2, high))
    bank = np.eye(4, 1)
    for i in range(1, 4):
        bank = np.stack([np.convolve(row, low) for row in apart(bank)])
        centre = bank.shape[1] // 2
        bank[i, centre - len(high) // 2 : centre + len(high) // 2 + 1] += high
    return bank


def apart(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows with a zero between every two values."""
    spread = np.zeros((len(rows), 2 * rows.shape[1] - 1))
    spread[:, ::2] = rows
    return spread
