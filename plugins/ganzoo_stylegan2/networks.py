"""StyleGAN2's generator (Karras et al. 2020a). Its state dict carries the names of NVIDIA's PyTorch code."""

from collections.abc import Mapping
from math import sqrt
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo_stylegan2.layers import TAPS, Conv, Dense, activate, clamped, modulated_conv2d, normalised
from zoo import InvalidOptions
from zoo.nn import fir, upsample2d

__all__ = ["Generator", "MappingNetwork", "Noise", "SynthesisNetwork", "channels_at", "one_hot", "style_count"]

Form = Literal["skip", "resnet", "orig"]
Noise = Literal["random", "const", "none"] | Mapping[str, Tensor]
"""Fresh noise, each layer's own fixed map, none; or maps [N,1,r,r] by layer, such as "b8.conv0"."""


def channels_at(resolution: int, base: int, most: int) -> int:
    """Feature maps at a resolution."""
    return min(base // resolution, most)


def style_count(resolution: int) -> int:
    """Styles that a generator takes: two at 4 px and two for each doubling."""
    return 2 * resolution.bit_length() - 4


def sizes(resolution: int) -> list[int]:
    """4, 8, ..., resolution."""
    return [1 << i for i in range(2, resolution.bit_length())]


def one_hot(label: Tensor, classes: int) -> Tensor:
    """Labels int64 [N] as float32 [N,classes]; what already has two dimensions passes."""
    return label.float() if label.ndim == 2 else functional.one_hot(label, classes).float()


class Generator(nn.Module):
    """Latents z [N,z_dim], and labels where `classes` > 0, to images [N,channels,resolution,resolution]."""

    def __init__(
        self,
        resolution: int,
        channels: int,
        *,
        z_dim: int = 512,
        w_dim: int = 512,
        classes: int = 0,
        mapping_layers: int = 8,
        base: int = 32768,
        most: int = 512,
        form: Form = "skip",
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        layers = style_count(resolution)
        self.mapping = MappingNetwork(z_dim, w_dim, classes, mapping_layers, layers)
        self.synthesis = SynthesisNetwork(resolution, channels, w_dim, base, most, form, clamp)

    def forward(
        self,
        z: Tensor,
        label: Tensor | None = None,
        *,
        truncation: float | Tensor = 1.0,
        cutoff: int | Tensor | None = None,
        noise: Noise = "random",
    ) -> Tensor:
        """Images, not bounded: about [-1, 1]."""
        ws = truncated(self.mapping(z, label), self.mapping.w_avg, truncation, cutoff)
        out: Tensor = self.synthesis(ws, noise)
        return out


class MappingNetwork(nn.Module):
    """z [N,z_dim] and labels to w [N,w_dim]: normalised, joined with the embedded label, then dense layers.

    With z_dim = 0 it maps labels alone. `w_avg` follows the mean w with a decay of 0.995 per call in training.
    """

    w_avg: Tensor

    def __init__(
        self, z_dim: int, w_dim: int, classes: int, layers: int, copies: int = 0, lr: float = 0.01, decay: float = 0.995
    ) -> None:
        super().__init__()
        self.classes = classes
        self.layers = layers
        self.copies = copies
        self.decay = decay
        if classes:
            self.embed = Dense(classes, w_dim, linear=True)
        width = z_dim + (w_dim if classes else 0)
        for i in range(layers):
            setattr(self, f"fc{i}", Dense(width if i == 0 else w_dim, w_dim, lr=lr))
        if copies:
            self.register_buffer("w_avg", torch.zeros(w_dim))

    def forward(self, z: Tensor | None, label: Tensor | None = None, *, follow: bool = True) -> Tensor:
        """w [N,copies,w_dim], the same for every layer, or [N,w_dim] without copies."""
        parts = [] if z is None else [normalised(z)]
        if self.classes:
            if label is None:
                raise InvalidOptions(["this StyleGAN2 network was made for labels; give them, or make it without."])
            parts.append(normalised(self.embed(one_hot(label, self.classes))))
        w = torch.cat(parts, 1)
        for i in range(self.layers):
            w = self.get_submodule(f"fc{i}")(w)
        if not self.copies:
            return w
        if self.training and follow:
            self.w_avg.copy_(w.detach().mean(0).lerp(self.w_avg, self.decay))
        return w[:, None].expand(-1, self.copies, -1)


def truncated(ws: Tensor, average: Tensor, psi: float | Tensor = 1.0, cutoff: int | Tensor | None = None) -> Tensor:
    """ws [N,L,D] drawn towards the average by psi in the first `cutoff` layers (all for None); numbers or [N]."""
    if cutoff is None and isinstance(psi, float | int) and psi == 1:
        return ws
    share = torch.as_tensor(psi, device=ws.device, dtype=ws.dtype).reshape(-1, 1, 1)
    if cutoff is not None:
        layer = torch.arange(ws.shape[1], device=ws.device)
        drawn = layer < torch.as_tensor(cutoff, device=ws.device).reshape(-1, 1)
        share = torch.where(drawn[:, :, None], share, 1.0)
    return average.to(ws.dtype).lerp(ws, share)


class SynthesisNetwork(nn.Module):
    """Styles ws [N,L,w_dim] to images. Each block takes its styles in turn; a block's toRGB shares the next one's."""

    def __init__(
        self, resolution: int, channels: int, w_dim: int, base: int, most: int, form: Form, clamp: float | None
    ) -> None:
        super().__init__()
        self.sizes = sizes(resolution)
        previous = 0
        for size in self.sizes:
            width = channels_at(size, base, most)
            shown = form == "skip" or size == resolution
            block = SynthesisBlock(previous, width, channels if shown else 0, w_dim, size, form, clamp)
            setattr(self, f"b{size}", block)
            previous = width

    def forward(self, ws: Tensor, noise: Noise = "random") -> Tensor:
        """Images [N,C,H,W] in float32 or wider."""
        x: Tensor | None = None
        image: Tensor | None = None
        first = 0
        for size in self.sizes:
            block: SynthesisBlock = self.get_submodule(f"b{size}")  # type: ignore[assignment]
            x, image = block(x, image, ws[:, first:].unbind(1), noise_of(noise, f"b{size}"))
            first += block.convolutions
        assert image is not None
        return image

    def noise_shapes(self) -> dict[str, tuple[int, int, int]]:
        """The noise maps that one sample takes, [1,r,r] by layer."""
        layers = [(f"b{size}.{name}", size) for size in self.sizes for name in ("conv0", "conv1")]
        return {name: (1, size, size) for name, size in layers[1:]}


def noise_of(noise: Noise, block: str) -> Noise:
    """The noise of one block: maps by the names of its layers."""
    if isinstance(noise, str):
        return noise
    return {name.partition(".")[2]: value for name, value in noise.items() if name.startswith(f"{block}.")}


class SynthesisBlock(nn.Module):
    """One resolution: the learned constant at 4 px, above it a doubling and a plain layer; toRGB where it shows."""

    resample_filter: Tensor

    def __init__(
        self, inputs: int, width: int, channels: int, w_dim: int, size: int, form: Form, clamp: float | None
    ) -> None:
        super().__init__()
        self.form = form
        self.convolutions = 2 if inputs else 1
        self.register_buffer("resample_filter", fir(TAPS))
        if not inputs:
            self.const = nn.Parameter(torch.randn(width, size, size))
        else:
            self.conv0 = SynthesisLayer(inputs, width, w_dim, size, clamp, up=2)
        self.conv1 = SynthesisLayer(width, width, w_dim, size, clamp)
        self.torgb = ToRGB(width, channels, w_dim, clamp) if channels else None
        self.skip = Conv(inputs, width, 1, bias=False, linear=True, up=2) if inputs and form == "resnet" else None

    def forward(
        self, x: Tensor | None, image: Tensor | None, ws: tuple[Tensor, ...], noise: Noise
    ) -> tuple[Tensor, Tensor | None]:
        """Features and picture so far to those at this size; ws [N,w_dim] from this block's first on."""
        given = (lambda name: noise) if isinstance(noise, str) else (lambda name: noise[name])
        if x is None:
            x = self.const.expand(len(ws[0]), -1, -1, -1).contiguous(memory_format=torch.channels_last)
            x = self.conv1(x, ws[0], given("conv1"))
        elif self.skip is not None:
            around = self.skip(x, gain=sqrt(0.5))
            x = around + self.conv1(self.conv0(x, ws[0], given("conv0")), ws[1], given("conv1"), gain=sqrt(0.5))
        else:
            x = self.conv1(self.conv0(x, ws[0], given("conv0")), ws[1], given("conv1"))
        if image is not None:
            image = upsample2d(image, self.resample_filter)
        if self.torgb is not None:
            shown = self.torgb(x, ws[self.convolutions])
            image = shown if image is None else image + shown
        assert x is not None
        return x, image


class SynthesisLayer(nn.Module):
    """A modulated 3x3 convolution, noise, bias, lrelu·sqrt(2)."""

    resample_filter: Tensor
    noise_const: Tensor

    def __init__(
        self, inputs: int, outputs: int, w_dim: int, size: int, clamp: float | None = None, *, up: int = 1
    ) -> None:
        super().__init__()
        self.affine = Dense(w_dim, inputs, linear=True, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("resample_filter", fir(TAPS))
        self.register_buffer("noise_const", torch.randn(size, size))
        self.size = size
        self.clamp = clamp
        self.up = up
        self.fused = False

    def forward(self, x: Tensor, w: Tensor, noise: str | Tensor, gain: float = 1.0) -> Tensor:
        """Features [N,O,size,size] of x, styles from w [N,w_dim]; times `gain`."""
        scale = gain * sqrt(2)
        styles = self.affine(w)
        out = modulated_conv2d(
            x,
            self.weight,
            styles,
            self.bias * scale,
            up=self.up,
            kernel=self.resample_filter,
            gain=scale,
            fused=self.fused,
        )
        if (grain := self.grain(noise, len(x))) is not None:
            out = out + (grain * (self.noise_strength * scale)).to(out.dtype)
        return clamped(activate(out), self.clamp, gain)

    def grain(self, noise: str | Tensor, n: int) -> Tensor | None:
        """The noise map, to be broadcast over [N,O,size,size]; None for none."""
        if isinstance(noise, Tensor):
            return noise
        if noise == "random":
            return torch.randn(n, 1, self.size, self.size, device=self.bias.device, dtype=self.bias.dtype)
        return self.noise_const if noise == "const" else None


class ToRGB(nn.Module):
    """A modulated 1x1 convolution to the picture's channels, without demodulation."""

    def __init__(self, inputs: int, channels: int, w_dim: int, clamp: float | None = None) -> None:
        super().__init__()
        self.affine = Dense(w_dim, inputs, linear=True, bias=1.0)
        self.weight = nn.Parameter(torch.randn(channels, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.weight_scale = 1 / sqrt(inputs)
        self.clamp = clamp

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Its share of the picture, [N,C,H,W] in the precision of the weight.

        So few outputs are best taken as one small matrix per sample: x is read once and never scaled.
        """
        styles = self.affine(w) * self.weight_scale
        own = self.weight[:, :, 0, 0] * styles[:, None]  # [N,C,I]
        pixels = x.permute(0, 2, 3, 1).flatten(1, 2)  # [N,HW,I]
        seen = torch.matmul(pixels, own.to(x.dtype).transpose(1, 2)).reshape(len(x), *x.shape[2:], -1)
        return clamped(seen.permute(0, 3, 1, 2).to(self.bias.dtype) + self.bias[:, None, None], self.clamp)
