"""The order of the data: pure functions of seed, counter and field, the same on every machine and version."""

import zlib

import numpy as np
from numpy.typing import NDArray

__all__ = ["Others", "coins", "corners", "mix", "permutation", "place", "stream"]

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = 0xFFFFFFFFFFFFFFFF

Counters = NDArray[np.uint64]


def mix(key: int, counters: NDArray[np.integer]) -> Counters:
    """64 random bits for each counter from 0 on: SplitMix64 (Steele, Lea and Flood 2014) of stream `key`."""
    z = counters.astype(np.uint64) * np.uint64(_GOLDEN) + np.uint64((key + _GOLDEN) & _MASK)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def stream(seed: int, *words: int | str) -> int:
    """The key of a stream of its own for a seed and what it is for."""
    key = _scalar(0, seed)
    for word in words:
        key = _scalar(key, zlib.crc32(word.encode()) + (1 << 32) if isinstance(word, str) else word)
    return key


def _scalar(key: int, value: int) -> int:
    return int(mix(key, np.array([value & _MASK], dtype=np.uint64))[0])


def permutation(seed: int, epoch: int, length: int) -> NDArray[np.int64]:
    """The order of items 0..length-1 in one pass over them: they are sorted by their random bits."""
    return np.argsort(mix(stream(seed, "order", epoch), np.arange(length)), kind="stable")


def place(positions: NDArray[np.int64], length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(epoch, offset in its permutation) of each place of the endless stream."""
    epochs, offsets = np.divmod(positions, length)
    return epochs, offsets


def coins(seed: int, positions: NDArray[np.int64], field: str) -> NDArray[np.bool_]:
    """A fair coin for each place of the stream, independent between fields."""
    return (mix(stream(seed, field), positions) >> np.uint64(63)).astype(np.bool_)


class Others:
    """Items by group, and for each item others of any other group; `groups` [items] names the groups."""

    def __init__(self, groups: NDArray[np.int64]) -> None:
        self.groups = groups
        self.order = np.argsort(groups, kind="stable")
        self.ranked = groups[self.order]

    def drawn(self, items: NDArray[np.int64], seed: int, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """For the item at each place of the stream one of another group, all of these as likely."""
        own = self.groups[items]
        start, end = (np.searchsorted(self.ranked, own, side=side) for side in ("left", "right"))
        outside = (len(self.groups) - (end - start)).astype(np.uint64)
        place = ((mix(stream(seed, "other"), positions) >> np.uint64(11)) % outside).astype(np.int64)
        return self.order[np.where(place < start, place, place + end - start)]


def corners(seed: int, positions: NDArray[np.int64], field: str, choices: int) -> NDArray[np.int64]:
    """Two numbers below `choices` for each place of the stream, int64 [n,2]: where a crop begins, down and across."""
    bits = mix(stream(seed, field), positions)
    high, low = bits >> np.uint64(32), bits & np.uint64(0xFFFFFFFF)
    return np.stack([high % np.uint64(choices), low % np.uint64(choices)], axis=1).astype(np.int64)
