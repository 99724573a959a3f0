"""What a classifier says of samples: the inception score, and the modes of a labelled set that are reached."""

import numpy as np
import torch
from numpy.typing import NDArray

from zoo.errors import ZooError
from zoo.metrics.neighbours import nearest

__all__ = ["classify", "inception_score", "mode_count"]


def inception_score(logits: torch.Tensor, *, splits: int = 10, seed: int | None = 2020) -> tuple[float, float]:
    """exp E[KL(p(y|x) ‖ p(y))] (Salimans et al. 2016) by torch-fidelity: mean and deviation over the splits.

    Logits [n,classes]; the result lies between 1 and the number of classes. `seed` shuffles first; None does not.
    """
    from torch_fidelity.metric_isc import isc_features_to_metric

    if len(logits) < splits:
        raise ZooError(f"An inception score over {splits} splits needs as many samples; {len(logits)} are given.")
    found = isc_features_to_metric(logits.double(), splits, seed is not None, seed or 0)
    return found["inception_score_mean"], found["inception_score_std"]


def classify(fake: NDArray[np.floating], real: NDArray[np.floating], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The label of each fake's nearest real, [n]: rows [n,d], rows [m,d] and their labels [m]."""
    return labels[nearest(fake, real)[1]]


def mode_count(found: NDArray[np.int64], real: NDArray[np.int64], *, least: int = 1) -> tuple[int, float]:
    """(modes reached, KL(fake ‖ real) in nats) of labels given to fakes, against the labels of the reals.

    A mode is reached by `least` fakes (Metz et al. 2017; Srivastava et al. 2017).
    """
    modes = int(real.max()) + 1
    counts, expected = np.bincount(found, minlength=modes), np.bincount(real, minlength=modes)
    p, q = counts / counts.sum(), expected / expected.sum()
    there = p > 0
    return int((counts[expected > 0] >= least).sum()), float((p[there] * np.log(p[there] / q[there])).sum())
