"""Plain containers and numpy's arrays, scalars and element types, as pickles spell them."""

from collections.abc import Callable
from functools import cached_property, partial
from math import prod
from typing import Any

import numpy as np
import torch

from ganzoo_hub.pickles import Budget, Named, RefusedPickle, StandIn, checked_key, kind_of

__all__ = ["Array", "ElementType", "names"]

NUMBERS = frozenset(["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"])
DIMENSIONS, LARGEST = 8, 2**40


class ElementType(StandIn):
    """A numpy.dtype of numbers; objects, records and dates are refused."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.order = "="

    def build(self, state: object) -> None:
        """Take the order of bytes."""
        match state:
            case (3 | 4, "<" | ">" | "|" | "=" as order, None, None, None, *_):
                self.order = order
            case _:
                raise RefusedPickle("it holds an array of records")

    def numpy(self) -> np.dtype[Any]:
        """The type itself."""
        return np.dtype(self.order + self.code)


class Array(StandIn):
    """A numpy array; `value` is read-only and lies in the bytes of the file."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.value = np.zeros(0, np.float32)

    def build(self, state: object) -> None:
        """Take version, shape, type, order and bytes."""
        match state:
            case (1, tuple(shape), ElementType() as kind, fortran, raw):
                self.fill(raw, kind, shape, "F" if fortran is True or fortran == 1 else "C")
            case _:
                raise RefusedPickle("it holds an array in no known form")

    def fill(self, raw: object, kind: ElementType, shape: tuple[object, ...], order: str) -> "Array":
        """Lay the bytes out; their number must be what type and shape say."""
        data = raw.encode("latin-1") if isinstance(raw, str) else raw  # Python 2 wrote bytes as text
        if not isinstance(data, (bytes, bytearray)):
            raise RefusedPickle(f"the content of an array is a {kind_of(raw)}")
        sizes = lengths(shape)
        if prod(sizes) * kind.numpy().itemsize != len(data):
            raise RefusedPickle(f"an array of {len(data)} bytes claims the shape {sizes}")
        self.budget.hold(len(data))
        self.value = np.frombuffer(data, kind.numpy()).reshape(sizes, order="F" if order == "F" else "C")
        return self

    @cached_property
    def tensor(self) -> torch.Tensor:
        """The array as a tensor of its own."""
        return torch.from_numpy(self.value.astype(self.value.dtype.newbyteorder("=")))


def lengths(shape: object) -> tuple[int, ...]:
    """A shape as the file gives it, checked: at most eight whole numbers of at least 0."""
    if type(shape) is not tuple or len(shape) > DIMENSIONS:
        raise RefusedPickle("an array's shape is no tuple of a few numbers")
    if any(type(n) is not int or not 0 <= n <= LARGEST for n in shape):
        raise RefusedPickle("an array's shape has something else than lengths in it")
    return shape


def names(budget: Budget) -> dict[str, Named]:
    """What the names of containers and of numpy make."""
    found: dict[str, Callable[[tuple[Any, ...]], object] | None] = {
        "collections.OrderedDict": lambda given: pairs(given, budget),
        "dnnlib.util.EasyDict": lambda given: pairs(given, budget),
        "_codecs.encode": lambda given: encoded(given, budget),
        "numpy.dtype": element_type,
        "numpy.ndarray": None,
    }
    for module in ("builtins", "__builtin__"):
        for kind in (bytes, dict, list, tuple, set, frozenset):
            found[f"{module}.{kind.__name__}"] = partial(container, kind, budget)
    for core in ("numpy.core", "numpy._core"):
        found[f"{core}.multiarray._reconstruct"] = lambda given: new_array(given, budget)
        found[f"{core}.multiarray.scalar"] = scalar
        found[f"{core}.numeric._frombuffer"] = lambda given: from_buffer(given, budget)
    return {name: Named(name, make) for name, make in found.items()}


def container(kind: type, budget: Budget, given: tuple[Any, ...]) -> object:
    """A list, tuple, set or dictionary of the items of another, or empty bytes."""
    if kind is dict:
        return pairs(given, budget)
    match given:
        case ():
            return kind()
        case (list() | tuple() as items,) if kind is not bytes:
            budget.work(len(items))
            return kind(map(checked_key, items)) if kind in (set, frozenset) else kind(items)
    raise RefusedPickle(f"it makes a {kind.__name__} of something else than a list")


def pairs(given: tuple[Any, ...], budget: Budget) -> dict[object, object]:
    """A dictionary, empty or of a list of pairs, as Python 2 wrote ordered ones."""
    match given:
        case ():
            return {}
        case (list() as items,) if all(type(item) in (list, tuple) and len(item) == 2 for item in items):
            budget.work(len(items))
            return {checked_key(key): value for key, value in items}
    raise RefusedPickle("it makes a dictionary of something else than pairs")


def encoded(given: tuple[Any, ...], budget: Budget) -> bytes:
    """Bytes as protocol 2 spells them: text in Latin-1."""
    match given:
        case (str() as text, "latin1" | "latin-1"):
            budget.hold(len(text))
            return text.encode("latin-1")
    raise RefusedPickle("it encodes text otherwise than bytes are spelt")


def element_type(given: tuple[Any, ...]) -> ElementType:
    """A numpy.dtype, before its order of bytes."""
    match given:
        case (str() as code, *_) if code in NUMBERS:
            return ElementType(code)
    raise RefusedPickle("it holds an array of something else than numbers")


def new_array(given: tuple[Any, ...], budget: Budget) -> Array:
    """An array before its state."""
    match given:
        case (Named(name="numpy.ndarray"), (0,), _):
            return Array(budget)
    raise RefusedPickle("it makes an array in no known form")


def scalar(given: tuple[Any, ...]) -> object:
    """A numpy number, as Python's."""
    match given:
        case (ElementType() as kind, bytes() | str() as raw):
            data = raw.encode("latin-1") if isinstance(raw, str) else raw
            if len(data) == kind.numpy().itemsize:
                return np.frombuffer(data, kind.numpy())[0].item()
    raise RefusedPickle("it makes a number in no known form")


def from_buffer(given: tuple[Any, ...], budget: Budget) -> Array:
    """An array as protocol 5 spells it."""
    match given:
        case (raw, ElementType() as kind, tuple(shape), "C" | "F" as order) | (
            raw,
            ElementType() as kind,
            tuple(shape),
            "C" | "F" as order,
            None,
        ):
            return Array(budget).fill(raw, kind, shape, order)
    raise RefusedPickle("it makes an array in no known form")
