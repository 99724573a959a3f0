"""Path length regularisation (Karras et al. 2020a, section 3.2)."""

from dataclasses import dataclass
from math import sqrt
from typing import Annotated

import torch
from torch import Tensor

from zoo import GeneratorRegularizer, Range

__all__ = ["PathLength", "path_lengths"]


@dataclass(frozen=True, slots=True)
class PathLength(GeneratorRegularizer):
    """weight · E(‖Jᵀy‖ - a)²: equal steps in w move the picture equally far; a is the running mean (eq. 4)."""

    weight: Annotated[float, Range(0)] = 2.0  # strength
    every: Annotated[int, Range(1)] = 4  # steps between penalties; each counts `every` times
    part: Annotated[int, Range(1)] = 2  # on 1/part of the batch
    decay: Annotated[float, Range(0, 1)] = 0.01  # share of the new lengths in the running mean

    def penalty(self, lengths: Tensor, mean: Tensor) -> Tensor:
        """The penalty of lengths [N], a scalar; the mean takes them in first, and its gradient counts."""
        moved = mean.lerp(lengths.mean(), self.decay)
        return self.weight * (lengths - moved).square().mean()


def path_lengths(images: Tensor, ws: Tensor, direction: Tensor) -> Tensor:
    """‖Jᵀy‖ per image, [N]: the gradient of <image, y> by styles [N,L,D], norms averaged over layers as squares.

    `direction` is standard normal and of the images' shape; y is it over sqrt(H·W). Differentiable once more.
    """
    y = direction / sqrt(images.shape[2] * images.shape[3])
    (gradient,) = torch.autograd.grad((images * y).sum(), ws, create_graph=True)
    return gradient.square().sum(2).mean(1).sqrt()
