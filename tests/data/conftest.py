from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own for every test."""
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "data"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "pictures"
    place.mkdir()
    return place


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> Pixels:
    """uint8 [H,W,C], or [H,W] for one channel."""
    pixels = np.random.RandomState(seed).randint(0, 256, (height, width, channels)).astype(np.uint8)
    return pixels[:, :, 0] if channels == 1 else pixels


def save(path: Path, pixels: Pixels, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)  # type: ignore[arg-type]
    return path


@pytest.fixture
def fill(folder: Path) -> Callable[..., Path]:
    """Write `count` different pictures of a size into the folder, named 000.png, 001.png, ..."""

    def write(count: int, size: int = 8) -> Path:
        for i in range(count):
            save(folder / f"{i:03d}.png", noise(size, size, seed=i))
        return folder

    return write
