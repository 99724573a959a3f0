"""The context encoder: what is missing from a picture is made up from what is there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from ganzoo_context_encoder.masks import BlockMask, CentreMask, MaskSampler, PatternMask, hollow
from ganzoo_context_encoder.networks import Bottleneck, Discriminator, Inpainter, Norm
from zoo import (
    Batch,
    DataSpec,
    Model,
    Parts,
    Phase,
    Preset,
    Range,
    Terms,
    ZooError,
    adam,
    as_images,
    as_mask,
    compose,
    draw_normal,
    on_pictures,
    shrunk_mask,
    trainable,
)

__all__ = ["ContextEncoder"]


class ContextEncoder(Model):
    """Pathak, Krahenbuhl, Donahue, Darrell & Efros 2016 (1604.07379)."""

    @dataclass(frozen=True, slots=True)
    class Config:
        """Holes, networks, loss, optimisers and length; flat. Defaults are those of the released command."""

        masks: Literal["centre", "block", "pattern"] = "centre"  # middle half, random boxes, or arbitrary regions
        predicts: Literal["centre", "whole"] = "centre"  # what the network draws and D sees: the middle half, or all
        overlap: Annotated[int, Range(0)] = 4  # px at the border of the centre that stay visible and are drawn too
        pattern: Annotated[int, Range(64, 20_000)] = 10_000  # px of the pattern that arbitrary regions are cut out of
        width: Annotated[int, Range(1)] = 64  # maps of the first layer; 8 times as many at 4x4
        bottleneck: Bottleneck = "conv"  # convolution to some units as released, or the paper's channel-wise layer
        units: Annotated[int, Range(1)] = 4000  # of the bottleneck convolution
        z_dim: Annotated[int, Range(0)] = 0  # numbers of noise that join the units; 0 is none
        d_width: Annotated[int, Range(1)] = 64  # discriminator channels after the first layer
        d_norm: Norm = "batch"  # normalisation in the discriminator; per-image penalties need none
        rec: Annotated[float, Range(0)] = 0.999  # weight of the squared error; the game's is what is left to 1
        known: Annotated[float, Range(0)] = 10.0  # weight of the error where drawn pixels are visible, over the hole's
        lr: Annotated[float, Range(0)] = 2e-4  # D's learning rate
        boost: Annotated[float, Range(0)] = 10.0  # G's learning rate over D's, while both terms act (0 < rec < 1)
        beta1: Annotated[float, Range(0, 1)] = 0.5  # Adam's first decay
        load: Annotated[int, Range(0)] = 0  # px to which pictures are brought before they are cut; 0 cuts nothing
        batch: Annotated[int, Range(1)] = 64  # images per step, over all processes
        kimg: Annotated[float, Range(0.001, 1e9)] = 1000.0  # length of training in thousands of images
        minutes: Annotated[float, Range(0, 1e7)] = 0.0  # and at most this long; 0 sets no limit

    config: Config
    reads = ("image",)
    presets: ClassVar[Mapping[str, Callable[[DataSpec], Preset]]] = {
        "default": lambda data: default(data),
        "paper": lambda data: paper(data),
        "paper-random": lambda data: paper_random(data),
        "channelwise": lambda data: channelwise(data),
        "tiny": lambda data: tiny(data),
    }

    def __init__(self, config: Config, data: DataSpec) -> None:
        super().__init__(config, data)
        c, size = config, data.resolution
        self.output = size // 2 if c.predicts == "centre" else size
        self.generator = Inpainter(size, self.output, data.channels, c.width, c.units, c.bottleneck, c.z_dim)

    @classmethod
    def problems(cls, config: Config, data: DataSpec) -> list[str]:
        """Sizes double from 4 pixels; the centre alone can be drawn for holes that lie there."""
        c, size, problems = config, data.resolution, []
        if size < 16 or size & (size - 1):
            lower = max(1 << (max(size, 1).bit_length() - 1), 16)
            problems.append(f"context-encoder takes powers of two from 16 px, not {size}; take {lower} or {2 * lower}.")
        if c.predicts == "centre" and c.masks != "centre":
            problems.append(f"masks={c.masks} drops pixels anywhere, so the whole image is drawn: predicts=whole.")
        if c.masks == "centre" and 4 * c.overlap >= size:
            problems.append(f"overlap={c.overlap} leaves no hole at {size} px; take at most {max(size // 4 - 1, 0)}.")
        if c.masks == "pattern" and c.pattern < 4 * size:
            problems.append(f"pattern={c.pattern} is too small to cut {size} px out of it; take {4 * size} or more.")
        if c.z_dim and c.bottleneck == "channelwise":
            problems.append("the channel-wise layer takes no noise: leave out z_dim, or take bottleneck=conv.")
        if c.load and c.load < size:
            problems.append(f"load={c.load} is less than the {size} px that are cut out of it; take more, or 0.")
        return problems

    @classmethod
    def parts(cls, config: Config) -> Parts:
        """DCGAN's game."""
        return Parts(loss="non-saturating")

    def build_critics(self, parts: Parts) -> None:
        """One critic, of what the network draws."""
        c, drawn = self.config, replace(self.data, resolution=self.output)
        self.critic = compose(parts, drawn, lambda: Discriminator(self.output, self.data.channels, c.d_width, c.d_norm))

    @cached_property
    def sampler(self) -> MaskSampler:
        """Draws the holes."""
        c, size = self.config, self.data.resolution
        if c.masks == "centre":
            return CentreMask(size, c.overlap)
        return BlockMask(size) if c.masks == "block" else PatternMask(size, c.pattern)

    @property
    def load_size(self) -> int | None:
        """Pictures are cut out of larger ones at random, as released: 128 px out of 350."""
        return self.config.load or None

    def phases(self) -> list[Phase]:
        """D learns on pictures whose graph is kept, so that G learns from the same forward pass."""
        c = self.config
        both = 0 < c.rec < 1
        d = adam(trainable(self.critic), c.lr, (c.beta1, 0.999))
        g = adam(trainable(self.generator), c.lr * (c.boost if both else 1.0), (c.beta1, 0.999))
        return [Phase("D", self.d_loss, d, keeps=("generator",)), Phase("G", self.g_loss, g)]

    def d_loss(self, batch: Batch) -> Terms:
        """-log D(x) - log(1 - D(F(x))) of the region that is drawn."""
        self.draw(batch)
        return self.critic.d_loss(self.region(batch["image"]), batch["fake"])

    def g_loss(self, batch: Batch) -> Terms:
        """Equation 3: the squared error times `rec`, and the rest of 1 for the game; either term alone counts whole."""
        if not batch.get("fake", batch["image"]).requires_grad:
            self.draw(batch)
        rec, real = self.config.rec, self.region(batch["image"])
        share = 1 - rec if 0 < rec < 1 else 1.0
        terms = {name: share * term for name, term in self.critic.g_loss(batch["fake"], real).items()}
        if rec:
            weight = torch.where(self.region(batch["hole"]), rec, rec * self.config.known)
            terms["rec"] = (weight * (batch["fake"].float() - real).square()).mean()
        return terms

    def draw(self, batch: Batch) -> None:
        """Add fresh holes "hole" and what the network draws for them, "fake"."""
        images = batch["image"]
        seed = int(torch.randint(2**31, ()))
        batch["hole"] = self.sampler(len(images), seed).to(images.device)
        z = torch.randn(len(images), self.config.z_dim, device=images.device) if self.config.z_dim else None
        batch["fake"] = self.generator(hollow(images, batch["hole"]), z)

    def region(self, images: Tensor) -> Tensor:
        """The part [...,output,output] of images that the network draws."""
        at = (self.data.resolution - self.output) // 2
        return images[..., at : at + self.output, at : at + self.output]

    def prior(self, n: int, seed: int) -> Batch:
        """Holes "mask" [n,1,H,W], True is dropped, and noise z."""
        drawn = {"mask": torch.cat([self.sampler(1, seed + i) for i in range(n)])}
        return drawn | ({"z": draw_normal(n, self.config.z_dim, seed)} if self.config.z_dim else {})

    def generate(self, inputs: Batch) -> Tensor:
        """The images with what the network draws in their holes; all other pixels are those of "image"."""
        images, mask = inputs["image"], inputs["mask"]
        seen = mask if self.output == self.data.resolution else self.sampler(1, 0).to(mask.device)
        drawn = self.generator(hollow(images, seen), inputs.get("z")).float()
        margin = (self.data.resolution - self.output) // 2
        return torch.where(mask, pad(drawn, (margin,) * 4), images)

    @torch.no_grad()
    def preview(self, batch: Batch) -> Tensor:
        """With holes, filled, and as they were."""
        images = batch["image"]
        mask = self.prior(len(images), 0)["mask"].to(images.device)
        rows = [hollow(images, mask), self.sample(len(images), given=batch), images]
        return torch.stack([each.float().cpu() for each in rows], 1)

    def preview_names(self) -> tuple[str, ...]:
        """See `preview`."""
        return ("hole", "filled", "original")

    @on_pictures
    def inpaint(self, images: Tensor, mask: Any = None, *, seed: int = 0) -> Tensor:
        """Images [N,C,H,W] of any size with the pixels filled where `mask` is True; the others are as they were.

        `mask` is a picture of the images' size, white where it is to be filled, or an array or tensor; one for all or
        one each. Without, a hole as in training is drawn by `seed`. Other sizes are brought to the model's and what it
        draws back to theirs. Raises ZooError for a mask that does not fit.
        """
        size = (self.data.resolution, self.data.resolution)
        drawn = {name: value.to(images.device) for name, value in self.prior(len(images), seed).items()}
        if mask is None:
            hole = interpolate(drawn["mask"].float(), images.shape[-2:]) > 0
        else:
            hole = as_mask(mask, images)
            drawn["mask"] = shrunk_mask(hole, size)
            self.check_hole(drawn["mask"])
        if images.shape[-2:] == size:
            return self.generate({**drawn, "image": images})
        small = interpolate(hollow(images, hole), size, mode="bilinear", antialias=True)
        found = self.generate({**drawn, "image": small})
        large = interpolate(found, images.shape[-2:], mode="bicubic", antialias=True).clamp(-1, 1)
        return torch.where(hole, large, images)

    def check_hole(self, mask: Tensor) -> None:
        """Raise ZooError for a hole outside of what the network draws."""
        if self.output < self.data.resolution and (mask & ~self.sampler(1, 0).to(mask.device)).any():
            inner = 50 - 100 * self.config.overlap / self.data.resolution * 2
            raise ZooError(
                f"This model fills the centre alone, {inner:.0f} % of each side, and the mask asks for more. "
                "Train one with -s masks=block -s predicts=whole for holes anywhere."
            )

    def features(self, pictures: Any) -> list[Tensor]:
        """The encoder's maps [N,C,h,w] of whole pictures, fine to coarse; the bottleneck's units last.

        Pictures are of any kind and size, such as images [N,C,H,W] in [-1, 1].
        """
        images, size = as_images(pictures, self.data.channels)[0].to(self.device), self.data.resolution
        if images.shape[-2:] != (size, size):
            images = interpolate(images, (size, size), mode="bilinear", antialias=True)
        return self.generator.features(images)


