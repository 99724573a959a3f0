"""Sample grids on the way."""

from pathlib import Path

from zoo.data.loader import Loader
from zoo.model import Model
from zoo.pictures import grid, save

__all__ = ["grid_size", "save_grid", "save_real_grid"]


def grid_size(resolution: int) -> int:
    """How many pictures a grid shows: 64 up to 128 px, fewer above."""
    return 64 if resolution <= 128 else 16


def save_real_grid(folder: Path, loader: Loader) -> None:
    """`samples/real.png`: the first images of the stream, to hold the samples against."""
    prepared = loader.prepared
    images = loader.batch(0, grid_size(prepared.spec.resolution))["image"]
    save(grid(images), folder / "samples" / "real.png")


def save_grid(folder: Path, model: Model, images: int) -> Path:
    """`samples/{images}.png` of the fixed latents 0, 1, 2, ... of a model that is ready to be sampled."""
    path = folder / "samples" / f"{images:09d}.png"
    save(grid(model.sample(grid_size(model.data.resolution))), path)
    return path
