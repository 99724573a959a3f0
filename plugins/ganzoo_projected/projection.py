"""Fixed random projections of a frozen network's maps (Sauer et al. 2021, section 3.2)."""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate

__all__ = ["Mixing", "Projection"]

Mixing = Literal["scales", "channels", "none"]


class FixedConv(nn.Module):
    """A 1x1 convolution with torch's random initialisation that is never trained: weight and bias are buffers."""

    weight: Tensor
    bias: Tensor

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        drawn = nn.Conv2d(inputs, outputs, 1).requires_grad_(False)
        assert drawn.bias is not None
        self.register_buffer("weight", drawn.weight.data)
        self.register_buffer("bias", drawn.bias.data)

    def forward(self, x: Tensor) -> Tensor:
        """Maps [N,inputs,H,W] to [N,outputs,H,W]."""
        return conv2d(x, self.weight, self.bias)


class FixedFusion(nn.Module):
    """`FixedConv` after an enlargement, under the published name `out_conv`."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.out_conv = FixedConv(inputs, outputs)

    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:
        """Maps of height and width `size`, enlarged bilinearly with aligned corners."""
        out: Tensor = self.out_conv(interpolate(x, size=list(size), mode="bilinear", align_corners=True))
        return out


class Projection(nn.Module):
    """Maps of several scales, fine to coarse, to as many mixed ones.

    `channels` mixes the channels of each map (CCM), to `width` of them at the finest, doubling; `scales`
    (CSM) then also adds each coarser result, enlarged, to the next finer map, and doubles every size.
    """

    def __init__(self, channels: Sequence[int], width: int = 64, mixing: Mixing = "scales") -> None:
        super().__init__()
        self.mixing = mixing
        levels = len(channels)
        self.channels = tuple(channels)
        if mixing == "none":
            return
        self.channels = tuple(width * 2**i for i in range(levels))
        for i, (inputs, outputs) in enumerate(zip(channels, self.channels, strict=True)):
            self.add_module(f"layer{i}_ccm", FixedConv(inputs, outputs))
        if mixing == "scales":
            mixed = tuple(width * 2 ** max(i - 1, 0) for i in range(levels))
            for i, (inputs, outputs) in enumerate(zip(self.channels, mixed, strict=True)):
                self.add_module(f"layer{i}_csm", FixedFusion(inputs, outputs))
            self.channels = mixed

    @property
    def enlarges(self) -> int:
        """How much larger its maps are than those it is given."""
        return 2 if self.mixing == "scales" else 1

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Mixed maps, fine to coarse."""
        if self.mixing == "none":
            return list(maps)
        mixed = [self.get_submodule(f"layer{i}_ccm")(x) for i, x in enumerate(maps)]
        if self.mixing == "channels":
            return mixed
        sizes = [[2 * side for side in mixed[0].shape[2:]], *(x.shape[2:] for x in mixed)]
        out: list[Tensor] = []
        for i in reversed(range(len(mixed))):
            x = mixed[i] if not out else mixed[i] + out[-1]
            out.append(self.get_submodule(f"layer{i}_csm")(x, sizes[i]))
        return out[::-1]
