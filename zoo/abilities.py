"""What some models can do besides drawing images. Commands ask for the ability, never for a name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor

from zoo.errors import InvalidOptions
from zoo.model import Batch, Model

__all__ = ["Code", "HasStyles", "Inverts", "Traverses", "lacks"]

Features = Callable[[Tensor], Tensor]
"""Images [N,C,H,W] in [-1, 1] to whatever their distance is measured by, [N,...]; differentiable."""


@dataclass(frozen=True, slots=True)
class Code:
    """One number among the inputs of each item, which can be turned while all others stay."""

    name: str  # as a sheet shows it
    field: str  # of the inputs
    place: int | None = None  # column of the field; None for a field of one number each
    values: tuple[str, ...] = ()  # what 0, 1, 2, ... stand for; empty for a number that moves continuously
    low: float = -2.0  # where a continuous one is shown from
    high: float = 2.0  # and to

    def stops(self, n: int) -> Tensor:
        """At most `n` values to show: the first ones that it can take, or evenly from `low` to `high`."""
        return torch.arange(min(n, len(self.values))) if self.values else torch.linspace(self.low, self.high, n)

    def turned(self, inputs: Batch, values: Tensor) -> Batch:
        """The inputs of a batch [N,...] with this code at `values` [N]."""
        field = inputs[self.field].clone()
        (field if self.place is None else field[:, self.place]).copy_(values)
        return {**inputs, self.field: field}


@runtime_checkable
class Traverses(Protocol):
    """A model of whose inputs some have a meaning of their own."""

    def codes(self) -> Sequence[Code]:
        """These inputs, in the order in which a sheet shows them."""
        ...


@runtime_checkable
class HasStyles(Protocol):
    """A generator steered by one style vector per layer; `generate` takes them as {"ws": ws}."""

    def styles(self, inputs: Batch) -> Tensor:
        """Styles ws [N,L,D] of what `generate` takes."""
        ...


@runtime_checkable
class Inverts(Protocol):
    """A model that finds the inputs of given images, in one of its `spaces`, of which the first is usual."""

    spaces: ClassVar[tuple[str, ...]]

    def invert(
        self,
        images: Tensor,
        *,
        space: str = ...,
        steps: int = 1000,
        features: Features | None = None,
        seed: int = 0,
    ) -> Batch:
        """Inputs with which `generate` comes near images [N,C,H,W] in [-1, 1].

        Distances are of `features`, or the model's own without.
        """
        ...


def lacks(model: Model, what: str, tag: str = "styles") -> InvalidOptions:
    """The error of a command that asks for an ability which this model has not; entries with `tag` do."""
    return InvalidOptions([f"{type(model).__name__} {what}; `ganzoo list --tag {tag}` shows models that do."])
