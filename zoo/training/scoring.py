"""Scores on the way of a training: when one is due, of what, and whether it is the best so far."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from zoo.data.prepared import Prepared
from zoo.evaluation.judge import Judge
from zoo.evaluation.naming import find_metrics
from zoo.evaluation.reference import Reference
from zoo.evaluation.samples import ModelSamples
from zoo.evaluation.score import Score
from zoo.model import Model, Progress
from zoo.training.plan import Plan, score_pairs

__all__ = ["Scoring", "improves", "named"]

Line = Mapping[str, Any]


class Scoring:
    """A run's metrics, measured against its own data.

    The reference is looked at now, so that missing weights stop the run at its start.
    """

    def __init__(self, plan: Plan, prepared: Prepared, device: torch.device, say: Callable[[str], None]) -> None:
        self.plan, self.settings, self.prepared = plan, plan.settings, prepared
        say(f"Scores on the way: {', '.join(self.settings.metrics)}; looking at the reference ...")
        reference = Reference(prepared, plan.choice.source, say)
        self.judge = Judge(find_metrics(self.settings.metrics), reference, device=device)

    def due(self, lines: Sequence[Line], progress: Progress, last: bool) -> bool:
        """Whether this snapshot is scored: each one, or the first past each mark of `score_kimg`, and the last.

        One whose score the log has, as after a resume, is not scored again.
        """
        scored = [line for line in lines if "score" in line]
        if any(line["step"] == progress.step for line in scored):
            return False
        gap = self.settings.score_kimg * 1000
        return last or not gap or not scored or progress.images // gap > scored[-1]["images"] // gap

    def measure(self, model: Model, folder: Path, progress: Progress) -> list[Score]:
        """Scores of samples of fixed latents."""
        n, options = self.judge.number(self.settings.score_samples), score_pairs(self.settings.score_options)
        samples = ModelSamples(model, n, 0, self.prepared, options, captions=self.prepared)
        subject = {
            "run": folder.name,
            "architecture": self.plan.architecture,
            "images": progress.images,
            "judges": self.plan.judges(),
        }
        return self.judge.score(samples, subject)


def improves(score: Score, best: float | None) -> bool:
    """Whether a score is better than the best so far."""
    return best is None or (score.value < best if score.lower_is_better else score.value > best)


def named(scores: Iterable[Score]) -> dict[str, float]:
    """All values by name, as a line of the log has them."""
    return {one.named(key): value for one in scores for key, value in one.values.items()}
