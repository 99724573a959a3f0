"""The heads that judge projected maps; every learned weight of theirs is spectrally normalised."""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from zoo import InvalidOptions
from zoo.nn import spectral_norm

__all__ = ["Head"]

CHANNELS = {4: 512, 8: 512, 16: 256, 32: 128, 64: 64, 128: 64, 256: 32, 512: 16, 1024: 8}
"""A head's channels by the nominal size of its maps."""

LAST = 8  # the nominal size at which a head decides


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0, bias: bool = False) -> nn.Conv2d:
    """A spectrally normalised convolution."""
    return spectral_norm(nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=bias))


def normalised(layer: nn.Module, channels: int) -> list[nn.Module]:
    """A layer, batch normalisation and LeakyReLU."""
    return [layer, nn.BatchNorm2d(channels), nn.LeakyReLU(0.2, inplace=True)]


class Separable(nn.Module):
    """A 3x3 convolution as one per channel and one across them."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.depthwise = spectral_norm(depthwise)
        self.pointwise = conv(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Maps [N,inputs,H,W] to [N,outputs,H,W]."""
        out: Tensor = self.pointwise(self.depthwise(x))
        return out


class DownBlock(nn.Module):
    """Half the size."""

    def __init__(self, inputs: int, outputs: int, separable: bool) -> None:
        super().__init__()
        if separable:
            self.main = nn.Sequential(*normalised(Separable(inputs, outputs), outputs), nn.AvgPool2d(2))
        else:
            self.main = nn.Sequential(*normalised(conv(inputs, outputs, 4, 2, 1, bias=True), outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Maps [N,inputs,H,W] to [N,outputs,H/2,W/2]."""
        out: Tensor = self.main(x)
        return out


class Head(nn.Module):
    """Maps [N,inputs,H,W] to one logit per 4x4 window of the map that its blocks leave, [N,K].

    `size` is the nominal size of the maps: it decides the number of blocks and their channels, which scale
    with `width`, 64 as published. With `classes` the logit is a projection onto the embedded label (Miyato &
    Koyama 2018), over sqrt(64).
    """

    def __init__(self, inputs: int, size: int, width: int = 64, separable: bool = False, classes: int = 0) -> None:
        super().__init__()
        sizes = [at for at in sorted(CHANNELS, reverse=True) if LAST <= at < size]
        widths = [inputs, *(max(CHANNELS[at] * width // 64, 1) for at in sizes)]
        blocks = [DownBlock(a, b, separable) for a, b in pairwise(widths)]
        self.blocks = len(blocks)
        self.classes = classes
        if not classes:
            self.main = nn.Sequential(*blocks, conv(widths[-1], 1, 4))
            return
        self.main = nn.Sequential(*blocks)
        self.cls = conv(widths[-1], 64, 4)
        self.embed = nn.Embedding(classes, 128)
        self.embed_proj = nn.Sequential(nn.Linear(128, 64), nn.LeakyReLU(0.2, inplace=True))

    def forward(self, maps: Tensor, label: Tensor | None = None) -> Tensor:
        """Logits [N,K]."""
        x: Tensor = self.main(maps)
        if not self.classes:
            return x.flatten(1)
        if label is None:
            raise InvalidOptions(["projected:label=true judges by label, and this model shows none; leave label out."])
        direction = self.embed_proj(self.embed(label))[:, :, None, None]
        return torch.sum(self.cls(x) * direction, dim=1).flatten(1) / math.sqrt(64)
