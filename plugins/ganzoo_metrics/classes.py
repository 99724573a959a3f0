"""Scores of samples that were asked for by class: whether they show it, and how alike those of one class are."""

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ganzoo_metrics.features import view
from ganzoo_metrics.perceptual import pairs_within
from zoo import Case, Metric, Range, Rows, Seen, View, ZooError
from zoo.metrics import ms_ssim

__all__ = ["ClassAccuracy", "ClassMsSsim", "by_class"]

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]


class ClassAccuracy(Metric):
    """How often a classifier of the real pictures finds the class that a sample was asked for (Shmelkov et al. 2018).

    The classifier knows nothing of the model: an SVM on pixels, or a linear one on the features of a backbone. It
    learns from all reals where held-out ones are given, else from four fifths of them; `real` is its accuracy on real
    pictures that it has not seen, the most that can be expected. Accuracies are means over classes.
    """

    lower_is_better = False
    of_each = True
    family = "class-accuracy"
    reads_held_out = True
    library = "scikit-learn"

    def __init__(
        self,
        backbone: str = "",  # whose features; empty takes pixels
        learn: Annotated[int, Range(10)] = 10000,  # at most so many real pictures to learn from, at random
        size: Annotated[int, Range(0)] = 0,  # pixels the network is given; 0 is its own size
        resize: str = "auto",  # own (what the network does itself), bicubic, bilinear or area
    ) -> None:
        self.view = view(backbone, size, resize) if backbone else View()
        self.learn = learn

    def measure(self, case: Case) -> dict[str, float]:
        """In [0, 1]: the mean over classes, that of unseen reals, and the class that is found least."""
        asked, labels = labels_of(case.fake, "the samples"), labels_of(case.real, "the reference")
        order = np.random.RandomState(0).permutation(len(labels))
        unseen = order[: 0 if case.held_out else len(labels) // 5]
        learnt = np.sort(order[len(unseen) :][: self.learn])
        classifier = fitted(flat(case.real.rows, learnt), labels[learnt], linear=bool(self.view.network))
        found = by_class(classifier.predict(flat(case.fake.rows)), asked)
        if case.held_out is None:
            real = by_class(classifier.predict(flat(case.real.rows, unseen)), labels[unseen])
        else:
            real = by_class(classifier.predict(flat(case.held_out.rows)), labels_of(case.held_out, "the held-out data"))
        return {"value": float(found.mean()), "real": float(real.mean()), "worst": float(found.min())}


class ClassMsSsim(Metric):
    """Mean MS-SSIM of random pairs within a class, the mean over classes (Odena et al. 2017); the reals' stands beside.

    Low is diverse: a class of one picture has 1. `highest` is the class that varies least.
    """

    def __init__(
        self,
        pairs: Annotated[int, Range(1)] = 100,  # of each class
    ) -> None:
        self.pairs = pairs

    def measure(self, case: Case) -> dict[str, float]:
        """In [0, 1]."""
        fake, real = self.of(case.fake, "the samples"), self.of(case.real, "the reference")
        return {"value": float(fake.mean()), "real": float(real.mean()), "highest": float(fake.max())}

    def of(self, seen: Seen, who: str) -> NDArray[np.float64]:
        """One mean for each class that has two pictures."""
        labels = labels_of(seen, who)
        groups = pairs_within(labels, self.pairs * len(np.unique(labels)))
        if not groups:
            raise ZooError(f"Within a class pictures are compared in pairs, and no class of {who} has two; draw more.")
        return np.array([ms_ssim(seen.rows[ours], seen.rows[theirs]).mean() for ours, theirs in groups])


def labels_of(seen: Seen, who: str) -> Labels:
    """The labels by row. Raises ZooError where there are none."""
    if seen.labels is None:
        raise ZooError(
            f"This score is about classes, and {who} have none: evaluate a model that was trained with labels against "
            "labelled data, such as emoji or mnist."
        )
    return seen.labels[: len(seen.rows)]


def by_class(found: Labels, asked: Labels) -> NDArray[np.float64]:
    """The share of each class that was found, over the classes that were asked for."""
    return np.array([(found[asked == one] == one).mean() for one in np.unique(asked)])


def flat(rows: Rows, chosen: NDArray[np.int64] | None = None) -> Floats:
    """Rows in one dimension each; pixels in [0, 1]."""
    some = np.asarray(rows[np.arange(len(rows)) if chosen is None else chosen])
    scale = np.float32(255 if some.dtype == np.uint8 else 1)
    flattened: Floats = some.reshape(len(some), -1).astype(np.float32) / scale
    return flattened


def fitted(rows: Floats, labels: Labels, *, linear: bool) -> Any:
    """A classifier of these rows: logistic regression on standardised features, or an SVM with Gaussian kernel."""
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        from sklearn.svm import SVC
    except ImportError as error:
        raise ZooError(
            'class-accuracy fits a classifier by scikit-learn: pip install -e ".[probe]"  (in the checkout of ganzoo)'
        ) from error
    if len(np.unique(labels)) < 2:
        raise ZooError("A classifier needs at least two classes of real pictures.")
    if linear:
        regression = LogisticRegression(C=0.003, class_weight="balanced", max_iter=2000)
        return make_pipeline(StandardScaler(), regression).fit(rows, labels)
    return SVC(C=10, class_weight="balanced").fit(rows, labels)
