"""What some models can do besides drawing images. Commands ask for the ability, never for a name."""

from collections.abc import Callable
from typing import Literal, Protocol, runtime_checkable

from torch import Tensor

from zoo.errors import InvalidOptions
from zoo.model import Batch, Model

__all__ = ["HasStyles", "Inverts", "lacks"]

Features = Callable[[Tensor], Tensor]
"""Images [N,C,H,W] in [-1, 1] to whatever their distance is measured by, [N,...]; differentiable."""


@runtime_checkable
class HasStyles(Protocol):
    """A generator steered by one style vector per layer; `generate` takes them as {"ws": ws}."""

    def styles(self, inputs: Batch) -> Tensor:
        """Styles ws [N,L,D] of what `generate` takes."""
        ...


@runtime_checkable
class Inverts(Protocol):
    """A model that finds the inputs of given images."""

    def invert(
        self,
        images: Tensor,
        *,
        space: Literal["w", "w+"] = "w",
        steps: int = 1000,
        features: Features | None = None,
        seed: int = 0,
    ) -> Batch:
        """Inputs with which `generate` comes near images [N,C,H,W] in [-1, 1]: one style each, or one per layer.

        Distances are of `features`, or of pixels without.
        """
        ...


def lacks(model: Model, what: str) -> InvalidOptions:
    """The error of a command that asks for an ability which this model has not."""
    return InvalidOptions([f"{type(model).__name__} {what}; `ganzoo list --tag styles` shows models that do."])
