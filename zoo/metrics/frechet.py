"""The Fréchet distance between Gaussians (Dowson & Landau 1982; for features, Heusel et al. 2017)."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zoo.errors import ZooError

__all__ = ["Moments", "frechet_distance"]

Floats = NDArray[np.float64]


class Moments:
    """Number, mean and unbiased covariance of rows [n,d], gathered batch by batch in float64.

    Batches are merged by Chan's update (Chan, Golub & LeVeque 1983): a plain sum of squares would lose the digits
    that the mean takes.
    """

    def __init__(self, n: int = 0, mean: ArrayLike = 0.0, scatter: ArrayLike = 0.0) -> None:
        self.n = n
        self.mean: Floats = np.asarray(mean, np.float64)
        self.scatter: Floats = np.asarray(scatter, np.float64)  # sum of (x - mean)(x - mean)^T, [d,d]

    @classmethod
    def of(cls, rows: ArrayLike) -> Self:
        """The moments of rows [n,d] or [n]."""
        moments = cls()
        moments.add(rows)
        return moments

    def add(self, rows: ArrayLike) -> None:
        """Take in rows [n,d]; [n] counts as [n,1]."""
        values = np.asarray(rows, np.float64)
        values = values.reshape(len(values), -1)
        if not len(values):
            return
        mean = values.mean(axis=0)
        centred = values - mean
        total = self.n + len(values)
        shift = mean - self.mean
        self.scatter = self.scatter + centred.T @ centred + np.outer(shift, shift) * (self.n * len(values) / total)
        self.mean = self.mean + shift * (len(values) / total)
        self.n = total

    @property
    def dim(self) -> int:
        """Features of a row."""
        return self.mean.size

    @property
    def covariance(self) -> Floats:
        """Unbiased, [d,d]. Raises ZooError for fewer than two rows."""
        if self.n < 2:
            raise ZooError(f"A Gaussian is fitted to at least two pictures; {self.n} was given.")
        covariance: Floats = self.scatter / (self.n - 1)
        return covariance


def frechet_distance(one: Moments, other: Moments) -> float:
    """‖m1 - m2‖² + tr(C1 + C2 - 2 (C1^½ C2 C1^½)^½), in squared units of the features.

    The symmetric form is real and stable where a covariance is singular, as with fewer rows than features:
    eigenvalues within rounding of zero count as zero, or the roots of a thousand of them would show.
    """
    values, vectors = np.linalg.eigh(one.covariance)
    root = (vectors * np.sqrt(positive(values))) @ vectors.T
    product: Floats = np.linalg.eigvalsh(root @ other.covariance @ root).astype(np.float64)
    cross = np.sqrt(positive(product)).sum()
    apart = ((one.mean - other.mean) ** 2).sum()
    return float(apart + np.trace(one.covariance) + np.trace(other.covariance) - 2 * cross)


def positive(eigenvalues: Floats) -> Floats:
    """Eigenvalues of a positive semidefinite matrix, without what rounding left of zeros."""
    noise = max(eigenvalues.max(initial=0.0), 0.0) * len(eigenvalues) * np.finfo(np.float64).eps
    return np.where(eigenvalues > noise, eigenvalues, 0.0)
