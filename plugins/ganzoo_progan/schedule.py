"""How far the networks have grown after a number of images: pure functions."""

from collections.abc import Sequence
from math import ceil
from typing import TypeVar

__all__ = ["at", "at_position", "growth"]

Value = TypeVar("Value", int, float)


def growth(images: int, hold: int, fade: int, first: int, top: int) -> tuple[int, float]:
    """Level and alpha after `images`: from level `first` on, each is held for `hold` images, then the next
    fades in over `fade` images, up to level `top`; both 0 stand for no growing (Karras et al. 2018, appendix A).

    Alpha is the weight of the finest level, 1 while nothing fades. In the official terms
    `lod = top - level + 1 - alpha`.
    """
    if hold + fade == 0:
        return top, 1.0
    finished, rest = divmod(images, hold + fade)
    return at_position(min(first + finished + max(rest - hold, 0) / max(fade, 1), top))


def at_position(position: float) -> tuple[int, float]:
    """Level and alpha after so many levels have grown in: 2.25 is level 3 at a quarter of its weight."""
    level = ceil(position)
    return level, 1.0 - (level - position)


def at(values: Sequence[Value], level: int, otherwise: Value) -> Value:
    """The value of a level, or `otherwise` beyond the last."""
    return values[level] if level < len(values) else otherwise
