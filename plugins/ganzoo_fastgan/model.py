"""FastGAN: its training, and that of the generators which Projected GAN made of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor

from ganzoo_fastgan.networks import Discriminator, Form, Generator
from zoo import (
    Averaging,
    Batch,
    DataSpec,
    InvalidOptions,
    Model,
    Parts,
    Phase,
    Preset,
    Range,
    Terms,
    adam,
    compose,
    draw_labels,
    draw_normal,
    trainable,
)

__all__ = ["FastGAN"]


class FastGAN(Model):
    """Liu et al. 2021; with `form=projected` the generator of Sauer et al. 2021."""

    @dataclass(frozen=True, slots=True)
    class Config:
        """Networks, optimisers and length; flat."""

        form: Form = "original"  # as published, or Projected GAN's: deep blocks, or lite ones; one output
        z_dim: Annotated[int, Range(1)] = 256  # size of the latent vector
        g_width: Annotated[int, Range(1)] = 64  # generator channels at 128 px
        d_width: Annotated[int, Range(1)] = 64  # discriminator channels at 128 px
        condition: Literal["none", "label"] = "none"  # label: normalise by class; the projected forms only
        label_rows: Annotated[int, Range(0)] = 0  # rows of the class table; 0: as many as the data has classes
        distance: str = "pixels"  # of D's reconstructions: pixels, lpips, or a backbone whose features are compared
        order: Literal["D-G", "G-D"] = "D-G"  # D first and G on the same fakes, or G first, each on fakes of its own
        g_lr: Annotated[float, Range(0)] = 2e-4  # the generator's learning rate
        d_lr: Annotated[float, Range(0)] = 2e-4  # the discriminator's learning rate
        beta1: Annotated[float, Range(0, 1)] = 0.5  # Adam's first decay
        beta2: Annotated[float, Range(0, 1)] = 0.999  # Adam's second decay
        d_share: Annotated[float, Range(0.01, 1)] = 1.0  # D's rate times this, its decays to this power
        batch: Annotated[int, Range(1)] = 8  # images per step, over all processes
        kimg: Annotated[float, Range(0.001, 1e9)] = 400.0  # length of training in thousands of images
        minutes: Annotated[float, Range(0, 1e7)] = 0.0  # and at most this long; 0 sets no limit
        ema_decay: Annotated[float, Range(0, 1)] = 0.999  # of the generator's average per step; 0: by half-life
        ema_kimg: Annotated[float, Range(0)] = 20.0  # its half-life, where ema_decay is 0
        ema_ramp: Annotated[float, Range(0)] = 0.05  # and at most this share of the images seen
        ema_refresh: bool = True  # re-estimate the average's batch statistics before sampling

    config: Config
    conditions = ("label",)
    presets: ClassVar[Mapping[str, Callable[[DataSpec], Preset]]] = {
        "default": lambda data: default(data),
        "paper": lambda data: paper(data),
        "tiny": lambda data: tiny(data),
    }

    def __init__(self, config: Config, data: DataSpec) -> None:
        super().__init__(config, data)
        c = config
        self.classes = (c.label_rows or data.classes) if c.condition == "label" else 0
        if self.classes:
            self.needs = ("image", "label")
        self.generator = Generator(data.resolution, data.channels, c.z_dim, c.g_width, c.form, self.classes)

    @classmethod
    def problems(cls, config: Config, data: DataSpec) -> list[str]:
        """Sizes double from 4 to 1024 px; labels need a projected form."""
        size, problems = data.resolution, []
        if size not in (16, 32, 64, 128, 256, 512, 1024):
            lower = min(max(1 << (size.bit_length() - 1), 16), 512)
            problems.append(f"fastgan doubles from 4 px, so {size} px is out of reach; take {lower} or {2 * lower}.")
        if config.condition == "label":
            if config.form == "original":
                problems.append("fastgan's original form takes no labels; take -s form=projected or projected-lite.")
            if not data.classes:
                problems.append("--condition label needs labelled data: one folder of images for each class.")
            if 0 < config.label_rows < data.classes:
                problems.append(f"label_rows={config.label_rows} is less than the data's {data.classes} classes.")
        return problems

    @classmethod
    def parts(cls, config: Config) -> Parts:
        """The published game and view."""
        return Parts(loss="soft-hinge", augment="diffaugment:policy=color+translation")

    def build_critics(self, parts: Parts) -> None:
        """One critic."""
        if self.classes and parts.discriminator == "own":
            raise InvalidOptions(
                ["fastgan's own discriminator takes no labels; take one that does, such as --discriminator projected."]
            )
        self.critic = compose(parts, self.data, self.own_critic, conditions=self.needs[1:])

    def own_critic(self) -> Discriminator:
        """The published discriminator."""
        return Discriminator(self.data.resolution, self.data.channels, self.config.d_width, self.config.distance)

    def phases(self) -> list[Phase]:
        """D learns on fakes whose graph is kept, so that G learns from the same pass; or G first, apart."""
        c, share = self.config, self.config.d_share
        made = partial(adam, nonfinite="keep" if c.form == "original" else "mend")  # as either code has it
        d = made(trainable(self.critic), c.d_lr * share, (c.beta1**share, c.beta2**share))
        g = made(trainable(self.generator), c.g_lr, (c.beta1, c.beta2))
        if c.order == "G-D":
            return [Phase("G", self.g_loss, g), Phase("D", self.d_loss, d)]
        return [Phase("D", self.d_loss, d, keeps=("generator",)), Phase("G", self.g_loss, g)]

    def d_loss(self, batch: Batch) -> Terms:
        """Real images against fakes, with the reconstructions that the critic adds."""
        self.draw(batch)
        small = {name: batch[name].detach() for name in ("small",) if name in batch}
        return self.critic.d_loss(batch["image"], batch["fake"], **small, **self.given(batch))

    def g_loss(self, batch: Batch) -> Terms:
        """The fakes of the D step, judged again after it, or fresh ones."""
        if "fake" not in batch or not batch["fake"].requires_grad:
            self.draw(batch)
        small = {name: batch[name] for name in ("small",) if name in batch}
        return self.critic.g_loss(batch["fake"], batch["image"], **small, **self.given(batch))

    def draw(self, batch: Batch) -> None:
        """Put fresh fakes into the batch: `fake`, and `small` where the generator makes a smaller view."""
        z = torch.randn(len(batch["image"]), self.config.z_dim, device=self.device)
        batch |= dict(zip(("fake", "small"), self.pictures({"z": z, **self.given(batch)}), strict=False))

    def given(self, batch: Batch) -> Batch:
        """The conditions of a batch."""
        return {name: batch[name] for name in self.needs if name != "image"}

    def pictures(self, inputs: Batch) -> list[Tensor]:
        """The generator's images, the largest first."""
        images: list[Tensor] = self.generator(inputs["z"], inputs.get("noise"), inputs.get("label"))
        return [image.float() for image in images]

    def prior(self, n: int, seed: int) -> Batch:
        """Latents z [n,z_dim], the noise [n,noise_dim] that follows in the same stream, and labels if it takes them."""
        z_dim = self.config.z_dim
        drawn = draw_normal(n, z_dim + self.generator.noise_dim, seed)
        inputs = {"z": drawn[:, :z_dim], "noise": drawn[:, z_dim:]}
        if self.classes:
            inputs["label"] = draw_labels(n, self.data.classes, seed)
        return inputs

    def generate(self, inputs: Batch) -> Tensor:
        """Images of latents z [N,z_dim] and noise [N,noise_dim], by label [N] where the model takes labels."""
        return self.pictures(inputs)[0]

    def averaging(self) -> Averaging:
        """A constant decay per step as published, or a half-life with a ramp; the live buffers are taken over."""
        c = self.config
        if c.ema_decay:
            return Averaging(decay=c.ema_decay, refresh_statistics=c.ema_refresh)
        return Averaging(half_life=c.ema_kimg * 1000, ramp=c.ema_ramp, refresh_statistics=c.ema_refresh)


def paper(data: DataSpec) -> Preset:
    """train.py of the published code: 50,000 steps of 8 images, at 1024 px."""
    return Preset(FastGAN.Config(distance="lpips", ema_refresh=False))


def default(data: DataSpec) -> Preset:
    """The published networks from 256 px on; below, a quarter of the width, for CPUs."""
    if data.resolution >= 256:
        return Preset(FastGAN.Config(batch=16, ema_decay=0.0))
    return Preset(FastGAN.Config(g_width=16, d_width=16, batch=16, kimg=100.0, ema_decay=0.0, ema_kimg=2.0))


def tiny(data: DataSpec) -> Preset:
    """A pair small enough for tests."""
    return Preset(FastGAN.Config(z_dim=8, g_width=1, d_width=1, batch=8, kimg=0.2, ema_decay=0.9))
