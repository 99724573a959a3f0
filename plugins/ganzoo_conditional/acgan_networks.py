"""AC-GAN's networks: those of its CIFAR experiment at any size, and of its ImageNet experiment at 128 px."""

from collections.abc import Callable
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn, tanh
from torch.nn import functional as f

from ganzoo_conditional.layers import apart, initialise
from zoo import Critic

__all__ = ["Discriminator", "Form", "Generator", "Init"]

Form = Literal["cifar", "imagenet"]
Init = Literal["normal", "he"]


class Generator(nn.Module):
    """Latents z [N,z_dim] and labels int64 [N] to images [N,channels,R,R] in [-1, 1].

    The one-hot label stands before the latent. `cifar`: a dense layer, then 4x4 transposed convolutions from
    4 pixels, 8·width channels at 32 px; `imagenet` (128 px): 5x5 ones from one pixel, the last one 8x8.

    Nothing normalises the dense layer. Drawn from N(0, 0.02) as published, its outputs have a size of 0.2, less than
    its bias learns within some hundred steps at a rate of 1e-3; then latents hardly matter. With `init` he it is 1.
    """

    def __init__(
        self,
        resolution: int,
        channels: int,
        classes: int,
        z_dim: int,
        width: int = 48,
        form: Form = "cifar",
        init: Init = "normal",
    ) -> None:
        super().__init__()
        self.classes = classes
        if form == "imagenet":
            sizes = [768, 384, 256, 192, 64]
            kernels = [(5, 2, 0)] * 4
            last = nn.ConvTranspose2d(64, channels, 8, 2, 0, bias=False)
        else:
            count = resolution.bit_length() - 3  # doublings from 4 pixels
            sizes = [width << count, *(width << i for i in reversed(range(count)))]
            kernels = [(4, 1, 0), *[(4, 2, 1)] * (count - 1)]
            last = nn.ConvTranspose2d(width, channels, 4, 2, 1, bias=False)
        self.dense = nn.Linear(z_dim + classes, sizes[0])
        layers: list[nn.Module] = []
        for inputs, outputs, (kernel, stride, padding) in zip(sizes[:-1], sizes[1:], kernels, strict=True):
            layers += [nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding, bias=False)]
            layers += [nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
        self.main = nn.Sequential(*layers, last)
        initialise(self)
        if init == "he":
            nn.init.kaiming_normal_(self.dense.weight)

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        """Images of latents and labels."""
        chosen = f.one_hot(label, self.classes).to(z.dtype)
        x = f.relu(self.dense(torch.cat([chosen, z], dim=1)))
        return tanh(self.main(x[:, :, None, None]))


class Discriminator(nn.Module):
    """Images to [N,1+classes]: the logit of being real, then those of the classes (section 4.1, table 1).

    Six 3x3 convolutions of 16 to 512 channels, every second one halving; LeakyReLU 0.2 and dropout after each.
    """

    conditions = ()
    takes_batches = True
    critic: Callable[..., Critic] = Critic
    norm_option = "-s d_norm=none"

    def __init__(
        self,
        resolution: int,
        channels: int,
        classes: int,
        width: int = 16,
        dropout: float = 0.5,
        norm: Literal["batch", "none"] = "batch",
        form: Form = "cifar",
    ) -> None:
        super().__init__()
        sizes = [channels, *(width << i for i in range(6))]
        layers: list[nn.Module] = []
        for i, (inputs, outputs) in enumerate(pairwise(sizes)):
            halves = i % 2 == 0
            padding = 1 if halves or form == "cifar" else 0
            layers.append(nn.Conv2d(inputs, outputs, 3, 2 if halves else 1, padding, bias=norm == "none"))
            layers += [nn.BatchNorm2d(outputs)] if norm == "batch" and i else []
            layers += [nn.LeakyReLU(0.2, inplace=True), nn.Dropout(dropout)]
        self.main = nn.Sequential(*layers)
        side = 13 if form == "imagenet" else resolution // 8
        self.source = nn.Linear(sizes[-1] * side**2, 1)
        self.classify = nn.Linear(sizes[-1] * side**2, classes)
        initialise(self, slope=0.2 if norm == "none" else None)

    def forward(self, images: Tensor, batches: int = 1) -> Tensor:
        """Logits [N,1+classes]; the normalisation sees `batches` equal batches in a row, one after the other."""
        x = images
        for layer in self.main:
            x = apart(layer, x, batches)
        x = x.flatten(1)
        return torch.cat([self.source(x), self.classify(x)], dim=1)

    def features(self, images: Tensor) -> list[Tensor]:
        """The activations of the convolutions, fine to coarse."""
        found, x = [], images
        for layer in self.main:
            x = layer(x)
            if isinstance(layer, nn.LeakyReLU):
                found.append(x.clone())
        return found
