"""The kernel distance, KID on Inception's features (Bińkowski et al. 2018)."""

import numpy as np
from numpy.typing import NDArray

from zoo.errors import ZooError

__all__ = ["kernel_distance"]


def kernel_distance(
    real: NDArray[np.floating], fake: NDArray[np.floating], *, subsets: int = 100, size: int = 1000, seed: int = 2020
) -> tuple[float, float]:
    """Unbiased squared MMD with the kernel (x·y/d + 1)³: mean and standard deviation over random subsets.

    Rows [n,d]. Kernel and draws are torch-fidelity's (fake first, then real, from one RandomState), each subset in
    float64, so that only `size` rows at a time leave the disk. Subsets shrink to the smaller set where it has fewer
    than `size` rows. May be negative: it is unbiased.
    """
    from torch_fidelity.metric_kid import kernel_mmd

    size = min(size, len(real), len(fake))
    if size < 2:
        raise ZooError(f"A kernel distance needs at least two pictures of each; {len(fake)} and {len(real)} are given.")
    rng = np.random.RandomState(seed)
    found = []
    for _ in range(subsets):
        some_fake = fake[rng.choice(len(fake), size, replace=False)]
        some_real = real[rng.choice(len(real), size, replace=False)]
        found.append(float(kernel_mmd(some_fake.astype(np.float64), some_real.astype(np.float64))))
    return float(np.mean(found)), float(np.std(found))
