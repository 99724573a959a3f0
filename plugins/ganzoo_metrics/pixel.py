"""Scores on pixels, which need no network."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from zoo import Case, Metric, Range, Rows, ZooError
from zoo.metrics import Moments, frechet_distance, ms_ssim, patches, precision_recall, sliced_wasserstein

__all__ = ["MsSsim", "PixelFrechet", "PixelPrecisionRecall", "SlicedWasserstein", "thumbnails"]

BATCH = 256


class PixelFrechet(Metric):
    """Between Gaussians fitted to box-filtered thumbnails in [0, 1]; blind to all detail, and not FID."""

    def __init__(
        self,
        size: Annotated[int, Range(1, 16)] = 8,  # thumbnails of size x size pixels
        samples: Annotated[int, Range(2)] = 1000,  # how many samples a score draws
    ) -> None:
        self.size, self.samples = size, samples
        self.reference: tuple[Rows, Moments] | None = None

    def measure(self, case: Case) -> dict[str, float]:
        """The distance of the samples' Gaussian from the reference's, which is fitted once."""
        if self.reference is None or self.reference[0] is not case.real.rows:
            self.reference = case.real.rows, self.moments(case.real.rows, len(case.real.rows))
        fake = self.moments(case.fake.rows, min(self.samples, len(case.fake.rows)))
        return {"value": frechet_distance(self.reference[1], fake)}

    def moments(self, rows: Rows, n: int) -> Moments:
        """Of the thumbnails of the first n pictures."""
        moments = Moments()
        for start in range(0, n, BATCH):
            moments.add(thumbnails(rows[start : min(start + BATCH, n)], self.size))
        return moments


def thumbnails(pictures: NDArray[np.uint8], size: int) -> NDArray[np.float64]:
    """Block means of [n,H,W,C], flattened to [n, size·size·C] in [0, 1]; pictures below `size` stay as they are."""
    n, height, _, channels = pictures.shape
    side = min(size, height)
    block = height // side
    cut = pictures[:, : side * block, : side * block].astype(np.float64) / 255
    means: NDArray[np.float64] = cut.reshape(n, side, block, side, block, channels).mean(axis=(2, 4)).reshape(n, -1)
    return means


class SlicedWasserstein(Metric):
    """The sliced Wasserstein distance of patches of each scale, times 1000, and their mean (Karras et al. 2018)."""

    def __init__(
        self,
        samples: Annotated[int, Range(2)] = 8192,  # pictures of each, less where there are fewer
    ) -> None:
        self.samples = samples

    def measure(self, case: Case) -> dict[str, float]:
        """By scale in pixels, after the mean over scales."""
        n = min(self.samples, len(case.real.rows), len(case.fake.rows))
        order = np.sort(np.random.RandomState(0).choice(len(case.real.rows), n, replace=False))
        real, fake = gathered(case.real.rows, order, 1), gathered(case.fake.rows, np.arange(n), 2)
        apart = {str(size): 1000 * sliced_wasserstein(real[size], fake[size]) for size in real}
        return {"mean": float(np.mean(list(apart.values()))), **apart}


class PixelPrecisionRecall(Metric):
    """Improved precision and recall on principal components of the reals' pixels: no network to be partial to."""

    library = "torch-fidelity"
    lower_is_better = False

    def __init__(
        self,
        components: Annotated[int, Range(1)] = 64,  # principal components kept, less where there are fewer reals
        k: Annotated[int, Range(1)] = 3,  # a ball reaches the k-th neighbour
        samples: Annotated[int, Range(2)] = 2000,  # pictures of each, less where there are fewer
    ) -> None:
        self.components, self.k, self.samples = components, k, samples

    def measure(self, case: Case) -> dict[str, float]:
        """Shares in [0, 1], recall first."""
        real, fake = flat(case.real.rows, self.samples), flat(case.fake.rows, self.samples)
        mean = real.mean(axis=0)
        axes = np.linalg.svd(real - mean, full_matrices=False)[2][: self.components]
        precision, recall = precision_recall((real - mean) @ axes.T, (fake - mean) @ axes.T, k=self.k)
        return {"recall": recall, "precision": precision}


def flat(rows: Rows, most: int) -> NDArray[np.float64]:
    """Pixels [n,H·W·C] in [0, 1] of at most so many pictures."""
    pictures = np.asarray(rows[: min(most, len(rows))])
    found: NDArray[np.float64] = pictures.reshape(len(pictures), -1) / 255
    return found


def gathered(rows: Rows, order: NDArray[np.int64], seed: int) -> dict[int, NDArray[np.float32]]:
    """The patches of many pictures by scale."""
    parts = [patches(rows[order[at : at + BATCH]], seed + at) for at in range(0, len(order), BATCH)]
    return {size: np.concatenate([part[size] for part in parts]) for size in parts[0]}


class MsSsim(Metric):
    """Mean MS-SSIM of random pairs of samples (Odena et al. 2017); the reals' own stands beside it."""

    library = ""

    def __init__(
        self,
        samples: Annotated[int, Range(2)] = 10000,  # pictures in pairs; half as many pairs
    ) -> None:
        self.samples = samples

    def measure(self, case: Case) -> dict[str, float]:
        """In [0, 1]; a collapsed model's is near 1, and far below the reals' is no better than theirs."""
        return {"value": self.of(case.fake.rows), "real": self.of(case.real.rows)}

    def of(self, rows: Rows) -> float:
        """The mean over random pairs without repetition."""
        if len(rows) < 2:
            raise ZooError("MS-SSIM compares pairs of samples; draw at least two.")
        order = np.random.RandomState(0).permutation(len(rows))[: self.samples]
        half = len(order) // 2
        pairs = [(order[at], order[half + at]) for at in range(half)]
        found = []
        for at in range(0, half, BATCH):
            ours, theirs = np.array(pairs[at : at + BATCH]).T
            found.append(ms_ssim(rows[ours], rows[theirs]))
        return float(np.concatenate(found).mean())
