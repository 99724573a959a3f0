"""ProGAN: one critic step and one generator step on images that grow from 4x4 pixels."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor
from torch.optim import Optimizer

from ganzoo_progan.critic import ClassifyingCritic
from ganzoo_progan.networks import Discriminator, Generator, fade, pool, repeat, widths
from ganzoo_progan.schedule import at, growth
from zoo import (
    Averaging,
    Batch,
    DataSpec,
    Model,
    Parts,
    Phase,
    Preset,
    Progress,
    Range,
    Terms,
    adam,
    compose,
    draw_labels,
    draw_normal,
    trainable,
)

__all__ = ["ProGAN"]

GAME = "wgan-gp:drift=0.001"
PENALTY = "gradient-penalty:weight=10"


class ProGAN(Model):
    """Karras, Aila, Laine & Lehtinen 2018.

    Both networks are built whole; what has not grown in yet gets no gradient. Images are of full size
    everywhere outside the networks: those of a half-grown run have each pixel repeated, as in the official
    code, so that every critic, own or foreign, judges the same, and samples of all ages compare.
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """Networks, growth, optimisers and length; flat. Levels are 4, 8, 16, ... pixels."""

        z_dim: Annotated[int, Range(1)] = 512  # size of the latent vector
        base: Annotated[int, Range(1)] = 8192  # channels at s pixels are 2 base / s
        limit: Annotated[int, Range(1)] = 512  # and at most this many
        first_bias: Literal["channel", "position"] = "channel"  # of G's dense layer; position: pytorch_GAN_zoo
        fused: bool = True  # D pools before bias and activation; false: after, as pytorch_GAN_zoo
        group: Annotated[int, Range(1)] = 4  # images whose spread D measures together
        spread: Literal["strided", "neighbours"] = "strided"  # which images are a group; neighbours: pytorch_GAN_zoo
        condition: Literal["none", "label"] = "none"  # label: classes as input of G and as second task of D
        first: Literal[4, 8, 16, 32, 64, 128, 256, 512, 1024] = 4  # pixels at the start
        hold_kimg: Annotated[float, Range(0)] = 600.0  # thousands of images at a level before the next fades in
        fade_kimg: Annotated[float, Range(0)] = 600.0  # thousands of images while it fades in
        lr: Annotated[float, Range(0)] = 1e-3  # learning rate of both players
        rate_factors: Annotated[tuple[float, ...], Range(0)] = ()  # its factor at each level; 1 beyond the last
        beta1: Annotated[float, Range(0, 1)] = 0.0  # Adam's first decay
        beta2: Annotated[float, Range(0, 1)] = 0.99  # Adam's second decay
        batch: Annotated[int, Range(1)] = 16  # images per step, over all processes
        batch_limits: Annotated[tuple[int, ...], Range(1)] = ()  # at most this many at each level
        kimg: Annotated[float, Range(0.001, 1e9)] = 12000.0  # length of training in thousands of images
        minutes: Annotated[float, Range(0, 1e7)] = 0.0  # and at most this long; 0 sets no limit
        ema_decay: Annotated[float, Range(0, 1)] = 0.999  # share of G's average kept per step; 0 keeps none

    config: Config
    conditions: ClassVar[tuple[str, ...]] = ("label",)
    compiled: ClassVar[tuple[str, ...]] = ()  # the generator changes its shape as it grows
    presets: ClassVar[Mapping[str, Callable[[DataSpec], Preset]]] = {
        "default": lambda data: default(data),
        "celeba-hq": lambda data: celeba_hq(data),
        "v2": lambda data: v2(data),
        "tiny": lambda data: tiny(data),
    }

    def __init__(self, config: Config, data: DataSpec) -> None:
        super().__init__(config, data)
        c = config
        self.optimizers: list[Optimizer] = []
        self.classes = data.classes if c.condition == "label" else 0
        if self.classes:
            self.needs = ("image", "label")
        self.generator = Generator(self.widths(), data.channels, c.z_dim, self.classes, c.first_bias)

    @classmethod
    def problems(cls, config: Config, data: DataSpec) -> list[str]:
        """Sizes double from 4 pixels."""
        size, problems = data.resolution, []
        if size < 4 or size & (size - 1):
            lower = max(1 << (max(size, 1).bit_length() - 1), 4)
            problems.append(f"progan doubles from 4 px, so {size} px is out of reach; take {lower} or {2 * lower}.")
        if config.first > size:
            problems.append(f"progan: first={config.first} px is beyond the data's {size} px; take {size} or less.")
        if config.condition == "label" and not data.classes:
            problems.append("progan: the data has no labels to condition on; take --condition none.")
        if 2 * config.base < size:
            problems.append(f"progan: base={config.base} leaves no channel at {size} px; take {size // 2} or more.")
        return problems

    @classmethod
    def parts(cls, config: Config) -> Parts:
        """Section 3 and appendix A.1: WGAN-GP with a small penalty on D's drift from zero."""
        return Parts(loss=GAME, regularizers=(PENALTY,))

    def widths(self) -> list[int]:
        """Channels at each level."""
        return widths(self.data.resolution, self.config.base, self.config.limit)

    def build_critics(self, parts: Parts) -> None:
        """One critic. Training starts small."""
        names = "name classes (--condition label)" if self.classes else ""
        self.critic = compose(parts, self.data, self.discriminator, able_to=names)
        self.grow(Progress())

    def discriminator(self) -> Discriminator:
        """The paper's, with a head for the classes."""
        c = self.config
        dense = min(c.base, c.limit)
        network = Discriminator(self.widths(), self.data.channels, self.classes, dense, c.fused, c.group, c.spread)
        if self.classes:
            network.critic = ClassifyingCritic
        return network

    def phases(self) -> list[Phase]:
        """Each player draws fakes of its own."""
        c = self.config
        players, betas = (self.critic, self.generator), (c.beta1, c.beta2)
        d, g = (adam(trainable(player), c.lr, betas, nonfinite="skip") for player in players)
        self.optimizers = [d, g]
        return [Phase("D", self.d_loss, d), Phase("G", self.g_loss, g)]

    def begin_step(self, progress: Progress) -> None:
        """Grow, forget Adam's moments where a fade begins or ends, and set the level's learning rate."""
        before = self.generator.grown()
        level, alpha = self.grow(progress)
        for optimizer in self.optimizers:
            if before[0] != level or (before[1] < 1) != (alpha < 1):
                optimizer.state.clear()
            for group in optimizer.param_groups:
                group["lr"] = self.config.lr * at(self.config.rate_factors, level, 1.0)

    def grow(self, progress: Progress) -> tuple[int, float]:
        """Bring both networks to the level and alpha of `progress`."""
        level, alpha = self.growth(progress)
        for network in (self.generator, self.critic.network):
            if isinstance(network, (Generator, Discriminator)):
                network.grow(level, alpha)
        return level, alpha

    def growth(self, progress: Progress) -> tuple[int, float]:
        """Level and alpha at `progress`."""
        c = self.config
        hold, fading = round(c.hold_kimg * 1000), round(c.fade_kimg * 1000)
        return growth(progress.images, hold, fading, level_of(c.first), level_of(self.data.resolution))

    def resolution(self, progress: Progress) -> int:
        """Pixels of the finest level that takes part."""
        return int(4 << self.growth(progress)[0])

    def batch_size(self, progress: Progress) -> int:
        """The batch, within the level's limit."""
        c = self.config
        return min(c.batch, at(c.batch_limits, self.growth(progress)[0], c.batch))

    def d_loss(self, batch: Batch) -> Terms:
        """Reals at the size and sharpness of the fakes, which take the labels of the reals."""
        real, condition = self.seen(batch["image"]), self.condition(batch)
        return self.critic.d_loss(real, self.fake(len(real), condition), **condition)

    def g_loss(self, batch: Batch) -> Terms:
        """Fresh fakes."""
        real, condition = self.seen(batch["image"]), self.condition(batch)
        return self.critic.g_loss(self.fake(len(real), condition), real, **condition)

    def condition(self, batch: Batch) -> Batch:
        """The labels of a batch, where they are used."""
        return {"label": batch["label"]} if self.classes else {}

    def seen(self, images: Tensor) -> Tensor:
        """Reals of any size as the critics see them: at the grown size, faded as the fakes are, enlarged."""
        level, alpha = self.generator.grown()
        images = pool(images, images.shape[-1] // (4 << level))
        if alpha < 1:
            images = fade(repeat(pool(images, 2), 2), images, alpha)
        return repeat(images, self.data.resolution // (4 << level))

    def fake(self, n: int, condition: Batch) -> Tensor:
        """Images of fresh latents."""
        return self.generate({"z": torch.randn(n, self.config.z_dim, device=self.device), **condition})

    def prior(self, n: int, seed: int) -> Batch:
        """Latents z [n,z_dim]; where labels are used, one of each drawn evenly: label int64 [n]."""
        drawn = {"z": draw_normal(n, self.config.z_dim, seed)}
        return drawn | ({"label": draw_labels(n, self.classes, seed)} if self.classes else {})

    def generate(self, inputs: Batch) -> Tensor:
        """Images of latents z [N,z_dim], and labels where they are used; of full size at any age."""
        out: Tensor = self.generator(inputs["z"], inputs.get("label"))
        return out.float()

    def averaging(self) -> Averaging | None:
        """An average per step, which follows level and alpha at once."""
        decay = self.config.ema_decay
        return Averaging(decay=decay) if decay else None


def level_of(pixels: int) -> int:
    """0 for 4 pixels, 1 for 8, ..."""
    return pixels.bit_length() - 3


def celeba_hq(data: DataSpec) -> Preset:
    """Appendix A.1 (the official preset v1): 800 kimg a phase, 6,200 kimg after the last, groups of 16."""
    config = ProGAN.Config(
        group=16,
        hold_kimg=800,
        fade_kimg=800,
        batch=16,
        batch_limits=(16, 16, 16, 16, 16, 16, 14, 6, 3),
        kimg=1600 * level_of(data.resolution) + 6200,
    )
    return Preset(config)


def v2(data: DataSpec) -> Preset:
    """The official preset v2 for one GPU: 600 kimg a phase, large batches while images are small."""
    config = ProGAN.Config(
        rate_factors=(1, 1, 1, 1, 1, 1, 1, 1, 1.5),
        batch=128,
        batch_limits=(128, 128, 128, 64, 32, 16, 8, 4, 4),
        kimg=12000,
    )
    return Preset(config)


def default(data: DataSpec) -> Preset:
    """Chosen by experiment for 2-core CPUs and small sets: narrow, grown in the first minutes, at most 40 minutes.

    It plays the non-saturating game with lazy R1, which came further on `emoji` in the same minutes than the
    paper's WGAN-GP with its penalty at every step; `--loss` and `--regularize` bring that back. The average is short,
    because a level lasts 600 steps: with half of a slower one still at the new layers' first draw, grids turned green.
    """
    config = ProGAN.Config(
        z_dim=128,
        base=max(768, data.resolution // 2),
        limit=128,
        hold_kimg=5,
        fade_kimg=5,
        lr=2e-3,
        batch=16,
        kimg=10 * level_of(data.resolution) + 100,
        minutes=40,
        ema_decay=0.995,
    )
    return Preset(config, Parts(loss="non-saturating", regularizers=("r1:gamma=1",)))


def tiny(data: DataSpec) -> Preset:
    """A pair small enough for tests, which grows every two steps."""
    base = max(32, data.resolution // 2)
    growing = ProGAN.Config(z_dim=8, base=base, limit=4, batch=8, hold_kimg=0.016, fade_kimg=0.016)
    return Preset(replace(growing, kimg=0.3, ema_decay=0.9))
