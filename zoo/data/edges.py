"""Edges of pictures (Canny 1986), and a source whose pictures are paired with their own."""

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from zoo.data.decode import Crop, decode, flatten, open_image
from zoo.data.records import encode_pnm
from zoo.data.source import Source
from zoo.errors import ZooError
from zoo.option_types import Range

__all__ = ["Canny", "EdgeSource", "canny"]

VERSION = 1  # of the detector: what was drawn by another is drawn anew

Floats = NDArray[np.floating[Any]]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Canny:
    """How edges are found."""

    sigma: Annotated[float, Range(0, 20)] = 1.0  # blur before, in pixels; more leaves out finer edges
    low: Annotated[float, Range(0, 1)] = 0.04  # slope at which an edge goes on; 1 is black to white within a pixel
    high: Annotated[float, Range(0, 1)] = 0.1  # slope at which it begins


def canny(grey: Floats, chosen: Canny | None = None) -> NDArray[np.bool_]:
    """Lines one pixel wide along the steepest slopes of grey [H,W] in [0, 1] (Canny 1986).

    A Gaussian blur, Sobel slopes, the crest of each slope across its direction, and of the crests above `low` those
    that hang together with one above `high`. Borders repeat outwards, so the frame is no edge.
    """
    from scipy import ndimage

    chosen = chosen or Canny()
    smooth = ndimage.gaussian_filter(grey.astype(np.float64), chosen.sigma, mode="nearest")
    down, across = (ndimage.sobel(smooth, axis, mode="nearest") / 4 for axis in (0, 1))
    slope = np.hypot(down, across)
    crests = slope * crest(slope, down, across)
    labelled: Any = ndimage.label(crests > chosen.low, structure=np.ones((3, 3)))
    parts, number = labelled
    strong = np.zeros(number + 1, bool)
    strong[parts[crests > chosen.high]] = True
    strong[0] = False
    found: NDArray[np.bool_] = strong[parts]
    return found


def crest(slope: NDArray[np.float64], down: NDArray[np.float64], across: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where the slope [H,W] is above the next on one side of its direction and not below that on the other.

    The next ones lie on the pixels' grid lines, between the two nearest pixels.
    """
    height, width = slope.shape
    ring = np.pad(slope, 1, mode="edge")
    steep, reach = np.abs(down) > np.abs(across), np.maximum(np.maximum(np.abs(down), np.abs(across)), 1e-12)
    share = np.minimum(np.abs(down), np.abs(across)) / reach
    rows, columns = np.mgrid[1 : height + 1, 1 : width + 1]
    ahead_down, ahead_across = np.sign(down).astype(int), np.sign(across).astype(int)

    def beside(sign: int) -> NDArray[np.float64]:
        straight = ring[rows + sign * ahead_down * steep, columns + sign * ahead_across * ~steep]
        slanted = ring[rows + sign * ahead_down, columns + sign * ahead_across]
        mixed: NDArray[np.float64] = (1 - share) * straight + share * slanted
        return mixed

    ahead, behind = beside(1), beside(-1)
    tolerance = 1e-9  # rounding must not decide which of two equal slopes is the crest
    return (slope > ahead + tolerance) & (slope >= behind - tolerance)


def drawn(pixels: Pixels, chosen: Canny) -> Pixels:
    """Black edges on white, uint8 [H,W,1], of a picture [H,W,1]."""
    lines = canny(pixels[:, :, 0].astype(np.float32) / 255, chosen)
    return np.where(lines, 0, 255).astype(np.uint8)[:, :, None]


class EdgeSource(Source):
    """Pictures of a source with, as `source`, their edges: drawn at the size to which the pictures are brought."""

    fields = ("image", "source")

    def __init__(self, pictures: Source, chosen: Canny, size: int | None = None, crop: Crop = "center") -> None:
        if pictures.other is not None or "source" in pictures.fields:
            raise ZooError(f"{pictures.name} is paired already; its edges cannot be its source as well.")
        self.pictures, self.chosen = pictures, chosen
        self._size = size
        self._crop: Crop = crop
        self.name, self.items, self.classes = f"{pictures.name}-edges", pictures.items, pictures.classes
        self.split, self.splits = pictures.split, pictures.splits
        self.licence, self.notice = pictures.licence, pictures.notice

    def read(self, i: int, field: str = "image") -> bytes:
        """A picture, or its edges as PGM."""
        content = self.pictures.read(i)
        return encode_pnm(drawn(self._grey(content), self.chosen)) if field == "source" else content

    def _grey(self, content: bytes) -> Pixels:
        if self._size is None:
            return flatten(open_image(content), 1)
        return decode(content, size=self._size, channels=1, crop=self._crop)

    def at(self, size: int, crop: Crop) -> Source:
        """Edges are drawn at this size: shrunk afterwards, thin lines fade."""
        return type(self)(self.pictures.at(size, crop), self.chosen, size, crop)

    def size(self, i: int, field: str = "image") -> int:
        """Number of bytes."""
        return self._size**2 + 16 if field == "source" and self._size else self.pictures.size(i)

    def fingerprint(self) -> str:
        """Of the pictures and of how edges are found."""
        return self._digest(self.pictures.fingerprint())

    def state(self) -> str:
        """As strict as the pictures' own."""
        return self._digest(self.pictures.state())

    def _digest(self, pictures: str) -> str:
        return hashlib.blake2b(repr((pictures, "canny", VERSION, self.chosen)).encode(), digest_size=16).hexdigest()

    def held_out(self) -> Source | None:
        """The test split of the pictures, with its edges."""
        other = self.pictures.held_out()
        return None if other is None else type(self)(other, self.chosen)
