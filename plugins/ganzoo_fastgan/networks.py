"""FastGAN's networks, with the state-dict names of the published code: `feat_8.1.weight_orig` and so on."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Annotated, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganzoo_fastgan.critic import ReconstructingCritic
from ganzoo_fastgan.layers import (
    ConditionalUpBlock,
    DownBlock,
    Excitation,
    Init,
    TwoPathDownBlock,
    UpBlock,
    conv,
    cut,
    normalised,
)
from zoo import Critic, DataSpec, Range

__all__ = ["Discriminator", "Form", "Generator", "discriminator", "small_size"]

Form = Literal["original", "projected", "projected-lite"]

UP = {4: 16, 8: 8, 16: 4, 32: 2, 64: 2, 128: 1, 256: 0.5, 512: 0.25, 1024: 0.125}
"""Channels of the generator at each size, in widths."""

DOWN = {4: 16, 8: 16, 16: 8, 32: 4, 64: 2, 128: 1, 256: 0.5, 512: 0.25, 1024: 0.125}
"""Channels of the discriminator, in widths."""

GATES = {64: 4, 128: 8, 256: 16, 512: 32}  # in the generator: the size that is gated, and by which


def scaled(table: dict[int, float], width: int) -> dict[int, int]:
    """Channels by size."""
    return {size: max(int(factor * width), 1) for size, factor in table.items()}


def small_size(resolution: int) -> int:
    """Size of the second view: 128 px as published, half the picture below 256 px, but at least 16 px."""
    return min(max(resolution // 2, 16), 128)


class Generator(nn.Module):
    """Latents [N,z_dim] to images [N,channels,resolution,resolution].

    `original` (Liu et al. 2021) alternates deep and plain blocks and returns a second, smaller image; its
    outputs pass tanh at 1024 px only. `projected` (Sauer et al. 2021) has deep blocks throughout,
    `projected-lite` plain ones; both normalise z and return one image. With `classes`, these two
    normalise by label. Blocks and gates above `resolution` are left out.
    """

    def __init__(
        self, resolution: int, channels: int, z_dim: int, width: int, form: Form = "original", classes: int = 0
    ) -> None:
        super().__init__()
        self.form = form
        self.sizes = tuple(size for size in UP if 4 < size <= resolution)
        c = scaled(UP, width)
        self.init = Init(z_dim, c[4])
        for size in self.sizes:
            self.add_module(f"feat_{size}", self.block(c[size // 2], c[size], size, z_dim, classes))
        self.gates = {size: by for size, by in GATES.items() if size <= resolution}
        for size, by in self.gates.items():
            self.add_module(f"se_{size}", Excitation(c[by], c[size]))
        self.to_big = conv(c[resolution], channels, 3, 1, 1, bias=form != "original")
        self.small = small_size(resolution) if form == "original" else 0
        if self.small:
            self.add_module(f"to_{self.small}", conv(c[self.small], channels, 1))
        if classes:
            self.embed = nn.Embedding(classes, z_dim)
        if form == "original":
            initialise(self)

    def block(self, inputs: int, outputs: int, size: int, z_dim: int, classes: int) -> nn.Module:
        """The block that reaches `size`."""
        deep = self.deep(size)
        return ConditionalUpBlock(inputs, outputs, z_dim, deep) if classes else UpBlock(inputs, outputs, deep)

    def deep(self, size: int) -> bool:
        """Whether the block that reaches `size` has two convolutions, with noise."""
        return self.form == "projected" or (self.form == "original" and size in (8, 32, 128, 512))

    @property
    def noise_shapes(self) -> list[int]:
        """The sides of the noise maps in the order of their injection."""
        return [size for size in self.sizes if self.deep(size) for _ in range(2)]

    @property
    def noise_dim(self) -> int:
        """Numbers of noise per image."""
        return sum(size * size for size in self.noise_shapes)

    def forward(self, z: Tensor, noise: Tensor | None = None, label: Tensor | None = None) -> list[Tensor]:
        """Images, the largest first, of latents z; noise [N,noise_dim] is drawn where it is not given."""
        if self.form != "original":
            z = z * (z.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()
        embedded = None if label is None else self.embed(label)
        draws = iter(self.maps(noise))
        features = {4: self.init(z)}
        for size in self.sizes:
            x = self.get_submodule(f"feat_{size}")(features[size // 2], draws, embedded)
            if by := self.gates.get(size):
                x = self.get_submodule(f"se_{size}")(features[by], x)
            features[size] = x
        images = [self.to_big(features[self.sizes[-1]])]
        if self.small:
            images.append(self.get_submodule(f"to_{self.small}")(features[self.small]))
        squashed = self.form == "original" and self.sizes[-1] == 1024
        return [image.tanh() if squashed else image for image in images]

    def maps(self, noise: Tensor | None) -> list[Tensor | None]:
        """The maps [N,1,H,W] of a row of noise per image."""
        sides = self.noise_shapes
        if noise is None:
            return [None] * len(sides)
        flat = torch.split(noise, [side * side for side in sides], dim=1) if sides else ()
        return [row.reshape(-1, 1, side, side) for row, side in zip(flat, sides, strict=True)]


class Discriminator(nn.Module):
    """Images [N,channels,resolution,resolution] to logits [N,50]: 25 of the whole, then 25 of a smaller view.

    Three decoders rebuild real images from its maps (Liu et al. 2021, section 3.2): of the whole, of a
    quarter of it, and of the smaller view. Blocks and gates above `resolution` are left out.
    """

    conditions = ()
    norm_option = "take another discriminator, such as --discriminator dcgan"
    critic: Callable[..., Critic]  # what trains it

    def __init__(self, resolution: int, channels: int, width: int, distance: str = "pixels") -> None:
        super().__init__()
        self.critic = partial(ReconstructingCritic, distance=distance)
        c = scaled(DOWN, width)
        first = min(resolution, 256)  # size after the first layers
        self.first = 512 // first  # maps are numbered by how often they divide 512: feat_2 is 256 px
        self.down_from_big = nn.Sequential(*first_layers(resolution, channels, c))
        self.steps = tuple(k for k in (4, 8, 16, 32, 64) if k > self.first)
        for k in self.steps:
            self.add_module(f"down_{k}", TwoPathDownBlock(c[2048 // k], c[1024 // k]))
        self.gates = {k: by for k, by in {16: 2, 32: 4, 64: 8}.items() if by >= self.first}
        for k, by in self.gates.items():
            self.add_module(f"se_{by}_{k}", Excitation(c[1024 // by], c[1024 // k]))
        self.rf_big = nn.Sequential(*normalised(conv(c[16], c[8], 1), c[8]), conv(c[8], 1, 4))
        self.small = small_size(resolution)
        halves = [size for size in (64, 32, 16, 8) if size < self.small]  # sizes of the smaller view's maps
        blocks = [DownBlock(c[8 * size], c[4 * size]) for size in halves[1:]]
        start = conv(channels, c[4 * halves[0]], 4, 2, 1)
        self.down_from_small = nn.Sequential(start, nn.LeakyReLU(0.2, inplace=True), *blocks)
        self.rf_small = conv(c[32], 1, 4)
        rebuilt = min(resolution, 128)
        self.decoder_big = Decoder(c[16], channels, rebuilt, width)
        self.decoder_part = Decoder(c[32], channels, rebuilt, width)
        self.decoder_small = Decoder(c[32], channels, rebuilt, width)
        initialise(self)

    def forward(self, images: Tensor, small: Tensor | None = None) -> Tensor:
        """Logits [N,50]; the smaller view is that of `images` unless another is given."""
        logits, _ = self.judge(images, small)
        return logits

    def judge(self, images: Tensor, small: Tensor | None = None) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits [N,50] and the maps that the decoders read: "big" and "small" at 8 px, "part" at 16 px."""
        if small is None:
            small = interpolate(images, self.small)
        maps = {self.first: self.down_from_big(images)}
        for k in self.steps:
            x = self.get_submodule(f"down_{k}")(maps[k // 2])
            if by := self.gates.get(k):
                x = self.get_submodule(f"se_{by}_{k}")(maps[by], x)
            maps[k] = x
        seen = self.down_from_small(small)
        logits = torch.cat([self.rf_big(maps[64]).flatten(1), self.rf_small(seen).flatten(1)], dim=1)
        return logits, {"big": maps[64], "small": seen, "part": maps[32]}

    def rebuild(self, images: Tensor, quarter: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits [N,50] and reconstructions of the whole ("big", "small") and of quarter 0..3 ("part")."""
        logits, maps = self.judge(images)
        return logits, {
            "big": self.decoder_big(maps["big"]),
            "small": self.decoder_small(maps["small"]),
            "part": self.decoder_part(cut(maps["part"], quarter)),
        }


def first_layers(resolution: int, channels: int, c: dict[int, int]) -> list[nn.Module]:
    """From the image to the first map: 256 px, or the image's size where that is less."""
    act = nn.LeakyReLU(0.2, inplace=True)
    if resolution == 1024:
        return [conv(channels, c[1024], 4, 2, 1), act, *normalised(conv(c[1024], c[512], 4, 2, 1), c[512])]
    if resolution == 512:
        return [conv(channels, c[512], 4, 2, 1), act]
    return [conv(channels, c[2 * resolution], 3, 1, 1), act]


class Decoder(nn.Module):
    """Maps [N,inputs,h,w] to images [N,channels,size,size] in [-1, 1], from 8 px on; half as wide as the rest."""

    def __init__(self, inputs: int, channels: int, size: int, width: int) -> None:
        super().__init__()
        widths = [inputs, *(max(factor * width // 2, 1) for factor in (4, 2, 2, 1))][: size.bit_length() - 3]
        blocks = [UpBlock(a, b) for a, b in pairwise(widths)]
        self.main = nn.Sequential(nn.AdaptiveAvgPool2d(8), *blocks, conv(widths[-1], channels, 3, 1, 1), nn.Tanh())

    def forward(self, maps: Tensor) -> Tensor:
        """Images of maps."""
        out: Tensor = self.main(maps)
        return out


@torch.no_grad()
def initialise(network: nn.Module) -> None:
    """Convolutions N(0, 0.02), normalisation scales N(1, 0.02), shifts 0, as published."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            layer.weight_orig.normal_(0, 0.02)  # type: ignore[operator]
        elif isinstance(layer, nn.BatchNorm2d):
            layer.weight.normal_(1, 0.02)
            layer.bias.zero_()


def discriminator(
    data: DataSpec,
    *,
    width: Annotated[int, Range(1)] = 64,  # channels at 128 px
    distance: str = "pixels",  # of its reconstructions: pixels, lpips, or a backbone whose features are compared
) -> Discriminator:
    """The discriminator, with its reconstructions, as a part for other models."""
    return Discriminator(data.resolution, data.channels, width, distance)
