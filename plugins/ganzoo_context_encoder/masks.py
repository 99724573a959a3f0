"""Which pixels are dropped (Pathak et al. 2016, section 3.3), and what stands in their place."""

from abc import ABC, abstractmethod
from functools import lru_cache

import numpy as np
import torch
from numpy.random import RandomState
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

__all__ = ["BlockMask", "CentreMask", "MaskSampler", "PatternMask", "hollow"]

FILL = (117, 104, 123)  # of 255, by channel, in the order of the released code

Mask = NDArray[np.bool_]


def hollow(images: Tensor, mask: Tensor) -> Tensor:
    """Images [N,C,H,W] in [-1, 1] with the released code's constant colour where `mask` [N,1,H,W] is True."""
    colour = images.new_tensor(FILL[: images.shape[1]]) * (2 / 255) - 1
    return torch.where(mask, colour.view(1, -1, 1, 1), images)


class MaskSampler(ABC):
    """Draws masks of `size` x `size` pixels."""

    def __init__(self, size: int) -> None:
        self.size = size

    @abstractmethod
    def draw(self, n: int, random: RandomState) -> Mask:
        """bool [n,size,size], True is dropped."""

    def __call__(self, n: int, seed: int) -> Tensor:
        """bool [n,1,size,size], True is dropped: a pure function of n and seed."""
        return torch.from_numpy(self.draw(n, RandomState(seed % 2**32)))[:, None]


class CentreMask(MaskSampler):
    """The middle half of each side, less a band of `overlap` pixels that stays visible."""

    def __init__(self, size: int, overlap: int = 0) -> None:
        super().__init__(size)
        self.inner = slice(size // 4 + overlap, size - size // 4 - overlap)

    def draw(self, n: int, random: RandomState) -> Mask:
        """Always the same."""
        mask = np.zeros((n, self.size, self.size), np.bool_)
        mask[:, self.inner, self.inner] = True
        return mask


class BlockMask(MaskSampler):
    """Boxes of random sizes and places, which may overlap, as many as fit into a quarter of the image; one set each.

    Sides are uniform from an eighth to three eighths of the image's, so that one box always fits.
    """

    share = 0.25  # at most

    def draw(self, n: int, random: RandomState) -> Mask:
        """One mask after the other."""
        return np.stack([self.boxes(random) for _ in range(n)])

    def boxes(self, random: RandomState) -> Mask:
        """Boxes until the next would be too much."""
        mask = np.zeros((self.size, self.size), np.bool_)
        while True:
            height, width = random.randint(max(self.size // 8, 1), self.size * 3 // 8 + 1, 2)
            top, left = random.randint(self.size - height + 1), random.randint(self.size - width + 1)
            more = mask.copy()
            more[top : top + height, left : left + width] = True
            if more.mean() > self.share:
                return mask
            mask = more


class PatternMask(MaskSampler):
    """A window of one large pattern of blobs, 20 to 30 % of it dropped; the same for the whole batch, as released.

    The paper pastes shapes of other data's segmentations; the released code takes this pattern in their place.
    """

    least, most = 0.2, 0.3

    def __init__(self, size: int, pattern: int = 10_000) -> None:
        super().__init__(size)
        self.pattern = pattern

    def draw(self, n: int, random: RandomState) -> Mask:
        """One window, n times."""
        whole = blobs(self.pattern)
        while True:
            top, left = random.randint(0, self.pattern - self.size + 1, 2)
            window = whole[top : top + self.size, left : left + self.size]
            if self.least < window.mean() < self.most:
                return np.repeat(window[None], n, axis=0)


@lru_cache(maxsize=2)
def blobs(side: int) -> Mask:
    """Uniform noise of 0.06 times the side, enlarged bicubically, below 0.25; bool [side,side], always the same."""
    coarse = RandomState(0).uniform(size=(1, 1, round(0.06 * side), round(0.06 * side))).astype(np.float32)
    fine = interpolate(torch.from_numpy(coarse), size=(side, side), mode="bicubic", align_corners=False)
    below: Mask = (fine[0, 0] < 0.25).numpy()
    return below
