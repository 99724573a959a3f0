"""StackGAN's networks as in the authors' PyTorch code; stage I also as in their TensorFlow code.

At other sizes than 64 and 256 pixels there are more or fewer doublings; widths are counted from the image's end, so
that the finest layers stay as wide.
"""

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn

from ganzoo_stackgan.conditioning import Conditioning, Variant
from ganzoo_stackgan.layers import (
    Norm,
    Residual,
    conv,
    doublings,
    grown,
    halving,
    initialise,
    leaky,
    normalised,
    repeated,
    sized,
    tiled,
    trunk,
    up_block,
)
from zoo import Critic

__all__ = ["Discriminator", "Generator", "StageOne", "StageOneTensorFlow", "StageTwo"]

FACTOR = 4  # between the sizes of the stages


class StageOne(nn.Module):
    """Text [N,text_dim] and noise z [N,z_dim] to images [N,channels,R,R] in [-1, 1].

    8·width channels at 4x4 for 64 px; no layer but the conditioning has a bias.
    """

    def __init__(
        self,
        resolution: int,
        channels: int,
        text_dim: int,
        z_dim: int = 100,
        code_dim: int = 128,
        width: int = 128,
        variant: Variant = "pytorch",
    ) -> None:
        super().__init__()
        count = doublings(resolution)
        wide = width // 2 << count
        self.conditioning = Conditioning(text_dim, code_dim, variant)
        self.first = nn.Sequential(
            nn.Linear(z_dim + code_dim, wide * 16, bias=False), nn.BatchNorm1d(wide * 16), nn.ReLU(inplace=True)
        )
        self.up = nn.Sequential(*(up_block(wide >> i, wide >> i + 1) for i in range(count)))
        self.image = nn.Sequential(conv(width // 2, channels), nn.Tanh())
        initialise(self)

    def forward(self, text: Tensor, z: Tensor, epsilon: Tensor) -> Tensor:
        """Images; epsilon [N,code_dim] draws the code."""
        code = self.conditioning(text, epsilon)
        x = self.first(torch.cat([z, code], dim=1)).unflatten(1, (-1, 4, 4))
        out: Tensor = self.image(self.up(x))
        return out


class StageOneTensorFlow(nn.Module):
    """The same in the authors' first code: residual bottlenecks at 4x4 and 8x8, the last doubling to the image."""

    def __init__(
        self,
        resolution: int,
        channels: int,
        text_dim: int,
        z_dim: int = 100,
        code_dim: int = 128,
        width: int = 128,
        variant: Variant = "tensorflow",
    ) -> None:
        super().__init__()
        count = doublings(resolution)
        sizes = [width << i for i in reversed(range(max(count, 1)))]
        wide = sizes[0] * 16
        last = grown(width, channels) if count else [conv(width, channels)]
        start = [nn.Linear(code_dim + z_dim, wide), nn.BatchNorm1d(wide), nn.Unflatten(1, (-1, 4, 4))]
        self.conditioning = Conditioning(text_dim, code_dim, variant)
        self.main = trunk(start, grown, sizes, last)
        initialise(self, truncated=True)

    def forward(self, text: Tensor, z: Tensor, epsilon: Tensor) -> Tensor:
        """Images; epsilon [N,code_dim] draws the code."""
        code = self.conditioning(text, epsilon)
        out: Tensor = self.main(torch.cat([code, z], dim=1))
        return out


class StageTwo(nn.Module):
    """Images of stage I [N,channels,R/4,R/4] and their text to images [N,channels,R,R] in [-1, 1].

    Two halvings, the code joins in, `blocks` residual blocks of 4·width channels, four doublings.
    """

    def __init__(
        self,
        channels: int,
        text_dim: int,
        code_dim: int = 128,
        width: int = 128,
        blocks: int = 4,
        variant: Variant = "pytorch",
        truncated: bool = False,
    ) -> None:
        super().__init__()
        wide = 4 * width
        self.conditioning = Conditioning(text_dim, code_dim, variant)
        self.encoder = nn.Sequential(
            *(conv(channels, width), nn.ReLU(inplace=True)),
            *(halving(width, 2 * width), nn.BatchNorm2d(2 * width), nn.ReLU(inplace=True)),
            *(halving(2 * width, wide), nn.BatchNorm2d(wide), nn.ReLU(inplace=True)),
        )
        self.joint = nn.Sequential(conv(wide + code_dim, wide), nn.BatchNorm2d(wide), nn.ReLU(inplace=True))
        self.residual = nn.Sequential(*(nn.Sequential(residual(wide), nn.ReLU(inplace=True)) for _ in range(blocks)))
        self.up = nn.Sequential(*(up_block(wide >> i, wide >> i + 1) for i in range(4)))
        self.image = nn.Sequential(conv(wide >> 4, channels), nn.Tanh())
        initialise(self, truncated=truncated)

    def forward(self, images: Tensor, text: Tensor, epsilon: Tensor) -> Tensor:
        """Images; epsilon [N,code_dim] draws this stage's own code."""
        code = self.conditioning(text, epsilon)
        x = self.residual(self.joint(tiled(self.encoder(images), code)))
        out: Tensor = self.image(self.up(x))
        return out


class Generator(nn.Module):
    """Both stages, or the first alone: text, noise and epsilon [N,stages,code_dim] to images of full size.

    `stage`, a buffer, says which stage draws: images of the first of two are enlarged by repeating pixels.
    """

    stage: Tensor

    def __init__(self, first: StageOne | StageOneTensorFlow, second: StageTwo | None) -> None:
        super().__init__()
        self.first = first
        self.second = second
        self.register_buffer("stage", torch.tensor(1 if second is None else 2))

    def forward(self, text: Tensor, z: Tensor, epsilon: Tensor) -> Tensor:
        """Images [N,channels,R,R] in [-1, 1]."""
        images: Tensor = self.first(text, z, epsilon[:, 0])
        if self.second is None:
            return images
        if int(self.stage) == 1:
            return repeated(images, FACTOR)
        out: Tensor = self.second(images, text, epsilon[:, 1])
        return out


class Discriminator(nn.Module):
    """Images [N,channels,R,R] with a code [N,code_dim] to logits [N,1] of matching; `alone` adds those of being real,
    whatever the code. Stage I's at 64 px, stage II's at 256 px.

    Halvings down to 4x4, doubling the channels from `width`, then convolutions back to 8·width. Larger images are
    averaged down to R first.
    """

    conditions: ClassVar[tuple[str, ...]] = ("code",)
    critic: Callable[..., Critic] = Critic
    norm_option = "-s d_norm=none"

    def __init__(
        self,
        resolution: int,
        channels: int,
        width: int = 64,
        code_dim: int = 128,
        alone: bool = False,
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        self.side = resolution
        first = halving(channels, width, norm) if resolution > 4 else conv(channels, width, norm=norm)
        layers: list[nn.Module] = [first, leaky()]
        wide = width
        for _ in range(doublings(resolution) - 1):
            layers += [halving(wide, 2 * wide, norm), *normalised(2 * wide, norm), leaky()]
            wide *= 2
        while wide > 8 * width:
            layers += [conv(wide, wide // 2, norm=norm), *normalised(wide // 2, norm), leaky()]
            wide //= 2
        self.body = nn.Sequential(*layers)
        self.matching = nn.Sequential(
            conv(wide + code_dim, wide, norm=norm), *normalised(wide, norm), leaky(), nn.Conv2d(wide, 1, 4)
        )
        self.alone = nn.Conv2d(wide, 1, 4) if alone else None
        initialise(self)

    def encode(self, images: Tensor) -> Tensor:
        """Features [N,C,4,4] of images."""
        out: Tensor = self.body(sized(images, self.side))
        return out

    def match(self, features: Tensor, code: Tensor) -> Tensor:
        """Logits [N,1] of features belonging to codes."""
        out: Tensor = self.matching(tiled(features, code)).flatten(1)
        return out

    def heads(self, features: Tensor, code: Tensor) -> list[Tensor]:
        """Logits of all heads."""
        matched = self.match(features, code)
        return [matched] if self.alone is None else [matched, self.alone(features).flatten(1)]

    def forward(self, images: Tensor, code: Tensor) -> list[Tensor]:
        """Logits of images with codes, a tensor [N,1] for each head."""
        return self.heads(self.encode(images), code)


def residual(channels: int) -> Residual:
    """Two 3x3 convolutions beside the identity."""
    first = [conv(channels, channels), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
    return Residual(*first, conv(channels, channels), nn.BatchNorm2d(channels))
