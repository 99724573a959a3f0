"""GAN-CLS and GAN-INT: pictures of captions by one pair, whose discriminator also tells which do not match."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor
from torch.optim import Optimizer

from ganzoo_stackgan.critic import MatchingCritic
from ganzoo_stackgan.layers import Norm
from ganzoo_stackgan.text_networks import Form, TextDiscriminator, TextGenerator
from ganzoo_stackgan.texts import JUDGES, halved, text_problems
from zoo import (
    Averaging,
    Batch,
    Captions,
    DataSpec,
    InvalidOptions,
    Model,
    Parts,
    Phase,
    Preset,
    Progress,
    Range,
    Terms,
    adam,
    compose,
    critics_of,
    draw_normal,
    trainable,
)

__all__ = ["GANCLS"]

Between = Literal["none", "mean", "line"]


class GANCLS(Model):
    """Reed, Akata, Yan, Logeswaran, Schiele & Lee 2016."""

    @dataclass(frozen=True, slots=True)
    class Config:
        """Networks, losses, optimisers and length; flat."""

        form: Form = "cls"  # D as in main_cls.lua, or in main_cls_int.lua: one activation less, its text normalised
        between: Between = "none"  # GAN-INT: G also learns on texts between two, at their mean or along their line
        cls_weight: Annotated[float, Range(0, 1)] = 0.5  # share of the wrong pairs among D's fakes
        z_dim: Annotated[int, Range(1)] = 100  # size of the noise
        code_dim: Annotated[int, Range(1)] = 256  # features of the text in each network; 128 in main_cls_int.lua
        g_width: Annotated[int, Range(1)] = 128  # generator channels before the last layer
        d_width: Annotated[int, Range(1)] = 64  # discriminator channels after the first layer
        residuals: Annotated[int, Range(0)] = 1  # bottlenecks at each of the generator's two places; 2 is large=1
        d_norm: Norm = "batch"  # in the discriminator; per-image penalties need none
        captions: Annotated[int, Range(1)] = 1  # captions of a picture whose embeddings are averaged
        margin: Annotated[float, Range(1, 4)] = 1.0  # pictures are loaded this much larger, then cropped at random
        lr: Annotated[float, Range(0)] = 2e-4  # learning rate of both players at the start
        halve_kimg: Annotated[float, Range(0)] = 0.0  # thousands of images after which it halves; 0: never
        beta1: Annotated[float, Range(0, 1)] = 0.5  # Adam's first decay
        beta2: Annotated[float, Range(0, 1)] = 0.999  # Adam's second decay
        batch: Annotated[int, Range(1)] = 64  # images per step, over all processes
        kimg: Annotated[float, Range(0.001, 1e9)] = 1000.0  # length of training in thousands of images
        minutes: Annotated[float, Range(0, 1e7)] = 0.0  # and at most this long; 0 sets no limit
        ema_kimg: Annotated[float, Range(0)] = 0.0  # half-life of the generator's average; 0 keeps none
        ema_ramp: Annotated[float, Range(0)] = 0.05  # and at most this share of the images seen

    config: Config
    needs = ("image", "text", "wrong_image")
    conditions = ("text",)
    presets: ClassVar[Mapping[str, Callable[[DataSpec], Preset]]] = {
        "default": lambda data: default(data),
        "paper": lambda data: paper(data),
        "coco": lambda data: coco(data),
        "tiny": lambda data: tiny(data),
    }

    def __init__(self, config: Config, data: DataSpec) -> None:
        super().__init__(config, data)
        c = config
        self.optimizers: list[Optimizer] = []
        self.generator = TextGenerator(
            data.resolution, data.channels, data.text_dim, c.z_dim, c.code_dim, c.g_width, c.residuals
        )
        self.captions = Captions(data)

    @classmethod
    def problems(cls, config: Config, data: DataSpec) -> list[str]:
        """Captions are needed; sizes double from 4 pixels."""
        return text_problems("gan-cls", data, 8)

    @classmethod
    def parts(cls, config: Config) -> Parts:
        """Cross-entropy for both players, and nothing else."""
        return Parts(loss="non-saturating")

    def build_critics(self, parts: Parts) -> None:
        """One critic, which also judges wrong pairs."""
        self.critic = compose(parts, self.data, self.discriminator, able_to=JUDGES)
        if self.config.between != "none" and any(critic.game.needs_real for critic in critics_of(self).values()):
            raise InvalidOptions(
                [
                    f"gan-cls: no real picture belongs to a text between two, and loss '{parts.loss}' or that of an "
                    "ally compares fakes with reals; take -s between=none."
                ]
            )

    def discriminator(self) -> TextDiscriminator:
        """The model's own."""
        c, data = self.config, self.data
        older = c.form == "int"
        sizes = (data.resolution, data.channels, data.text_dim, c.d_width, c.code_dim)
        network = TextDiscriminator(*sizes, quiet=older, text_norm=older, norm=c.d_norm)
        network.critic = partial(MatchingCritic, fakes=1 - c.cls_weight, wrongs=c.cls_weight)
        return network

    def phases(self) -> list[Phase]:
        """Each player draws fakes of its own."""
        c = self.config
        d, g = (adam(trainable(player), c.lr, (c.beta1, c.beta2)) for player in (self.critic, self.generator))
        self.optimizers = [d, g]
        return [Phase("D", self.d_loss, d), Phase("G", self.g_loss, g)]

    def begin_step(self, progress: Progress) -> None:
        """The learning rate halves every so many images."""
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.config.lr * halved(progress.images, self.config.halve_kimg)

    @property
    def load_size(self) -> int | None:
        """Pixels to which pictures are brought, for random crops of the data's size."""
        margin = self.config.margin
        return round(self.data.resolution * margin) if margin > 1 else None

    @property
    def captions_averaged(self) -> int:
        """Captions whose embeddings are averaged."""
        return self.config.captions

    def d_loss(self, batch: Batch) -> Terms:
        """Algorithm 1, lines 5 to 8: reals and fakes with the same texts, and wrong pictures."""
        text = batch["text"]
        return self.critic.d_loss(batch["image"], self.fake(text), text=text, wrong_image=batch["wrong_image"])

    def g_loss(self, batch: Batch) -> Terms:
        """Line 10; with `between` on half as many texts more (equation 5)."""
        text = batch["text"]
        if self.config.between != "none":
            text = torch.cat([text, between(text, self.config.between)])
        return self.critic.g_loss(self.fake(text), batch["image"], text=text)

    def fake(self, text: Tensor) -> Tensor:
        """Images of these texts and fresh noise."""
        return self.generate({"text": text, "z": torch.randn(len(text), self.config.z_dim, device=text.device)})

    def prior(self, n: int, seed: int) -> Batch:
        """Noise z [n,z_dim], and text [n,text_dim] of captions of the data."""
        return {"z": draw_normal(n, self.config.z_dim, seed), "text": self.captions.draw(n, seed)}

    def generate(self, inputs: Batch) -> Tensor:
        """Images of text and noise z [N,z_dim]."""
        out: Tensor = self.generator(inputs["text"], inputs["z"])
        return out.float()

    def averaging(self) -> Averaging | None:
        """An average with a half-life in images, or none as published."""
        c = self.config
        return Averaging(half_life=c.ema_kimg * 1000, ramp=c.ema_ramp) if c.ema_kimg else None


