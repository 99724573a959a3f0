"""Scores on a frozen network's pooled features."""

from typing import Annotated

import numpy as np
import torch

from zoo import Case, Metric, Range, View, ZooError
from zoo.metrics import (
    classify,
    density_coverage,
    frechet_distance,
    inception_score,
    kernel_distance,
    memorisation,
    mode_count,
    precision_recall,
)

__all__ = [
    "DensityCoverage",
    "Fid",
    "Frechet",
    "InceptionScore",
    "Kernel",
    "Memorisation",
    "Modes",
    "PrecisionRecall",
    "view",
]


def view(backbone: str, size: int, resize: str) -> View:
    """A view of pooled features; `auto` leaves Inception its own resize and takes bicubic for all others."""
    if resize == "auto":
        resize = "own" if backbone.partition(":")[0] == "inception" else "bicubic"
    return View(backbone, size, resize)


class Frechet(Metric):
    """The Fréchet distance; on any network but Inception it is called by the network, never FID."""

    reads_rows = False
    family = "fd"

    def __init__(
        self,
        backbone: str = "inception",  # whose features
        size: Annotated[int, Range(0)] = 0,  # pixels the network is given; 0 is its own size
        resize: str = "auto",  # own (what the network does itself), bicubic, bilinear or area
    ) -> None:
        self.view = view(backbone, size, resize)

    def measure(self, case: Case) -> dict[str, float]:
        """The distance between the two Gaussians."""
        return {"value": frechet_distance(case.real.moments, case.fake.moments)}


class Fid(Frechet):
    """The Fréchet inception distance (Heusel et al. 2017)."""

    def __init__(
        self,
        weights: str = "",  # a file with the network's weights; empty fetches the official ones
        resize: str = "own",  # own: TensorFlow's bilinear as in the first FID; bicubic: as clean-fid does
    ) -> None:
        super().__init__(f"inception:weights={weights}" if weights else "inception", 0, resize)


class Kernel(Metric):
    """The kernel distance with its deviation over subsets (Bińkowski et al. 2018)."""

    library = "torch-fidelity"
    family = "kid"

    def __init__(
        self,
        backbone: str = "inception",  # whose features
        subsets: Annotated[int, Range(1)] = 100,  # random subsets
        subset: Annotated[int, Range(2)] = 1000,  # pictures in each, less where there are fewer
        size: Annotated[int, Range(0)] = 0,  # pixels the network is given; 0 is its own size
        resize: str = "auto",  # own (what the network does itself), bicubic, bilinear or area
    ) -> None:
        self.view = view(backbone, size, resize)
        self.subsets, self.subset = subsets, subset

    def measure(self, case: Case) -> dict[str, float]:
        """Mean and standard deviation; not times 1000."""
        rows = np.asarray(case.real.rows), np.asarray(case.fake.rows)
        mean, std = kernel_distance(*rows, subsets=self.subsets, size=self.subset)
        return {"value": mean, "std": std}


class InceptionScore(Metric):
    """The inception score (Salimans et al. 2016); it never looks at the reference."""

    library = "torch-fidelity"
    lower_is_better = False
    family = "is"

    def __init__(
        self,
        splits: Annotated[int, Range(1)] = 10,  # blocks over which mean and deviation are taken
        weights: str = "",  # a file with the network's weights; empty fetches the official ones
    ) -> None:
        self.view = View(f"inception:weights={weights}" if weights else "inception", 0, "own")
        self.splits = splits

    def measure(self, case: Case) -> dict[str, float]:
        """Mean and population deviation."""
        assert case.eye is not None
        logits = getattr(case.eye.backbone, "logits", None)
        if logits is None:
            raise ZooError(f"The backbone {case.eye.backbone.name} classifies nothing; IS takes inception.")
        rows = torch.from_numpy(np.array(case.fake.rows)).to(case.eye.device)
        mean, std = inception_score(logits(rows).cpu(), splits=self.splits)
        return {"value": mean, "std": std}


class PrecisionRecall(Metric):
    """Improved precision and recall (Kynkäänniemi et al. 2019)."""

    library = "torch-fidelity"
    lower_is_better = False
    family = "pr"

    def __init__(
        self,
        backbone: str = "inception",  # whose features
        k: Annotated[int, Range(1)] = 3,  # a ball reaches the k-th neighbour
        size: Annotated[int, Range(0)] = 0,  # pixels the network is given; 0 is its own size
        resize: str = "auto",  # own (what the network does itself), bicubic, bilinear or area
    ) -> None:
        self.view = view(backbone, size, resize)
        self.k = k

    def measure(self, case: Case) -> dict[str, float]:
        """Shares in [0, 1]."""
        precision, recall = precision_recall(np.asarray(case.real.rows), np.asarray(case.fake.rows), k=self.k)
        return {"precision": precision, "recall": recall}


class DensityCoverage(Metric):
    """Density and coverage (Naeem et al. 2020)."""

    lower_is_better = False
    family = "dc"

    def __init__(
        self,
        backbone: str = "inception",  # whose features
        k: Annotated[int, Range(1)] = 5,  # a ball reaches the k-th neighbour
        size: Annotated[int, Range(0)] = 0,  # pixels the network is given; 0 is its own size
        resize: str = "auto",  # own (what the network does itself), bicubic, bilinear or area
    ) -> None:
        self.view = view(backbone, size, resize)
        self.k = k

    def measure(self, case: Case) -> dict[str, float]:
        """Density from 0 on, coverage in [0, 1]."""
        density, coverage = density_coverage(np.asarray(case.real.rows), np.asarray(case.fake.rows), k=self.k)
        return {"density": density, "coverage": coverage}


class Memorisation(Metric):
    """Distances to the nearest training image, of samples and of held-out reals (after Meehan et al. 2020)."""

    family = "memorisation"
    reads_held_out = True

    def __init__(
        self,
        backbone: str = "inception",  # whose features
        size: Annotated[int, Range(0)] = 0,  # pixels the network is given; 0 is its own size
        resize: str = "auto",  # own (what the network does itself), bicubic, bilinear or area
    ) -> None:
        self.view = view(backbone, size, resize)

    def measure(self, case: Case) -> dict[str, float]:
        """`closer` is one half for fresh samples and 1 for copies."""
        if case.held_out is None:
            raise ZooError(
                "Memorisation is measured against real pictures that the training did not see: give them, such as "
                "--held-out emoji:split=test."
            )
        rows = (np.asarray(seen.rows) for seen in (case.real, case.held_out, case.fake))
        return memorisation(*rows)


class Modes(Metric):
    """How many classes of a labelled reference the samples reach, by their nearest neighbours in it."""

    lower_is_better = False
    family = "modes"

    def __init__(
        self,
        backbone: str = "inception",  # whose features
        least: Annotated[int, Range(1)] = 1,  # samples that make a mode reached
        size: Annotated[int, Range(0)] = 0,  # pixels the network is given; 0 is its own size
        resize: str = "auto",  # own (what the network does itself), bicubic, bilinear or area
    ) -> None:
        self.view = view(backbone, size, resize)
        self.least = least

    def measure(self, case: Case) -> dict[str, float]:
        """Number of modes, and KL of their frequencies from the reference's, in nats."""
        if case.real.labels is None:
            raise ZooError("Modes are counted on a labelled reference, and this one has no labels.")
        found = classify(np.asarray(case.fake.rows), np.asarray(case.real.rows), case.real.labels)
        modes, kl = mode_count(found, case.real.labels, least=self.least)
        return {"modes": modes, "kl": kl}
