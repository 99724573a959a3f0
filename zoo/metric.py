"""The contract of a score: a function of two sets of pictures, seen as pixels or through a frozen network."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from zoo.errors import ZooError
from zoo.metrics.frechet import Moments

if TYPE_CHECKING:
    from zoo.evaluation.eye import Eye
    from zoo.model import Model

__all__ = ["Case", "Metric", "Rows", "Seen", "View"]


class Rows(Protocol):
    """Rows that may lie on the disk: features float32 [n,d], or pictures uint8 [n,H,W,C]."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: Any, /) -> NDArray[Any]: ...


@dataclass(frozen=True, slots=True)
class View:
    """How pictures are seen: as they are, or as a frozen network's features of them."""

    network: str = ""  # a backbone's reference; empty shows the pixels
    size: int = 0  # pixels to which pictures are brought for the network; 0 is its own size
    resize: str = "bicubic"  # by bicubic, bilinear or area, all with antialias; or own: what the network itself does
    rows: str = "features"  # what rows hold: pooled features, or pixels for a metric that looks by itself


@dataclass(slots=True)
class Seen:
    """A set of pictures as a view shows it."""

    rows: Rows  # empty where no metric of the view reads rows
    moments: Moments  # of features; empty for pixels
    labels: NDArray[np.int64] | None = None
    keys: tuple[str, ...] = ()  # names, where the pictures have any
    captions: Sequence[Sequence[str]] | None = None  # by picture: of reals all, of a sample those it was drawn by


@dataclass(slots=True)
class Case:
    """All that a metric may look at."""

    real: Seen
    fake: Seen
    held_out: Seen | None = None  # real pictures that the training did not see
    target: NDArray[np.int64] | None = None  # by fake, the number of the real that it should equal; None is no pairs
    model: "Model | None" = None  # what drew the fakes; None for pictures of unknown origin
    eye: "Eye | None" = None  # the view's network with its resize; None for pixels
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)  # of the model's `inputs`, where they were changed


class Metric(ABC):
    """A score. Parameters of `__init__` are its options.

    `view` says how it sees pictures; with `reads_rows` false it reads the moments alone, and nothing is kept of
    single pictures. `samples` is how many it wants, 0 as many as there are. A score of single pictures, which does not
    move with their number, sets `of_each`.
    """

    view: View = View()
    reads_rows: bool = True
    lower_is_better: bool = True
    samples: int = 0
    of_each: bool = False
    library: ClassVar[str] = ""  # distribution that computes it, if not ganzoo; stored with every number

    @abstractmethod
    def measure(self, case: Case) -> Mapping[str, float]:
        """Named values; the first one ranks. The name "value" is left out where values are shown."""


def few(case: Case) -> list[str]:
    """Why a Gaussian fitted to these features is biased, in sentences; empty when there are enough."""
    dim = case.fake.moments.dim
    return [
        f"{who} are {seen.moments.n:,}, no more than the {dim:,} features: the distance is biased upwards, so compare "
        "it at equal numbers only."
        for who, seen in (("the samples", case.fake), ("the reference images", case.real))
        if seen.moments.n <= dim
    ]


def finite(name: str, values: Mapping[str, float]) -> dict[str, float]:
    """The values as plain numbers. Raises ZooError when one is none."""
    plain = {key: float(value) for key, value in values.items()}
    if bad := [key for key, value in plain.items() if not np.isfinite(value)]:
        raise ZooError(f"{name} is not finite ({', '.join(bad)}): look at the samples, or take more of them.")
    return plain
