"""cGAN's convolutional pair, in the form of the DCGAN authors' code for MNIST: the label enters every layer."""

from itertools import pairwise
from typing import Literal

from torch import Tensor, nn, tanh
from torch.nn import functional as f

from ganzoo_conditional.layers import Label, apart, initialise, stages, with_label

__all__ = ["Discriminator", "Generator"]

Way = Literal["concat", "projection"]
Norm = Literal["batch", "none"]


def normalised(features: int, maps: bool, norm: Norm = "batch") -> nn.Module:
    """Batch normalisation without scale and shift, as published; or nothing."""
    if norm == "none":
        return nn.Identity()
    return (nn.BatchNorm2d if maps else nn.BatchNorm1d)(features, eps=1e-8, affine=False)


class Generator(nn.Module):
    """Latents z [N,z_dim] and labels int64 [N] to images [N,channels,R,R] in [-1, 1].

    Two dense layers to the smallest map of at least 4 pixels, then 5x5 transposed convolutions that double it;
    the last hidden one has `width` channels, each before it twice as many. No biases.
    """

    def __init__(
        self, resolution: int, channels: int, classes: int, z_dim: int, width: int, dense: int, embed: int = 0
    ) -> None:
        super().__init__()
        self.base, count = stages(resolution)
        self.label = Label(classes, embed)
        more = self.label.size
        wide = width << (count - 1)
        self.dense = nn.Linear(z_dim + more, dense, bias=False)
        self.dense_norm = normalised(dense, maps=False)
        self.spread = nn.Linear(dense + more, wide * self.base**2, bias=False)
        self.spread_norm = normalised(wide * self.base**2, maps=False)
        self.ups = nn.ModuleList(up((wide >> i) + more, wide >> (i + 1)) for i in range(count - 1))
        self.norms = nn.ModuleList(normalised(wide >> (i + 1), maps=True) for i in range(count - 1))
        self.last = up(width + more, channels)
        initialise(self)

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        """Images of latents and labels."""
        y = self.label(label)
        x = f.relu(self.dense_norm(self.dense(with_label(z, y))))
        x = f.relu(self.spread_norm(self.spread(with_label(x, y))))
        x = x.reshape(len(x), -1, self.base, self.base)
        for conv, norm in zip(self.ups, self.norms, strict=True):
            x = f.relu(norm(conv(with_label(x, y))))
        return tanh(self.last(with_label(x, y)) / 2)  # the published sigmoid, on [-1, 1]


class Discriminator(nn.Module):
    """Images and labels to logits [N,1]: 5x5 convolutions that halve, from `width` channels, then two dense layers.

    `concat` adds the label to the input of every layer. `projection` adds to the logit the inner product of
    the label's embedding with the features, summed over the map (Miyato & Koyama 2018, equation 3).
    """

    conditions = ("label",)
    takes_batches = True
    norm_option = "-s d_norm=none"

    def __init__(
        self,
        resolution: int,
        channels: int,
        classes: int,
        width: int,
        dense: int,
        way: Way = "concat",
        norm: Norm = "batch",
        embed: int = 0,
    ) -> None:
        super().__init__()
        base, count = stages(resolution)
        bias = norm == "none"
        self.label = Label(classes, embed) if way == "concat" else None
        more = self.label.size if self.label else 0
        sizes = [channels, *(width << i for i in range(count))]
        self.downs = nn.ModuleList(
            nn.Conv2d(inputs + more, outputs, 5, 2, 2, bias=bias) for inputs, outputs in pairwise(sizes)
        )
        norms = [nn.Identity(), *(normalised(size, maps=True, norm=norm) for size in sizes[2:])]
        self.norms = nn.ModuleList(norms)
        self.dense = nn.Linear(sizes[-1] * base**2 + more, dense, bias=bias)
        self.dense_norm = normalised(dense, maps=False, norm=norm)
        self.last = nn.Linear(dense + more, 1, bias=bias)
        self.table = nn.Embedding(classes, sizes[-1]) if way == "projection" else None
        initialise(self, slope=0.2 if norm == "none" else None)

    def forward(self, images: Tensor, label: Tensor, batches: int = 1) -> Tensor:
        """Logits [N,1]; the normalisation sees `batches` equal batches in a row, one after the other."""
        y = self.label(label) if self.label else None
        x = images
        for conv, norm in zip(self.downs, self.norms, strict=True):
            x = f.leaky_relu(apart(norm, conv(x if y is None else with_label(x, y)), batches), 0.2)
        seen = x
        x = x.flatten(1)
        x = self.dense(x if y is None else with_label(x, y))
        x = f.leaky_relu(apart(self.dense_norm, x, batches), 0.2)
        out: Tensor = self.last(x if y is None else with_label(x, y))
        if self.table is not None:
            out = out + (self.table(label) * seen.sum(dim=(2, 3))).sum(dim=1, keepdim=True)
        return out

    def features(self, images: Tensor, label: Tensor) -> list[Tensor]:
        """The activations of the convolutions, fine to coarse."""
        y = self.label(label) if self.label else None
        found, x = [], images
        for conv, norm in zip(self.downs, self.norms, strict=True):
            x = f.leaky_relu(norm(conv(x if y is None else with_label(x, y))), 0.2)
            found.append(x)
        return found


def up(inputs: int, outputs: int) -> nn.Module:
    """Twice the size."""
    return nn.ConvTranspose2d(inputs, outputs, 5, 2, 2, output_padding=1, bias=False)
