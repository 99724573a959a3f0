"""Errors between pictures and their targets, one value per pair."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["l1", "l2", "psnr"]

Floats = NDArray[np.float64]
Pictures = NDArray[np.uint8]


def l1(target: Pictures, fake: Pictures) -> Floats:
    """Mean absolute error in [0, 1] of pictures uint8 [n,H,W,C], [n]."""
    return over_pixels(np.abs(unit(target) - unit(fake)))


def l2(target: Pictures, fake: Pictures) -> Floats:
    """Mean squared error of pictures in [0, 1], [n]."""
    return over_pixels((unit(target) - unit(fake)) ** 2)


def psnr(target: Pictures, fake: Pictures) -> Floats:
    """Peak signal to noise ratio 10·log10(1 / mean squared error) in dB, [n]; a perfect copy counts as 100 dB."""
    decibels: Floats = 10 * np.log10(1 / np.maximum(l2(target, fake), 1e-10))
    return decibels


def unit(pictures: Pictures) -> Floats:
    """In [0, 1], float64."""
    return pictures.astype(np.float64) / 255


def over_pixels(values: Floats) -> Floats:
    """The mean of each picture."""
    means: Floats = values.reshape(len(values), -1).mean(axis=1)
    return means
