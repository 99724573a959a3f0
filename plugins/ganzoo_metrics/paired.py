"""Errors of translated and filled-in pictures against their targets."""

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from zoo import Case, Metric, ZooError
from zoo.metrics import l1, l2, psnr, ssim

__all__ = ["L1", "L2", "Paired", "Psnr", "Ssim"]

BATCH = 64


class Paired(Metric):
    """The mean of an error over pairs, with its deviation."""

    of_each = True

    @abstractmethod
    def errors(self, target: NDArray[np.uint8], fake: NDArray[np.uint8], case: Case) -> NDArray[np.float64]:
        """One value per pair of pictures uint8 [n,H,W,C]."""

    def measure(self, case: Case) -> dict[str, float]:
        """Raises ZooError for samples that have no targets."""
        if case.target is None:
            raise ZooError(
                "This score compares each picture with its target: evaluate a model that reads its inputs from the "
                "data, or a folder whose files bear the names of the reference's."
            )
        order = case.target
        parts = [slice(at, min(at + BATCH, len(order))) for at in range(0, len(order), BATCH)]
        found = np.concatenate([self.errors(case.real.rows[order[part]], case.fake.rows[part], case) for part in parts])
        return {"value": float(found.mean()), "std": float(found.std())}


class L1(Paired):
    """Mean absolute error of values in [0, 1]."""

    def errors(self, target: NDArray[np.uint8], fake: NDArray[np.uint8], case: Case) -> NDArray[np.float64]:
        """Per pair."""
        return l1(target, fake)


class L2(Paired):
    """Mean squared error of values in [0, 1]."""

    def errors(self, target: NDArray[np.uint8], fake: NDArray[np.uint8], case: Case) -> NDArray[np.float64]:
        """Per pair."""
        return l2(target, fake)


class Psnr(Paired):
    """Peak signal to noise ratio in dB, the mean of the pairs'."""

    lower_is_better = False

    def errors(self, target: NDArray[np.uint8], fake: NDArray[np.uint8], case: Case) -> NDArray[np.float64]:
        """Per pair."""
        return psnr(target, fake)


class Ssim(Paired):
    """Structural similarity (Wang et al. 2004)."""

    lower_is_better = False

    def errors(self, target: NDArray[np.uint8], fake: NDArray[np.uint8], case: Case) -> NDArray[np.float64]:
        """Per pair."""
        return ssim(target, fake)
