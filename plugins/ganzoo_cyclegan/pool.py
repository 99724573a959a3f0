"""The pool of earlier translations that a discriminator learns from."""

import torch
from torch import Tensor

from zoo import DataSpec, Memory

__all__ = ["Pool"]


class Pool(Memory):
    """Zhu et al. 2017, section 4, after Shrivastava et al. 2017; image by image, as released.

    The first `size` images are kept and shown. From then on each image is shown with probability one half; else a
    random one of the pool is shown, whose place it takes. The pool, and how full it is, are buffers.
    """

    def __init__(self, size: int = 50) -> None:
        super().__init__()
        self.size = size

    def reserve(self, data: DataSpec) -> None:
        """An empty pool for images of this size."""
        self.images: Tensor
        self.filled: Tensor
        shape = (self.size, data.channels, data.resolution, data.resolution)
        self.register_buffer("images", torch.zeros(shape))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, fake: Tensor) -> Tensor:
        """Fakes [N,C,H,W] for D: these, or earlier ones in their place."""
        return torch.stack([self.swapped(image) for image in fake.detach()])

    def swapped(self, image: Tensor) -> Tensor:
        """The image to show for one that is new."""
        filled = int(self.filled)
        if filled < self.size:
            self.images[filled] = image
            self.filled += 1
            return image
        if torch.rand(()) <= 0.5:
            return image
        place = int(torch.randint(self.size, ()))
        old = self.images[place].to(image.dtype, copy=True)
        self.images[place] = image
        return old
