"""Classes as people name them, and the labels that networks take."""

import torch
from torch import Tensor

from zoo.data.spec import DataSpec
from zoo.errors import InvalidOptions, near_misses

__all__ = ["Classes", "class_labels", "class_number"]

Classes = int | tuple[str, ...]
"""A class by its number, or classes by names or numbers; `all` is every one."""


def class_labels(data: DataSpec, given: Classes, n: int, seed: int) -> Tensor:
    """Labels int64 [n] of items seed, seed + 1, ...: the given classes in turn. Raises InvalidOptions."""
    words = (str(given),) if isinstance(given, int) else given
    numbers = list(range(data.classes)) if words == ("all",) else [class_number(data, word) for word in words]
    if not numbers:
        raise InvalidOptions(["class_ names no class; take a name, a number, or all."])
    return torch.tensor([numbers[(seed + i) % len(numbers)] for i in range(n)])


def class_number(data: DataSpec, word: str) -> int:
    """A class by its name, or by its number. Raises InvalidOptions with near misses."""
    if word in data.class_names:
        return data.class_names.index(word)
    if word.isdigit() and int(word) < data.classes:
        return int(word)
    names = ", ".join(data.class_names) or f"0 to {data.classes - 1}"
    hint = near_misses(word, data.class_names)
    raise InvalidOptions([f"class_={word} is none of this model's classes: known are {names}. {hint}".rstrip()])
