"""A Fréchet distance on thumbnails."""

from collections.abc import Iterable
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from zoo import Metric, Range, ZooError

__all__ = ["PixelFrechet", "frechet_distance", "thumbnails"]

Floats = NDArray[np.float64]


class PixelFrechet(Metric):
    """Between Gaussians fitted to box-filtered thumbnails in [0, 1]; blind to all detail, and not FID."""

    def __init__(
        self,
        size: Annotated[int, Range(1, 16)] = 8,  # thumbnails of size x size pixels
        samples: Annotated[int, Range(2)] = 1000,  # how many samples a score draws
    ) -> None:
        self.size = size
        self.samples = samples

    def fit(self, real: Iterable[NDArray[np.uint8]]) -> None:
        """Mean and covariance of the reference."""
        features = self._features(real)
        if len(features) < 2:
            raise ZooError("pixel-frechet needs at least two images to fit a Gaussian to; train without --metric.")
        self.reference = moments(features)

    def score(self, samples: Iterable[NDArray[np.uint8]]) -> float:
        """The distance of the samples' Gaussian from the reference's."""
        return frechet_distance(self.reference, moments(self._features(samples)))

    def _features(self, pictures: Iterable[NDArray[np.uint8]]) -> Floats:
        return np.concatenate([thumbnails(batch, self.size) for batch in pictures])


def thumbnails(pictures: NDArray[np.uint8], size: int) -> Floats:
    """Block means of [n,H,W,C], flattened to [n, size·size·C] in [0, 1]; pictures below `size` stay as they are."""
    n, height, _, channels = pictures.shape
    side = min(size, height)
    block = height // side
    cut = pictures[:, : side * block, : side * block].astype(np.float64) / 255
    means: Floats = cut.reshape(n, side, block, side, block, channels).mean(axis=(2, 4)).reshape(n, -1)
    return means


def moments(features: Floats) -> tuple[Floats, Floats]:
    """Mean and unbiased covariance of rows."""
    return features.mean(axis=0), np.atleast_2d(np.cov(features, rowvar=False))


def frechet_distance(one: tuple[Floats, Floats], other: tuple[Floats, Floats]) -> float:
    """‖m1 - m2‖² + tr(C1 + C2 - 2 (C1^½ C2 C1^½)^½): the symmetric form, real and stable for low ranks."""
    (mean, covariance), (mean2, covariance2) = one, other
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    product = np.linalg.eigvalsh(root @ covariance2 @ root)
    cross = np.sqrt(np.clip(product, 0, None)).sum()
    return float(((mean - mean2) ** 2).sum() + np.trace(covariance) + np.trace(covariance2) - 2 * cross)