def paper(data: DataSpec) -> Preset:
    """train.lua for the centre: 350 px, of which 128 are cut out, 500 passes; other sizes in proportion."""
    size = data.resolution
    config = ContextEncoder.Config(overlap=size // 32, load=350 * size // 128, kimg=500 * max(data.items, 1) / 1000)
    return Preset(config)


def paper_random(data: DataSpec) -> Preset:
    """train_random.lua: the plain squared error of whole images."""
    config = replace(paper(data).config, masks="pattern", predicts="whole", known=1.0)
    return Preset(config)


def channelwise(data: DataSpec) -> Preset:
    """Section 3.1 in place of the released bottleneck."""
    return Preset(replace(paper(data).config, bottleneck="channelwise"))


def default(data: DataSpec) -> Preset:
    """Chosen by experiment for 2-core CPUs and small sets: random boxes, whole images, as released."""
    config = ContextEncoder.Config(
        masks="block",
        predicts="whole",
        width=32,
        units=512,
        d_width=32,
        known=1.0,
        lr=4e-4,
        batch=16,
        kimg=300,
        minutes=9,
    )
    return Preset(config)


def tiny(data: DataSpec) -> Preset:
    """A pair small enough for tests."""
    config = ContextEncoder.Config(
        masks="block", predicts="whole", width=2, units=8, d_width=2, known=1.0, batch=8, kimg=0.2
    )
    return Preset(config)
