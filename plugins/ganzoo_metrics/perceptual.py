"""Perceptual distances by the maps of any backbone: diversity, and the length of paths between latents."""

from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray

from zoo import Case, Metric, Range, View, ZooError
from zoo.metrics import path_ends, path_length, perceptual_distance

__all__ = ["Diversity", "PathLength", "pairs_within"]

BATCH = 32


class Diversity(Metric):
    """Mean perceptual distance between samples of one class, or of all where there are none."""

    lower_is_better = False
    family = "diversity"

    def __init__(
        self,
        backbone: str = "efficientnet-lite2",  # whose maps
        pairs: Annotated[int, Range(1)] = 1000,  # random pairs over all groups
        size: Annotated[int, Range(0)] = 0,  # pixels the network is given; 0 is its own size
    ) -> None:
        self.view = View(backbone, size, "bicubic", rows="pixels")
        self.pairs = pairs

    def measure(self, case: Case) -> dict[str, float]:
        """The mean over groups of the samples, and beside it that of the reals."""
        return {"value": self.of(case, case.fake.rows, case.fake.labels), "real": self.of_reals(case)}

    def of_reals(self, case: Case) -> float:
        """The reals in the same groups as the samples."""
        return self.of(case, case.real.rows, case.real.labels if case.fake.labels is not None else None)

    def of(self, case: Case, rows: object, labels: NDArray[np.int64] | None) -> float:
        """The mean over groups of the mean distance within each."""
        assert case.eye is not None
        groups = np.zeros(len(rows), np.int64) if labels is None else labels  # type: ignore[arg-type]
        found = []
        for ours, theirs in pairs_within(groups, self.pairs):
            distances = []
            for at in range(0, len(ours), BATCH):
                one, other = (case.eye.tensor(rows[side[at : at + BATCH]]) for side in (ours, theirs))  # type: ignore[index]
                distances.append(perceptual_distance(case.eye.maps(one), case.eye.maps(other)))
            found.append(float(torch.cat(distances).mean()))
        if not found:
            raise ZooError("Diversity compares samples of one class; no class has two of them.")
        return float(np.mean(found))


def pairs_within(groups: NDArray[np.int64], total: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Random pairs of different places with equal values, the same number for each value that has two."""
    rng = np.random.RandomState(0)
    several = [places for value in np.unique(groups) if len(places := np.flatnonzero(groups == value)) > 1]
    found = []
    for places in several:
        n = max(total // len(several), 1)
        first = rng.randint(0, len(places), n)
        second = (first + rng.randint(1, len(places), n)) % len(places)
        found.append((places[first], places[second]))
    return found


class PathLength(Metric):
    """Perceptual path length in z (Karras et al. 2019) by the maps of a backbone; its values are its own."""

    family = "path-length"

    def __init__(
        self,
        backbone: str = "efficientnet-lite2",  # whose maps
        paths: Annotated[int, Range(1)] = 1000,  # places on paths
        epsilon: Annotated[float, Range(1e-6, 0.1)] = 1e-3,  # the step; below 1e-3 float32 shows
        size: Annotated[int, Range(0)] = 0,  # pixels the network is given; 0 is its own size
    ) -> None:
        self.view = View(backbone, size, "bicubic", rows="pixels")
        self.paths, self.epsilon = paths, epsilon
        self.samples = 2

    def measure(self, case: Case) -> dict[str, float]:
        """Mean of squared distances over squared steps, without tails."""
        assert case.eye is not None
        distances = along_paths(case, self.paths, self.epsilon, lambda a, b: self.apart(case, a, b))
        return {"value": path_length(distances, self.epsilon)}

    def apart(self, case: Case, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """Distances [n] of images in 0..255."""
        assert case.eye is not None
        return perceptual_distance(case.eye.maps(one), case.eye.maps(other))


@torch.no_grad()
def along_paths(case: Case, paths: int, epsilon: float, apart: object) -> NDArray[np.float64]:
    """The distance of each small step on `paths` paths, in batches, [paths]."""
    model = case.model
    if model is None:
        raise ZooError("A path length is that of a model's latents; pictures alone have none.")
    if not any(value.is_floating_point() and value.ndim == 2 for value in model.prior(1, 0).values()):
        raise ZooError("The model draws no latent vectors, so there are no paths between them.")
    found = []
    for at in range(0, paths, BATCH):
        n = min(BATCH, paths - at)
        ends = path_ends(model, n, case.seed + at, case.seed + paths + at, epsilon, case.options)
        images = [
            (model.generate({name: value.to(model.device) for name, value in end.items()}).float().clamp(-1, 1) + 1)
            * 127.5
            for end in ends
        ]
        found.append(apart(*images).double().cpu().numpy())  # type: ignore[operator]
    return np.concatenate(found)
