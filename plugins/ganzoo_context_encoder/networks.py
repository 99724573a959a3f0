"""The networks. State dicts carry the names of context_encoder_pytorch: `main.0.weight` and so on."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

__all__ = ["Bottleneck", "ChannelWise", "Discriminator", "Inpainter", "Norm"]

Bottleneck = Literal["conv", "channelwise"]
Norm = Literal["batch", "none"]


def maps_at(width: int, size: int) -> int:
    """Feature maps at size x size: `width` from 32 px on, twice as many at each halving, eight times at 4 px."""
    return width * max(32 // size, 1)


class Inpainter(nn.Module):
    """Images [N,channels,resolution,resolution] with holes to pictures [N,channels,output,output] in [-1, 1].

    Halves down to 4x4, through the bottleneck, and doubles up again. `output` is the resolution, or half of it: the
    centre. The bottleneck is a 4x4 convolution to `units` numbers, as released, or the paper's channel-wise fully
    connected layer with a 1x1 convolution behind it. With `z_dim`, noise joins the units. No layer has a bias.
    """

    def __init__(
        self,
        resolution: int,
        output: int,
        channels: int,
        width: int = 64,
        units: int = 4000,
        bottleneck: Bottleneck = "conv",
        z_dim: int = 0,
    ) -> None:
        super().__init__()
        layers = encoder(resolution, channels, width)
        wide = maps_at(width, 4)
        if bottleneck == "channelwise":
            layers += [ChannelWise(wide, 4), nn.Conv2d(wide, wide, 1, bias=False), *normalised(wide), nn.ReLU(True)]
        else:
            layers += [nn.Conv2d(wide, units, 4, bias=False)]
        self.encoded = len(layers)  # layers before the noise
        if bottleneck == "conv":
            layers += [nn.BatchNorm2d(units + z_dim), nn.LeakyReLU(0.2, True)]
            layers += [nn.ConvTranspose2d(units + z_dim, wide, 4, bias=False), *normalised(wide), nn.ReLU(True)]
        layers += decoder(output, channels, width)
        self.main = nn.Sequential(*layers)
        if z_dim:
            self.noise = nn.Conv2d(z_dim, z_dim, 1, bias=False)
        initialise(self)

    def forward(self, images: Tensor, z: Tensor | None = None) -> Tensor:
        """Pictures of images with holes, and of noise z [N,z_dim] where the network takes it."""
        x = images
        for i, layer in enumerate(self.main):
            if i == self.encoded and z is not None:
                x = torch.cat([x, self.noise(z[:, :, None, None])], 1)
            x = layer(x)
        return x

    def features(self, images: Tensor) -> list[Tensor]:
        """The encoder's activations, fine to coarse, and what the bottleneck makes of them."""
        found, x = [], images
        for layer in self.main[: self.encoded]:
            x = layer(x)
            if isinstance(layer, nn.LeakyReLU):
                found.append(x.clone())
        return [*found, x]


class ChannelWise(nn.Module):
    """A dense layer within each map [size,size], the maps apart: size^4 weights a map (section 3.1 of the paper)."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, size**2, size**2))

    def forward(self, x: Tensor) -> Tensor:
        """Maps [N,C,size,size] to maps."""
        return torch.einsum("nci,cij->ncj", x.flatten(2), self.weight).view_as(x)


class Discriminator(nn.Module):
    """Pictures [N,channels,resolution,resolution] to logits [N,1]: DCGAN's, with more layers of `width` above 64 px.

    The first layer has no normalisation. Without normalisation the convolutions have biases.
    """

    conditions = ()
    takes_batches = True
    norm_option = "-s d_norm=none"

    def __init__(self, resolution: int, channels: int, width: int = 64, norm: Norm = "batch") -> None:
        super().__init__()
        layers = encoder(resolution, channels, width, norm)
        layers.append(nn.Conv2d(maps_at(width, 4), 1, 4, bias=norm == "none"))
        self.main = nn.Sequential(*layers)
        initialise(self)

    def forward(self, images: Tensor, batches: int = 1) -> Tensor:
        """Logits [N,1]; the normalisation sees `batches` equal batches in a row, one after the other."""
        x = images
        for layer in self.main:
            apart = batches if isinstance(layer, _BatchNorm) else 1
            x = layer(x) if apart == 1 else torch.cat([layer(batch) for batch in x.chunk(apart)])
        return x.flatten(1)

    def features(self, images: Tensor) -> list[Tensor]:
        """The activations after every LeakyReLU, fine to coarse."""
        found, x = [], images
        for layer in self.main:
            x = layer(x)
            if isinstance(layer, nn.LeakyReLU):
                found.append(x.clone())
        return found


def encoder(resolution: int, channels: int, width: int, norm: Norm = "batch") -> list[nn.Module]:
    """Strided convolutions down to 4x4."""
    size = resolution // 2
    maps = maps_at(width, size)
    bias = norm == "none"
    layers: list[nn.Module] = [nn.Conv2d(channels, maps, 4, 2, 1, bias=bias), nn.LeakyReLU(0.2, True)]
    while size > 4:
        size //= 2
        deeper = maps_at(width, size)
        layers += [nn.Conv2d(maps, deeper, 4, 2, 1, bias=bias), *normalised(deeper, norm), nn.LeakyReLU(0.2, True)]
        maps = deeper
    return layers


def decoder(output: int, channels: int, width: int) -> list[nn.Module]:
    """Transposed convolutions from 4x4 up."""
    layers: list[nn.Module] = []
    size, maps = 4, maps_at(width, 4)
    while size * 2 < output:
        size *= 2
        finer = maps_at(width, size)
        layers += [nn.ConvTranspose2d(maps, finer, 4, 2, 1, bias=False), *normalised(finer), nn.ReLU(True)]
        maps = finer
    return [*layers, nn.ConvTranspose2d(maps, channels, 4, 2, 1, bias=False), nn.Tanh()]


def normalised(channels: int, norm: Norm = "batch") -> list[nn.Module]:
    """Batch normalisation, or nothing."""
    return [nn.BatchNorm2d(channels)] if norm == "batch" else []


@torch.no_grad()
def initialise(network: nn.Module) -> None:
    """Weights N(0, 0.02), normalisation scales N(1, 0.02), all shifts and biases 0."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, ChannelWise)):
            layer.weight.normal_(0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            layer.weight.normal_(1, 0.02)
        if isinstance(getattr(layer, "bias", None), nn.Parameter):
            layer.bias.zero_()  # type: ignore[operator]
