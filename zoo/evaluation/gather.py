"""One pass over pictures: features to the disk, moments in memory. Memory does not grow with their number."""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo.evaluation.eye import Eye
from zoo.metric import Rows, Seen
from zoo.metrics.frechet import Moments

__all__ = ["Gatherer"]


class Gatherer:
    """What one view sees of `n` pictures that come in batches; `folder` None keeps no rows."""

    def __init__(self, eye: Eye | None, n: int, folder: Path | None) -> None:
        self.eye, self.n = eye, n
        self.path = None if folder is None else folder / "rows.npy"
        self.moments = Moments()
        self.rows: NDArray[np.generic] | None = None
        self.done = 0

    def add(self, pictures: NDArray[np.uint8]) -> None:
        """Take in uint8 [m,H,W,C]."""
        values = pictures if self.eye is None else self.eye(pictures)
        if self.eye is not None:
            self.moments.add(values)
        if self.path is not None and (room := self.n - self.done) > 0:
            if self.rows is None:
                shape = (self.n, *values.shape[1:])
                self.rows = np.lib.format.open_memmap(self.path, "w+", values.dtype, shape)
            self.rows[self.done : self.done + len(values)] = values[:room]
        self.done += len(values)

    def seen(self, labels: NDArray[np.int64] | None = None, keys: tuple[str, ...] = ()) -> Seen:
        """What was gathered."""
        rows: Rows = np.empty((0, 0), np.float32)
        if self.rows is not None:
            self.rows.flush()  # type: ignore[attr-defined]
            rows = self.rows
        return Seen(rows, self.moments, labels, keys)


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
