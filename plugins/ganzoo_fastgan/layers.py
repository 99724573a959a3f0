"""The blocks of FastGAN's networks: every weight is spectrally normalised, none has a bias unless said."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import glu

from zoo.nn import spectral_norm

__all__ = [
    "ConditionalUpBlock",
    "DownBlock",
    "Excitation",
    "Init",
    "TwoPathDownBlock",
    "UpBlock",
    "conv",
    "cut",
    "normalised",
]

Draws = Iterator[Tensor | None]  # one map of noise per injection, [N,1,H,W]; None is drawn where it is needed


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0, bias: bool = False) -> nn.Conv2d:
    """A spectrally normalised convolution."""
    return spectral_norm(nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=bias))


def normalised(layer: nn.Module, channels: int) -> list[nn.Module]:
    """A layer, batch normalisation and LeakyReLU."""
    return [layer, nn.BatchNorm2d(channels), nn.LeakyReLU(0.2, inplace=True)]


class Noise(nn.Module):
    """x + weight · N(0, 1), one map for all channels; active in eval mode too. The weight begins at 0."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor, noise: Tensor | None) -> Tensor:
        """Add `noise` [N,1,H,W], or a fresh draw."""
        if noise is None:
            noise = torch.randn(len(x), 1, *x.shape[2:], dtype=x.dtype, device=x.device)
        return x + self.weight * noise


class Init(nn.Module):
    """Latents [N,z_dim] to maps [N,channels,4,4]."""

    def __init__(self, z_dim: int, channels: int) -> None:
        super().__init__()
        spread = spectral_norm(nn.ConvTranspose2d(z_dim, 2 * channels, 4, bias=False))
        self.init = nn.Sequential(spread, nn.BatchNorm2d(2 * channels), nn.GLU(1))

    def forward(self, z: Tensor) -> Tensor:
        """Maps of latents z."""
        out: Tensor = self.init(z[:, :, None, None])
        return out


class UpBlock(nn.Sequential):
    """Twice the size: convolution, normalisation and gate; a deep one does so twice, with noise before each norm."""

    def __init__(self, inputs: int, outputs: int, deep: bool = False) -> None:
        layers: list[nn.Module] = [nn.Upsample(scale_factor=2)]
        for width in (inputs, outputs) if deep else (inputs,):
            layers += [conv(width, 2 * outputs, 3, 1, 1), *([Noise()] if deep else [])]
            layers += [nn.BatchNorm2d(2 * outputs), nn.GLU(1)]
        super().__init__(*layers)

    def forward(self, input: Tensor, draws: Draws | None = None, label: Tensor | None = None) -> Tensor:
        """Maps [N,inputs,H,W] to [N,outputs,2H,2W]; a deep block takes two of the draws."""
        x = input
        for layer in self:
            x = layer(x, None if draws is None else next(draws)) if isinstance(layer, Noise) else layer(x)
        return x


class ConditionalNorm(nn.Module):
    """Batch normalisation whose gain, 1 + gain(e), and shift follow an embedding e [N,z_dim]."""

    def __init__(self, channels: int, z_dim: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.gain = spectral_norm(nn.Linear(z_dim, channels))
        self.bias = spectral_norm(nn.Linear(z_dim, channels))

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        """Normalise maps x."""
        out: Tensor = self.norm(x) * (1 + self.gain(e))[:, :, None, None] + self.bias(e)[:, :, None, None]
        return out


class ConditionalUpBlock(nn.Module):
    """An UpBlock with conditional normalisation; the two noises of a deep one share their weight."""

    def __init__(self, inputs: int, outputs: int, z_dim: int, deep: bool = False) -> None:
        super().__init__()
        self.rounds = ("1", "2") if deep else ("",)
        for number, width in zip(self.rounds, (inputs, outputs), strict=False):
            self.add_module(f"conv{number}", conv(width, 2 * outputs, 3, 1, 1))
            self.add_module(f"bn{number}", ConditionalNorm(2 * outputs, z_dim))
        self.noise = Noise() if deep else None

    def forward(self, x: Tensor, draws: Draws | None, label: Tensor) -> Tensor:
        """Maps [N,inputs,H,W] to [N,outputs,2H,2W] for embedded labels [N,z_dim]."""
        x = nn.functional.interpolate(x, scale_factor=2)
        for number in self.rounds:
            x = self.get_submodule(f"conv{number}")(x)
            if self.noise is not None:
                x = self.noise(x, None if draws is None else next(draws))
            x = glu(self.get_submodule(f"bn{number}")(x, label), 1)
        return x


class Excitation(nn.Module):
    """Skip-layer excitation (Liu et al. 2021, eq. 1): a coarse map gates the channels of a fine one."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.AdaptiveAvgPool2d(4), conv(coarse, fine, 4), nn.SiLU(), conv(fine, fine, 1), nn.Sigmoid()
        )

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """fine [N,fine,H,W] times a gate in (0, 1) per channel."""
        out: Tensor = fine * self.main(coarse)
        return out


class DownBlock(nn.Module):
    """Half the size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.main = nn.Sequential(*normalised(conv(inputs, outputs, 4, 2, 1), outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Maps [N,inputs,H,W] to [N,outputs,H/2,W/2]."""
        out: Tensor = self.main(x)
        return out


class TwoPathDownBlock(nn.Module):
    """Half the size, the mean of a deep path and a pooled one."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        deep = normalised(conv(inputs, outputs, 4, 2, 1), outputs)
        self.main = nn.Sequential(*deep, *normalised(conv(outputs, outputs, 3, 1, 1), outputs))
        self.direct = nn.Sequential(nn.AvgPool2d(2), *normalised(conv(inputs, outputs, 1), outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Maps [N,inputs,H,W] to [N,outputs,H/2,W/2]."""
        out: Tensor = (self.main(x) + self.direct(x)) / 2
        return out


def cut(images: Tensor, quarter: int) -> Tensor:
    """Quarter 0..3 of images: top left, top right, bottom left, bottom right."""
    height, width = images.shape[2] // 2, images.shape[3] // 2
    row, column = divmod(quarter, 2)
    return images[:, :, row * height : (row + 1) * height, column * width : (column + 1) * width]
