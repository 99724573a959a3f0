"""Classes as people name them, and the labels that networks take."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from zoo.data.spec import DataSpec
from zoo.errors import InvalidOptions, near_misses

__all__ = ["Classes", "class_labels", "class_number", "draw_labels"]

Classes = int | tuple[str, ...]
"""A class by its number, or classes by names or numbers. `all` is every one in turn; `balanced` draws each as often,
`data` each as often as the training images have it."""

STREAM = 1  # beside the one of the latents


def class_labels(data: DataSpec, given: Classes, n: int, seed: int) -> Tensor:
    """Labels int64 [n] of items seed, seed + 1, ...: the given classes in turn. Raises InvalidOptions."""
    words = (str(given),) if isinstance(given, int) else given
    if words == ("balanced",):
        return draw_labels(n, data.classes, seed)
    if words == ("data",):
        if not data.class_counts:
            known = "how often each class occurs was not kept with this model"
            raise InvalidOptions([f"class_=data: {known}; class_=balanced draws them evenly."])
        return draw_labels(n, data.classes, seed, data.class_counts)
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


def draw_labels(n: int, classes: int, seed: int, counts: Sequence[int] = ()) -> Tensor:
    """Labels int64 [n], every class as likely, or in proportion to `counts`.

    Label i comes from seed + i alone, out of a stream of its own: it tells nothing of the latent of that seed.
    """
    ends = np.cumsum(np.asarray(counts or [1] * classes, np.float64))
    drawn = [np.random.RandomState([(seed + i) % 2**32, STREAM]).uniform(0, ends[-1]) for i in range(n)]
    return torch.from_numpy(np.searchsorted(ends, drawn, side="right").astype(np.int64))
