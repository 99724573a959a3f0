"""Colour changes as affine maps of RGB, drawn and applied at once."""

import math

import torch
from torch import Tensor

from ganzoo_augment.draws import Draws
from ganzoo_augment.warp import gated

__all__ = ["colour_maps", "recolour"]

GREY = torch.tensor([1.0, 1.0, 1.0, 0.0], dtype=torch.float64, device="cpu") / math.sqrt(3)  # the axis of equal RGB
IDENTITY = torch.eye(4, dtype=torch.float64, device="cpu")


def colour_maps(draws: Draws, n: int, p: float, channels: int) -> Tensor:
    """Maps float64 [n,4,4] of (R, G, B, 1): brightness, contrast, luma flip; with colour also hue and saturation."""
    luma = torch.outer(GREY, GREY)
    maps = IDENTITY.repeat(n, 1, 1)
    maps[:, :3, 3] = gated(draws, n, p, draws.normal(n) * 0.2, 0)
    contrast = gated(draws, n, p, torch.exp2(draws.normal(n) * 0.5), 1)
    maps[:, :3] *= contrast[..., None]
    flip = gated(draws, n, p, torch.floor(draws.uniform(n) * 2), 0)
    maps = (IDENTITY - 2 * luma * flip[..., None]) @ maps
    if channels > 1:
        angle = gated(draws, n, p, (draws.uniform(n) * 2 - 1) * math.pi, 0)
        maps = around_grey(angle[..., None]) @ maps
        saturation = gated(draws, n, p, torch.exp2(draws.normal(n)), 1)
        maps = (luma + (IDENTITY - luma) * saturation[..., None]) @ maps
    return maps


def around_grey(angle: Tensor) -> Tensor:
    """Maps [n,4,4] that turn colours about the grey axis by `angle` [n,1,1] (Rodrigues' formula)."""
    luma = torch.outer(GREY, GREY)
    cross = torch.tensor([[0, -1, 1, 0], [1, 0, -1, 0], [-1, 1, 0, 0], [0, 0, 0, 0]], dtype=torch.float64, device="cpu")
    fourth = torch.diag(torch.tensor([0, 0, 0, 1], dtype=torch.float64, device="cpu"))
    plane = IDENTITY - luma - fourth
    return luma + fourth + plane * torch.cos(angle) + cross * (torch.sin(angle) / math.sqrt(3))


def recolour(images: Tensor, maps: Tensor) -> Tensor:
    """Apply maps [N,4,4] to RGB images; grey ones [N,1,H,W] change as (v, v, v) does in the mean of its channels."""
    if images.shape[1] == 1:
        mean = maps[:, :3].mean(1)
        gain, offset = (value.to(images)[:, None, None, None] for value in (mean[:, :3].sum(1), mean[:, 3]))
        return images * gain + offset
    matrix, offset = (part.to(images) for part in (maps[:, :3, :3], maps[:, :3, 3:]))
    return torch.baddbmm(offset, matrix, images.flatten(2)).view(images.shape)
