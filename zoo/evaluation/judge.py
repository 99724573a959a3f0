"""Metrics of one reference: what it looks like is computed once, then any number of sample sets are scored."""

import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from zoo.errors import ZooError
from zoo.evaluation.eye import Eye
from zoo.evaluation.gather import Gatherer
from zoo.evaluation.reference import Reference
from zoo.evaluation.samples import Samples
from zoo.evaluation.score import Score
from zoo.metric import Case, Metric, Seen, View, few, finite

__all__ = ["Judge"]

BATCH = 64

Tick = Callable[[int], None]


def silent(n: int) -> None:
    """No progress."""


class Judge:
    """Scores samples by `metrics` (by the names they were asked for by) against `reference`.

    Views that several metrics share are computed once. Raises ZooError at once for missing weights.
    """

    def __init__(
        self,
        metrics: Mapping[str, Metric],
        reference: Reference,
        *,
        held_out: Reference | None = None,
        device: torch.device | None = None,
        precision: str = "fp32",
        tick: Tick = silent,
    ) -> None:
        self.metrics, self.reference = dict(metrics), reference
        views = dict.fromkeys(metric.view for metric in self.metrics.values())
        place = device or torch.device("cpu")
        self.eyes = {view: Eye(view, place, precision) if view.network else None for view in views}
        self.real = {view: reference.seen(self.features(view), self.reads_rows(view), tick) for view in views}
        self.held_out: dict[View, Seen] = {}
        if held_out is not None:
            self.held_out = {view: held_out.seen(self.features(view), self.reads_rows(view), tick) for view in views}
        self.held_out_facts = None if held_out is None else held_out.facts()

    def features(self, view: View) -> Eye | None:
        """The network whose features the view's rows hold; None for pixels."""
        return self.eyes[view] if view.rows == "features" else None

    def reads_rows(self, view: View) -> bool:
        """Whether a metric of this view looks at single pictures."""
        return any(metric.reads_rows for metric in self.metrics.values() if metric.view == view)

    def wanted(self, view: View, n: int) -> int:
        """How many rows of `n` samples the metrics of a view want."""
        wants = [metric.samples or n for metric in self.metrics.values() if metric.view == view and metric.reads_rows]
        return min(max(wants, default=0), n)

    def number(self, usual: int) -> int:
        """How many samples to draw: as many as the metrics want, `usual` where one wants all it can get."""
        return max((metric.samples or usual for metric in self.metrics.values()), default=usual)

    def score(self, samples: Samples, subject: Mapping[str, Any], tick: Tick = silent) -> list[Score]:
        """One score for each metric, from a single pass over the samples. Raises ZooError."""
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ganzoo-scores-")))
            fake = self.gather(samples, folder, tick)
            target = samples.target if samples.target is not None else pairs(samples.keys, self.reference)
            scores = [self.one(name, fake, samples, target, subject) for name in self.metrics]
            fake.clear()
        return scores

    def gather(self, samples: Samples, folder: Path, tick: Tick) -> dict[View, Seen]:
        """Every view of the samples."""
        gatherers = {}
        for i, view in enumerate(self.eyes):
            rows = self.wanted(view, samples.n)
            place = folder / str(i) if rows else None
            if place is not None:
                place.mkdir()
            gatherers[view] = Gatherer(self.features(view), rows, place)
        for pictures in samples.batches(BATCH):
            self.check_channels(pictures)
            for gatherer in gatherers.values():
                gatherer.add(pictures)
            tick(len(pictures))
        found = {view: gatherer.seen(samples.labels, samples.keys) for view, gatherer in gatherers.items()}
        for seen in found.values():
            seen.captions = samples.captions
        return found

    def check_channels(self, pictures: NDArray[np.uint8]) -> None:
        """Raise ZooError where samples and reference are not of one kind."""
        spec = self.reference.prepared.spec
        if pictures.shape[1:] != (spec.resolution, spec.resolution, spec.channels):
            raise ZooError(
                f"The samples are {'x'.join(map(str, pictures.shape[1:]))} (height, width, channels), the reference "
                f"{spec.resolution}x{spec.resolution}x{spec.channels}: score pictures of one size and kind."
            )

    def one(
        self,
        name: str,
        fake: dict[View, Seen],
        samples: Samples,
        target: NDArray[np.int64] | None,
        subject: Mapping[str, Any],
    ) -> Score:
        """One metric's score with its protocol and notes."""
        metric = self.metrics[name]
        eye = self.eyes[metric.view]
        case = Case(
            real=self.real[metric.view],
            fake=fake[metric.view],
            held_out=self.held_out.get(metric.view),
            target=target,
            model=samples.model,
            eye=eye,
            seed=samples.seed,
            options=samples.options,
        )
        values = finite(name, metric.measure(case))
        notes = [*self.traps(samples, metric), *(few(case) if eye is not None and not metric.reads_rows else [])]
        family = "" if eye is None else eye.backbone.family
        against = [one for one in subject.get("judges", ()) if family and one[1] == family]
        told = {key: value for key, value in subject.items() if key != "judges"}
        if against:
            told["trained_against"] = f"{against[0][0]} ({family})"
            notes.append(f"Trained against {against[0][0]}, of the family of this score's network: it flatters.")
        return Score(
            called(name, metric, eye),
            values,
            metric.lower_is_better,
            self.protocol(name, metric, eye, samples),
            told,
            tuple(dict.fromkeys(notes)),
        )

    def protocol(self, name: str, metric: Metric, eye: Eye | None, samples: Samples) -> dict[str, Any]:
        """All that the number depends on, apart from the samples themselves."""
        seen = {"network": None, "resize": None, "precision": "float64"} if eye is None else eye.facts()
        held_out = {"held_out": self.held_out_facts} if metric_uses_held_out(metric) else {}
        return {
            "metric": {"name": called(name, metric, eye), **options_of(metric)},
            "library": library(metric.library),
            **seen,
            "reference": self.reference.facts(),
            **held_out,
            "samples": samples.facts(),
            "environment": {name: version(name) for name in ("torch", "numpy", "pillow")},
        }

    def traps(self, samples: Samples, metric: Metric) -> list[str]:
        """Known ways to get a number that says something else."""
        notes = []
        if samples.lossy() != self.reference.lossy():
            which = "samples" if samples.lossy() else "reference"
            notes.append(f"The {which} were stored as JPEG and the others were not: that alone moves a score.")
        if self.reference.prepared.split == "train" and isinstance(samples.keys, tuple) and samples.model is None:
            notes.append("The reference is a training split; the literature also uses test splits: say which.")
        if samples.n < 10_000 and not metric.of_each:
            notes.append(f"{samples.n:,} samples: papers use 10,000 or 50,000, and scores fall with the number.")
        return notes


