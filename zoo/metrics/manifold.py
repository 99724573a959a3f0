"""Fidelity and diversity apart: precision and recall, density and coverage."""

import numpy as np
import torch
from numpy.typing import NDArray

from zoo.errors import ZooError
from zoo.metrics.neighbours import blocks, radii

__all__ = ["density_coverage", "precision_recall"]

Rows = NDArray[np.floating]


def precision_recall(real: Rows, fake: Rows, *, k: int = 3) -> tuple[float, float]:
    """(precision, recall) of Kynkäänniemi et al. 2019 by torch-fidelity, in float64.

    Precision is the share of fakes inside a ball around a real that reaches its k-th neighbour; recall the share of
    reals inside such balls around fakes. Rows [n,d].
    """
    from torch_fidelity.metric_prc import prc_features_to_metric

    check(real, fake, k)
    rows = [torch.from_numpy(np.array(one, np.float64)) for one in (fake, real)]  # it takes the fakes first
    found = prc_features_to_metric(*rows, prc_neighborhood=k, prc_batch_size=512, save_cpu_ram=True, verbose=False)
    return found["precision"], found["recall"]


def density_coverage(real: Rows, fake: Rows, *, k: int = 5) -> tuple[float, float]:
    """(density, coverage) of Naeem et al. 2020, as their package prdc computes them, in blocks.

    Density is the mean number of real balls that hold a fake, over k (it can exceed 1); coverage the share of reals
    whose ball holds a fake. A ball reaches a real's k-th neighbour and is open. Rows [n,d].
    """
    check(real, fake, k)
    reach = radii(real, k)
    inside, covered = 0, 0
    for part, apart in blocks(real, fake):
        within = apart < reach[part, None]
        inside += int(within.sum())
        covered += int(within.any(axis=1).sum())
    return inside / (k * len(fake)), covered / len(real)


def check(real: Rows, fake: Rows, k: int) -> None:
    """Raise ZooError where a row has no k-th neighbour."""
    if min(len(real), len(fake)) <= k:
        raise ZooError(
            f"The {k}-th neighbour is asked for, so more than {k} pictures are needed of each; "
            f"{len(fake)} samples and {len(real)} reference images are given."
        )
