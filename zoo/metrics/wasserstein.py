"""The sliced Wasserstein distance between patches of Laplacian pyramids (Karras et al. 2018, section 5)."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from zoo.errors import ZooError

__all__ = ["levels_of", "patches", "sliced_wasserstein"]

COARSEST, PATCH, PER_PICTURE = 16, 7, 128
KERNEL = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16


def levels_of(resolution: int) -> list[int]:
    """Sizes of the pyramid: the pictures' and its halves down to 16 px. Raises ZooError for smaller pictures."""
    sizes = [resolution >> i for i in range(max(resolution.bit_length() - 4, 0))]
    if not sizes or sizes[-1] < COARSEST:
        raise ZooError(f"The sliced Wasserstein distance begins at 16 px; the pictures have {resolution}.")
    return sizes


def patches(pictures: NDArray[np.uint8], seed: int) -> dict[int, NDArray[np.float32]]:
    """By level size: 128 patches of 7x7 px of every picture uint8 [n,H,W,C], as rows [128 n, 49 C]."""
    rng = np.random.RandomState(seed)
    found = {}
    for size, level in zip(levels_of(pictures.shape[1]), pyramid(pictures), strict=True):
        places = rng.randint(0, size - PATCH + 1, (2, len(pictures) * PER_PICTURE))
        item = np.repeat(np.arange(len(pictures)), PER_PICTURE)[:, None, None, None]
        channel = np.arange(level.shape[1])[:, None, None]
        rows = places[0][:, None, None, None] + np.arange(PATCH)[:, None]
        columns = places[1][:, None, None, None] + np.arange(PATCH)
        found[size] = level.numpy()[item, channel, rows, columns].reshape(len(item), -1)
    return found


def pyramid(pictures: NDArray[np.uint8]) -> list[Tensor]:
    """Laplacian pyramid of float32 [n,C,s,s], fine to coarse; the last level is the blurred picture itself."""
    image = torch.from_numpy(pictures.astype(np.float32)).permute(0, 3, 1, 2)
    levels = []
    for _ in levels_of(pictures.shape[1])[1:]:
        smaller = blurred(image)[:, :, ::2, ::2]
        levels.append(image - enlarged(smaller))
        image = smaller
    return [*levels, image]


def blurred(image: Tensor, gain: float = 1.0) -> Tensor:
    """Under the binomial kernel of Burt & Adelson, mirrored at the border."""
    channels = image.shape[1]
    kernel = (gain * torch.outer(KERNEL, KERNEL)).expand(channels, 1, 5, 5)
    return functional.conv2d(functional.pad(image, (2, 2, 2, 2), mode="reflect"), kernel, groups=channels)


def enlarged(image: Tensor) -> Tensor:
    """Twice the size: zeros between, then blurred."""
    n, channels, height, width = image.shape
    spread = image.new_zeros(n, channels, 2 * height, 2 * width)
    spread[:, :, ::2, ::2] = image
    return blurred(spread, gain=4.0)


def sliced_wasserstein(
    one: NDArray[np.float32], other: NDArray[np.float32], *, repeats: int = 4, directions: int = 128, seed: int = 0
) -> float:
    """Mean absolute difference of the sorted projections of two equally many rows [n,d], over random directions.

    Each channel of a set is normalised first: rows are [n, C·49] with the channel first. Multiply by 1000 for the
    paper's unit.
    """
    a, b = standardised(one), standardised(other)
    rng = np.random.RandomState(seed)
    found = []
    for _ in range(repeats):
        slices = rng.randn(a.shape[1], directions)
        slices /= np.linalg.norm(slices, axis=0)
        project = slices.astype(np.float32)
        found.append(np.abs(np.sort(a @ project, axis=0) - np.sort(b @ project, axis=0)).mean())
    return float(np.mean(found))


def standardised(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each channel at mean 0 and deviation 1 over all patches."""
    by_channel = rows.reshape(len(rows), -1, PATCH * PATCH)
    mean = by_channel.mean(axis=(0, 2), keepdims=True, dtype=np.float64)
    spread = by_channel.std(axis=(0, 2), keepdims=True, dtype=np.float64)
    scaled: NDArray[np.float32] = ((by_channel - mean) / np.maximum(spread, 1e-8)).astype(np.float32)
    return scaled.reshape(len(rows), -1)
