"""Small data of random pictures, with every field that a model may ask for."""

import torch
from torch import Tensor

from zoo.data.spec import DataSpec
from zoo.model import Batch, Model

__all__ = ["DATA", "batch", "pictures"]

DATA = DataSpec(resolution=16, channels=3, classes=4, items=40, text_dim=12)


def pictures(n: int, seed: int, data: DataSpec = DATA) -> Tensor:
    """Images [n,C,H,W] in [-1, 1] of uniform noise."""
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(n, data.channels, data.resolution, data.resolution, generator=rng) * 2 - 1


def batch(model: Model, i: int, n: int = 8) -> Batch:
    """The i-th batch of n items, with the fields that the model needs."""
    data = model.data
    rng = torch.Generator().manual_seed(i)
    image = pictures(n, i, data)
    known = {
        "image": image,
        "label": torch.randint(max(data.classes, 1), (n,), generator=rng),
        "index": torch.randperm(max(data.items, n), generator=rng)[:n],
        "text": torch.randn(n, data.text_dim, generator=rng),
        "wrong_text": torch.randn(n, data.text_dim, generator=rng),
        "wrong_image": image.flip(0),
    }
    return {field: known[field] for field in model.needs}
