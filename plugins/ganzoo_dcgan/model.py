"""DCGAN: one discriminator step and one generator step on the same fakes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor

from ganzoo_dcgan.networks import Discriminator, Generator
from zoo import (
    Averaging,
    Batch,
    DataSpec,
    Model,
    Parts,
    Phase,
    Preset,
    Range,
    Terms,
    adam,
    compose,
    draw_normal,
    draw_uniform,
    trainable,
)

__all__ = ["DCGAN"]


class DCGAN(Model):
    """Radford, Metz & Chintala 2015."""

    @dataclass(frozen=True, slots=True)
    class Config:
        """Networks, optimisers and length; flat."""

        z_dim: Annotated[int, Range(1)] = 100  # size of the latent vector
        z: Literal["normal", "uniform"] = "normal"  # its distribution: N(0, 1), or uniform on [-1, 1)
        g_width: Annotated[int, Range(1)] = 64  # generator channels before the last layer
        d_width: Annotated[int, Range(1)] = 64  # discriminator channels after the first layer
        form: Literal["torch", "theano"] = "torch"  # 4x4 kernels, or 5x5 with dense first and last layers
        g_norm: Literal["batch", "none"] = "batch"  # normalisation in the generator
        d_norm: Literal["batch", "none"] = "batch"  # in the discriminator; per-image penalties need none
        g_lr: Annotated[float, Range(0)] = 2e-4  # the generator's learning rate
        d_lr: Annotated[float, Range(0)] = 2e-4  # the discriminator's learning rate
        beta1: Annotated[float, Range(0, 1)] = 0.5  # Adam's first decay
        beta2: Annotated[float, Range(0, 1)] = 0.999  # Adam's second decay
        weight_decay: Annotated[float, Range(0)] = 0.0  # L2 decay of every parameter
        d_steps: Annotated[int, Range(1)] = 1  # discriminator steps per generator step
        batch: Annotated[int, Range(1)] = 64  # images per step, over all processes
        kimg: Annotated[float, Range(0.001, 1e9)] = 1000.0  # length of training in thousands of images
        minutes: Annotated[float, Range(0, 1e7)] = 0.0  # and at most this long; 0 sets no limit
        ema_kimg: Annotated[float, Range(0)] = 0.0  # half-life of the generator's average; 0 keeps none
        ema_ramp: Annotated[float, Range(0)] = 0.05  # and at most this share of the images seen

    config: Config
    presets: ClassVar[Mapping[str, Callable[[DataSpec], Preset]]] = {
        "default": lambda data: default(data),
        "paper": lambda data: paper(data),
        "theano": lambda data: theano(data),
        "tiny": lambda data: tiny(data),
    }

    def __init__(self, config: Config, data: DataSpec) -> None:
        super().__init__(config, data)
        c = config
        self.generator = Generator(data.resolution, data.channels, c.z_dim, c.g_width, c.form, c.g_norm)

    @classmethod
    def problems(cls, config: Config, data: DataSpec) -> list[str]:
        """Sizes double from 4 pixels."""
        size, problems = data.resolution, []
        if size < 8 or size & (size - 1):
            lower = max(1 << (max(size, 1).bit_length() - 1), 8)
            problems.append(f"dcgan doubles from 4 px, so {size} px is out of reach; take {lower} or {2 * lower}.")
        if config.form == "theano" and config.g_norm == "batch" and config.batch < 2:
            problems.append("dcgan's theano form normalises single features over the batch; take --batch 2 or more.")
        return problems

    @classmethod
    def parts(cls, config: Config) -> Parts:
        """The paper's game, and nothing else."""
        return Parts(loss="non-saturating")

    def build_critics(self, parts: Parts) -> None:
        """One critic."""
        c, data = self.config, self.data
        self.critic = compose(
            parts, data, lambda: Discriminator(data.resolution, data.channels, c.d_width, c.form, c.d_norm)
        )

    def phases(self) -> list[Phase]:
        """D learns on fakes whose graph is kept, so that G learns from the same forward pass."""
        c = self.config
        betas = (c.beta1, c.beta2)
        d = adam(trainable(self.critic), c.d_lr, betas, c.weight_decay)
        g = adam(trainable(self.generator), c.g_lr, betas, c.weight_decay)
        return [
            Phase("D", self.d_loss, d, keeps=("generator",)),
            Phase("G", self.g_loss, g, every=c.d_steps),
        ]

    def d_loss(self, batch: Batch) -> Terms:
        """Reals and fakes pass the discriminator as two batches, as in the official code."""
        batch["fake"] = self.fake(len(batch["image"]))
        return self.critic.d_loss(batch["image"], batch["fake"])

    def g_loss(self, batch: Batch) -> Terms:
        """The fakes of the D step, judged again after it."""
        kept = batch.get("fake")
        fake = kept if kept is not None and kept.requires_grad else self.fake(len(batch["image"]))
        return self.critic.g_loss(fake, batch["image"])

    def fake(self, n: int) -> Tensor:
        """Images of fresh latents."""
        shape = (n, self.config.z_dim)
        normal = self.config.z == "normal"
        z = torch.randn(shape, device=self.device) if normal else torch.rand(shape, device=self.device) * 2 - 1
        return self.generate({"z": z})

    def prior(self, n: int, seed: int) -> Batch:
        """Latents z [n,z_dim]."""
        draw = draw_normal if self.config.z == "normal" else draw_uniform
        return {"z": draw(n, self.config.z_dim, seed)}

    def generate(self, inputs: Batch) -> Tensor:
        """Images of latents z [N,z_dim]."""
        out: Tensor = self.generator(inputs["z"])
        return out.float()

    def averaging(self) -> Averaging | None:
        """An average with a half-life in images, or none as in the paper."""
        c = self.config
        return Averaging(half_life=c.ema_kimg * 1000, ramp=c.ema_ramp) if c.ema_kimg else None


def paper(data: DataSpec) -> Preset:
    """dcgan.torch and pytorch/examples: 25 passes over the data, constant learning rate, no average."""
    return Preset(DCGAN.Config(kimg=25 * data.items / 1000))


def theano(data: DataSpec) -> Preset:
    """The authors' code for faces: 5x5 kernels, 128 channels, uniform z, batches of 128, L2 decay 1e-5."""
    config = DCGAN.Config(
        form="theano",
        z="uniform",
        g_width=128,
        d_width=128,
        batch=128,
        weight_decay=1e-5,
        kimg=25 * data.items / 1000,
    )
    return Preset(config)


def default(data: DataSpec) -> Preset:
    """Chosen by experiment for 2-core CPUs and small sets: at most nine minutes to rough pictures."""
    config = DCGAN.Config(
        g_width=48,
        d_width=32,
        d_norm="none",
        g_lr=1e-3,
        d_lr=1e-3,
        beta1=0.0,
        beta2=0.99,
        batch=32,
        kimg=112,
        minutes=9,
        ema_kimg=5,
        ema_ramp=0.1,
    )
    parts = Parts(loss="non-saturating", regularizers=("r1:gamma=1",), augment="diffaugment:policy=translation")
    return Preset(config, parts)


def tiny(data: DataSpec) -> Preset:
    """A pair small enough for tests."""
    return Preset(DCGAN.Config(z_dim=8, g_width=4, d_width=4, batch=8, kimg=0.2, ema_kimg=0.05))
