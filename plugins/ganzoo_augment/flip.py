"""Horizontal flips in front of the discriminator."""

from typing import Annotated

import torch
from torch import Tensor

from zoo import Augment, Range

__all__ = ["Flip"]


class Flip(Augment):
    """Mirror each image, with whatever lies on its pixels, with probability `p`."""

    def __init__(
        self,
        p: Annotated[float, Range(0, 1)] = 0.5,  # probability of a flip, drawn per image
    ) -> None:
        super().__init__()
        self.p = p

    def forward(self, images: Tensor, spatial: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Images [N,C,H,W] and spatial conditions [N,*,H,W]: one draw per item for all of them."""
        flipped = torch.rand(len(images), 1, 1, 1, device=images.device) < self.p
        return (
            torch.where(flipped, images.flip(3), images),
            {name: torch.where(flipped, value.flip(3), value) for name, value in spatial.items()},
        )
