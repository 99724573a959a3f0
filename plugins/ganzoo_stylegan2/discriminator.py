"""StyleGAN2's discriminator (Karras et al. 2020a). Its state dict carries the names of NVIDIA's PyTorch code."""

from math import sqrt
from typing import Annotated, Literal

import torch
from torch import Tensor, nn

from ganzoo_stylegan2.layers import TAPS, Conv, Dense
from ganzoo_stylegan2.networks import MappingNetwork, channels_at, sizes
from zoo import DataSpec, Range
from zoo.nn import downsample2d, fir, minibatch_stddev

__all__ = ["Discriminator", "discriminator"]

Form = Literal["skip", "resnet", "orig"]


class Discriminator(nn.Module):
    """Images [N,channels,resolution,resolution] to logits [N,1].

    With labels, the logit is the projection of its last features on the mapped label (Miyato & Koyama 2018).
    """

    takes_batches = True

    def __init__(
        self,
        resolution: int,
        channels: int,
        *,
        classes: int = 0,
        base: int = 32768,
        most: int = 512,
        form: Form = "resnet",
        clamp: float | None = None,
        group: int = 4,
        mapping_layers: int = 8,
    ) -> None:
        super().__init__()
        self.conditions = ("label",) if classes else ()
        self.sizes = sizes(resolution)[:0:-1]
        for size in self.sizes:
            here, below = channels_at(size, base, most), channels_at(size // 2, base, most)
            colours = channels if form == "skip" or size == resolution else 0
            setattr(self, f"b{size}", DiscriminatorBlock(colours, here, below, form, clamp))
        width = channels_at(4, base, most)
        self.b4 = Epilogue(channels if form == "skip" else 0, width, width if classes else 1, group, clamp)
        self.mapping = MappingNetwork(0, width, classes, mapping_layers) if classes else None

    def forward(self, images: Tensor, label: Tensor | None = None, batches: int = 1) -> Tensor:
        """Logits [N,1]; labels int64 [N] where the network is conditional; the images are so many batches in a row."""
        x: Tensor | None = None
        image: Tensor | None = images
        for size in self.sizes:
            x, image = self.get_submodule(f"b{size}")(x, image)
        out: Tensor = self.b4(x, image, batches)
        if self.mapping is None:
            return out
        wanted: Tensor = self.mapping(None, label)
        return (out * wanted).sum(1, keepdim=True) / sqrt(out.shape[1])

    def layers(self) -> list[nn.Module]:
        """Layers from the image on, in the order in which freezing takes them (Mo et al. 2020, Freeze-D)."""
        found: list[nn.Module] = []
        for size in self.sizes:
            block = self.get_submodule(f"b{size}")
            parts = (getattr(block, name) for name in ("fromrgb", "conv0", "conv1", "skip"))
            found += [part for part in parts if part is not None]
        return found

    def freeze(self, count: int) -> None:
        """Let the first `count` layers learn no more."""
        for layer in self.layers()[:count]:
            layer.requires_grad_(False)


class DiscriminatorBlock(nn.Module):
    """Two convolutions down to half the size, and in the resnet form a way around them."""

    resample_filter: Tensor

    def __init__(self, colours: int, here: int, below: int, form: Form, clamp: float | None) -> None:
        super().__init__()
        self.form = form
        self.register_buffer("resample_filter", fir(TAPS))
        self.fromrgb = Conv(colours, here, 1, clamp=clamp) if colours else None
        self.conv0 = Conv(here, here, 3, clamp=clamp)
        self.conv1 = Conv(here, below, 3, down=2, clamp=clamp)
        self.skip = Conv(here, below, 1, bias=False, linear=True, down=2) if form == "resnet" else None

    def forward(self, x: Tensor | None, image: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Features and, in the skip form, the picture, both at half the size."""
        if self.fromrgb is not None:
            assert image is not None
            seen = self.fromrgb(image)
            x = seen if x is None else x + seen
            image = downsample2d(image, self.resample_filter) if self.form == "skip" else None
        assert x is not None
        if self.skip is None:
            return self.conv1(self.conv0(x)), image
        around = self.skip(x, gain=sqrt(0.5))
        return around.add_(self.conv1(self.conv0(x), gain=sqrt(0.5))), image


class Epilogue(nn.Module):
    """4x4 features to the outputs, with the spread of the batch as one more feature."""

    def __init__(self, colours: int, width: int, outputs: int, group: int, clamp: float | None) -> None:
        super().__init__()
        self.group = group
        self.fromrgb = Conv(colours, width, 1) if colours else None
        self.conv = Conv(width + (1 if group else 0), width, 3, clamp=clamp)
        self.fc = Dense(width * 16, width)
        self.out = Dense(width, outputs, linear=True)

    def forward(self, x: Tensor, image: Tensor | None, batches: int = 1) -> Tensor:
        """Outputs [N,outputs]."""
        if self.fromrgb is not None:
            x = x + self.fromrgb(image)
        if self.group:
            x = torch.cat([minibatch_stddev(part, self.group) for part in x.chunk(batches)])
        out: Tensor = self.out(self.fc(self.conv(x).flatten(1)))
        return out


def discriminator(
    data: DataSpec,
    *,
    base: Annotated[int, Range(4)] = 16384,  # feature maps are base / resolution
    most: Annotated[int, Range(1)] = 512,  # and at most this many
    form: Form = "resnet",  # resnet: ways around the blocks; skip: the picture enters at every size; orig: neither
    group: Annotated[int, Range(0)] = 4,  # samples whose spread is one more feature; 0 shows none
    label: bool = False,  # judge images with their labels
) -> Discriminator:
    """The discriminator as a part for other models."""
    classes = data.classes if label else 0
    return Discriminator(data.resolution, data.channels, classes=classes, base=base, most=most, form=form, group=group)