def between(text: Tensor, where: Between) -> Tensor:
    """Texts [N//2,D] between item i and item i + N//2: their mean, beta = 0.5; with `line` moved along their
    difference by a share drawn from U(-1, 1) (interp_type 2)."""
    half = len(text) // 2
    one, other = text[:half], text[half : 2 * half]
    mean = (one + other) / 2
    if where == "mean":
        return mean
    share = torch.rand(half, 1, device=text.device) * 2 - 1
    return mean + share * (other - one)


def default(data: DataSpec) -> Preset:
    """For 2-core CPUs and small sets: narrow networks, no normalisation in D, lazy R1, translations, an average."""
    config = GANCLS.Config(
        between="mean",
        code_dim=128,
        g_width=48,
        d_width=32,
        d_norm="none",
        lr=1e-3,
        beta1=0.0,
        beta2=0.99,
        batch=32,
        kimg=100,
        minutes=30,
        ema_kimg=5,
        ema_ramp=0.1,
    )
    return Preset(config, Parts("non-saturating", ("r1:gamma=1",), "diffaugment:policy=translation"))


def paper(data: DataSpec) -> Preset:
    """GAN-INT-CLS as released for birds and flowers (main_cls_int.lua): 600 passes over the data."""
    passes = data.items / 1000
    config = GANCLS.Config(
        form="int",
        between="mean",
        code_dim=128,
        captions=4,
        margin=76 / 64,
        halve_kimg=100 * passes,
        kimg=max(600 * passes, 0.001),
    )
    return Preset(config)


def coco(data: DataSpec) -> Preset:
    """GAN-CLS as released for COCO (main_cls.lua): 200 passes over the data."""
    passes = data.items / 1000
    config = GANCLS.Config(
        code_dim=128,
        g_width=196,
        d_width=196,
        captions=3,
        margin=76 / 64,
        halve_kimg=40 * passes,
        kimg=max(200 * passes, 0.001),
    )
    return Preset(config)


def tiny(data: DataSpec) -> Preset:
    """A pair small enough for tests."""
    return Preset(GANCLS.Config(z_dim=4, code_dim=4, g_width=4, d_width=4, batch=8, kimg=0.2, ema_kimg=0.05))
