"""ProGAN's networks: equalised layers, and a generator and a discriminator that grow in place."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod, sqrt
from typing import Annotated, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as f

from zoo import Critic, DataSpec, Range
from zoo.nn import minibatch_stddev

__all__ = [
    "Discriminator",
    "EqualConv",
    "EqualLinear",
    "Generator",
    "discriminator",
    "fade",
    "pool",
    "repeat",
    "widths",
]

HE = sqrt(2)  # gain of a layer before a ReLU (He et al. 2015)

FirstBias = Literal["channel", "position"]
Spread = Literal["strided", "neighbours"]


def widths(resolution: int, base: int, limit: int) -> list[int]:
    """Channels at 4, 8, ... up to `resolution` pixels: at s pixels 2·base/s, at most `limit`."""
    return [min(2 * base >> level + 2, limit) for level in range(resolution.bit_length() - 2)]


class EqualLinear(nn.Module):
    """A dense layer with equalised learning rate (Karras et al. 2018, section 4.1).

    Weights are N(0, 1) and multiplied at run time by gain / sqrt(fan-in); biases start at 0, unscaled.
    """

    def __init__(self, inputs: int, outputs: int, *, gain: float = HE, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.weight_scale = gain / sqrt(inputs)

    def forward(self, x: Tensor) -> Tensor:
        """[N,inputs] to [N,outputs]."""
        return f.linear(x, self.weight * self.weight_scale, self.bias)


class EqualConv(nn.Module):
    """A convolution with equalised learning rate that keeps, doubles or halves the size.

    `up` is nearest upsampling and then a 3x3 convolution, `down` a 3x3 convolution and then 2x2 mean pooling
    before the bias; each is one strided 4x4 convolution, as in the official code's fused form.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        *,
        gain: float = HE,
        resample: Literal["none", "up", "down"] = "none",
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.weight_scale = gain / sqrt(prod(self.weight.shape[1:]))
        self.resample = resample

    def forward(self, x: Tensor) -> Tensor:
        """[N,inputs,H,W] to [N,outputs,H,W], or to twice or half the size."""
        weight = self.weight * self.weight_scale
        if self.resample == "none":
            return f.conv2d(x, weight, self.bias, padding=weight.shape[2] // 2)
        spread = f.avg_pool2d(weight, 2, stride=1, padding=1)  # a quarter of the sum of four shifts, 4x4
        if self.resample == "down":
            return f.conv2d(x, spread, self.bias, stride=2, padding=1)
        return f.conv_transpose2d(x, 4 * spread.flip((2, 3)).transpose(0, 1), self.bias, stride=2, padding=1)


class Growing(nn.Module):
    """A network that is built whole and works up to `level` (0 is 4 px); `alpha` weighs its finest level.

    Both are buffers: they are saved with the weights, and averages copy them. Fresh networks are fully grown.
    """

    level: Tensor
    alpha: Tensor

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.top = levels - 1
        self.register_buffer("level", torch.tensor(self.top))
        self.register_buffer("alpha", torch.tensor(1.0))

    def grow(self, level: int, alpha: float) -> None:
        """Work up to `level`, whose branch weighs `alpha` in (0, 1] beside the one below."""
        self.level.fill_(level)
        self.alpha.fill_(alpha)

    def grown(self) -> tuple[int, float]:
        """Level and alpha."""
        return int(self.level), float(self.alpha)


class Generator(Growing):
    """Latents [N,z_dim] to images [N,channels,R,R] of about [-1, 1] (Karras et al. 2018, table 2).

    `widths` are the channels at 4, 8, ..., R px. Images of a half-grown network are repeated to R, as the
    official network does.
    """

    def __init__(
        self,
        widths: Sequence[int],
        channels: int = 3,
        z_dim: int = 512,
        classes: int = 0,
        first_bias: FirstBias = "channel",
    ) -> None:
        super().__init__(len(widths))
        self.classes = classes
        blocks = [UpBlock(wide, narrow) for wide, narrow in pairwise(widths)]
        self.blocks = nn.ModuleList([FirstBlock(z_dim + classes, widths[0], first_bias), *blocks])
        self.to_rgb = nn.ModuleList(EqualConv(width, channels, 1, gain=1) for width in widths)

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        """Images of latents z and, where the network has classes, labels int64 [N]."""
        level, alpha = self.grown()
        if self.classes:
            assert label is not None
            z = torch.cat([z, f.one_hot(label, self.classes).to(z.dtype)], dim=1)
        below = x = pixel_norm(z)
        for block in self.blocks[: level + 1]:
            below, x = x, block(x)
        images: Tensor = self.to_rgb[level](x)
        if alpha < 1:
            images = fade(repeat(self.to_rgb[level - 1](below), 2), images, alpha)
        return repeat(images, 2 ** (self.top - level))


class FirstBlock(nn.Module):
    """Latents to 4x4. The first bias is one number per channel, or per feature as in pytorch_GAN_zoo."""

    def __init__(self, inputs: int, outputs: int, bias: FirstBias) -> None:
        super().__init__()
        self.side = 4 if bias == "position" else 1
        self.dense = EqualLinear(inputs, outputs * 16, gain=HE / 4, bias=False)
        self.bias = nn.Parameter(torch.zeros(outputs * self.side**2))
        self.conv = EqualConv(outputs, outputs)

    def forward(self, z: Tensor) -> Tensor:
        """[N,inputs] to [N,outputs,4,4]."""
        x = self.dense(z).unflatten(1, (-1, 4, 4)) + self.bias.view(-1, self.side, self.side)
        return activated(self.conv(activated(x)))


class UpBlock(nn.Module):
    """Twice the size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv0 = EqualConv(inputs, outputs, resample="up")
        self.conv1 = EqualConv(outputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """[N,inputs,H,W] to [N,outputs,2H,2W]."""
        return activated(self.conv1(activated(self.conv0(x))))


class Discriminator(Growing):
    """Images [N,channels,R,R] to logits [N,1+classes]: the score, then the class logits.

    A half-grown network sees the mean of each of its pixels. With `fused` the last convolution of a block
    pools before its bias and activation, as the official default; without, after them.
    """

    conditions = ()
    takes_batches = True
    critic: type[Critic] = Critic

    def __init__(
        self,
        widths: Sequence[int],
        channels: int = 3,
        classes: int = 0,
        dense: int = 512,
        fused: bool = True,
        group: int = 4,
        spread: Spread = "strided",
    ) -> None:
        super().__init__(len(widths))
        blocks = [DownBlock(narrow, wide, fused) for wide, narrow in pairwise(widths)]
        self.blocks = nn.ModuleList([LastBlock(widths[0], dense, 1 + classes, group, spread), *blocks])
        self.from_rgb = nn.ModuleList(EqualConv(channels, width, 1) for width in widths)

    def forward(self, images: Tensor, batches: int = 1) -> Tensor:
        """Logits [N,1+classes] of so many batches, one behind the other; each is compared within itself."""
        out: Tensor = self.blocks[0](self.features(images)[-1], batches)
        return out

    def features(self, images: Tensor) -> list[Tensor]:
        """What enters each block, fine to coarse."""
        level, alpha = self.grown()
        images = pool(images, 2 ** (self.top - level))
        found = [leaky(self.from_rgb[level](images))]
        for block in list(self.blocks[1 : level + 1])[::-1]:
            x: Tensor = block(found[-1])
            if alpha < 1 and len(found) == 1:
                x = fade(leaky(self.from_rgb[level - 1](pool(images, 2))), x, alpha)
            found.append(x)
        return found


class DownBlock(nn.Module):
    """Half the size."""

    def __init__(self, inputs: int, outputs: int, fused: bool) -> None:
        super().__init__()
        self.fused = fused
        self.conv0 = EqualConv(inputs, inputs)
        self.conv1 = EqualConv(inputs, outputs, resample="down" if fused else "none")

    def forward(self, x: Tensor) -> Tensor:
        """[N,inputs,2H,2W] to [N,outputs,H,W]."""
        x = leaky(self.conv1(leaky(self.conv0(x))))
        return x if self.fused else pool(x, 2)


class LastBlock(nn.Module):
    """4x4 to logits, with the spread of the batch as one more channel."""

    def __init__(self, inputs: int, dense: int, outputs: int, group: int, spread: Spread) -> None:
        super().__init__()
        self.group, self.spread = group, spread
        self.conv = EqualConv(inputs + 1, inputs)
        self.dense = EqualLinear(inputs * 16, dense)
        self.score = EqualLinear(dense, outputs, gain=1)

    def forward(self, x: Tensor, batches: int = 1) -> Tensor:
        """[N,inputs,4,4] to [N,outputs]."""
        x = torch.cat([self.compared(batch) for batch in x.chunk(batches)])
        x = leaky(self.dense(leaky(self.conv(x)).flatten(1)))
        out: Tensor = self.score(x)
        return out

    def compared(self, x: Tensor) -> Tensor:
        """One batch with its spread."""
        return minibatch_stddev(x, self.group) if self.spread == "strided" else neighbours_spread(x, self.group)


def leaky(x: Tensor) -> Tensor:
    """Leaky ReLU of slope 0.2."""
    return f.leaky_relu(x, 0.2)


def pixel_norm(x: Tensor) -> Tensor:
    """Each feature vector at length sqrt(C) (section 4.2)."""
    return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)


def activated(x: Tensor) -> Tensor:
    """The generator's activation and normalisation."""
    return pixel_norm(leaky(x))


def neighbours_spread(x: Tensor, group: int = 4) -> Tensor:
    """`minibatch_stddev` as in pytorch_GAN_zoo: x [N,C,H,W] with one more channel.

    Groups are neighbours, the variance is unbiased; where `group` does not divide the batch, all of it is one
    group, and a group of one has spread 0.
    """
    n, _, height, width = x.shape
    size = min(group, n) if n % min(group, n) == 0 else n
    if size == 1:
        return f.pad(x, (0, 0, 0, 0, 0, 1))
    exact = x.to(torch.promote_types(x.dtype, torch.float32))
    deviation = (exact.reshape(-1, size, *x.shape[1:]).var(dim=1) + 1e-8).sqrt().mean(dim=(1, 2, 3))
    maps = deviation.repeat_interleave(size)[:, None, None, None].expand(n, 1, height, width)
    return torch.cat([x, maps.to(x.dtype)], dim=1)


def fade(coarse: Tensor, fine: Tensor, alpha: float) -> Tensor:
    """(1 - alpha)·coarse + alpha·fine (figure 2)."""
    return torch.lerp(coarse, fine, alpha)


def pool(images: Tensor, factor: int) -> Tensor:
    """Means of factor x factor pixels."""
    return images if factor == 1 else f.avg_pool2d(images, factor)


def repeat(images: Tensor, factor: int) -> Tensor:
    """Each pixel factor x factor times."""
    return images if factor == 1 else f.interpolate(images, scale_factor=factor, mode="nearest")


def discriminator(
    data: DataSpec,
    *,
    base: Annotated[int, Range(1)] = 8192,  # channels at 2 px; halved at each doubling of the size
    limit: Annotated[int, Range(1)] = 512,  # and at most this many
    group: Annotated[int, Range(1)] = 4,  # images whose spread is measured together
) -> Discriminator:
    """The fully grown discriminator as a part for other models."""
    return Discriminator(widths(data.resolution, base, limit), data.channels, dense=min(base, limit), group=group)
