"""Images of any size through networks that take multiples of some number of pixels."""

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["at_any_size", "reflected"]


def at_any_size(images: Tensor, multiple: int, network: Callable[[Tensor], Tensor], least: int = 1) -> Tensor:
    """`network` of images [N,C,H,W] whose sides it needs as multiples: padded by reflection, and cut back.

    Each side becomes `least` or longer. The padding lies on all sides alike, the odd pixel below and to the right. The
    network keeps height and width.
    """
    height, width = images.shape[-2:]
    more, wider = (max(side + -side % multiple, least) - side for side in (height, width))
    top, left = more // 2, wider // 2
    rows = reflected(height, more).to(images.device)
    columns = reflected(width, wider).to(images.device)
    padded = images.index_select(-2, rows).index_select(-1, columns)
    return network(padded)[..., top : top + height, left : left + width]


def reflected(length: int, more: int) -> Tensor:
    """Which of `length` places each of `length + more` shows, `more // 2` before the first: int64, edges not repeated.

    More than a whole length is reflected again, as often as it takes; a single place is repeated.
    """
    places = torch.arange(length + more) - more // 2
    around = max(2 * length - 2, 1)
    folded = places.remainder(around)
    return torch.minimum(folded, around - folded) if length > 1 else torch.zeros_like(folded)
