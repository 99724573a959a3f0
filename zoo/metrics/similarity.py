"""Structural similarity on one scale (Wang et al. 2004) and on several (Wang et al. 2003)."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from zoo.errors import ZooError

__all__ = ["ms_ssim", "ssim"]

Floats = NDArray[np.float64]
Pictures = NDArray[np.uint8]

WINDOW, SIGMA = 11, 1.5
C1, C2 = 0.01**2, 0.03**2  # (K1 L)², (K2 L)² for values in [0, 1]
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the scales, fine to coarse


def ssim(one: Pictures, other: Pictures) -> Floats:
    """Mean structural similarity in [-1, 1] of pictures uint8 [n,H,W,C], [n]: Gaussian window of 11 px, sigma 1.5."""
    whole, _ = terms(planes(one), planes(other))
    return whole.numpy()


def ms_ssim(one: Pictures, other: Pictures) -> Floats:
    """Similarity over five scales, [n], of pictures of at least 16 px.

    As ProGAN's authors measure it (Odena et al. 2017; Karras et al. 2018): windows shrink with pictures smaller than
    they are, and negative similarities count as zero.
    """
    if min(one.shape[1:3]) < 2 ** (len(WEIGHTS) - 1):
        raise ZooError(f"MS-SSIM halves a picture four times; {one.shape[1]} x {one.shape[2]} px is too small.")
    a, b = planes(one), planes(other)
    product = torch.ones(len(one), dtype=torch.float64)
    for i, weight in enumerate(WEIGHTS):
        if i:
            a, b = functional.avg_pool2d(a, 2), functional.avg_pool2d(b, 2)
        whole, contrast = terms(a, b)
        product *= (whole if i == len(WEIGHTS) - 1 else contrast).clamp(min=0) ** weight
    return product.numpy()


def planes(pictures: Pictures) -> Tensor:
    """[n,H,W,C] of bytes as float64 [n,C,H,W] in [0, 1]."""
    return torch.from_numpy(pictures.astype(np.float64) / 255).permute(0, 3, 1, 2)


def terms(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """(similarity, its contrast and structure alone) of each pair, means over windows and channels, [n]."""
    window = gaussian(min(WINDOW, *a.shape[2:]))
    mean_a, mean_b = blur(a, window), blur(b, window)
    var_a, var_b = blur(a * a, window) - mean_a**2, blur(b * b, window) - mean_b**2
    covariance = blur(a * b, window) - mean_a * mean_b
    contrast = (2 * covariance + C2) / (var_a + var_b + C2)
    light = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    return (light * contrast).mean(dim=(1, 2, 3)), contrast.mean(dim=(1, 2, 3))


def gaussian(size: int) -> Tensor:
    """A window of `size` px that sums to 1; its deviation shrinks with it."""
    places = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    weights = torch.exp(-(places**2) / (2 * (SIGMA * size / WINDOW) ** 2))
    return weights / weights.sum()


def blur(images: Tensor, window: Tensor) -> Tensor:
    """Every channel under the window, where it fits whole."""
    channels, size = images.shape[1], len(window)
    across = window.reshape(1, 1, 1, size).expand(channels, 1, 1, size)
    down = window.reshape(1, 1, size, 1).expand(channels, 1, size, 1)
    return functional.conv2d(functional.conv2d(images, across, groups=channels), down, groups=channels)
