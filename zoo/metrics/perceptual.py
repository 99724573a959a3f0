"""A perceptual distance on the maps of any frozen network."""

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["perceptual_distance"]


def perceptual_distance(one: Sequence[Tensor], other: Sequence[Tensor]) -> Tensor:
    """Squared distance of unit feature vectors, averaged over each map's places and summed over the maps, [n].

    LPIPS (Zhang et al. 2018) without its learned weights: each map is [n,C,h,w].
    """
    return torch.stack([((unit(a) - unit(b)) ** 2).sum(1).mean((1, 2)) for a, b in zip(one, other, strict=True)]).sum(0)


def unit(features: Tensor) -> Tensor:
    """Each place's features at length 1, float64."""
    wide = features.double()
    length: Tensor = wide.norm(dim=1, keepdim=True)
    return wide / (length + 1e-10)
