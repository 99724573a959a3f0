"""Whether samples are copies of the training images."""

import numpy as np
from numpy.typing import NDArray

from zoo.errors import ZooError
from zoo.metrics.neighbours import nearest

__all__ = ["memorisation"]

Rows = NDArray[np.floating]


def memorisation(train: Rows, held_out: Rows, fake: Rows) -> dict[str, float]:
    """Where samples lie between the training images and what real images of the same kind do. Rows [n,d].

    `closer`: the probability that a sample is nearer to its nearest training image than a held-out real is to its own
    (the statistic of Meehan et al. 2020); one half for samples as fresh as real ones, 1 for copies. `copies`: the
    share of samples nearer than 99 % of the held-out reals. `distance`: the samples' mean distance over the reals'.
    """
    if not len(held_out):
        raise ZooError("Memorisation is measured against held-out real images; none are given.")
    ours, theirs = nearest(fake, train)[0], np.sort(nearest(held_out, train)[0])
    below = len(theirs) - np.searchsorted(theirs, ours, side="right")
    ties = np.searchsorted(theirs, ours, side="right") - np.searchsorted(theirs, ours, side="left")
    return {
        "closer": float((below + ties / 2).mean() / len(theirs)),
        "copies": float((ours < np.quantile(theirs, 0.01)).mean()),
        "distance": float(ours.mean() / max(theirs.mean(), np.finfo(np.float64).tiny)),
    }
