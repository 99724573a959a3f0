"""Pictures by number, decoded or not: what a prepared dataset reads its batches from."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo.data.decode import CorruptImageError
from zoo.errors import ZooError

__all__ = ["DecodedRecords", "EncodedFile", "RawRecords", "Records", "encode_pnm", "workers"]

Pixels = NDArray[np.uint8]
Indices = NDArray[np.int64]


def workers() -> int:
    """Threads for decoding: one for each core that this process may use, at most 32."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 32)


class Records(ABC):
    """Pictures of one size."""

    @abstractmethod
    def take(self, indices: Indices) -> Pixels:
        """uint8 [n,H,W,C], a fresh contiguous array."""

    @abstractmethod
    def encoded(self, i: int) -> bytes:
        """One picture as a file: the original bytes where they are kept."""


class RawRecords(Records):
    """Memory-mapped pixels in shards of equal length, but for the last."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._shards = [np.asarray(np.load(file, mmap_mode="r", allow_pickle=False)) for file in files]

    def take(self, indices: Indices) -> Pixels:
        """Gathered by one indexing for each shard that is touched."""
        if len(self._shards) == 1:
            return self._shards[0][indices]
        numbers, offsets = np.divmod(indices, len(self._shards[0]))
        batch = np.empty((len(indices), *self._shards[0].shape[1:]), np.uint8)
        for number in np.unique(numbers):
            here = numbers == number
            batch[here] = self._shards[number][offsets[here]]
        return batch

    def encoded(self, i: int) -> bytes:
        """The pixels as lossless PGM or PPM."""
        return encode_pnm(self.take(np.array([i]))[0])


class DecodedRecords(Records):
    """Encoded pictures, decoded by threads when they are asked for."""

    def __init__(
        self, read: Callable[[int], bytes], decode: Callable[[bytes], Pixels], name: Callable[[int], str]
    ) -> None:
        self._read, self._decode, self._name = read, decode, name
        self._threads: ThreadPoolExecutor | None = None

    def take(self, indices: Indices) -> Pixels:
        """Decoded side by side. Raises ZooError naming a picture that was readable once and no longer is."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(workers(), "ganzoo-decode")
        return np.stack(list(self._threads.map(self._one, indices.tolist())))

    def encoded(self, i: int) -> bytes:
        """The original bytes."""
        return self._read(i)

    def _one(self, i: int) -> Pixels:
        try:
            return self._decode(self._read(i))
        except (OSError, CorruptImageError) as error:
            raise ZooError(
                f"{self._name(i)} was readable when the data was prepared and is not now: {error}. "
                "Restore it, or prepare the data again."
            ) from error


class EncodedFile:
    """The original bytes of all pictures, end to end in one memory-mapped file."""

    def __init__(self, content: Path, offsets: Path) -> None:
        self._content = np.asarray(np.memmap(content, np.uint8, mode="r"))
        self._offsets: NDArray[np.int64] = np.load(offsets, allow_pickle=False)

    def read(self, i: int) -> bytes:
        """The bytes of picture i."""
        return self._content[self._offsets[i] : self._offsets[i + 1]].tobytes()


def encode_pnm(image: NDArray[np.uint8]) -> bytes:
    """A picture uint8 [H,W], [H,W,1] or [H,W,3] as binary PGM or PPM: lossless, and nothing to compute."""
    kind = b"P6" if image.ndim == 3 and image.shape[2] == 3 else b"P5"
    return kind + f"\n{image.shape[1]} {image.shape[0]}\n255\n".encode() + image.tobytes()
