"""StyleGAN2's layers (Karras et al. 2020a): equalised dense and convolution, and the modulated convolution."""

from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.nn import downsample2d, fir, upfirdn2d, upsample2d

__all__ = ["Conv", "Dense", "activate", "clamped", "demodulation", "modulated_conv2d", "normalised"]

TAPS = (1, 3, 3, 1)  # the blur at every change of size
SLOPE = 0.2


class Dense(nn.Module):
    """x [N,I] to [N,O] in the precision of its weight: W·x·lr/sqrt(I) + b·lr, then lrelu·sqrt(2) unless linear.

    Weights start as N(0, 1/lr²): the same function for every `lr`, which scales the steps alone (Karras et al. 2018).
    """

    def __init__(self, inputs: int, outputs: int, *, linear: bool = False, lr: float = 1.0, bias: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr)
        self.bias = nn.Parameter(torch.full((outputs,), float(bias)))
        self.weight_scale = lr / sqrt(inputs)
        self.lr = lr
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        """Outputs [N,O]."""
        gain = 1.0 if self.linear else sqrt(2)
        with torch.autocast(x.device.type, enabled=False):
            weight = self.weight * (self.weight_scale * gain)
            out = functional.linear(x.to(weight.dtype), weight, self.bias * (self.lr * gain))
        return out if self.linear else activate(out)


class Conv(nn.Module):
    """An equalised k x k convolution that may double or halve the size; lrelu·sqrt(2) unless linear.

    Blur and zero padding come first on the way down and last on the way up.
    """

    resample_filter: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        bias: bool = True,
        linear: bool = False,
        up: int = 1,
        down: int = 1,
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.register_buffer("resample_filter", fir(TAPS))
        self.weight_scale = 1 / sqrt(inputs * kernel**2)
        self.linear = linear
        self.up = up
        self.down = down
        self.clamp = clamp

    def forward(self, x: Tensor, gain: float = 1.0) -> Tensor:
        """Outputs [N,O,H·up/down,W·up/down], times `gain`."""
        scale = gain if self.linear else gain * sqrt(2)  # lrelu(a)·s = lrelu(a·s): the gain goes into the small tensors
        bias = None if self.bias is None else self.bias * scale
        out = self.convolve(x, self.weight * (self.weight_scale * scale), bias)
        if not self.linear:
            out = activate(out)
        return clamped(out, self.clamp, gain)

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The convolution with its change of size."""
        size = weight.shape[-1]
        if self.up > 1:  # a way around a block: 1x1, no bias; the few pixels are convolved, then enlarged
            return upsample2d(functional.conv2d(x, weight), self.resample_filter, self.up)
        if self.down == 1:
            return functional.conv2d(x, weight, bias, padding=size // 2)
        if size == 1:
            return functional.conv2d(downsample2d(x, self.resample_filter, self.down), weight, bias)
        return functional.conv2d(upfirdn2d(x, self.resample_filter, padding=2), weight, bias, stride=self.down)


def modulated_conv2d(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    bias: Tensor,
    *,
    up: int = 1,
    kernel: Tensor | None = None,
    gain: float = 1.0,
    fused: bool = False,
) -> Tensor:
    """gain · (x convolved with a weight of each sample's own) + bias (Karras et al. 2020a, eq. 1 and 3).

    x is [N,I,H,W], the weight [O,I,k,k]: its input channels are scaled by styles [N,I], then every filter is divided by
    its norm. Fused, that makes N weights and one grouped convolution; otherwise what goes in and what comes out is
    scaled, which is the same with one weight. With `up`, `kernel` blurs after the zeros have gone in.
    """
    factors = demodulation(weight, styles) * gain  # [N,O]
    if not fused:
        out = convolve(x * styles.to(x.dtype)[:, :, None, None], weight, up, kernel)
        return torch.addcmul(bias.to(out.dtype)[:, None, None], out, factors.to(out.dtype)[:, :, None, None])
    n = len(x)
    own = weight * styles[:, None, :, None, None] * factors[:, :, None, None, None]  # [N,O,I,k,k]
    out = convolve(x.reshape(1, -1, *x.shape[2:]), own.flatten(0, 1), up, kernel, groups=n)
    return out.reshape(n, -1, *out.shape[2:]) + bias.to(out.dtype)[:, None, None]


def demodulation(weight: Tensor, styles: Tensor) -> Tensor:
    """One over the norm of each sample's filters, [N,O]; needs no N weights: the squares of a product factorise."""
    with torch.autocast(weight.device.type, enabled=False):
        energy = weight.square().sum((2, 3))  # [O,I]
        return (styles.square() @ energy.t() + 1e-8).rsqrt()


def convolve(x: Tensor, weight: Tensor, up: int, kernel: Tensor | None, groups: int = 1) -> Tensor:
    """A same-size convolution; or zeros in between, the transposed convolution and the blur."""
    if up == 1:
        return functional.conv2d(x, weight, padding=weight.shape[-1] // 2, groups=groups)
    assert kernel is not None
    turned = weight.reshape(groups, -1, *weight.shape[1:]).transpose(1, 2).flatten(0, 1)
    out = functional.conv_transpose2d(x, turned, stride=up, groups=groups)
    return upfirdn2d(out, kernel, padding=1, gain=up**2)


def activate(x: Tensor) -> Tensor:
    """Leaky ReLU in place; gains are in the weights."""
    return functional.leaky_relu_(x, SLOPE)


def clamped(x: Tensor, limit: float | None, gain: float = 1.0) -> Tensor:
    """Within ± limit·gain."""
    return x if limit is None else x.clamp(-limit * gain, limit * gain)


def normalised(x: Tensor) -> Tensor:
    """x [N,D] over its root mean square."""
    return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()
