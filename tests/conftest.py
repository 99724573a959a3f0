"""Shared by all tests: a cache of their own, and small folders of pictures."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

if "PYTEST_XDIST_WORKER" in os.environ:  # workers share the cores: one thread each, in their subprocesses too
    os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Prepared data goes to a temporary folder, for subprocesses too."""
    folder = tmp_path_factory.mktemp("cache")
    before = os.environ.get("GANZOO_CACHE")
    os.environ["GANZOO_CACHE"] = str(folder)
    yield folder
    if before is None:
        del os.environ["GANZOO_CACHE"]
    else:
        os.environ["GANZOO_CACHE"] = before


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 24 RGB pictures of 16 px: discs of many colours on white."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:16, :16]
    for i in range(24):
        pixels = np.full((16, 16, 3), 255, np.uint8)
        disc = (rows - rng.integers(4, 12)) ** 2 + (columns - rng.integers(4, 12)) ** 2 < 16
        pixels[disc] = rng.integers(0, 255, 3)
        Image.fromarray(pixels).save(folder / f"{i:02}.png")
    return folder


@pytest.fixture(scope="session")
def ganzoo():  # type: ignore[no-untyped-def]
    """Run the command line in a process of its own: `ganzoo("list", "--json")`."""

    def run(*arguments: object, timeout: float = 120, env: dict[str, str] | None = None, cwd: Path | None = None):
        command = [sys.executable, "-m", "zoo.cli", *map(str, arguments)]
        surroundings = {**os.environ, **(env or {})}
        return subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, env=surroundings, cwd=cwd, check=False
        )

    return run
