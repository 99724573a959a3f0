"""DCGAN's networks. Their state dicts carry the names of pytorch/examples: `main.0.weight` and so on."""

from typing import Annotated, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from zoo import DataSpec, Range

__all__ = ["Discriminator", "Generator", "discriminator"]

Form = Literal["torch", "theano"]
Norm = Literal["batch", "none"]


class Generator(nn.Module):
    """Latents [N,z_dim] to images [N,channels,resolution,resolution] in [-1, 1].

    Starts with width·resolution/8 channels at 4x4; every stage doubles the size and halves the channels
    (Radford et al. 2015, figure 1). No convolution has a bias.
    """

    def __init__(
        self, resolution: int, channels: int, z_dim: int, width: int, form: Form = "torch", norm: Norm = "batch"
    ) -> None:
        super().__init__()
        self.dense = form == "theano"
        wide = width * resolution // 8
        layers = first_dense(z_dim, wide, norm) if self.dense else first_conv(z_dim, wide, norm)
        for _ in range(stages(resolution)):
            layers += [up(wide, wide // 2, form), *normalised(wide // 2, form, norm), nn.ReLU(inplace=True)]
            wide //= 2
        layers += [up(wide, channels, form), nn.Tanh()]
        self.main = nn.Sequential(*layers)
        initialise(self)

    def forward(self, z: Tensor) -> Tensor:
        """Images of latents z; z [N,z_dim,s,s] gives pictures of resolution + 16(s-1) pixels at 64 px."""
        out: Tensor = self.main(z if self.dense or z.ndim == 4 else z[:, :, None, None])
        return out


class Discriminator(nn.Module):
    """Images [N,channels,resolution,resolution] to logits [N,1]; channels double from `width` down to 4x4.

    The first layer has no normalisation. Without normalisation the convolutions have biases. The last
    sigmoid of the official code is `probability`, a step without parameters.
    """

    conditions = ()
    takes_batches = True
    norm_option = "-s d_norm=none"

    def __init__(self, resolution: int, channels: int, width: int, form: Form = "torch", norm: Norm = "batch") -> None:
        super().__init__()
        bias = norm == "none"
        layers: list[nn.Module] = [down(channels, width, form, bias), nn.LeakyReLU(0.2, inplace=True)]
        for _ in range(stages(resolution)):
            layers += [down(width, width * 2, form, bias), *normalised(width * 2, form, norm)]
            layers += [nn.LeakyReLU(0.2, inplace=True)]
            width *= 2
        if form == "theano":
            layers += [nn.Flatten(), nn.Linear(width * 16, 1, bias=bias)]
        else:
            layers += [nn.Conv2d(width, 1, 4, bias=bias)]
        self.main = nn.Sequential(*layers)
        initialise(self)

    def forward(self, images: Tensor, batches: int = 1) -> Tensor:
        """Logits [N,1]; the normalisation sees `batches` equal batches in a row, one after the other."""
        x = images
        for layer in self.main:
            apart = batches if isinstance(layer, _BatchNorm) else 1
            x = layer(x) if apart == 1 else torch.cat([layer(batch) for batch in x.chunk(apart)])
        return x.flatten(1)

    def probability(self, images: Tensor) -> Tensor:
        """The official output, sigmoid(logit), [N]."""
        return torch.sigmoid(self(images)).flatten()

    def features(self, images: Tensor) -> list[Tensor]:
        """The activations after every LeakyReLU, fine to coarse: what Radford et al. probe (section 5.1)."""
        found, x = [], images
        for layer in self.main:
            x = layer(x)
            if isinstance(layer, nn.LeakyReLU):
                found.append(x.clone())
        return found


def discriminator(
    data: DataSpec,
    *,
    width: Annotated[int, Range(1)] = 64,  # channels after the first layer
    form: Form = "torch",  # torch: 4x4 kernels; theano: 5x5 and a dense last layer
    norm: Norm = "none",  # batch normalisation as in the paper, or none, which per-image penalties need
) -> Discriminator:
    """The discriminator as a part for other models."""
    network = Discriminator(data.resolution, data.channels, width, form, norm)
    network.norm_option = "dcgan:norm=none"
    return network


def stages(resolution: int) -> int:
    """Stages between 4x4 and half the resolution."""
    return resolution.bit_length() - 4


def first_conv(z_dim: int, wide: int, norm: Norm) -> list[nn.Module]:
    """z as one pixel, spread to 4x4 by a transposed convolution."""
    spread = nn.ConvTranspose2d(z_dim, wide, 4, bias=False)
    return [spread, *normalised(wide, "torch", norm), nn.ReLU(inplace=True)]


def first_dense(z_dim: int, wide: int, norm: Norm) -> list[nn.Module]:
    """A dense layer whose normalisation sees every one of its outputs apart, then 4x4."""
    dense: list[nn.Module] = [nn.Linear(z_dim, wide * 16, bias=False)]
    if norm == "batch":
        dense.append(nn.BatchNorm1d(wide * 16, eps=1e-8))
    return [*dense, nn.ReLU(inplace=True), nn.Unflatten(1, (wide, 4, 4))]


def up(inputs: int, outputs: int, form: Form) -> nn.Module:
    """Twice the size."""
    if form == "theano":
        return nn.ConvTranspose2d(inputs, outputs, 5, 2, 2, output_padding=1, bias=False)
    return nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False)


def down(inputs: int, outputs: int, form: Form, bias: bool) -> nn.Module:
    """Half the size."""
    kernel, padding = (5, 2) if form == "theano" else (4, 1)
    return nn.Conv2d(inputs, outputs, kernel, 2, padding, bias=bias)


def normalised(channels: int, form: Form, norm: Norm) -> list[nn.Module]:
    """Batch normalisation with the epsilon of the form, or nothing."""
    if norm == "none":
        return []
    return [nn.BatchNorm2d(channels, eps=1e-8 if form == "theano" else 1e-5)]


@torch.no_grad()
def initialise(network: nn.Module) -> None:
    """Weights N(0, 0.02), normalisation scales N(1, 0.02), all shifts and biases 0 (section 4)."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            layer.weight.normal_(0, 0.02)
        elif isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
            layer.weight.normal_(1, 0.02)
        if isinstance(getattr(layer, "bias", None), nn.Parameter):
            layer.bias.zero_()  # type: ignore[operator]
