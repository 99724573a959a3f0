"""Writers of prepared records: pixels into shards, or original bytes end to end; counted as they come."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

__all__ = ["EncodedWriter", "RawWriter", "Writer"]

SHARD_BYTES = 1 << 30


class Writer(ABC):
    """Takes pictures one after the other. `close` returns the files that were written, relative to the
    folder."""

    @abstractmethod
    def append(self, content: bytes, pixels: NDArray[np.uint8]) -> None:
        """One picture, as its original bytes and as pixels uint8 [H,W,C]."""

    @abstractmethod
    def close(self) -> list[str]:
        """Finish the files."""


class RawWriter(Writer):
    """Pixels into .npy shards [n,H,W,C] of about 1 GiB. Their number need not be known before."""

    def __init__(self, folder: Path, field: str, size: int, channels: int, shard_bytes: int = SHARD_BYTES) -> None:
        self._folder, self._field = folder, field
        self._shape = (size, size, channels)
        self._per_shard = max(1, shard_bytes // (size * size * channels))
        self._files: list[str] = []
        self._file: BinaryIO | None = None
        self._count = 0

    def append(self, content: bytes, pixels: NDArray[np.uint8]) -> None:
        """Write the pixels."""
        if self._file is None or self._count == self._per_shard:
            self._start()
        assert self._file is not None
        self._file.write(np.ascontiguousarray(pixels).data)
        self._count += 1

    def close(self) -> list[str]:
        """Finish the last shard."""
        self._finish()
        return self._files

    def _start(self) -> None:
        self._finish()
        self._files.append(f"{self._field}-{len(self._files):05d}.npy")
        self._file = (self._folder / self._files[-1]).open("wb")
        self._count = 0
        self._header(0)

    def _finish(self) -> None:
        if self._file is not None:
            self._file.seek(0)
            self._header(self._count)
            self._file.close()
            self._file = None

    def _header(self, count: int) -> None:
        # numpy pads the header so that the first dimension can grow in place
        assert self._file is not None
        described = {"descr": "|u1", "fortran_order": False, "shape": (count, *self._shape)}
        npy.write_array_header_1_0(self._file, described)


class EncodedWriter(Writer):
    """Original bytes into one file, with the offsets beside it."""

    def __init__(self, folder: Path, field: str) -> None:
        self._names = [f"{field}.bin", f"{field}-offsets.npy"]
        self._folder = folder
        self._file = (folder / self._names[0]).open("wb")
        self._offsets = [0]

    def append(self, content: bytes, pixels: NDArray[np.uint8]) -> None:
        """Write the bytes."""
        self._file.write(content)
        self._offsets.append(self._offsets[-1] + len(content))

    def close(self) -> list[str]:
        """Write the offsets."""
        self._file.close()
        with (self._folder / self._names[1]).open("wb") as file:
            np.save(file, np.array(self._offsets, np.int64))
        return self._names
