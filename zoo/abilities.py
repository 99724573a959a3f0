"""What some models can do besides drawing images. Commands ask for the ability, never for a name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor

from zoo.errors import InvalidOptions
from zoo.model import Batch, Model

__all__ = ["Code", "HasFeatures", "HasStyles", "Inpaints", "Inverts", "Translates", "Traverses", "lacks"]

Pictures = TypeVar("Pictures")
"""A PIL image, an array uint8 [H,W,C] or [N,H,W,C], or a tensor [C,H,W] or [N,C,H,W] in [-1, 1]."""

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


@runtime_checkable
class Translates(Protocol):
    """A model that makes a picture of domain B out of one of domain A; some also go the other way."""

    def translate(self, pictures: Pictures, *, to: Literal["a", "b"] = "b", seed: int = 0) -> Pictures:
        """Pictures of the other domain, as many and of the sizes and the kind given.

        Item i depends on `seed + i` alone, where chance has a part. A model writes this for images [N,C,H,W] in
        [-1, 1], which come in the channels it takes, and `zoo.on_pictures` does the rest.
        """
        ...


@runtime_checkable
class HasFeatures(Protocol):
    """A model whose own network, not a discriminator, has learned to see."""

    def features(self, pictures: Any) -> list[Tensor]:
        """What it sees in pictures of any kind and size: maps or numbers [N,C,h,w], fine to coarse."""
        ...


@runtime_checkable
class Inpaints(Protocol):
    """A model that fills holes of pictures."""

    def inpaint(self, pictures: Pictures, mask: Any = None, *, seed: int = 0) -> Pictures:
        """The pictures with what is missing filled in, as many and of the sizes and the kind given.

        Pixels where `mask` is not True come back bit for bit. Without a mask a hole as in training is drawn by `seed`.
        `zoo.on_pictures` and `zoo.as_mask` read what people give. Raises ZooError for a mask that does not fit.
        """
        ...


def lacks(model: Model, what: str, tag: str = "styles") -> InvalidOptions:
    """The error of a command that asks for an ability which this model has not; entries with `tag` do."""
    return InvalidOptions([f"{type(model).__name__} {what}; `ganzoo list --tag {tag}` shows models that do."])
