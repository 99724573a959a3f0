"""Resampling by finite filters (Karras et al. 2019, 2020a, 2021): zeros in between, a filter, every few samples kept.

All of it is depthwise convolution, linear in the images: its derivative is its adjoint, in any order. Images are
[N,C,H,W] of any float type, and the result has theirs, also under autocast. On a CPU channels_last is several times as
fast.
"""

from collections.abc import Sequence
from math import sqrt
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["downsample2d", "filter2d", "fir", "upfirdn2d", "upsample2d"]

Padding = int | tuple[int, int, int, int]
"""Zeros beyond each border (left, right, top, bottom), or one number for all four; negative ones crop."""


def fir(taps: Sequence[float]) -> Tensor:
    """A filter of sum one, float32: [k,k], the outer product of `taps`; from eight taps on [k], used once per axis."""
    line = torch.tensor(taps, dtype=torch.float32)
    kernel = line if len(line) >= 8 else torch.outer(line, line)
    return kernel / kernel.sum()


def upfirdn2d(
    x: Tensor, kernel: Tensor, up: int = 1, down: int = 1, padding: Padding = 0, flip: bool = False, gain: float = 1.0
) -> Tensor:
    """Put up-1 zeros after each sample, pad, convolve with gain times `kernel`, keep every `down`-th sample.

    Sizes become (H·up + top + bottom - k) // down + 1. The kernel is [k,l], or [k] for both axes in turn. It is a true
    convolution (the kernel is mirrored as it passes over the image) unless `flip`.
    """
    left, right, top, bottom = (padding,) * 4 if isinstance(padding, int) else padding
    kernel = kernel.to(x.dtype)
    with torch.autocast(x.device.type, enabled=False):
        if kernel.ndim == 2:
            return resample(x, kernel * gain, (up, up), (down, down), (left, right, top, bottom), flip)
        kernel = kernel * sqrt(gain)
        x = resample(x, kernel[None, :], (1, up), (1, down), (left, right, 0, 0), flip)
        return resample(x, kernel[:, None], (up, 1), (down, 1), (0, 0, top, bottom), flip)


def upsample2d(x: Tensor, kernel: Tensor, up: int = 2, padding: int = 0, flip: bool = False) -> Tensor:
    """Enlarge `up` times: pixels keep their places and brightness. `padding` adds to what the kernel needs."""
    size = kernel.shape[-1]
    before, after = padding + (size + up - 1) // 2, padding + (size - up) // 2
    return upfirdn2d(x, kernel, up=up, padding=(before, after, before, after), flip=flip, gain=up**2)


def downsample2d(x: Tensor, kernel: Tensor, down: int = 2, padding: int = 0, flip: bool = False) -> Tensor:
    """Shrink `down` times: pixels keep their places and brightness. `padding` adds to what the kernel needs."""
    size = kernel.shape[-1]
    before, after = padding + (size - down + 1) // 2, padding + (size - down) // 2
    return upfirdn2d(x, kernel, down=down, padding=(before, after, before, after), flip=flip)


def filter2d(x: Tensor, kernel: Tensor, padding: int = 0, flip: bool = False) -> Tensor:
    """Filter without a change of size, but for `padding` on each border."""
    size = kernel.shape[-1]
    before, after = padding + size // 2, padding + (size - 1) // 2
    return upfirdn2d(x, kernel, padding=(before, after, before, after), flip=flip)


def resample(
    x: Tensor,
    kernel: Tensor,
    up: tuple[int, int],
    down: tuple[int, int],
    padding: tuple[int, int, int, int],
    flip: bool,
) -> Tensor:
    """`upfirdn2d` with a kernel [k,l] and factors per axis (rows, columns)."""
    channels = x.shape[1]
    if up == (1, 1):
        weight = kernel if flip else kernel.flip(0, 1)
        x, border = padded(x, padding)
        return cast(Tensor, Gather.apply(x, stacked(weight, channels), down, border))
    weight = kernel.flip(0, 1) if flip else kernel
    # a transposed convolution gives k + up(H-1) samples, the first of them k-1 before what zero padding would give
    left, right, top, bottom = padding
    (rows, columns), (high, wide) = up, kernel.shape
    edges = (left - wide + 1, right - wide + columns, top - high + 1, bottom - high + rows)
    cut = (max(-max(edges[2:]), 0), max(-max(edges[:2]), 0))
    rest = (edges[0] + cut[1], edges[1] + cut[1], edges[2] + cut[0], edges[3] + cut[0])
    x = cast(Tensor, Spread.apply(x, stacked(weight, channels), up, cut, (0, 0)))
    if any(rest):
        x = functional.pad(x, rest)
    return x if down == (1, 1) else x[:, :, :: down[0], :: down[1]]


def padded(x: Tensor, padding: tuple[int, int, int, int]) -> tuple[Tensor, tuple[int, int]]:
    """The image with what a convolution's own symmetric padding cannot give, and that padding (rows, columns)."""
    left, right, top, bottom = padding
    if left == right >= 0 and top == bottom >= 0:
        return x, (top, left)
    return functional.pad(x, padding), (0, 0)


def stacked(kernel: Tensor, channels: int) -> Tensor:
    """The same kernel for every channel, [C,1,k,l]."""
    return kernel.expand(channels, 1, *kernel.shape)


class Gather(torch.autograd.Function):
    """A depthwise convolution with a fixed kernel. torch's own second derivative asks for the kernel's part too."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: tuple[int, int], padding: tuple[int, int]) -> Tensor:
        """x [N,C,H,W] by weight [C,1,k,l]."""
        ctx.save_for_backward(weight)
        ctx.how = stride, padding, x.shape[2:]
        return functional.conv2d(x, weight, stride=stride, padding=padding, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        """The adjoint."""
        (weight,) = ctx.saved_tensors
        stride, padding, sizes = ctx.how
        small, kernel = gradients[0].shape[2:], weight.shape[2:]
        lost = tuple(sizes[i] + 2 * padding[i] - kernel[i] - (small[i] - 1) * stride[i] for i in (0, 1))
        return Spread.apply(gradients[0], weight, stride, padding, lost), None, None, None


class Spread(torch.autograd.Function):
    """The adjoint of `Gather`: a transposed depthwise convolution; `lost` samples at the end met no kernel."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        stride: tuple[int, int],
        padding: tuple[int, int],
        lost: tuple[int, int],
    ) -> Tensor:
        """x [N,C,H,W] by weight [C,1,k,l]."""
        ctx.save_for_backward(weight)
        ctx.how = stride, padding
        slow = x.device.type == "cpu" and x.dtype == torch.bfloat16 and max(stride) > 1  # ten times float32's time
        x, weight, kind = (x.float(), weight.float(), x.dtype) if slow else (x, weight, x.dtype)
        return functional.conv_transpose2d(
            x, weight, stride=stride, padding=padding, output_padding=lost, groups=len(weight)
        ).to(kind)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        """The adjoint's adjoint."""
        return Gather.apply(gradients[0], *ctx.saved_tensors, *ctx.how), None, None, None, None
