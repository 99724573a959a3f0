"""Whether a caption can be told from the picture that was drawn by it."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from zoo import Case, Metric, Range, Seen, TextEncoder, View, ZooError, text_encoder
from zoo.metrics import Ridge, retrieved

__all__ = ["RPrecision"]

FOLDS = 5


class RPrecision(Metric):
    """R-precision (Xu et al. 2018) by a ridge regression from features to embedded captions, fitted on real pictures.

    The ceiling is what the same regression finds for real pictures: held-out ones where they are given, otherwise
    each fifth of the reference by a regression on the other four.
    """

    lower_is_better = False
    of_each = True
    family = "r-precision"
    reads_held_out = True

    def __init__(
        self,
        backbone: str = "efficientnet-lite2",  # whose features
        encoder: str = "minilm",  # what embeds captions, whatever the model itself reads them with
        among: Annotated[int, Range(2)] = 100,  # captions to choose from; chance is one in so many
        samples: Annotated[int, Range(2)] = 2000,  # pictures scored
        size: Annotated[int, Range(0)] = 0,  # pixels the network is given; 0 is its own size
    ) -> None:
        self.view = View(backbone, size, "bicubic")
        self.encoder, self.among, self.samples = encoder, among, samples

    def measure(self, case: Case) -> dict[str, float]:
        """The share of samples that find their caption, that of real pictures, and chance."""
        encoder = text_encoder(self.encoder)
        reals, targets = (
            features(case.real, "reference pictures"),
            means(encoder, captions(case.real, "reference pictures")),
        )
        fitted = Ridge(reals, targets)
        fake = self.share(encoder, fitted(features(case.fake, "samples")), captions(case.fake, "samples"), fitted.mean)
        if case.held_out is not None:
            seen = case.held_out
            predicted, shown = fitted(features(seen, "held-out pictures")), captions(seen, "held-out pictures")
        else:
            predicted, shown = crossed(reals, targets), captions(case.real, "reference pictures")
        real = self.share(encoder, predicted, shown, fitted.mean)
        return {"value": fake, "real": real, "chance": 1 / self.among}

    def share(
        self,
        encoder: TextEncoder,
        predicted: NDArray[np.float64],
        shown: Sequence[Sequence[str]],
        mean: NDArray[np.float64],
    ) -> float:
        """R-precision of predictions, each against the first caption of its picture."""
        first = [texts[0] for texts in shown]
        unique = sorted(set(first))
        if len(unique) < self.among:
            raise ZooError(
                f"r-precision chooses among {self.among} different captions and there are {len(unique)}; take more "
                f"samples (--n), or r-precision:among={max(len(unique), 2)}."
            )
        numbers = {text: number for number, text in enumerate(unique)}
        rows = encoder.encode(unique).numpy() - mean
        own = np.array([numbers[text] for text in first], np.int64)
        return retrieved(predicted, rows, own, among=self.among)


def features(seen: Seen, what: str) -> NDArray[np.floating]:
    """Rows of pictures that have captions."""
    return np.asarray(seen.rows)[: len(captions(seen, what))]


def captions(seen: Seen, what: str) -> Sequence[Sequence[str]]:
    """Of each picture whose features are there. Raises ZooError where there are none."""
    if seen.captions is None:
        raise ZooError(
            f"r-precision needs captions, and the {what} have none: it is for models that draw by captions, against "
            "captioned data."
        )
    return seen.captions[: len(seen.rows)]


def means(encoder: TextEncoder, shown: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """The mean embedding of each picture's captions: [n, dim]."""
    embedded = encoder.embed([""] * len(shown), shown)
    sums = np.add.reduceat(embedded.rows[embedded.numbers].astype(np.float64), embedded.offsets[:-1])
    found: NDArray[np.float64] = sums / np.diff(embedded.offsets)[:, None]
    return found


def crossed(reals: NDArray[np.floating], targets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Predictions for each fifth of the rows by a regression on the other four, less the mean of all targets."""
    fold = np.arange(len(reals)) % FOLDS
    predicted = np.empty_like(targets)
    for number in range(FOLDS):
        fitted = Ridge(reals[fold != number], targets[fold != number])
        predicted[fold == number] = fitted(reals[fold == number]) + fitted.mean - targets.mean(0)
    return predicted
