"""The projected discriminator: heads on random projections of frozen features, for any architecture."""

from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from ganzoo_projected.heads import Head
from ganzoo_projected.projection import Mixing, Projection
from zoo import Backbone, DataSpec, Progress, Range, ZooError
from zoo import backbone as make_backbone

__all__ = ["Projected", "Tower", "projected"]

LEVELS = 4
NATIVE = 224  # data sets of smaller pictures are enlarged to this


class Tower(nn.Module):
    """One frozen network with its projection and heads: images [N,C,H,W] to logits [N,K].

    Heads stand on the finest of the network's four coarsest maps. Only they learn; the projection is saved
    with them, the frozen network is not.
    """

    def __init__(
        self,
        frozen: Backbone,
        size: int | None,
        *,
        heads: int = LEVELS,
        width: int = 64,
        mixing: Mixing = "scales",
        separable: bool = False,
        classes: int = 0,
    ) -> None:
        super().__init__()
        if "maps" not in frozen.provides or len(frozen.channels) < LEVELS:
            raise ZooError(
                f"backbone '{frozen.name}' has no four maps of different sizes to project; take a network that has, "
                "such as efficientnet-lite0 or timm:resnet50."
            )
        self.backbone = frozen
        self.size = size
        self.projection = Projection(frozen.channels[-LEVELS:], width, mixing)
        nominal = [64 * self.projection.enlarges >> i for i in range(LEVELS)]
        made = [Head(self.projection.channels[i], nominal[i], width, separable, classes) for i in range(heads)]
        self.halvings = [head.blocks for head in made]
        self.heads = nn.ModuleList(made)

    def fits(self, size: int) -> bool:
        """Whether pictures of `size` pixels leave every head the four positions per side that it decides on."""
        strides = self.backbone.strides[-LEVELS:]
        sides = [self.projection.enlarges * -(-size // stride) for stride in strides]
        return all(side >> times >= 4 for side, times in zip(sides, self.halvings, strict=False))

    def forward(self, images: Tensor, label: Tensor | None = None) -> Tensor:
        """Logits [N,K] of all heads."""
        maps = self.backbone(images, size=self.size, resize="bilinear-plain", wants=("maps",)).maps[-LEVELS:]
        mixed = self.projection(maps)
        return torch.cat([head(x, label) for head, x in zip(self.heads, mixed, strict=False)], dim=1)


class Projected(nn.Module):
    """Sauer et al. 2021: logits [N,K] of every head of every tower, K at once, so that a game takes one mean.

    Early in training it can look at blurred images: a Gaussian whose sigma falls linearly from `blur` pixels
    to 0 over `blur_kimg` thousand images.
    """

    norm_option = "heads have batch normalisation; take another discriminator, such as dcgan:norm=none"

    def __init__(self, towers: list[Tower], *, label: bool = False, blur: float = 0.0, blur_kimg: float = 0.0) -> None:
        super().__init__()
        self.towers = nn.ModuleList(towers)
        self.conditions = ("label",) if label else ()
        self.blur, self.blur_kimg = blur, blur_kimg
        self.sigma = blur if blur_kimg else 0.0

    def begin_step(self, progress: Progress) -> None:
        """Sharpen the view."""
        if self.blur_kimg:
            self.sigma = self.blur * max(1 - progress.images / (1000 * self.blur_kimg), 0)

    def forward(self, images: Tensor, label: Tensor | None = None) -> Tensor:
        """Logits [N,K]."""
        seen = blurred(images, self.sigma)
        return torch.cat([tower(seen, label) for tower in self.towers], dim=1)


def blurred(images: Tensor, sigma: float) -> Tensor:
    """Images convolved with 2^-(x/sigma)² out to 3 sigma, zero outside; as they are below a third of a pixel."""
    reach = int(3 * sigma)
    if reach < 1:
        return images
    x = torch.arange(-reach, reach + 1, device=images.device) / sigma
    kernel = torch.exp2(-x.square())
    kernel = (kernel / kernel.sum()).to(images.dtype).expand(images.shape[1], 1, -1)
    images = pad(images, [reach] * 4)
    images = conv2d(images, kernel[:, :, None, :], groups=images.shape[1])
    return conv2d(images, kernel[:, :, :, None], groups=images.shape[1])


def projected(
    data: DataSpec,
    *,
    backbone: tuple[str, ...] = ("efficientnet-lite0",),  # frozen networks, joined by +; each gets heads of its own
    heads: Annotated[int, Range(1, LEVELS)] = LEVELS,  # per network, from the finest map on
    mixing: Mixing = "scales",  # scales and channels (CSM on CCM), channels (CCM), or none
    width: Annotated[int, Range(1)] = 64,  # channels of the finest projected map; the heads scale with it
    separable: bool = False,  # lighter heads, as published beside StyleGAN2's generator
    size: Annotated[int, Range(0)] = 0,  # pixels at which a network looks; 0: 224 for smaller data, else as it is
    label: bool = False,  # judge by label too
    label_rows: Annotated[int, Range(0)] = 0,  # rows of the class tables; 0: as many as the data has classes
    blur: Annotated[float, Range(0)] = 0.0,  # sigma in pixels of a blur that fades
    blur_kimg: Annotated[float, Range(0)] = 0.0,  # over so many thousand images; 0 never blurs
) -> Projected:
    """The projected discriminator on the named networks."""
    if label and not data.classes:
        raise ZooError("projected:label=true needs labelled data: one folder of images for each class.")
    if 0 < label_rows < data.classes:
        raise ZooError(f"projected:label_rows={label_rows} is fewer than the data's {data.classes} classes.")
    look = size or (NATIVE if data.resolution < NATIVE else data.resolution)
    towers = [
        Tower(
            make_backbone(name),
            None if look == data.resolution else look,
            heads=heads,
            width=width,
            mixing=mixing,
            separable=separable,
            classes=(label_rows or data.classes) if label else 0,
        )
        for name in backbone
    ]
    for tower in towers:
        if not tower.backbone.takes(look):
            own = tower.backbone.input_size
            raise ZooError(f"backbone '{tower.backbone.name}' cannot look at {look} px; take projected:size={own}.")
        if not tower.fits(look):
            least = next(larger for larger in range(32, 8192, 32) if tower.fits(larger))
            raise ZooError(
                f"at {look} px the maps of backbone '{tower.backbone.name}' are too small for the heads; "
                f"take projected:size={least} or more, or fewer heads."
            )
    return Projected(towers, label=label, blur=blur, blur_kimg=blur_kimg)
