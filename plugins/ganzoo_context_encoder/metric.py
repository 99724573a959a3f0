"""The paper's table: errors of filled holes (Pathak et al. 2016, table 1)."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from zoo import Case, Metric, Range, ZooError

__all__ = ["Hole", "errors"]

BATCH = 64


class Hole(Metric):
    """Mean L1 and L2 in percent and PSNR in dB of the holes alone, and those of filling by the mean picture.

    Values are in [0, 1]; each picture's error is the mean over its hole, and the table has the means over pictures.
    """

    of_each = True

    def __init__(
        self,
        samples: Annotated[int, Range(0)] = 0,  # how many pictures; 0 is all
    ) -> None:
        self.samples = samples

    def measure(self, case: Case) -> dict[str, float]:
        """Raises ZooError for a model that fills no holes."""
        if case.target is None or case.model is None or "mask" not in case.model.prior(1, 0):
            raise ZooError("This score is of holes: evaluate a model that inpaints, such as context-encoder.")
        mean = mean_picture(case)
        parts, order = [], case.target
        for at in range(0, len(order), BATCH):
            chosen = order[at : at + BATCH]
            real, fake = case.real.rows[chosen], case.fake.rows[at : at + len(chosen)]
            mask = case.model.inputs(len(chosen), case.seed + at, **case.options)["mask"].numpy()[:, 0]
            plain = np.broadcast_to(mean, real.shape)
            parts.append(np.concatenate([errors(real, fake, mask), errors(real, plain, mask)]))
        found = np.concatenate(parts, axis=1).mean(axis=1)
        names = ("L1 %", "L2 %", "PSNR", "L1 % of mean fill", "L2 % of mean fill", "PSNR of mean fill")
        return dict(zip(names, found.tolist(), strict=True))


def mean_picture(case: Case) -> NDArray[np.float64]:
    """The mean [H,W,C] of the reference's pictures."""
    rows = case.real.rows
    parts = [rows[at : min(at + BATCH, len(rows))].sum(axis=0, dtype=np.float64) for at in range(0, len(rows), BATCH)]
    mean: NDArray[np.float64] = np.sum(parts, axis=0) / len(rows)
    return mean


def errors(real: NDArray[np.uint8], fake: NDArray[np.generic], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """L1 %, L2 % and PSNR [3,n] of pictures [n,H,W,C] in 0..255 where `mask` [n,H,W] is True."""
    apart = (real.astype(np.float64) - fake.astype(np.float64)) / 255
    inside = mask[..., None] / (mask.sum((1, 2))[:, None, None, None] * real.shape[3])
    l1 = (np.abs(apart) * inside).sum((1, 2, 3))
    l2 = (apart**2 * inside).sum((1, 2, 3))
    return np.stack([100 * l1, 100 * l2, 10 * np.log10(1 / np.maximum(l2, 1e-10))])
