"""Encoded bytes to pixels: uint8 [H,W,C] on white, upright, cropped, at the wanted size. Pure functions."""

import io
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

__all__ = ["CorruptImageError", "Crop", "area", "decode", "fit", "flatten", "open_image"]

Crop = Literal["center", "none"]

Pixels = NDArray[np.uint8]


class CorruptImageError(ValueError):
    """Bytes that are no readable picture; the message says why."""


def decode(content: bytes, *, size: int, channels: int, crop: Crop = "center") -> Pixels:
    """One picture as uint8 [size,size,channels]. Raises CorruptImageError."""
    try:
        return fit(flatten(open_image(content), channels), size, crop)
    except (MemoryError, CorruptImageError):
        raise
    except Exception as error:  # decoders of foreign bytes raise nearly anything
        raise CorruptImageError(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__) from error


def open_image(content: bytes) -> Image.Image:
    """The picture, fully read and turned upright by its EXIF orientation; the first frame of an animation.

    Raises CorruptImageError for bytes of no known format, and whatever a decoder raises for damaged ones.
    """
    try:
        image = Image.open(io.BytesIO(content))
    except UnidentifiedImageError as error:  # its own message is an address in memory
        raise CorruptImageError("it is no readable picture") from error
    image.load()
    return ImageOps.exif_transpose(image)


def flatten(image: Image.Image, channels: int) -> Pixels:
    """Any mode as uint8 [H,W,channels], channels 1 (grey) or 3; transparency is composed on white.

    16-bit grey becomes round(value / 257). 16-bit colour comes from Pillow as its high byte, which is within
    one level. Grey is ITU-R 601-2 luma. Raises CorruptImageError for 32-bit values, whose range nobody
    states.
    """
    mode = "L" if channels == 1 else "RGB"
    if image.mode.startswith("I"):
        image = Image.fromarray(_eight_bits(np.asarray(image)))
    elif image.mode == "F":
        raise CorruptImageError("floating-point pixels have no known range; save it with 8 or 16 bits")
    elif image.has_transparency_data:
        image = _on_white(image, grey=channels == 1)
    pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    return pixels.reshape(image.height, image.width, channels)


def _eight_bits(values: NDArray[np.generic]) -> Pixels:
    wide = values.astype(np.int64)
    if wide.min() < 0 or wide.max() > 65535:
        raise CorruptImageError("32-bit grey values have no known range; save it with 8 or 16 bits")
    return ((wide + 128) // 257).astype(np.uint8)


def _on_white(image: Image.Image, *, grey: bool) -> Image.Image:
    pixels = np.asarray(image.convert("RGBA")).astype(np.uint16)
    colour, alpha = pixels[:, :, :3], pixels[:, :, 3:]
    # 255 * 255 + 127 still fits 16 bits, so this rounds exactly
    flat = Image.fromarray(((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8))
    return flat.convert("L") if grey else flat


def fit(pixels: Pixels, size: int, crop: Crop = "center") -> Pixels:
    """[H,W,C] to [size,size,C]: `center` cuts the largest square first, `none` changes the aspect instead.

    A side that shrinks is averaged over area, one that grows is interpolated by Lanczos.
    """
    if crop == "center":
        height, width = pixels.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        pixels = pixels[top : top + side, left : left + side]
    height, width = pixels.shape[:2]
    pixels = area(pixels, min(height, size), min(width, size))
    if pixels.shape[:2] != (size, size):
        squeezed = pixels[:, :, 0] if pixels.shape[2] == 1 else pixels
        grown = Image.fromarray(np.ascontiguousarray(squeezed)).resize((size, size), Image.Resampling.LANCZOS)
        pixels = _pixels(grown)
    return np.ascontiguousarray(pixels)


def area(pixels: Pixels, height: int, width: int) -> Pixels:
    """[H,W,C] to [height,width,C], neither larger: each pixel is the mean of the area that it covers,
    rounded.

    Pixels that lie across a border count by their share, which Pillow's box filter leaves out.
    """
    rows, columns = pixels.shape[:2]
    if (rows, columns) == (height, width):
        return pixels
    if rows % height == 0 and columns % width == 0:
        squeezed = np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        reduced = Image.fromarray(squeezed).reduce((columns // width, rows // height))
        return _pixels(reduced)
    means: NDArray[np.float32] = _shrink(_shrink(pixels, height, 0), width, 1)
    rounded: NDArray[np.float32] = np.floor(means + np.float32(0.5))
    return rounded.clip(0, 255).astype(np.uint8)


def _pixels(image: Image.Image) -> Pixels:
    """A picture of mode L or RGB as [H,W,C]."""
    return np.asarray(image, np.uint8).reshape(image.height, image.width, -1)


def _shrink(values: NDArray[np.generic], length: int, axis: int) -> NDArray[np.float32]:
    """Area means along one axis: the pixels that each new one covers, weighted by their share in it."""
    size = values.shape[axis]
    borders = np.arange(length + 1) * (size / length)
    first = borders[:-1].astype(np.int64)
    shape = [-1 if one == axis else 1 for one in range(values.ndim)]
    means = np.zeros([1] * values.ndim, np.float32)
    for k in range(-(-size // length) + 1):
        covered = np.minimum(borders[1:], first + k + 1) - np.maximum(borders[:-1], first + k)
        weights = (covered.clip(0, None) * (length / size)).astype(np.float32).reshape(shape)
        means = means + np.take(values, np.minimum(first + k, size - 1), axis) * weights
    return means
