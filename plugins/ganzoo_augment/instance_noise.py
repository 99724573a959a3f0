"""Instance noise: reals and fakes blurred into each other early on."""

from typing import Annotated

import torch
from torch import Tensor

from zoo import Augment, Progress, Range

__all__ = ["InstanceNoise"]


class InstanceNoise(Augment):
    """Sønderby et al. 2017, section 3; Arjovsky & Bottou 2017, section 3: D sees x + N(0, sigma²), both players alike.

    sigma falls to zero along a line over `kimg`, or stays. Sources and masks stay clean.
    """

    def __init__(
        self,
        sigma: Annotated[float, Range(0)] = 0.1,  # standard deviation at the start, images being in [-1, 1]
        kimg: Annotated[float, Range(0)] = 100.0,  # thousands of images until it is zero; 0 keeps it
    ) -> None:
        super().__init__()
        self.sigma = sigma
        self.kimg = kimg
        self.now = sigma

    def begin_step(self, progress: Progress) -> None:
        """Follow the clock."""
        spent = progress.images / (1000 * self.kimg) if self.kimg else 0.0
        self.now = self.sigma * max(1 - spent, 0)

    def forward(self, images: Tensor, spatial: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Images [N,C,H,W] with fresh noise on every pixel and channel."""
        if self.now == 0:
            return images, spatial
        noise = torch.randn(images.shape, device=images.device, dtype=images.dtype)  # quicker than channels_last
        return images + self.now * noise, spatial
