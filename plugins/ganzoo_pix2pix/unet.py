"""The U-Net of pix2pix: it halves the picture down to a point and doubles it again, with a bridge at every size."""

from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional as f

from ganzoo_pix2pix.halving import Doubling, Halving
from ganzoo_pix2pix.layers import Init, Norm, Statistics, dropped, initialise, normalised

__all__ = ["UNet"]


class UNet(nn.Module):
    """Pictures [N,inputs,H,W] to pictures [N,outputs,H,W] in [-1, 1]; the sides are multiples of 2^levels.

    Isola et al. 2017, section 6.1.1, with dropout as released: in the decoder's wide stages but the innermost.
    `levels` is 8 in `unet_256` and 7 in `unet_128`. Without `skips` it is the encoder-decoder of the paper's ablation.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        levels: int = 8,
        width: int = 64,
        norm: Norm = "batch",
        dropout: bool = True,
        skips: bool = True,
        statistics: Statistics = "image",
        init: Init = "normal",
    ) -> None:
        super().__init__()
        self.multiple = self.least = 2**levels
        self.skips = skips
        wide = [inputs, *(width * min(2**i, 8) for i in range(levels))]
        between = range(1, levels - 1)  # no normalisation at the picture, nor at the point
        self.downs = nn.ModuleList(
            Down(
                here,
                there,
                bias=norm == "instance",
                norms=normalised(there, norm, statistics) if i in between else [],
                first=i == 0,
            )
            for i, (here, there) in enumerate(pairwise(wide))
        )
        back = [outputs, *wide[1:]][::-1]
        self.ups = nn.ModuleList(
            Up(
                here * (2 if skips and i else 1),
                there,
                bias=norm == "instance" or i == levels - 1,
                norms=normalised(there, norm, statistics) if i < levels - 1 else [],
                dropout=dropout and 0 < i < levels - 4,
            )
            for i, (here, there) in enumerate(pairwise(back))
        )
        initialise(self, init)

    def forward(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """Pictures of pictures. In eval mode dropout follows `keep`, bool [N, noise(H, W)], or is left out."""
        masks = self.split(keep, x.shape[2], x.shape[3])
        bridges = []
        for down in self.downs:
            x = down(x)
            bridges.append(x)
        bridges.pop()
        for up, mask in zip(self.ups, masks, strict=True):
            x = up(x, mask)
            if bridges:
                bridge = bridges.pop()
                x = torch.cat([bridge, packed(x)], dim=1) if self.skips else x
        return torch.tanh(x)

    def noise(self, height: int, width: int) -> int:
        """Numbers in a dropout mask for pictures of this size."""
        return sum(map(prod, self.shapes(height, width)))

    def shapes(self, height: int, width: int) -> list[tuple[int, ...]]:
        """By stage of the decoder, what its dropout covers: [C,h,w], empty dimensions where it has none."""
        last = len(self.ups) - 1
        sizes = [(height >> (last - i), width >> (last - i)) for i in range(last + 1)]
        return [(up.outputs if up.dropout else 0, *size) for up, size in zip(self.ups, sizes, strict=True)]  # type: ignore[misc]

    def split(self, keep: Tensor | None, height: int, width: int) -> list[Tensor | None]:
        """A mask for every stage of the decoder."""
        if keep is None:
            return [None] * len(self.ups)
        return list(torch.split(keep, [prod(shape) for shape in self.shapes(height, width)], dim=1))


def packed(x: Tensor) -> Tensor:
    """The same, whose gradient is brought into one piece: a slice of a joint one costs batch normalisation tenfold."""
    if x.requires_grad:
        layout = torch.channels_last if x.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format
        x.register_hook(lambda gradient: gradient.contiguous(memory_format=layout))  # type: ignore[no-untyped-call]
    return x


class Down(nn.Module):
    """LeakyReLU, unless it is the first; convolution to half the size; normalisation."""

    def __init__(self, inputs: int, outputs: int, *, bias: bool, norms: list[nn.Module], first: bool) -> None:
        super().__init__()
        self.first = first
        self.conv = Halving(inputs, outputs, bias=bias)
        self.norm = nn.Sequential(*norms)

    def forward(self, x: Tensor) -> Tensor:
        """Maps [N,C,H,W] to [N,C',H/2,W/2]."""
        out: Tensor = self.norm(self.conv(x if self.first else f.leaky_relu(x, 0.2)))
        return out


class Up(nn.Module):
    """ReLU; transposed convolution to twice the size; normalisation; dropout."""

    def __init__(self, inputs: int, outputs: int, *, bias: bool, norms: list[nn.Module], dropout: bool) -> None:
        super().__init__()
        self.outputs = outputs
        self.dropout = dropout
        self.conv = Doubling(inputs, outputs, bias=bias)
        self.norm = nn.Sequential(*norms)

    def forward(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """Maps [N,C,H,W] to [N,C',2H,2W]."""
        out: Tensor = self.norm(self.conv(f.relu(x)))
        return dropped(out, self.training, keep) if self.dropout else out
