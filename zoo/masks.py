"""Holes as people give them: pictures, arrays or tensors, checked, as one mask per image."""

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d

from zoo.errors import ZooError

__all__ = ["as_mask", "shrunk_mask"]

KINDS = "a black and white picture, an array or a tensor [H,W] or one per image [N,H,W]"


def as_mask(given: Any, images: Tensor) -> Tensor:
    """bool [N,1,H,W], True is to be filled, of a mask for images [N,C,H,W]; on their device.

    White of a picture is True; arrays and tensors hold booleans, or two values of which 0 is False. Channels of 1 may
    stand where pictures have theirs. Raises ZooError for another size or number, for more than two values, and for
    masks in which nothing is to be filled, or everything.
    """
    values = values_of(given)
    n, (height, width) = len(images), images.shape[-2:]
    if values.shape[-2:] != (height, width):
        raise ZooError(
            f"The mask is {values.shape[-1]}x{values.shape[-2]} pixels (width, height), the picture {width}x{height}: "
            "they lie on each other pixel by pixel, so give a mask of the picture's size."
        )
    mask = binary(values)[:, None]
    if len(mask) not in (1, n):
        raise ZooError(f"{len(mask)} masks were given for {n} pictures; give one for all, or one each.")
    whole = mask.flatten(1).float().mean(1)
    for i, share in enumerate(whole.tolist()):
        if share in (0, 1):
            state = "nothing is to be filled" if share == 0 else "everything is to be filled and nothing is known"
            which = f"mask {i + 1}" if len(mask) > 1 else "the mask"
            raise ZooError(f"By {which} {state}: make white what is missing, and black what is there.")
    return mask.expand(n, -1, -1, -1).to(images.device)


def values_of(given: Any) -> Tensor:
    """The mask's values [n,H,W], n masks."""
    if isinstance(given, Image.Image):
        return torch.from_numpy(np.array(given if given.mode in ("1", "L") else given.convert("L")))[None]
    if isinstance(given, np.ndarray) and given.dtype.kind in "bui":
        values = torch.from_numpy(given.astype(np.int64))
        values = values[..., 0] if values.ndim in (3, 4) and values.shape[-1] == 1 else values
    elif isinstance(given, Tensor) and not given.is_complex():
        values = given.detach().cpu()
        values = values[:, 0] if values.ndim == 4 and values.shape[1] == 1 else values
    else:
        raise ZooError(f"A {type(given).__name__} was given as a mask; give {KINDS}.")
    if values.ndim not in (2, 3) or not values.numel():
        raise ZooError(f"A mask of shape {list(given.shape)} was given; give {KINDS}.")
    return values if values.ndim == 3 else values[None]


def binary(values: Tensor) -> Tensor:
    """Two values as False and True. Raises ZooError for others."""
    if values.dtype == torch.bool:
        return values
    found = torch.unique(values)
    high = found[-1]
    if not (len(found) <= 2 and bool(torch.isin(found, torch.stack([torch.zeros_like(high), high])).all())) or (
        high not in (0, 1, 255)
    ):
        listed = ", ".join(f"{value:g}" for value in found[:4].tolist())
        raise ZooError(
            f"The mask has {len(found)} values ({listed}{', ...' if len(found) > 4 else ''}); it takes two, 0 for "
            "known and 255 or 1 for the hole. Soft edges come from JPEG or scaling: save it as a black and white PNG."
        )
    return values == high if high else torch.zeros_like(values, dtype=torch.bool)


def shrunk_mask(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """A mask bool [N,1,H,W] at another size: True wherever any of what a pixel stands for is."""
    return adaptive_max_pool2d(mask.float(), size) > 0
