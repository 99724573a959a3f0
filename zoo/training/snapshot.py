"""Sample grids on the way."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from zoo.data.loader import Loader
from zoo.data.prepared import Prepared
from zoo.evaluation.samples import read_pictures
from zoo.model import Batch, Model
from zoo.pictures import grid, save

__all__ = ["grid_size", "held_batch", "rows_grid", "save_grid", "save_real_grid"]


def grid_size(resolution: int) -> int:
    """How many pictures a grid shows: 64 up to 128 px, fewer above."""
    return 64 if resolution <= 128 else 16


def save_real_grid(folder: Path, loader: Loader, model: Model) -> None:
    """`samples/real.png`: the first images of the stream, to hold the samples against, with what belongs to them."""
    batch = loader.batch(0, grid_size(model.data.resolution))
    if "source" in batch and model.pairs:
        few = slice(len(batch["image"]) // 2)
        picture = rows_grid(torch.stack([model.coloured(batch[name][few]) for name in ("source", "image")], dim=1))
    else:
        picture = grid(batch["image"])
    save(picture, folder / "samples" / "real.png")


def save_grid(folder: Path, model: Model, shown: Prepared, images: int) -> Path:
    """`samples/{images}.png` of the fixed latents 0, 1, 2, ... of a model that is ready to be sampled.

    A model that reads pictures shows its preview of fixed ones out of `shown`.
    """
    path = folder / "samples" / f"{images:09d}.png"
    number = grid_size(model.data.resolution)
    if model.reads:
        picture = rows_grid(model.preview(held_batch(model, shown, number // 2)))
    else:
        picture = grid(model.sample(number))
    path.parent.mkdir(exist_ok=True)  # a run that was shared has none
    save(picture, path)
    return path


def held_batch(model: Model, prepared: Prepared, most: int) -> Batch:
    """Up to `most` pictures of what a model needs, spread over the data: always the same, also after a resume."""
    names = [name for name in model.needs if name in prepared.fields]
    number = min(most, *(prepared.count(name) for name in names))
    orders = {name: np.random.RandomState(0).permutation(prepared.count(name))[:number] for name in names}
    batch = {name: read_pictures(prepared, name, order) for name, order in orders.items()}
    if prepared.labels is not None:
        batch["label"] = torch.from_numpy(prepared.labels[orders["image"]])
    return {name: value.to(model.device) for name, value in batch.items()}


def rows_grid(rows: Tensor) -> Image.Image:
    """One picture of rows [N,k,C,H,W], the k of a row close together, several rows beside each other."""
    n, k, channels, height, _ = rows.shape
    gap = rows.new_ones(n, channels, height, 1)
    parts = [part for images in rows.unbind(1) for part in (images, gap)][:-1]
    return grid(torch.cat(parts, dim=-1), columns=max(round((n / k) ** 0.5), 1), gap=6)
