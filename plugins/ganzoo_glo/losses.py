"""The Laplacian pyramid and the distances made of it (Bojanowski et al. 2018, section 2; Ling & Okada 2006)."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import conv2d, l1_loss, mse_loss, pad

from zoo import Terms

__all__ = ["DISTANCES", "collapse", "lap1", "most_levels", "pyramid"]

TAPS = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)  # Burt & Adelson 1983
COARSEST = 4  # px, of the last level


def most_levels(resolution: int) -> int:
    """Levels down to 4x4 pixels: 5 at 64 px."""
    return (resolution // COARSEST).bit_length()


def blur(x: Tensor, gain: float = 1.0) -> Tensor:
    """Images [N,C,H,W] by the binomial filter along both axes, reflected at the borders, times `gain` per axis."""
    line = x.new_tensor(TAPS) * gain
    flat = x.flatten(0, 1)[:, None]
    across = conv2d(pad(flat, (2, 2, 0, 0), mode="reflect"), line.view(1, 1, 1, 5))
    return conv2d(pad(across, (0, 0, 2, 2), mode="reflect"), line.view(1, 1, 5, 1)).view_as(x)


def reduced(x: Tensor) -> Tensor:
    """Half the size."""
    return blur(x)[:, :, ::2, ::2]


def expanded(x: Tensor) -> Tensor:
    """Twice the size: zeros in between, blurred four times as bright."""
    n, c, h, w = x.shape
    spread = x.new_zeros(n, c, 2 * h, 2 * w)
    spread[:, :, ::2, ::2] = x
    return blur(spread, gain=2.0)


def pyramid(x: Tensor, levels: int) -> list[Tensor]:
    """Band-pass residuals of images [N,C,H,W], fine to coarse, and the low-pass image that remains: `levels` in all."""
    bands = []
    for _ in range(levels - 1):
        low = reduced(x)
        bands.append(x - expanded(low))
        x = low
    return [*bands, x]


def collapse(bands: list[Tensor]) -> Tensor:
    """The images of a pyramid."""
    x = bands[-1]
    for band in reversed(bands[:-1]):
        x = band + expanded(x)
    return x


def lap1(fake: Tensor, real: Tensor, levels: int) -> Tensor:
    """Lap1 of each pair, [N]: the sum over j of 4^j |L^j(x) - L^j(x')|_1, divided by the number of values of x.

    Level j has 4^j times fewer values than the image, so each level counts by its mean absolute difference. The pyramid
    is linear: one of the difference is the difference of two.
    """
    bands = pyramid(fake - real, levels)
    return torch.stack([band.abs().flatten(1).mean(1) for band in bands]).sum(0)


def squared(fake: Tensor, real: Tensor, levels: int) -> Terms:
    """Mean squared error of each pair."""
    return {"l2": mse_loss(fake, real, reduction="none").flatten(1).mean(1)}


def laplacian(fake: Tensor, real: Tensor, levels: int) -> Terms:
    """Lap1 of each pair."""
    return {"lap1": lap1(fake, real, levels)}


def both(fake: Tensor, real: Tensor, levels: int) -> Terms:
    """The paper's choice for everything but digits."""
    return squared(fake, real, levels) | laplacian(fake, real, levels)


def absolute(fake: Tensor, real: Tensor, levels: int) -> Terms:
    """Mean absolute error of each pair."""
    return {"l1": l1_loss(fake, real, reduction="none").flatten(1).mean(1)}


DISTANCES: dict[str, Callable[[Tensor, Tensor, int], Terms]] = {
    "l1": absolute,
    "l2": squared,
    "lap1": laplacian,
    "l2+lap1": both,
}
"""Distances by name: (fake, real, levels) to terms [N]."""
