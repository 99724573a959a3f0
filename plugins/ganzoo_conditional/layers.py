"""Labels inside networks, and batches within batches."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as f
from torch.nn.modules.batchnorm import _BatchNorm

__all__ = ["Label", "apart", "initialise", "stages", "with_label"]


class Label(nn.Module):
    """Labels int64 [N] to vectors float [N,size]: one-hot, or a learned embedding of `embed` numbers."""

    def __init__(self, classes: int, embed: int = 0) -> None:
        super().__init__()
        self.classes = classes
        self.size = embed or classes
        self.table = nn.Embedding(classes, embed) if embed else None

    def forward(self, label: Tensor) -> Tensor:
        """The vectors of labels."""
        out: Tensor = f.one_hot(label, self.classes).float() if self.table is None else self.table(label)
        return out


def with_label(x: Tensor, y: Tensor) -> Tensor:
    """x [N,C] or [N,C,H,W] with the label vectors y [N,L] as L more features, constant over the map."""
    y = y.to(x.dtype)
    if x.ndim == 4:
        y = y[:, :, None, None].expand(-1, -1, *x.shape[2:])
    return torch.cat([x, y], dim=1)


def apart(layer: Callable[[Tensor], Tensor], x: Tensor, batches: int) -> Tensor:
    """A layer on `batches` equal batches in a row; batch normalisation sees one after the other."""
    if batches == 1 or not isinstance(layer, _BatchNorm):
        return layer(x)
    return torch.cat([layer(batch) for batch in x.chunk(batches)])


def stages(resolution: int) -> tuple[int, int]:
    """The smallest map of at least 4 pixels that doubles to `resolution`, and how often it does."""
    base, count = resolution, 0
    while base % 2 == 0 and base // 2 >= 4:
        base, count = base // 2, count + 1
    return base, count


@torch.no_grad()
def initialise(network: nn.Module, std: float = 0.02, slope: float | None = None) -> None:
    """Weights N(0, std), normalisation scales 1, all shifts and biases 0.

    With `slope`, convolutions are drawn so that signals keep their size through LeakyReLUs of it (He et al. 2015): many
    layers without normalisation would make N(0, 0.02) vanish.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d) and slope is not None:
            nn.init.kaiming_normal_(layer.weight, slope)
        elif isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.Embedding)):
            layer.weight.normal_(0, std)
        if isinstance(getattr(layer, "bias", None), nn.Parameter):
            layer.bias.zero_()  # type: ignore[operator]
