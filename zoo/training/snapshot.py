"""Sample grids on the way."""

from pathlib import Path

import torch

from zoo.data.loader import Loader
from zoo.pictures import grid, save
from zoo.training.averages import sampling
from zoo.training.engine import Training

__all__ = ["grid_size", "save_grid", "save_real_grid"]


def grid_size(resolution: int) -> int:
    """How many pictures a grid shows: 64 up to 128 px, fewer above."""
    return 64 if resolution <= 128 else 16


def save_real_grid(folder: Path, loader: Loader) -> None:
    """`samples/real.png`: the first images of the stream, to hold the samples against."""
    prepared = loader.prepared
    images = loader.batch(0, grid_size(prepared.spec.resolution))["image"]
    save(grid(images), folder / "samples" / "real.png")


@torch.no_grad()
def save_grid(folder: Path, training: Training) -> Path:
    """`samples/{images}.png` of the fixed latents 0, 1, 2, ...; with averages where there are some."""
    path = folder / "samples" / f"{training.progress.images:09d}.png"
    with sampling(training.model, training.averages) as model:
        save(grid(model.sample(grid_size(model.data.resolution))), path)
    return path
