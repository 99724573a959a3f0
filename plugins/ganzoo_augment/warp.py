"""Affine motions of images, drawn and carried out at twice the resolution so that nothing is blurred or aliased."""

import math

import torch
from torch import Tensor

from ganzoo_augment.draws import Draws
from ganzoo_augment.filters import MARGIN, downsampler, upsampler
from ganzoo_augment.grid import sample

__all__ = ["blit", "geom", "warp"]

TURN = 2 * math.pi
TOGETHER = 4  # images per raster on a CPU: like with like, for one that moves far would enlarge them all


def blit(draws: Draws, n: int, p: float, height: int, width: int) -> Tensor:
    """Motions of whole pixels, as inverse maps float64 [n,3,3]: mirror, quarter turns, shifts of an eighth."""
    mirror = gated(draws, n, p, torch.floor(draws.uniform(n) * 2), 0)
    turns = gated(draws, n, p, torch.floor(draws.uniform(n) * 4), 0)
    shift = gated(draws, n, p, (draws.uniform(n, 2) * 2 - 1) * 0.125, 0)
    size = torch.tensor([width, height], device="cpu")
    return scaling(1 - 2 * mirror, 1) @ rotation(turns * (TURN / 4)) @ moving(-torch.round(shift * size))


def geom(draws: Draws, n: int, p: float, height: int, width: int) -> Tensor:
    """Continuous motions, as inverse maps float64 [n,3,3]: scale, rotate, stretch, rotate, shift."""
    size = gated(draws, n, p, torch.exp2(draws.normal(n) * 0.2), 1)
    p_rotate = 1 - math.sqrt(min(max(1 - p, 0), 1))  # twice; the chance of at least one is p
    first = gated(draws, n, p_rotate, (draws.uniform(n) * 2 - 1) * (TURN / 2), 0)
    stretch = gated(draws, n, p, torch.exp2(draws.normal(n) * 0.2), 1)
    second = gated(draws, n, p_rotate, (draws.repeated(n) * 2 - 1) * (TURN / 2), 0)
    shift = gated(draws, n, p, draws.normal(n, 2) * 0.125, 0)
    scaled = scaling(1 / size, 1 / size) @ rotation(first) @ scaling(1 / stretch, stretch) @ rotation(second)
    return scaled @ moving(-shift * torch.tensor([width, height], device="cpu"))


def gated(draws: Draws, n: int, p: float, value: Tensor, otherwise: float) -> Tensor:
    """The value of the images that the gate opens for, `otherwise` for the rest; float64 like `value`."""
    return torch.where(draws.gate(n, p), value, otherwise).double()


def scaling(x: Tensor, y: Tensor | float) -> Tensor:
    """Maps [n,3,3] that scale by x and y [n,1]."""
    maps = torch.eye(3, dtype=torch.float64, device="cpu").repeat(len(x), 1, 1)
    maps[:, 0, 0:1], maps[:, 1, 1:2] = x, y
    return maps


def rotation(angle: Tensor) -> Tensor:
    """Maps [n,3,3] that take (1, 0) to (cos, sin) of the angle [n,1]."""
    cos, sin = torch.cos(angle), torch.sin(angle)
    maps = scaling(cos, cos)
    maps[:, 0, 1:2], maps[:, 1, 0:1] = -sin, sin
    return maps


def moving(shift: Tensor) -> Tensor:
    """Maps [n,3,3] that add the shift (x, y) [n,2]."""
    maps = torch.eye(3, dtype=torch.float64, device="cpu").repeat(len(shift), 1, 1)
    maps[:, :2, 2] = shift
    return maps


def warp(images: Tensor, inverse: Tensor) -> Tensor:
    """Images [N,C,H,W] moved by inverse maps [N,3,3], which take a place in the result to its source.

    Places are in pixels from the middle of the image. What comes in from outside is the image mirrored, up to one
    image far, and zeros beyond. An image whose map is the identity is left alone.
    """
    still = torch.eye(3, dtype=torch.float64, device="cpu")
    moved = (inverse != still).flatten(1).any(1).nonzero().squeeze(1)
    if len(moved) == 0:
        return images
    together = TOGETHER if images.device.type == "cpu" else len(moved)
    by_reach = moved[reach(inverse[moved], *images.shape[2:]).sum(1).argsort()]
    groups = torch.split(by_reach, together)
    rows = [group.to(images.device, non_blocking=True) for group in groups]
    parts = [resample(images[own], inverse[group]) for own, group in zip(rows, groups, strict=True)]
    return images.index_copy(0, torch.cat(rows), torch.cat(parts))


def resample(images: Tensor, inverse: Tensor) -> Tensor:
    """`warp` of images that all move: pad, double, sample, halve; each step linear in the images."""
    height, width = images.shape[2:]
    left, top, right, bottom = margins(inverse, height, width)
    down, across = upsampler(height, top, bottom), upsampler(width, left, right)
    doubled = separable(images, down, across)
    centre = torch.tensor([[(left - right) / 2, (top - bottom) / 2]], dtype=torch.float64, device="cpu")
    half = torch.full((1, 2), 0.5, dtype=torch.float64, device="cpu")  # sym6 delays by half a doubled pixel
    double = torch.diag(torch.tensor([2.0, 2.0, 1.0], dtype=torch.float64, device="cpu"))
    inverse = moving(-half) @ double @ moving(centre) @ inverse @ double.inverse() @ moving(half)
    grid = places(inverse, (2 * height + 10, 2 * width + 10), doubled)
    return separable(sample(doubled, grid), downsampler(height), downsampler(width))


def separable(images: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """Columns through `down` [H',H], rows through `across` [W',W]."""
    down, across = (matrix.to(images, non_blocking=True) for matrix in (down, across))
    return down @ (images @ across.T)


def margins(inverse: Tensor, height: int, width: int) -> list[int]:
    """Pixels to pad left, above, right and below so that every image finds its sources; at most one image."""
    middle = torch.tensor([(width - 1) / 2, (height - 1) / 2] * 2, dtype=torch.float64, device="cpu")
    needed = reach(inverse, height, width).amax(0) + 2 * MARGIN - middle
    return [int(side) for side in needed.clamp(min=0).minimum(2 * middle).ceil()]


def reach(inverse: Tensor, height: int, width: int) -> Tensor:
    """How far left of, above, right of and below the middle each image's sources lie, [N,4] in pixels."""
    x, y = (width - 1) / 2, (height - 1) / 2
    corners = torch.tensor([[-x, x, x, -x], [-y, -y, y, y], [1, 1, 1, 1]], dtype=torch.float64, device="cpu")
    sources = (inverse @ corners)[:, :2]  # [N,2,4]
    return torch.cat([-sources.amin(2), sources.amax(2)], 1)


def places(inverse: Tensor, shape: tuple[int, int], source: Tensor) -> Tensor:
    """The grid [N,h,w,2] by which `sample` reads a result of `shape` out of `source` [N,C,H,W]."""
    rows, columns = (torch.arange(size, dtype=torch.float64, device="cpu") + 0.5 - size / 2 for size in shape)
    unit = torch.tensor([2 / source.shape[3], 2 / source.shape[2]], dtype=torch.float64, device="cpu")
    across = columns[None, :, None] * (inverse[:, None, :2, 0] * unit)  # [N,w,2]
    down = rows[None, :, None] * (inverse[:, None, :2, 1] * unit) + inverse[:, None, :2, 2] * unit  # [N,h,2]
    return across.to(source)[:, None] + down.to(source)[:, :, None]
