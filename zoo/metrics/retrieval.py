"""Whether a picture finds its caption among others."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ridge", "retrieved"]

PENALTIES = 10.0 ** np.arange(-2, 8)


class Ridge:
    """Linear regression of rows y [n,k] on rows x [n,d], shrunk by a penalty (Hoerl & Kennard 1970).

    The penalty has the least generalised cross-validation error (Golub, Heath & Wahba 1979) out of ten decades.
    """

    def __init__(self, x: NDArray[np.floating], y: NDArray[np.floating]) -> None:
        given, wanted = np.asarray(x, np.float64), np.asarray(y, np.float64)
        self.middle, self.scale, self.mean = given.mean(0), given.std(0) + 1e-8, wanted.mean(0)
        u, s, vt = np.linalg.svd((given - self.middle) / self.scale, full_matrices=False)
        along = u.T @ (wanted - self.mean)
        self.penalty = min(PENALTIES, key=lambda penalty: validation(s, along, wanted - self.mean, penalty))
        self.weight = vt.T @ (along * (s / (s**2 + self.penalty))[:, None])

    def __call__(self, x: NDArray[np.floating]) -> NDArray[np.float64]:
        """Predictions [m,k], less the mean of all y."""
        predicted: NDArray[np.float64] = ((np.asarray(x, np.float64) - self.middle) / self.scale) @ self.weight
        return predicted


def validation(s: NDArray[np.float64], along: NDArray[np.float64], y: NDArray[np.float64], penalty: float) -> float:
    """The mean squared residual over the square of the share of free dimensions."""
    kept = s**2 / (s**2 + penalty)
    lost = (y**2).sum() - (along**2).sum() + ((((1 - kept)[:, None]) * along) ** 2).sum()
    return float(lost / (len(y) - kept.sum()) ** 2)


def retrieved(
    predicted: NDArray[np.floating],
    captions: NDArray[np.floating],
    own: NDArray[np.int64],
    *,
    among: int = 100,
    seed: int = 0,
) -> float:
    """R-precision (Xu et al. 2018): the share of rows nearer, by cosine, to their own caption than to all others.

    Row i of `predicted` [n,k] belongs to row `own[i]` of `captions` [m,k], and is compared with `among - 1` others,
    drawn without replacement for each. Rows are taken as they are: subtract the mean before. Chance is 1 / among.
    """
    if not 2 <= among <= len(captions):
        raise ValueError(f"among {among} of {len(captions)} captions")
    random = np.random.RandomState(seed)
    similar = unit(predicted) @ unit(captions).T
    right = 0
    for row, mine in zip(similar, own, strict=True):
        others = random.choice(len(captions) - 1, among - 1, replace=False)
        right += bool((row[others + (others >= mine)] < row[mine]).all())
    return right / len(own)


def unit(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    """Rows of length 1."""
    long = np.asarray(rows, np.float64)
    scaled: NDArray[np.float64] = long / np.maximum(np.linalg.norm(long, axis=1, keepdims=True), 1e-12)
    return scaled