def called(name: str, metric: Metric, eye: Eye | None) -> str:
    """The score's canonical name: its entry's, with the network it looks through; fid on Inception alone."""
    family = name.partition(":")[0].rpartition("::")[2]
    if eye is None:
        return family
    stem = str(getattr(metric, "family", family))
    network = eye.backbone.name
    if network == "inception":
        return {"fd": "fid"}.get(stem, stem)
    return f"{stem}-{network}"


def options_of(metric: Metric) -> dict[str, Any]:
    """The metric's settings by name."""
    return {name: value for name, value in vars(metric).items() if isinstance(value, int | float | str)}


def library(name: str) -> str:
    """`torch-fidelity 0.4.0`, or ganzoo's own version."""
    distribution = name or "ganzoo"
    return f"{distribution} {version(distribution)}"


def metric_uses_held_out(metric: Metric) -> bool:
    """Whether the number depends on held-out pictures."""
    return bool(getattr(metric, "reads_held_out", False))


def pairs(keys: tuple[str, ...], reference: Reference) -> NDArray[np.int64] | None:
    """By sample, the reference picture of the same name without its suffix; None unless all have one."""
    if not keys:
        return None
    places = {key.rpartition(".")[0] or key: i for i, key in enumerate(reference.prepared.keys)}
    found = [places.get(key.rpartition(".")[0] or key) for key in keys]
    return None if None in found else np.array(found, np.int64)
