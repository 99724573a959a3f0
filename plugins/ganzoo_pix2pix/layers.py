"""What the generators and discriminators of image translation share: normalisation, dropout, initialisation."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as f
from torch.nn.modules.batchnorm import _BatchNorm

__all__ = ["BatchNorm", "Init", "InstanceNorm", "Norm", "Statistics", "apart", "dropped", "initialise", "normalised"]

Norm = Literal["batch", "instance", "none"]
Statistics = Literal["image", "running"]
Init = Literal["normal", "xavier", "kaiming", "orthogonal"]
GAIN = 0.02  # of all initialisations


class BatchNorm(nn.BatchNorm2d):
    """Batch normalisation; with `statistics=image` each picture has its own in eval mode, as when published.

    There the test runs in training mode on one picture at a time (Isola et al. 2017, section 3.4).
    """

    def __init__(self, channels: int, statistics: Statistics = "image") -> None:
        super().__init__(channels)
        self.statistics = statistics

    def forward(self, input: Tensor) -> Tensor:
        """Maps [N,C,H,W]."""
        if self.training or self.statistics == "running":
            return super().forward(input)
        return by_image(input, self.weight, self.bias, self.eps)


class InstanceNorm(nn.Module):
    """Every channel of every picture to mean 0 and variance 1 (biased, + 1e-5); nothing is learnt or kept."""

    def forward(self, x: Tensor) -> Tensor:
        """Maps [N,C,H,W]."""
        return by_image(x, None, None, 1e-5)


def by_image(x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    """Normalise each channel of each picture.

    On a CPU picture by picture through batch normalisation, which keeps channels_last and is several times as fast.
    """
    if x.device.type == "cpu":
        rows = [f.batch_norm(row, None, None, weight, bias, training=True, eps=eps) for row in x.chunk(len(x))]
        return torch.cat(rows) if len(rows) > 1 else rows[0]
    return f.instance_norm(x, None, None, weight, bias, use_input_stats=True, eps=eps)


def normalised(channels: int, norm: Norm, statistics: Statistics = "image") -> list[nn.Module]:
    """A normalisation layer, or nothing."""
    if norm == "none":
        return []
    return [BatchNorm(channels, statistics) if norm == "batch" else InstanceNorm()]


def apart(layer: nn.Module, x: Tensor, batches: int) -> Tensor:
    """A layer's output, where batch normalisation sees `batches` equal batches in a row one after the other."""
    if batches == 1 or not isinstance(layer, _BatchNorm):
        out: Tensor = layer(x)
        return out
    return torch.cat([layer(batch) for batch in x.chunk(batches)])


def dropped(x: Tensor, training: bool, keep: Tensor | None) -> Tensor:
    """Dropout of one half: drawn in training, by the mask `keep` [N,...] in sampling, or none there."""
    if training:
        return f.dropout(x, 0.5)
    return x if keep is None else x * (2 * keep.view(x.shape)).to(x.dtype)


@torch.no_grad()
def initialise(network: nn.Module, init: Init = "normal") -> None:
    """Convolutions by `init` with gain 0.02, normalisation scales N(1, 0.02), all shifts and biases 0."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            weigh(layer.weight, init)
        elif isinstance(layer, BatchNorm):
            layer.weight.normal_(1, GAIN)
        if isinstance(getattr(layer, "bias", None), nn.Parameter):
            layer.bias.zero_()  # type: ignore[operator]


def weigh(weight: Tensor, init: Init) -> None:
    """Draw one layer's weights."""
    if init == "normal":
        nn.init.normal_(weight, 0.0, GAIN)
    elif init == "xavier":
        nn.init.xavier_normal_(weight, gain=GAIN)
    elif init == "kaiming":
        nn.init.kaiming_normal_(weight, a=0, mode="fan_in")
    else:
        nn.init.orthogonal_(weight, gain=GAIN)
