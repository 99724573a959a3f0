"""The contract of a score: how far samples are from the data."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Metric"]

Pictures = Iterable[NDArray[np.uint8]]
"""Batches uint8 [n,H,W,C]."""


class Metric(ABC):
    """Fitted once to the real images, then asked for the score of samples. A run keeps its best checkpoint."""

    lower_is_better: ClassVar[bool] = True
    samples: int = 1000  # how many samples a score wants

    @abstractmethod
    def fit(self, real: Pictures) -> None:
        """Take in the reference."""

    @abstractmethod
    def score(self, samples: Pictures) -> float:
        """The score of samples of the reference's size and channels."""
