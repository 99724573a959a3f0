"""The residual generator of CycleGAN. Its state dict carries the official names: `model.1.weight` and so on."""

from typing import Literal

from torch import Tensor, nn

from ganzoo_pix2pix.layers import Init, Norm, Statistics, dropped, initialise, normalised

__all__ = ["Padding", "ResNet"]

Padding = Literal["reflect", "replicate", "zero"]


class ResNet(nn.Module):
    """Pictures [N,inputs,H,W] to pictures [N,outputs,H,W] in [-1, 1]; the sides are multiples of 4.

    Zhu et al. 2017, section 7.2, after Johnson et al. 2016: c7s1-64, d128, d256, `blocks` residual blocks, u128, u64,
    c7s1-3. Six blocks up to 128 px, nine above. `padding` is that of the blocks; the outer one always reflects.
    """

    multiple = 4
    least = 8  # 2x2 in the blocks: one pixel has no variance and no reflection

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        blocks: int = 9,
        width: int = 64,
        norm: Norm = "instance",
        dropout: bool = False,
        padding: Padding = "reflect",
        statistics: Statistics = "image",
        init: Init = "normal",
    ) -> None:
        super().__init__()
        self.wide, self.dropouts = 4 * width, blocks if dropout else 0
        bias = norm == "instance"

        def after(channels: int) -> list[nn.Module]:
            return [*normalised(channels, norm, statistics), nn.ReLU(inplace=True)]

        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(inputs, width, 7, bias=bias), *after(width)]
        for here in (width, 2 * width):
            layers += [nn.Conv2d(here, 2 * here, 3, 2, 1, bias=bias), *after(2 * here)]
        layers += [Block(self.wide, norm, dropout, padding, statistics) for _ in range(blocks)]
        for here in (4 * width, 2 * width):
            layers += [nn.ConvTranspose2d(here, here // 2, 3, 2, 1, output_padding=1, bias=bias), *after(here // 2)]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, outputs, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)
        initialise(self, init)

    def forward(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """Pictures of pictures. In eval mode dropout follows `keep`, bool [N, noise(H, W)], or is left out."""
        masks = iter(keep.chunk(self.dropouts, dim=1) if keep is not None and self.dropouts else ())
        for layer in self.model:
            x = layer(x, next(masks, None)) if isinstance(layer, Block) else layer(x)
        return x

    def noise(self, height: int, width: int) -> int:
        """Numbers in a dropout mask for pictures of this size."""
        return self.dropouts * self.wide * (height // 4) * (width // 4)


class Block(nn.Module):
    """x + F(x), with two 3x3 convolutions in F and nothing after the sum."""

    def __init__(self, channels: int, norm: Norm, dropout: bool, padding: Padding, statistics: Statistics) -> None:
        super().__init__()

        def conv() -> list[nn.Module]:
            known: dict[str, list[nn.Module]] = {
                "reflect": [nn.ReflectionPad2d(1)],
                "replicate": [nn.ReplicationPad2d(1)],
                "zero": [],
            }
            pads = known[padding]
            inner = nn.Conv2d(channels, channels, 3, padding=0 if pads else 1, bias=norm == "instance")
            return [*pads, inner, *normalised(channels, norm, statistics)]

        between: list[nn.Module] = [nn.ReLU(inplace=True), *([nn.Dropout(0.5)] if dropout else [])]
        self.conv_block = nn.Sequential(*conv(), *between, *conv())

    def forward(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """Maps [N,C,H,W] to the same shape."""
        y = x
        for layer in self.conv_block:
            y = dropped(y, self.training, keep) if isinstance(layer, nn.Dropout) else layer(y)
        return x + y
