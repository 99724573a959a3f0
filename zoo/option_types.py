"""What an option's annotation means: how it is shown and how a value is read by it.

Annotations are int, float, bool, str, Literal, tuples of these, unions of these and None, each perhaps
`Annotated[..., Range(low, high)]`. Reading takes text, as a user types it, or a typed value, as JSON
holds it.
"""

import math
import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from zoo.errors import near_misses

__all__ = ["Range", "RefusedError", "Whole", "choices_in", "is_option", "range_in", "read", "type_text", "word"]

_WORDS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


class Range(NamedTuple):
    """Closed bounds of a number, or of each number in a tuple: `Annotated[int, Range(1, 4096)]`."""

    low: float | None = None
    high: float | None = None

    def holds(self, value: float) -> bool:
        """Whether the number lies within the bounds."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"of at least {self.low}" if self.high is None else f"of at most {self.high}"
        return f"from {self.low} to {self.high}"


class Whole(NamedTuple):
    """Of a tuple of texts: one text is one item, whatever plus signs stand in it."""


class RefusedError(ValueError):
    """A value that the annotation does not allow: what it takes, and perhaps a near miss."""

    def __init__(self, takes: str, hint: str = "") -> None:
        self.takes, self.hint = takes, hint
        super().__init__(f"it takes {takes}. {hint}" if hint else f"it takes {takes}")


def is_option(kind: Any) -> bool:
    """Whether values of this annotation can be written as text."""
    kind = _bare(kind)
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal or kind in (int, float, bool, str):
        return True
    if origin in (tuple, Union, types.UnionType):
        members = [arg for arg in args if arg is not ... and arg is not type(None)]
        return bool(members) and all(is_option(arg) for arg in members)
    return False


def type_text(kind: Any) -> str:
    """How it is shown: `int`, `float | none`, `tuple[int, ...]`; a Literal as the type of its choices."""
    kind = _bare(kind)
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        return " | ".join(dict.fromkeys("none" if arg is None else type(arg).__name__ for arg in args))
    if origin in (Union, types.UnionType):
        return " | ".join(dict.fromkeys(type_text(arg) for arg in args))
    if origin is tuple:
        return f"tuple[{', '.join('...' if arg is ... else type_text(arg) for arg in args)}]"
    return "none" if kind is type(None) else getattr(kind, "__name__", str(kind))


def choices_in(kind: Any) -> tuple[Any, ...]:
    """The choices of the Literals inside an annotation."""
    kind = _bare(kind)
    if get_origin(kind) is Literal:
        return get_args(kind)
    return tuple(choice for arg in get_args(kind) for choice in choices_in(arg))


def range_in(kind: Any) -> Range | None:
    """The first Range inside an annotation."""
    for extra in getattr(kind, "__metadata__", ()):
        if isinstance(extra, Range):
            return extra
    inner = () if get_origin(_bare(kind)) is Literal else get_args(_bare(kind))
    return next((found for arg in inner if (found := range_in(arg)) is not None), None)


def read(kind: Any, value: object) -> Any:
    """The value of that annotation, from text or JSON. Raises RefusedError, or TypeError."""
    if get_origin(kind) is Annotated:
        whole = isinstance(value, str) and Whole() in [one for one in kind.__metadata__ if isinstance(one, Whole)]
        result = read(get_args(kind)[0], [value] if whole else value)
        for extra in kind.__metadata__:
            if isinstance(extra, Range):
                _within(extra, result)
        return result
    kind = _bare(kind)
    origin = get_origin(kind)
    if origin is Literal:
        return _read_choice(get_args(kind), value)
    if origin in (Union, types.UnionType):
        return _read_union(get_args(kind), value)
    if origin is tuple:
        return _read_tuple(get_args(kind), value)
    if kind not in _READERS:
        raise TypeError(f"an option cannot be of type {type_text(kind)}")
    return _READERS[kind](value)


def word(choice: Any) -> str:
    """A choice or value as one types it: true, none, 64+32."""
    if isinstance(choice, tuple | list):
        return "+".join(word(item) for item in choice)
    return str(choice).lower() if choice is None or isinstance(choice, bool) else str(choice)


def _read_int(value: object) -> int:
    """Text may be 10_000 or 1e3; a float may be integral."""
    try:
        if isinstance(value, str):
            digits = value.strip().lstrip("+-").replace("_", "").isdigit()
            number = int(value) if digits else float(value)
        else:
            number = _number(value)
        if number == int(number):
            return int(number)
    except (ValueError, OverflowError):
        pass
    raise RefusedError("a whole number")


def _read_float(value: object) -> float:
    try:
        number = float(value) if isinstance(value, str) else float(_number(value))
    except (ValueError, OverflowError):
        raise RefusedError("a number") from None
    if math.isnan(number):
        raise RefusedError("a number")
    return number


def _number(value: object) -> float:
    """An int or float that is not a bool; ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError
    return value


