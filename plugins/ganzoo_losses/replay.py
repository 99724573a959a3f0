"""Experience replay: D goes on judging what G used to make."""

from typing import Annotated

import torch
from torch import Tensor

from zoo import DataSpec, Memory, Range

__all__ = ["Replay"]


class Replay(Memory):
    """Shrivastava et al. 2017, section 2.3: a share of D's fakes comes from a pool of earlier ones.

    Until the pool is full, its places are filled with new fakes and D sees these alone; then every batch gives
    `share` of its images for as many random ones of the pool, whose places they take.
    """

    def __init__(
        self,
        size: Annotated[int, Range(1)] = 512,  # images that the pool keeps, per process
        share: Annotated[float, Range(0, 1)] = 0.5,  # of D's fakes that are old
    ) -> None:
        super().__init__()
        self.size = size
        self.share = share

    def reserve(self, data: DataSpec) -> None:
        """An empty pool for images of this size."""
        self.pool: Tensor
        self.filled: Tensor
        shape = (self.size, data.channels, data.resolution, data.resolution)
        self.register_buffer("pool", torch.zeros(shape))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, fake: Tensor) -> Tensor:
        """Fakes [N,C,H,W], the first int(share·N) of them old ones once the pool is full."""
        fake = fake.detach()
        filled = int(self.filled)
        if filled < self.size:
            new = fake[: self.size - filled]
            self.pool[filled : filled + len(new)] = new.to(self.pool.dtype)
            self.filled += len(new)
            return fake
        n = min(int(self.share * len(fake)), self.size)
        places = torch.randperm(self.size, device=fake.device)[:n]
        old = self.pool[places].to(fake.dtype)
        self.pool[places] = fake[:n].to(self.pool.dtype)
        return torch.cat([old, fake[n:]])
