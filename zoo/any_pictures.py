"""Methods on images that take pictures of any kind: PIL images, arrays, tensors; grey, colour or transparent."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from zoo.data.decode import CorruptImageError, flatten
from zoo.errors import ZooError
from zoo.model import Model
from zoo.pictures import as_picture, to_uint8

__all__ = ["as_images", "channels_taken", "on_pictures", "recoloured"]

LUMA = (0.299, 0.587, 0.114)  # ITU-R 601-2
KINDS = "a PIL image, an array uint8 [H,W,C] or [N,H,W,C], or a tensor [C,H,W] or [N,C,H,W] in [-1, 1]"

Back = Callable[[Tensor], Any]


def on_pictures(method: Callable[..., Tensor]) -> Callable[..., Any]:
    """Let a model's method on images [N,C,H,W] in [-1, 1] take its first argument as a picture of any kind.

    The method is run in eval mode without gradients, on the model's device, with the channels it takes, and answers
    in kind: PIL image for PIL image, array for array, tensor for tensor where that lay. With `to="a"` a model of two
    domains takes pictures of the second. Raises ZooError for what is no picture.
    """

    @wraps(method)
    def call(self: Model, pictures: Any, *arguments: Any, **keywords: Any) -> Any:
        images, back = as_images(pictures, channels_taken(self, keywords.get("to", "b")))
        training = self.training
        self.eval()
        try:
            with torch.no_grad():
                return back(method(self, images.to(self.device), *arguments, **keywords).float().clamp(-1, 1))
        finally:
            self.train(training)

    return call


def channels_taken(model: Model, to: str = "b") -> int:
    """Channels of the pictures from which a model makes others: of its domain A, or of B on the way back."""
    return model.data.source_channels if "source" in model.needs and to == "b" else model.data.channels


def as_images(pictures: Any, channels: int) -> tuple[Tensor, Back]:
    """Images [N,channels,H,W] in [-1, 1], and what makes results of the same kind of such images."""
    if isinstance(pictures, Image.Image):
        upright = ImageOps.exif_transpose(pictures)
        return to_images(pixels_of(upright, channels)[None]), lambda out: as_picture(to_uint8(out)[0])
    if isinstance(pictures, Tensor):
        return from_tensor(pictures, channels)
    if isinstance(pictures, np.ndarray):
        return from_array(pictures, channels)
    raise ZooError(f"A {type(pictures).__name__} was given as a picture; give {KINDS}.")


def from_tensor(images: Tensor, channels: int) -> tuple[Tensor, Back]:
    """One image or several."""
    single, device = images.ndim == 3, images.device
    batch = images[None] if single else images
    if batch.ndim != 4 or batch.shape[1] not in (1, 3) or not batch.is_floating_point():
        raise ZooError(f"A tensor {images.dtype} {list(images.shape)} was given as a picture; give {KINDS}.")
    if not (peak := float(batch.abs().amax())) <= 1.01:
        raise ZooError(f"A tensor with values up to {peak:g} was given as a picture; they lie in [-1, 1].")
    return recoloured(batch.float(), channels), lambda out: (out[0] if single else out).to(device)


def from_array(pixels: np.ndarray, channels: int) -> tuple[Tensor, Back]:
    """One picture or several; grey ones may leave out their channel, transparent ones are laid on white."""
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3, 4) or (pixels.ndim > 2 and pixels.shape[-1] > 4):
        raise ZooError(f"An array {pixels.dtype} {list(pixels.shape)} was given as a picture; give {KINDS}.")
    several = pixels.ndim == 4
    rows = [as_picture(one if one.ndim == 3 else one[:, :, None]) for one in (pixels if several else pixels[None])]
    images = to_images(np.stack([pixels_of(picture, channels) for picture in rows]))
    return images, lambda out: to_uint8(out) if several else to_uint8(out)[0]


def pixels_of(picture: Image.Image, channels: int) -> np.ndarray:
    """uint8 [H,W,channels]. Raises ZooError for values without a known range."""
    try:
        return flatten(picture, channels)
    except CorruptImageError as error:
        raise ZooError(f"A picture cannot be used: {error}.") from error


def to_images(pixels: np.ndarray) -> Tensor:
    """uint8 [N,H,W,C] as images [N,C,H,W] in [-1, 1]."""
    return torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1


def recoloured(images: Tensor, channels: int) -> Tensor:
    """Colour to grey by its luma, grey to colour by repetition."""
    if channels == 1 and images.shape[1] == 3:
        return (images * images.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return images.expand(-1, channels, -1, -1)
