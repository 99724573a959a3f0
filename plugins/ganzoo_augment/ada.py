"""Adaptive discriminator augmentation (Karras et al. 2020a): eighteen operations behind one probability."""

from typing import Annotated, Literal

import torch
from torch import Tensor

from ganzoo_augment.colours import colour_maps, recolour
from ganzoo_augment.controller import Controller
from ganzoo_augment.draws import Draws
from ganzoo_augment.filters import bands
from ganzoo_augment.warp import blit, gated, geom, warp
from zoo import Augment, Range, Terms

__all__ = ["Ada"]

Spatial = dict[str, Tensor]
Pipe = Literal["blit", "geom", "color", "filter", "noise", "cutout", "bg", "bgc", "bgcf", "bgcfn", "bgcfnc"]
INITIALS = {"b": "blit", "g": "geom", "c": "color", "f": "filter", "n": "noise"}  # a second c means cutout
SPECTRUM = torch.tensor([10, 1, 1, 1], device="cpu") / 13  # expected power of natural images by band


class Ada(Augment):
    """Karras et al. 2020a, section 2 and appendix B: transforms that do not leak, each with probability p per image.

    Images are [N,C,H,W] in [-1, 1] with one or three channels; results may leave that range. Motions take source and
    mask along, with the same draw; colour, filter, noise and cutout touch the images alone. Works in float32.
    """

    def __init__(
        self,
        pipe: tuple[Pipe, ...] = ("bgc",),  # operations or sets of them, joined by +
        p: Annotated[float, Range(0, 1)] | None = None,  # a fixed probability; none adapts it
        target: Annotated[float, Range(-1, 1)] = 0.6,  # of the mean sign of D on reals, which p keeps there
        kimg: Annotated[float, Range(0.001)] = 500.0,  # thousands of images in which p can rise by 1
        warmup_kimg: Annotated[float, Range(0)] = 0.0,  # over so many, a fixed p rises from 0 along a cosine
        color: Annotated[float, Range(0, 1)] = 1.0,  # factor on the probability of color (0.5 in R3GAN)
    ) -> None:
        super().__init__()
        self.operations = frozenset(name for word in pipe for name in unfolded(word))
        self.color = color
        self.controller = Controller(p, target, kimg, warmup_kimg)
        self.adaptive = p is None
        self.draws = Draws()

    def forward(self, images: Tensor, spatial: Spatial) -> tuple[Tensor, Spatial]:
        """Augment; at p = 0 everything stays as it is."""
        p = self.controller.level()
        if p == 0 or not self.operations:
            return images, spatial
        with torch.autocast(images.device.type, enabled=False):
            if images.dtype in (torch.float16, torch.bfloat16):
                images = images.float()
            images, spatial = self.move(images, spatial, p)
            if "color" in self.operations:
                images = recolour(images, colour_maps(self.draws, len(images), p * self.color, images.shape[1]))
            if "filter" in self.operations:
                images = filtered(images, self.draws, p)
            if "noise" in self.operations:
                images = noisy(images, self.draws, p)
            if "cutout" in self.operations:
                images = cut_out(images, self.draws, p)
        return images, spatial

    def move(self, images: Tensor, spatial: Spatial, p: float) -> tuple[Tensor, Spatial]:
        """Draw one motion per image and carry it out, on what lies on the same pixels too."""
        n, _, height, width = images.shape
        inverse = torch.eye(3, dtype=torch.float64, device="cpu").repeat(n, 1, 1)
        if "blit" in self.operations:
            inverse = inverse @ blit(self.draws, n, p, height, width)
        if "geom" in self.operations:
            inverse = inverse @ geom(self.draws, n, p, height, width)
        layers = {"": images, **spatial}
        moved = warp(torch.cat([value.to(images.dtype) for value in layers.values()], 1), inverse)
        parts = torch.split(moved, [value.shape[1] for value in layers.values()], 1)
        found = {
            name: part > 0.5 if value.dtype == torch.bool else part.to(value.dtype)
            for (name, value), part in zip(layers.items(), parts, strict=True)
        }
        return found.pop(""), found

    def watch(self, real_logits: Tensor) -> None:
        """Let p follow."""
        self.controller.watch(real_logits)

    def report(self) -> Terms:
        """The probability p."""
        return {"augment_p": self.controller.p}


def unfolded(word: str) -> list[str]:
    """The operations that a name such as `bgcfnc` stands for."""
    if not word.startswith("bg"):
        return [word]
    return [INITIALS[letter] for letter in word[:5]] + ["cutout"] * (len(word) == 6)


def filtered(images: Tensor, draws: Draws, p: float) -> Tensor:
    """Amplify each of four octave bands by 2^n, with the expected power of natural images kept."""
    n, _, height, width = images.shape
    gains = torch.ones(n, len(SPECTRUM), device="cpu")
    for band in range(len(SPECTRUM)):
        factor = torch.ones_like(gains)
        factor[:, band : band + 1] = gated(draws, n, p, torch.exp2(draws.normal(n)), 1)
        gains *= factor / (factor.square() @ SPECTRUM).sqrt()[:, None]
    down, across = (torch.tensordot(gains, bands(size), 1).to(images) for size in (height, width))  # [N,size,size]
    out: Tensor = down[:, None] @ images @ across[:, None].mT
    return out


def noisy(images: Tensor, draws: Draws, p: float) -> Tensor:
    """Add white noise of standard deviation 0.1 |n|."""
    sigma = gated(draws, len(images), p, draws.magnitude(len(images)) * 0.1, 0)
    noise = torch.randn(images.shape, device=images.device, dtype=images.dtype)
    return images + noise * sigma.to(images)[:, :, None, None]


def cut_out(images: Tensor, draws: Draws, p: float) -> Tensor:
    """Zero a rectangle of half the size on each axis around a place drawn over the whole image."""
    n, _, height, width = images.shape
    happens = draws.gate(n, p)
    x, y = draws.uniform(n, 2).unbind(1)
    rows, columns = covered(y, height), covered(x, width)
    hole = (rows[:, :, None] & columns[:, None, :] & happens[:, :, None])[:, None]  # [N,1,H,W]
    return images.masked_fill(hole.to(images.device), 0)


def covered(centre: Tensor, size: int) -> Tensor:
    """Which of `size` pixels lie within a quarter of the size of their image's centre [n], bool [n,size]."""
    place = (torch.arange(size, device="cpu") + 0.5) / size
    return (place - centre[:, None]).abs() < 0.25
