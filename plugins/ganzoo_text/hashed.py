"""An encoder without weights: texts that share words, or parts of words, get similar rows."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import shake_128
from itertools import pairwise
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo import Range, TextEncoder

__all__ = ["Hashed", "features"]

WORD = re.compile(r"\w+|[^\w\s]")


class Hashed(TextEncoder):
    """A random projection of the text's features to signs (Achlioptas 2003), scaled to a mean square of 1.

    A feature's signs are the bits of its hash, and sums are of whole numbers: the same on every machine.
    """

    revision = "1"

    def __init__(
        self,
        dim: Annotated[int, Range(8, 4096)] = 384,  # numbers of a row
    ) -> None:
        self.dim = dim

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Rows float32 [N, dim]; a text without a word or sign is all zeros."""
        return torch.from_numpy(np.stack([self.row(text) for text in texts]))

    def row(self, text: str) -> NDArray[np.float32]:
        """The sum of the signs of its features, each feature once, by weight."""
        total = np.zeros(self.dim, np.int64)
        for feature, weight in dict(features(text)).items():
            total += weight * signs(feature, self.dim)
        square = int((total**2).sum())
        scaled: NDArray[np.float32] = (total * np.sqrt(self.dim / max(square, 1))).astype(np.float32)
        return scaled


def features(text: str) -> Iterator[tuple[str, int]]:
    """Words (3), pairs of neighbours (2) and triples of letters (1), with their weights."""
    words = WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    for word in words:
        yield f"word {word}", 3
        framed = f"<{word}>"
        yield from ((f"part {framed[i : i + 3]}", 1) for i in range(len(framed) - 2))
    yield from ((f"pair {first} {second}", 2) for first, second in pairwise(words))


@lru_cache(maxsize=100_000)
def signs(feature: str, dim: int) -> NDArray[np.int8]:
    """dim numbers of -1 or 1, by the hash of the feature."""
    bits = np.frombuffer(shake_128(feature.encode("utf-8", "surrogatepass")).digest(-(-dim // 8)), np.uint8)
    return (2 * np.unpackbits(bits)[:dim].astype(np.int8) - 1).astype(np.int8)