def _read_bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _WORDS:
        return _WORDS[value.strip().lower()]
    raise RefusedError("true or false")


def _read_text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise RefusedError("text")


def _read_none(value: object) -> None:
    if value is not None and not (isinstance(value, str) and value.strip().lower() == "none"):
        raise RefusedError("none")


_READERS: dict[Any, Callable[[object], Any]] = {
    int: _read_int,
    float: _read_float,
    bool: _read_bool,
    str: _read_text,
    type(None): _read_none,
}


def _read_choice(choices: tuple[Any, ...], value: object) -> Any:
    for choice in choices:
        same = type(choice) is type(value) and choice == value
        if same or (isinstance(value, str) and word(choice) == value.strip()):
            return choice
    words = [word(choice) for choice in choices]
    takes = f"one of {', '.join(words)}" if len(words) > 1 else words[0]
    raise RefusedError(takes, near_misses(str(value), words))


def _read_union(kinds: tuple[Any, ...], value: object) -> Any:
    """None first, then each member in turn; text last, since it would swallow every number."""
    refusals: list[RefusedError] = []
    for kind in sorted(kinds, key=lambda kind: 2 if kind is str else kind is not type(None)):
        try:
            return read(kind, value)
        except RefusedError as refusal:
            refusals.append(refusal)
    refusals.sort(key=lambda refusal: refusal.takes == "none")
    hints = [refusal.hint for refusal in refusals if refusal.hint]
    raise RefusedError(" or ".join(refusal.takes for refusal in refusals), " ".join(hints))


def _read_tuple(kinds: tuple[Any, ...], value: object) -> tuple[Any, ...]:
    """Text is split at plus signs; a single value stands for a tuple of one."""
    if isinstance(value, str):
        items: list[object] = [item.strip() for item in value.split("+")] if value.strip() else []
    else:
        items = list(value) if isinstance(value, list | tuple) else [value]
    if kinds[-1] is ...:
        kinds = kinds[:1] * len(items)
    if len(items) != len(kinds):
        raise RefusedError(f"{len(kinds)} values joined by +")
    try:
        return tuple(read(kind, item) for kind, item in zip(kinds, items, strict=True))
    except RefusedError as refusal:
        raise RefusedError(f"values joined by +, each {refusal.takes}", refusal.hint) from None


def _within(bounds: Range, value: Any) -> None:
    """Refuse a number, or a number in a tuple, that is out of bounds."""
    for number in value if isinstance(value, tuple) else (value,):
        if isinstance(number, int | float) and not isinstance(number, bool) and not bounds.holds(number):
            each = "values joined by +, each " if isinstance(value, tuple) else ""
            raise RefusedError(f"{each}{'a whole number' if isinstance(number, int) else 'a number'} {bounds}")


def _bare(kind: Any) -> Any:
    """An annotation without `Annotated` and without the name of a type alias."""
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif hasattr(kind, "__value__"):
            kind = kind.__value__
        else:
            return kind
