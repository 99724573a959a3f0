"""Perceptual path length (Karras et al. 2019): how far a picture moves when its latent takes a small step."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

if TYPE_CHECKING:
    from zoo.model import Batch, Model

__all__ = ["path_ends", "path_length", "without_tails"]


def path_ends(
    model: "Model", n: int, seed: int, far: int, epsilon: float, options: Mapping[str, Any] = MappingProxyType({})
) -> "tuple[Batch, Batch]":
    """Inputs of `n` places on ways between two latents, and of the places one small step further.

    The ways lead from the latents of `seed` on to those of `far` on, along the sphere; what is no floating-point
    vector stays that of the start. `options` are those of the model's `inputs`.
    """
    from zoo.model import slerp

    start, end = model.inputs(n, seed, **options), model.inputs(n, far, **options)
    t = torch.from_numpy(np.random.RandomState(seed % 2**32).uniform(size=(n, 1)))
    here, there = dict(start), dict(start)
    for name, value in start.items():
        if value.is_floating_point() and value.ndim == 2:
            a, b = value.double(), end[name].double()
            here[name], there[name] = slerp(a, b, t).to(value.dtype), slerp(a, b, t + epsilon).to(value.dtype)
    return here, there


def path_length(distances: NDArray[np.float64], epsilon: float) -> float:
    """Mean of distances [n] over squared steps, without the lowest and the highest hundredth."""
    return float(without_tails(distances / epsilon**2).mean())


def without_tails(values: NDArray[np.float64], share: float = 1.0) -> NDArray[np.float64]:
    """The values between two percentiles, ends included."""
    low = np.percentile(values, share, method="lower")
    high = np.percentile(values, 100 - share, method="higher")
    return values[(values >= low) & (values <= high)]
