"""Runs side by side: ranked where their scores were measured in the same way, and told apart where not."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ZooError
from zoo.evaluation.score import Score, differences, read_scores

__all__ = ["Line", "Table", "compare"]


@dataclass(frozen=True, slots=True)
class Line:
    """A run's score, ranked or with the reason why it is not."""

    run: str
    score: Score
    rank: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One score of several runs."""

    name: str
    lines: tuple[Line, ...]


def compare(folders: Sequence[Path]) -> list[Table]:
    """A table for each score that a run has. Raises ZooError when none was ever scored."""
    scores: dict[str, dict[str, list[Score]]] = {}
    for folder in folders:
        if not (folder / "config.json").is_file():
            raise ZooError(f"{folder} is no run; give run folders that ganzoo train made.")
        for score in read_scores(folder):
            scores.setdefault(score.name, {}).setdefault(str(folder), []).append(score)
    if not scores:
        raise ZooError(f"None of these runs was scored. Score one: ganzoo eval {folders[0]} --metrics fid")
    return [table(name, by_run) for name, by_run in sorted(scores.items())]


def table(name: str, by_run: dict[str, list[Score]]) -> Table:
    """The runs of one protocol, ranked; then the others, each with what differs.

    The protocol is the one that most runs share, the newest on a tie; of a run's several scores by it counts the one
    of its latest images.
    """
    every = [score for scores in by_run.values() for score in scores]
    shared = max(every, key=lambda one: sum(any(alike(one, other) for other in scores) for scores in by_run.values()))
    ranked, rest = [], []
    for run, scores in by_run.items():
        fitting = [score for score in scores if alike(shared, score)]
        chosen = max(fitting or scores, key=lambda score: int(score.subject.get("images", 0)))
        if not fitting:
            rest.append(Line(run, chosen, None, "; ".join(differences(shared.protocol, chosen.protocol))))
        elif chosen.flagged:
            rest.append(Line(run, chosen, None, f"trained against {chosen.subject['trained_against']}"))
        else:
            ranked.append((run, chosen))
    ranked.sort(key=lambda pair: pair[1].value if shared.lower_is_better else -pair[1].value)
    lines = [Line(run, score, i) for i, (run, score) in enumerate(ranked, start=1)]
    return Table(name, (*lines, *rest))


def alike(one: Score, other: Score) -> bool:
    """Whether two scores were measured in the same way."""
    return not differences(one.protocol, other.protocol)
