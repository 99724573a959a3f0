"""Bilinear sampling whose gradient can be differentiated again, on every torch from 2.6 on."""

from typing import Any

import torch
from torch import Tensor

__all__ = ["sample"]

BILINEAR, ZEROS = 0, 0  # torch's codes: interpolation, and what lies outside
ALIGN_CORNERS = False


def sample(images: Tensor, grid: Tensor) -> Tensor:
    """`images` [N,C,H,W] at the places of `grid` [N,H',W',2], x and y in [-1, 1] from border to border; zeros outside.

    Linear in the images, so that its gradient is the adjoint and the gradient of that is sampling again; the
    `grid_sample` of torch 2.6 has no second derivative. No gradient reaches the grid.
    """
    sampled: Tensor = _Sample.apply(images, grid)
    return sampled


class _Sample(torch.autograd.Function):
    """Images to values."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.shape = images.shape
        return torch.grid_sampler_2d(images, grid, BILINEAR, ZEROS, ALIGN_CORNERS)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (grid,) = ctx.saved_tensors
        return _Spread.apply(gradients[0], grid, ctx.shape), None


class _Spread(torch.autograd.Function):
    """Values to images, the adjoint: each value is shared out among the four pixels it was read from."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, grid: Tensor, shape: torch.Size) -> Tensor:
        ctx.save_for_backward(grid)
        image = values.new_zeros(1).expand(shape)  # the adjoint of a linear map asks for a shape alone
        wanted = [True, False]  # gradients: of the image, of the grid
        images: Tensor
        images, _ = torch.ops.aten.grid_sampler_2d_backward(
            values.contiguous(), image, grid, BILINEAR, ZEROS, ALIGN_CORNERS, wanted
        )
        return images

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (grid,) = ctx.saved_tensors
        return _Sample.apply(gradients[0], grid), None, None
