"""A number with everything that is needed to repeat it, and the file in which a run keeps them."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from zoo.errors import ZooError
from zoo.files import read_json, write_json

__all__ = ["FILE", "Score", "differences", "keep", "read_scores"]

FILE = "scores.json"
FORMAT = 1
FREE = ("samples.seed", "samples.rounding", "reference.source", "held_out.source", "environment")
"""What two scores may differ in and still be ranked together: the draw, names, versions of what only computes."""


@dataclass(frozen=True, slots=True)
class Score:
    """One metric's values of one set of samples."""

    name: str  # such as fd-efficientnet-lite2; canonical, without options
    values: Mapping[str, float]  # the first one ranks
    lower_is_better: bool
    protocol: Mapping[str, Any]
    subject: Mapping[str, Any]  # what was scored: run and images, or a path
    notes: tuple[str, ...] = ()  # what a reader of the number should know

    @property
    def value(self) -> float:
        """The value that ranks."""
        return next(iter(self.values.values()))

    @property
    def flagged(self) -> bool:
        """Whether its network's family also judged in training."""
        return bool(self.subject.get("trained_against"))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "notes": list(self.notes)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any], path: Path) -> Self:
        """The score of `to_json`. Raises ZooError."""
        try:
            values = {field.name: content[field.name] for field in fields(cls)}
            return cls(**{**values, "notes": tuple(values["notes"])})
        except (KeyError, TypeError) as error:
            raise ZooError(f"{path} is not a whole list of scores: {type(error).__name__}: {error}.") from error

    def named(self, key: str) -> str:
        """One of its values by name: `fid`, `pr-efficientnet-lite2 recall`."""
        return self.name if key == "value" else f"{self.name} {key}"

    def shown(self) -> str:
        """`12.34`, or `precision 0.71, recall 0.40`."""
        return ", ".join(f"{'' if key == 'value' else key + ' '}{value:.6g}" for key, value in self.values.items())


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Where two protocols differ in what a number depends on: "samples.n is 2000, not 50000"."""
    ours, theirs = dict(flat(one)), dict(flat(other))
    names = [name for name in dict.fromkeys([*ours, *theirs]) if not name.startswith(FREE)]
    return [
        f"{name} is {theirs.get(name)}, not {ours.get(name)}" for name in names if ours.get(name) != theirs.get(name)
    ]


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Leaves by dotted name."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def read_scores(folder: Path) -> list[Score]:
    """The scores that a run keeps; none where it was never scored. Raises ZooError for a broken file."""
    path = folder / FILE
    if not path.exists():
        return []
    content = read_json(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ZooError(f"{path} is not a list of scores that this ganzoo reads (format {FORMAT}); upgrade, or remove.")
    return [Score.from_json(one, path) for one in content["scores"]]


def keep(folder: Path, scores: Iterable[Score]) -> None:
    """Add scores to a run's file, whole or not at all; equal measurements are replaced."""
    fresh = {identity(score): score for score in scores}
    kept = [score for score in read_scores(folder) if identity(score) not in fresh]
    write_json(folder / FILE, {"format": FORMAT, "scores": [one.to_json() for one in [*kept, *fresh.values()]]})


def identity(score: Score) -> str:
    """What makes two measurements the same one."""
    protocol = sorted((name, value) for name, value in flat(score.protocol) if not name.startswith("environment"))
    return repr((score.name, protocol, sorted(flat(score.subject))))
