"""Perceptual path length (Karras et al. 2019): how far a picture moves when its latent takes a small step."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["path_length", "without_tails"]


def path_length(distances: NDArray[np.float64], epsilon: float) -> float:
    """Mean of distances [n] over squared steps, without the lowest and the highest hundredth."""
    return float(without_tails(distances / epsilon**2).mean())


def without_tails(values: NDArray[np.float64], share: float = 1.0) -> NDArray[np.float64]:
    """The values between two percentiles, ends included."""
    low = np.percentile(values, share, method="lower")
    high = np.percentile(values, 100 - share, method="higher")
    return values[(values >= low) & (values <= high)]
