"""Embedded captions by item: which of them a batch shows is a pure function of seed and place."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zoo.data.order import mix, stream

__all__ = ["Embeddings"]


class Embeddings:
    """The captions of items 0, 1, ... as rows of numbers; equal captions share a row."""

    def __init__(self, rows: NDArray[np.float32], numbers: NDArray[np.int64], offsets: NDArray[np.int64]) -> None:
        self.rows = rows  # [unique captions, dim], perhaps on the disk
        self.numbers = numbers  # int64 [captions]: the row of each caption, item by item
        self.offsets = offsets  # int64 [items + 1]: where each item's captions begin

    @classmethod
    def of(cls, rows: NDArray[np.float32], numbers: Sequence[Sequence[int]]) -> "Embeddings":
        """From the row numbers of each item's captions."""
        offsets = np.cumsum([0, *map(len, numbers)])
        flat = [number for item in numbers for number in item]
        return cls(rows, np.array(flat, np.int64), offsets.astype(np.int64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def dim(self) -> int:
        """Numbers of a row."""
        return int(self.rows.shape[1])

    def counts(self, items: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many captions each item has."""
        return self.offsets[items + 1] - self.offsets[items]

    def one(self, counters: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(item, number of its caption) for each counter from 0 on: every item as likely, and every caption of it."""
        bits, more = (mix(stream(0, word), counters) >> np.uint64(11) for word in ("item", "caption"))
        items = (bits % np.uint64(len(self))).astype(np.int64)
        return items, (more % self.counts(items).astype(np.uint64)).astype(np.int64)

    def rows_of(self, items: NDArray[np.int64], captions: NDArray[np.int64]) -> NDArray[np.float32]:
        """The rows of these items' captions by number: float32 [n, dim]."""
        return np.array(self.rows[self.numbers[self.offsets[items] + captions]], np.float32)

    def drawn(
        self, items: NDArray[np.int64], seed: int, places: NDArray[np.int64], field: str, averaged: int = 1
    ) -> NDArray[np.float32]:
        """For each item the mean of `averaged` of its captions, or of all if it has fewer: float32 [n, dim].

        They are drawn without replacement by the random bits of (seed, place, field).
        """
        counts = self.counts(items)
        bits = np.stack([mix(stream(seed, field, j), places) for j in range(int(counts.max()))], axis=1)
        bits[np.arange(bits.shape[1]) >= counts[:, None]] = np.iinfo(np.uint64).max
        order = np.argsort(bits, axis=1, kind="stable")[:, :averaged]
        kept = np.arange(order.shape[1]) < counts[:, None]
        numbers = self.numbers[self.offsets[items][:, None] + np.where(kept, order, 0)]
        shares = kept / kept.sum(axis=1, keepdims=True)
        found = np.asarray(self.rows[numbers.ravel()]).reshape(*numbers.shape, self.dim)
        mean: NDArray[np.float32] = np.einsum("nk,nkd->nd", shares.astype(np.float32), found)
        return mean
