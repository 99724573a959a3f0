"""Discriminators of patches. Their state dicts carry the official names: `model.0.weight`, `net.0.weight`."""

from typing import Annotated

import torch
from torch import Tensor, nn

from ganzoo_pix2pix.layers import Init, Norm, apart, initialise, normalised
from zoo import DataSpec, InvalidOptions, Range

__all__ = ["PatchGAN", "Patches", "PixelGAN", "discriminator", "too_small"]


class Patches(nn.Module):
    """Images [N,C,H,W], with the pictures they were made from or without, to a logit per patch [N,h·w].

    With `source` the condition comes first along the channels (Isola et al. 2017, section 3.2).
    """

    takes_batches = True
    norm_option = "-s d_norm=instance"

    def __init__(self, source: bool) -> None:
        super().__init__()
        self.conditions = ("source",) if source else ()

    def layers(self) -> nn.Sequential:
        """All of them, in order."""
        raise NotImplementedError

    def forward(self, images: Tensor, source: Tensor | None = None, batches: int = 1) -> Tensor:
        """Logits [N,h·w]; the normalisation sees `batches` equal batches in a row, one after the other."""
        x = images if source is None else torch.cat([source, images], dim=1)
        for layer in self.layers():
            x = apart(layer, x, batches)
        return x.flatten(1)

    def features(self, images: Tensor, source: Tensor | None = None) -> list[Tensor]:
        """The activations after every LeakyReLU, fine to coarse."""
        found = []
        x = images if source is None else torch.cat([source, images], dim=1)
        for layer in self.layers():
            x = layer(x)
            if isinstance(layer, nn.LeakyReLU):
                found.append(x)
        return found


class PatchGAN(Patches):
    """`layers` halvings, then two convolutions that keep the size; 3 see 70x70 pixels each, 1 sees 16, 5 see 286."""

    def __init__(
        self,
        channels: int,
        *,
        source: bool = False,
        layers: int = 3,
        width: int = 64,
        norm: Norm = "batch",
        init: Init = "normal",
    ) -> None:
        super().__init__(source)
        bias = norm == "instance"
        stack: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for i in range(1, layers + 1):
            here, there = width * min(2 ** (i - 1), 8), width * min(2**i, 8)
            stack += [nn.Conv2d(here, there, 4, 2 if i < layers else 1, 1, bias=bias)]
            stack += [*normalised(there, norm), nn.LeakyReLU(0.2)]
        self.model = nn.Sequential(*stack, nn.Conv2d(width * min(2**layers, 8), 1, 4, 1, 1))
        initialise(self, init)

    def layers(self) -> nn.Sequential:
        """As in the official state dict."""
        return self.model


class PixelGAN(Patches):
    """Every pixel by itself, through 1x1 convolutions. As released, the last has a bias with instance norm alone."""

    def __init__(
        self, channels: int, *, source: bool = False, width: int = 64, norm: Norm = "batch", init: Init = "normal"
    ) -> None:
        super().__init__(source)
        bias = norm == "instance"
        self.net = nn.Sequential(
            nn.Conv2d(channels, width, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 1, bias=bias),
            *normalised(2 * width, norm),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 1, 1, bias=bias),
        )
        initialise(self, init)

    def layers(self) -> nn.Sequential:
        """As in the official state dict."""
        return self.net


def discriminator(
    data: DataSpec,
    *,
    layers: Annotated[int, Range(0, 8)] = 3,  # halvings: a logit sees 16, 34, 70, 142 ... px; 0 is single pixels
    width: Annotated[int, Range(1)] = 64,  # channels after the first layer
    norm: Norm = "instance",  # batch as in pix2pix, instance as in CycleGAN, or none
    init: Init = "normal",  # of the weights, with gain 0.02
    source: bool = False,  # also look at the picture that the image was made from
) -> Patches:
    """The discriminators of pix2pix and CycleGAN for any model. Raises InvalidOptions for images that are too small."""
    if problem := too_small(layers, data.resolution):
        raise InvalidOptions([f"patchgan: {problem}"])
    channels = data.channels + (data.source_channels if source else 0)
    network: Patches
    if layers:
        network = PatchGAN(channels, source=source, layers=layers, width=width, norm=norm, init=init)
    else:
        network = PixelGAN(channels, source=source, width=width, norm=norm, init=init)
    network.norm_option = "patchgan:norm=instance"
    return network


def too_small(layers: int, resolution: int) -> str:
    """Why images of this size are none for a PatchGAN: three pixels must be left for its last two convolutions."""
    if not layers or resolution >= 3 * 2**layers:
        return ""
    most = max(layer for layer in range(layers) if layer == 0 or resolution >= 3 * 2**layer)
    return f"{layers} halvings leave nothing to judge of {resolution} px; take at most {most}."
