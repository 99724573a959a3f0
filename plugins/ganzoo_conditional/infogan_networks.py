"""InfoGAN's networks for MNIST, at any size that doubles from 4 to 7 pixels."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn, tanh
from torch.nn import functional as f

from ganzoo_conditional.layers import apart, initialise, stages
from zoo import Critic

__all__ = ["Discriminator", "Generator"]


class Generator(nn.Module):
    """Noise, categories and codes to images [N,channels,R,R] in [-1, 1].

    Two dense layers to the smallest map of at least 4 pixels, then 4x4 transposed convolutions; the last hidden
    one has `width` channels, each before it twice as many.
    """

    def __init__(
        self,
        resolution: int,
        channels: int,
        z_dim: int,
        categories: Sequence[int],
        codes: int,
        width: int = 64,
        dense: int = 1024,
    ) -> None:
        super().__init__()
        self.categories = tuple(categories)
        self.base, count = stages(resolution)
        wide = width << (count - 1)
        spread = wide * self.base**2
        self.dense = nn.Sequential(nn.Linear(z_dim + sum(categories) + codes, dense), nn.BatchNorm1d(dense), nn.ReLU())
        self.spread = nn.Sequential(nn.Linear(dense, spread), nn.BatchNorm1d(spread), nn.ReLU())
        layers: list[nn.Module] = []
        for i in range(count - 1):
            layers += [nn.ConvTranspose2d(wide >> i, wide >> (i + 1), 4, 2, 1), nn.BatchNorm2d(wide >> (i + 1))]
            layers += [nn.ReLU()]
        self.main = nn.Sequential(*layers, nn.ConvTranspose2d(width, channels, 4, 2, 1))
        initialise(self)

    def forward(self, z: Tensor, category: Tensor, code: Tensor) -> Tensor:
        """Images of noise [N,z_dim], categories int64 [N,k] and codes [N,c], in this order."""
        chosen = [f.one_hot(category[:, i], size).to(z.dtype) for i, size in enumerate(self.categories)]
        x = self.spread(self.dense(torch.cat([z, *chosen, code], dim=1)))
        return tanh(self.main(x.unflatten(1, (-1, self.base, self.base))) / 2)  # the published sigmoid, on [-1, 1]


class Discriminator(nn.Module):
    """Images to [N,1+sum(categories)+2·codes]: the logit of being real, then what Q reads.

    Q gives logits of every category, then a mean and an unused spread for each code. D and Q share all but
    their last layers.
    """

    conditions = ()
    takes_batches = True
    critic: Callable[..., Critic] = Critic

    def __init__(
        self,
        resolution: int,
        channels: int,
        categories: Sequence[int],
        codes: int,
        width: int = 64,
        dense: int = 1024,
        slope: float = 0.01,
        read: int = 128,
    ) -> None:
        super().__init__()
        base, count = stages(resolution)
        sizes = [channels, *(width << i for i in range(count))]
        layers: list[nn.Module] = []
        for i, (inputs, outputs) in enumerate(pairwise(sizes)):
            layers += [nn.Conv2d(inputs, outputs, 4, 2, 1)]
            layers += [nn.BatchNorm2d(outputs)] if i else []
            layers += [nn.LeakyReLU(slope)]
        features = sizes[-1] * base**2
        self.main = nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(features, dense), nn.BatchNorm1d(dense), nn.LeakyReLU(slope)
        )
        self.source = nn.Linear(dense, 1)
        outputs = sum(categories) + 2 * codes
        self.read = nn.Sequential(
            nn.Linear(dense, read), nn.BatchNorm1d(read), nn.LeakyReLU(slope), nn.Linear(read, outputs)
        )
        initialise(self)

    def forward(self, images: Tensor, batches: int = 1) -> Tensor:
        """The logit and what Q reads; the normalisation sees `batches` equal batches in a row."""
        x = through(self.main, images, batches)
        return torch.cat([self.source(x), through(self.read, x, batches)], dim=1)


def through(layers: nn.Sequential, x: Tensor, batches: int) -> Tensor:
    """All layers, one after the other."""
    for layer in layers:
        x = apart(layer, x, batches)
    return x
