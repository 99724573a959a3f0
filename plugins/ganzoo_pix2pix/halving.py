"""The 4x4 convolutions of stride 2 that halve and double a map."""

import torch
from torch import Tensor, nn
from torch.nn import functional as f

__all__ = ["Doubling", "Halving"]

FEW = 256  # pixels of the smaller map, over the batch


class Halving(nn.Conv2d):
    """Maps [N,C,H,W] to [N,C',H/2,W/2].

    On a CPU a few pixels go through one matrix product: with that little to do to each weight, oneDNN's convolution
    takes two to four times as long.
    """

    def __init__(self, inputs: int, outputs: int, *, bias: bool) -> None:
        super().__init__(inputs, outputs, 4, 2, 1, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """The smaller map."""
        n, _, h, w = input.shape
        if input.device.type != "cpu" or n * h * w > 4 * FEW:
            return super().forward(input)
        patches = f.pad(input, (1, 1, 1, 1)).unfold(2, 4, 2).unfold(3, 4, 2)  # [N,C,H/2,W/2,4,4]
        rows = patches.permute(0, 2, 3, 4, 5, 1).reshape(n * h * w // 4, -1)
        out = f.linear(rows, self.weight.permute(0, 2, 3, 1).reshape(len(self.weight), -1), self.bias)
        return out.view(n, h // 2, w // 2, -1).permute(0, 3, 1, 2)


class Doubling(nn.ConvTranspose2d):
    """Maps [N,C,H,W] to [N,C',2H,2W]; the same, transposed."""

    def __init__(self, inputs: int, outputs: int, *, bias: bool) -> None:
        super().__init__(inputs, outputs, 4, 2, 1, bias=bias)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """The larger map."""
        n, c, h, w = input.shape
        if input.device.type != "cpu" or n * h * w > FEW:
            return super().forward(input, output_size)
        rows = input.permute(0, 2, 3, 1).reshape(-1, c) @ self.weight.permute(0, 2, 3, 1).reshape(c, -1)
        columns = rows.view(n, h * w, 16, -1).permute(0, 3, 2, 1).reshape(n, -1, h * w)
        out = f.fold(columns, (2 * h, 2 * w), 4, padding=1, stride=2)
        out = out if self.bias is None else out + self.bias.view(1, -1, 1, 1).to(out.dtype)
        return out.contiguous(memory_format=torch.channels_last)
