"""A prepared dataset as a model sees it before its training: pictures by number."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.data.prepared import Prepared

__all__ = ["Images"]


class Images:
    """The pictures `image` of a dataset; number i is that of the batch field `index`."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared

    def __len__(self) -> int:
        return len(self.prepared)

    def take(self, numbers: NDArray[np.int64]) -> Tensor:
        """Pictures float32 [n,C,H,W] in [-1, 1], on the CPU."""
        pixels = torch.from_numpy(self.prepared.images(numbers))
        return pixels.permute(0, 3, 1, 2).float() / 127.5 - 1

    def batches(self, size: int = 256) -> Iterator[Tensor]:
        """All pictures in their order, up to `size` at a time."""
        for start in range(0, len(self), size):
            yield self.take(np.arange(start, min(start + size, len(self))))
