"""Small data of random pictures, with every field that a model may ask for."""

import torch
from torch import Tensor

from zoo.data.spec import DataSpec
from zoo.model import Batch, Model

__all__ = ["DATA", "batch", "drawn", "pictures"]

DATA = DataSpec(resolution=16, channels=3, classes=4, items=40, text_dim=12, source_channels=3)


def pictures(n: int, seed: int, channels: int = DATA.channels) -> Tensor:
    """Images [n,channels,16,16] in [-1, 1] of uniform noise."""
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(n, channels, DATA.resolution, DATA.resolution, generator=rng) * 2 - 1


def batch(model: Model, i: int, n: int = 8) -> Batch:
    """The i-th batch of n items of `DATA`, or of the same in grey, with the fields that the model needs."""
    data, rng = model.data, torch.Generator().manual_seed(i)
    image = pictures(n, 2 * i, data.channels)
    known = {
        "image": image,
        "source": pictures(n, 2 * i + 1, data.source_channels),
        "label": torch.randint(data.classes, (n,), generator=rng),
        "index": torch.randperm(data.items, generator=rng)[:n],
        "text": torch.randn(n, data.text_dim, generator=rng),
        "wrong_text": torch.randn(n, data.text_dim, generator=rng),
        "wrong_image": image.flip(0),
    }
    return {field: known[field] for field in model.needs}


def drawn(model: Model, n: int, seed: int = 0, at_once: int = 64) -> Tensor:
    """Samples of seeds from `seed` on; a model that reads pictures is given those of the same numbers."""
    given = {name: value[seed : seed + n] for name, value in batch(model, 0, 16).items()}
    return model.sample(n, seed, batch=at_once, given=given)
