"""Layers of GAN-CLS and of both forms of StackGAN."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as f

__all__ = [
    "Norm",
    "Residual",
    "bottlenecks",
    "conv",
    "doublings",
    "grown",
    "halving",
    "initialise",
    "leaky",
    "normalised",
    "repeated",
    "sized",
    "tiled",
    "trunk",
    "up_block",
]

Norm = Literal["batch", "none"]
Act = Callable[[], nn.Module]


class Residual(nn.Module):
    """x + body(x)."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """[N,C,H,W] to the same."""
        out: Tensor = x + self.body(x)
        return out


def conv(inputs: int, outputs: int, kernel: int = 3, norm: Norm = "batch") -> nn.Conv2d:
    """Of the same size; without normalisation it has a bias."""
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=norm == "none")


def halving(inputs: int, outputs: int, norm: Norm = "batch") -> nn.Conv2d:
    """A 4x4 convolution to half the size."""
    return nn.Conv2d(inputs, outputs, 4, 2, 1, bias=norm == "none")


def normalised(channels: int, norm: Norm = "batch") -> list[nn.Module]:
    """Batch normalisation, or nothing."""
    return [nn.BatchNorm2d(channels)] if norm == "batch" else []


def grown(inputs: int, outputs: int) -> list[nn.Module]:
    """Twice the size: each pixel repeated, then convolved."""
    return [nn.Upsample(scale_factor=2), conv(inputs, outputs)]


def leaky() -> nn.Module:
    """Leaky ReLU of slope 0.2."""
    return nn.LeakyReLU(0.2)


def up_block(inputs: int, outputs: int) -> nn.Sequential:
    """The same, normalised and activated."""
    return nn.Sequential(*grown(inputs, outputs), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def bottlenecks(channels: int, count: int, act: Act, norm: Norm = "batch") -> list[nn.Module]:
    """So many residual bottlenecks in a row, a quarter as wide inside; no activation after the sum."""
    inner = max(channels // 4, 1)
    return [
        Residual(
            conv(channels, inner, 1, norm),
            *(*normalised(inner, norm), act()),
            conv(inner, inner, 3, norm),
            *(*normalised(inner, norm), act()),
            conv(inner, channels, 3, norm),
            *normalised(channels, norm),
        )
        for _ in range(count)
    ]


def trunk(
    start: Sequence[nn.Module],
    grow: Callable[[int, int], Sequence[nn.Module]],
    sizes: Sequence[int],
    last: Sequence[nn.Module],
    residuals: int = 1,
) -> nn.Sequential:
    """From a vector to an image in [-1, 1] as in Reed et al. 2016: `start` gives sizes[0] channels at 4x4, `grow`
    doubles the size, `last` gives the image; residual bottlenecks follow at 4x4 and 8x8."""
    layers = [*start, *bottlenecks(sizes[0], residuals, nn.ReLU), nn.ReLU()]
    for i, (wide, narrow) in enumerate(pairwise(sizes)):
        layers += [*grow(wide, narrow), nn.BatchNorm2d(narrow)]
        layers += bottlenecks(narrow, residuals if i == 0 else 0, nn.ReLU)
        layers.append(nn.ReLU())
    return nn.Sequential(*layers, *last, nn.Tanh())


def tiled(maps: Tensor, vector: Tensor) -> Tensor:
    """Maps [N,C,H,W] with the vector [N,D] as D more channels, constant over the map."""
    spread = vector.to(maps.dtype)[:, :, None, None].expand(-1, -1, *maps.shape[2:])
    return torch.cat([maps, spread], dim=1)


def sized(images: Tensor, side: int) -> Tensor:
    """Images averaged down to `side` pixels."""
    return images if images.shape[-1] == side else f.adaptive_avg_pool2d(images, side)


def repeated(images: Tensor, factor: int) -> Tensor:
    """Each pixel factor x factor times."""
    return images if factor == 1 else f.interpolate(images, scale_factor=factor, mode="nearest")


def doublings(resolution: int) -> int:
    """From 4 pixels to `resolution`."""
    return resolution.bit_length() - 3


@torch.no_grad()
def initialise(network: nn.Module, *, truncated: bool = False, dense: bool = True) -> None:
    """Weights N(0, 0.02), normalisation scales N(1, 0.02), all shifts and biases 0.

    `truncated` draws convolutions anew beyond two deviations; without `dense`, dense layers stay as torch made them.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Linear) and not dense:
            continue
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)) and truncated:
            nn.init.trunc_normal_(layer.weight, std=0.02, a=-0.04, b=0.04)
        elif isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            layer.weight.normal_(0, 0.02)
        elif isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
            layer.weight.normal_(1, 0.02)
        if isinstance(getattr(layer, "bias", None), nn.Parameter):
            layer.bias.zero_()  # type: ignore[operator]
