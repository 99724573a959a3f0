"""cGAN: a game per class, played by one pair."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

from torch import Tensor
from torch.optim import Optimizer

from ganzoo_conditional.cgan_networks import Discriminator, Generator
from ganzoo_conditional.labelled import fresh, label_problems
from ganzoo_conditional.layers import stages
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
    draw_uniform,
    trainable,
)

__all__ = ["CGAN"]


class CGAN(Model):
    """Mirza & Osindero 2014, in the convolutional form of Radford et al.'s code: D(x|y) and G(z|y).

    D sees matching pairs only: reals with their labels, and fakes with the labels they were made for.
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """Networks, optimisers and length; flat."""

        z_dim: Annotated[int, Range(1)] = 100  # size of the latent vector, uniform on [-1, 1)
        g_width: Annotated[int, Range(1)] = 64  # generator channels before the last layer
        d_width: Annotated[int, Range(1)] = 64  # discriminator channels after the first layer
        dense: Annotated[int, Range(1)] = 1024  # features of the dense layers of both
        embed: Annotated[int, Range(0)] = 0  # numbers of a learned label embedding; 0 is one-hot
        d_label: Literal["concat", "projection"] = "concat"  # how D takes the label
        d_norm: Literal["batch", "none"] = "batch"  # in the discriminator; per-image penalties need none
        lr: Annotated[float, Range(0)] = 2e-4  # learning rate of both players
        beta1: Annotated[float, Range(0, 1)] = 0.5  # Adam's first decay
        beta2: Annotated[float, Range(0, 1)] = 0.999  # Adam's second decay
        weight_decay: Annotated[float, Range(0)] = 0.0  # L2 decay of every parameter
        hold_kimg: Annotated[float, Range(0)] = 0.0  # thousands of images at full learning rate, before it falls
        decay_kimg: Annotated[float, Range(0)] = 0.0  # over which it falls to 0; 0 keeps it
        batch: Annotated[int, Range(1)] = 128  # images per step, over all processes
        kimg: Annotated[float, Range(0.001, 1e9)] = 1000.0  # length of training in thousands of images
        minutes: Annotated[float, Range(0, 1e7)] = 0.0  # and at most this long; 0 sets no limit
        ema_kimg: Annotated[float, Range(0)] = 0.0  # half-life of the generator's average; 0 keeps none
        ema_ramp: Annotated[float, Range(0)] = 0.05  # and at most this share of the images seen

    config: Config
    needs = ("image", "label")
    conditions = ("label",)
    presets: ClassVar[Mapping[str, Callable[[DataSpec], Preset]]] = {
        "default": lambda data: default(data),
        "paper": lambda data: paper(data),
        "projection": lambda data: projection(data),
        "tiny": lambda data: tiny(data),
    }

    def __init__(self, config: Config, data: DataSpec) -> None:
        super().__init__(config, data)
        c = config
        self.optimizers: list[Optimizer] = []
        self.generator = Generator(data.resolution, data.channels, data.classes, c.z_dim, c.g_width, c.dense, c.embed)

    @classmethod
    def problems(cls, config: Config, data: DataSpec) -> list[str]:
        """Sizes double from 4 to 7 pixels; labels are needed."""
        base, count = stages(data.resolution)
        problems = label_problems("cgan", data)
        if base > 7 or count < 1:
            problems.append(f"cgan doubles 4 to 7 pixels, which never gives {data.resolution}; take 28, 32 or 64.")
        return problems

    @classmethod
    def parts(cls, config: Config) -> Parts:
        """The two-player game of section 3.2, in its non-saturating form."""
        return Parts(loss="non-saturating")

    def build_critics(self, parts: Parts) -> None:
        """One critic, which takes the label."""
        self.critic = compose(parts, self.data, self.discriminator, conditions=("label",))

    def discriminator(self) -> Discriminator:
        """The model's own."""
        c, data = self.config, self.data
        return Discriminator(
            data.resolution, data.channels, data.classes, c.d_width, c.dense, c.d_label, c.d_norm, c.embed
        )

    def phases(self) -> list[Phase]:
        """D learns on fakes whose graph is kept, so that G learns from the same forward pass."""
        c = self.config
        players = (self.critic, self.generator)
        d, g = (adam(trainable(player), c.lr, (c.beta1, c.beta2), c.weight_decay) for player in players)
        self.optimizers = [d, g]
        return [Phase("D", self.d_loss, d, keeps=("generator",)), Phase("G", self.g_loss, g)]

    def begin_step(self, progress: Progress) -> None:
        """The learning rate holds, then falls to 0 on a line."""
        c = self.config
        if c.decay_kimg:
            passed = (progress.images / 1000 - c.hold_kimg) / c.decay_kimg
            for optimizer in self.optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = c.lr * (1 - min(max(passed, 0), 1))

    def d_loss(self, batch: Batch) -> Terms:
        """Fakes take the labels of the reals."""
        batch["fake"] = self.generate(fresh(batch["label"], self.config.z_dim))
        return self.critic.d_loss(batch["image"], batch["fake"], label=batch["label"])

    def g_loss(self, batch: Batch) -> Terms:
        """The fakes of the D step, judged again after it."""
        kept = batch.get("fake")
        whole = kept is not None and kept.requires_grad
        fake = kept if kept is not None and whole else self.generate(fresh(batch["label"], self.config.z_dim))
        return self.critic.g_loss(fake, batch["image"], label=batch["label"])

    def prior(self, n: int, seed: int) -> Batch:
        """Latents z [n,z_dim], uniform on [-1, 1), and labels int64 [n], every class as likely."""
        label = draw_labels(n, self.data.classes, seed)
        return {"z": draw_uniform(n, self.config.z_dim, seed), "label": label}

    def generate(self, inputs: Batch) -> Tensor:
        """Images of latents z [N,z_dim] and labels."""
        out: Tensor = self.generator(inputs["z"], inputs["label"])
        return out.float()

    def averaging(self) -> Averaging | None:
        """An average with a half-life in images, or none as published."""
        c = self.config
        return Averaging(half_life=c.ema_kimg * 1000, ramp=c.ema_ramp) if c.ema_kimg else None


def paper(data: DataSpec) -> Preset:
    """The authors' code for MNIST: 100 passes over the data, then 100 while the learning rate falls to 0."""
    passes = 100 * max(data.items, 1) / 1000
    return Preset(CGAN.Config(weight_decay=2.5e-5, hold_kimg=passes, decay_kimg=passes, kimg=2 * passes))


def default(data: DataSpec) -> Preset:
    """For 2-core CPUs and small sets; settings as those of dcgan's default."""
    config = CGAN.Config(
        g_width=48,
        d_width=32,
        dense=512,
        d_norm="none",
        lr=1e-3,
        beta1=0.0,
        beta2=0.99,
        batch=32,
        kimg=150,
        minutes=12,
        ema_kimg=5,
        ema_ramp=0.1,
    )
    parts = Parts(loss="non-saturating", regularizers=("r1:gamma=0.3",), augment="diffaugment:policy=translation")
    return Preset(config, parts)


def projection(data: DataSpec) -> Preset:
    """The default with a projection discriminator."""
    base = default(data)
    return Preset(replace(base.config, d_label="projection"), base.parts)


def tiny(data: DataSpec) -> Preset:
    """A pair small enough for tests."""
    return Preset(CGAN.Config(z_dim=8, g_width=4, d_width=4, dense=16, batch=8, kimg=0.2, ema_kimg=0.05))
