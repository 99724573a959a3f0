"""Differentiable augmentation (Zhao et al. 2020), with the published ranges."""

from typing import Annotated, Any, Literal

import torch
from torch import Tensor

from zoo import Augment, Range

__all__ = ["DiffAugment"]

Spatial = dict[str, Tensor]
Operation = Literal["color", "translation", "cutout"]


class DiffAugment(Augment):
    """Zhao et al. 2020, section 4: the same random transforms on reals and fakes, for both players.

    Images are [N,C,H,W] in [-1, 1]; every draw is per image; uncovered pixels are 0, mid-grey.
    """

    def __init__(
        self,
        policy: tuple[Operation, ...] = ("color", "translation", "cutout"),  # operations in order, joined by +
        translation: Annotated[float, Range(0, 1)] = 0.125,  # largest shift as a share of the size
        cutout: Annotated[float, Range(0, 1)] = 0.5,  # side of the hole as a share (0.2 in Projected GAN)
    ) -> None:
        super().__init__()
        self.policy = policy
        self.translation = translation
        self.cutout = cutout

    def forward(self, images: Tensor, spatial: Spatial) -> tuple[Tensor, Spatial]:
        """Apply the policy; translation moves spatial conditions with their images, the rest leaves them."""
        for operation in self.policy:
            if operation == "color":
                images = contrast(saturation(brightness(images)))
            elif operation == "translation":
                images, spatial = translate(images, spatial, self.translation)
            else:
                images = cut_out(images, self.cutout)
        return images, spatial


def per_image(images: Tensor) -> Tensor:
    """One uniform draw on [0, 1) per image, [N,1,1,1]."""
    return torch.rand(len(images), 1, 1, 1, device=images.device, dtype=images.dtype)


def brightness(images: Tensor) -> Tensor:
    """x + (u - 0.5)."""
    return images + (per_image(images) - 0.5)


def saturation(images: Tensor) -> Tensor:
    """(x - m)·2u + m, with m the mean over the channels of each pixel."""
    mean = images.mean(dim=1, keepdim=True)
    return (images - mean) * (per_image(images) * 2) + mean


def contrast(images: Tensor) -> Tensor:
    """(x - m)·(u + 0.5) + m, with m the mean of the whole image."""
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return (images - mean) * (per_image(images) + 0.5) + mean


def translate(images: Tensor, spatial: Spatial, ratio: float) -> tuple[Tensor, Spatial]:
    """Shift each image by whole pixels in [-s, s] per axis, s = int(size·ratio + 0.5); zeros come in."""
    n, _, height, width = images.shape
    rows = draw_shift(n, height, ratio, images.device)
    columns = draw_shift(n, width, ratio, images.device)
    moved = {name: shift(value, rows, columns) for name, value in spatial.items()}
    return Shift.apply(images, rows, columns), moved


def draw_shift(n: int, size: int, ratio: float, device: torch.device) -> Tensor:
    """One whole number in [-s, s] per image, [n]."""
    reach = int(size * ratio + 0.5)
    return torch.randint(-reach, reach + 1, (n, 1, 1), device=device).flatten()


class Shift(torch.autograd.Function):
    """`shift`, whose gradient is the shift back: far cheaper than scattering through an index."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """out[n,:,i,j] = images[n,:,i+rows[n],j+columns[n]]."""
        ctx.save_for_backward(rows, columns)
        return shift(images, rows, columns)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        """The adjoint; itself differentiable."""
        rows, columns = ctx.saved_tensors
        return Shift.apply(gradients[0], -rows, -columns), None, None


def shift(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """images[n,:,i+rows[n],j+columns[n]], zero where that lies outside."""
    if images.device.type == "cpu":
        return shift_by_slices(images, rows.tolist(), columns.tolist())
    n, _, height, width = images.shape
    i = torch.arange(height, device=images.device) + rows[:, None]  # [N,H]
    j = torch.arange(width, device=images.device) + columns[:, None]  # [N,W]
    inside = ((i >= 0) & (i < height))[:, :, None] & ((j >= 0) & (j < width))[:, None, :]
    item = torch.arange(n, device=images.device)[:, None, None]
    picked = images.permute(0, 2, 3, 1)[item, i.clamp(0, height - 1)[:, :, None], j.clamp(0, width - 1)[:, None, :]]
    return (picked * inside[..., None].to(images.dtype)).permute(0, 3, 1, 2).to(images.dtype)


def shift_by_slices(images: Tensor, rows: list[int], columns: list[int]) -> Tensor:
    """The same by one block copy per image, which is what a CPU does best."""
    out = torch.zeros_like(images)
    height, width = images.shape[2:]
    for image, place, r, c in zip(images, out, rows, columns, strict=True):
        place[:, max(-r, 0) : height - max(r, 0), max(-c, 0) : width - max(c, 0)] = image[
            :, max(r, 0) : height - max(-r, 0), max(c, 0) : width - max(-c, 0)
        ]
    return out


def cut_out(images: Tensor, ratio: float) -> Tensor:
    """Zero a rectangle of int(size·ratio + 0.5) per axis around a random centre; borders cut it."""
    n, _, height, width = images.shape
    rows = hole(n, height, ratio, images.device)
    columns = hole(n, width, ratio, images.device)
    covered = rows[:, :, None] & columns[:, None, :]  # [N,H,W]
    return images.masked_fill(covered[:, None], 0)


def hole(n: int, size: int, ratio: float, device: torch.device) -> Tensor:
    """Which of `size` rows or columns each image's hole covers, bool [n,size]."""
    length = int(size * ratio + 0.5)
    centre = torch.randint(0, size + (1 - length % 2), (n, 1), device=device)
    first = centre - length // 2
    place = torch.arange(size, device=device)
    return (place >= first) & (place < first + length)
