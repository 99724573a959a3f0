"""GAN-CLS's pair (Reed et al. 2016), whose discriminator is also that of StackGAN's TensorFlow code."""

from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from ganzoo_stackgan.layers import (
    Norm,
    bottlenecks,
    conv,
    doublings,
    halving,
    initialise,
    leaky,
    normalised,
    sized,
    tiled,
    trunk,
)
from zoo import Critic

__all__ = ["Form", "TextDiscriminator", "TextGenerator"]

Form = Literal["cls", "int"]


class TextGenerator(nn.Module):
    """Text [N,text_dim] and noise z [N,z_dim] to images [N,channels,R,R] in [-1, 1].

    8·width channels at 4x4 for 64 px. The official code sets the biases of all convolutions to zero before every
    pass; here they have none.
    """

    def __init__(
        self,
        resolution: int,
        channels: int,
        text_dim: int,
        z_dim: int = 100,
        code_dim: int = 256,
        width: int = 128,
        residuals: int = 1,
    ) -> None:
        super().__init__()
        sizes = [width << i for i in reversed(range(doublings(resolution)))]
        self.dense = nn.Sequential(nn.Linear(text_dim, code_dim), leaky())
        start = [nn.ConvTranspose2d(z_dim + code_dim, sizes[0], 4, bias=False), nn.BatchNorm2d(sizes[0])]
        self.main = trunk(start, doubling, sizes, doubling(width, channels), residuals)
        initialise(self, dense=False)

    def forward(self, text: Tensor, z: Tensor) -> Tensor:
        """Images."""
        out: Tensor = self.main(torch.cat([z, self.dense(text)], dim=1)[:, :, None, None])
        return out


class TextDiscriminator(nn.Module):
    """Images [N,channels,R,R] with text [N,text_dim] to logits [N,1] of matching; `alone` adds those of being real,
    whatever the text.

    Larger images are averaged down to R first. `quiet`: no activation after the last convolution but one, as in
    main_cls_int.lua and StackGAN's stage I. `text_norm`: the text's dense layer is normalised, as in
    main_cls_int.lua. `truncated`: StackGAN's start.
    """

    conditions: ClassVar[tuple[str, ...]] = ("text",)
    critic: Callable[..., Critic] = Critic
    norm_option = "-s d_norm=none"

    def __init__(
        self,
        resolution: int,
        channels: int,
        text_dim: int,
        width: int = 64,
        code_dim: int = 256,
        *,
        quiet: bool = False,
        text_norm: bool = False,
        truncated: bool = False,
        alone: bool = False,
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        self.side = resolution
        wide, count = width, doublings(resolution)
        layers: list[nn.Module] = [halving(channels, width, norm) if count else conv(channels, width, norm=norm)]
        for i in range(1, count):
            layers += [] if quiet and i == count - 1 and i > 1 else [leaky()]
            layers += [halving(wide, 2 * wide, norm), *normalised(2 * wide, norm)]
            wide *= 2
        while wide > 8 * width:
            layers += [leaky(), conv(wide, wide // 2, 1, norm), *normalised(wide // 2, norm)]
            wide //= 2
        self.body = nn.Sequential(*layers, *bottlenecks(wide, 1, leaky, norm), leaky())
        between = [nn.BatchNorm1d(code_dim)] if text_norm and norm == "batch" else []
        self.dense = nn.Sequential(nn.Linear(text_dim, code_dim), *between, leaky())
        last = nn.Conv2d(wide, 1, 4, bias=norm == "none")
        self.matching = nn.Sequential(conv(wide + code_dim, wide, 1, norm), *normalised(wide, norm), leaky(), last)
        self.alone = nn.Conv2d(wide, 1, 4, bias=norm == "none") if alone else None
        initialise(self, truncated=truncated, dense=truncated)

    def encode(self, images: Tensor) -> Tensor:
        """Features [N,C,4,4] of images."""
        out: Tensor = self.body(sized(images, self.side))
        return out

    def match(self, features: Tensor, text: Tensor) -> Tensor:
        """Logits [N,1] of features belonging to texts."""
        out: Tensor = self.matching(tiled(features, self.dense(text))).flatten(1)
        return out

    def heads(self, features: Tensor, text: Tensor) -> list[Tensor]:
        """Logits of all heads."""
        matched = self.match(features, text)
        return [matched] if self.alone is None else [matched, self.alone(features).flatten(1)]

    def forward(self, images: Tensor, text: Tensor) -> list[Tensor]:
        """Logits of images with texts, a tensor [N,1] for each head."""
        return self.heads(self.encode(images), text)


def doubling(inputs: int, outputs: int) -> list[nn.Module]:
    """Twice the size by a transposed convolution."""
    return [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False)]
