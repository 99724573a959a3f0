"""InfoGAN: part of the latent must be readable from the picture."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import log, pi
from typing import Annotated, Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from ganzoo_conditional.infogan_networks import Discriminator, Generator
from ganzoo_conditional.layers import stages
from zoo import (
    Averaging,
    Batch,
    Code,
    Critic,
    DataSpec,
    Game,
    Model,
    Parts,
    Phase,
    Preset,
    Range,
    Terms,
    adam,
    compose,
    draw_uniform,
    trainable,
)

__all__ = ["InfoGAN", "InformedCritic", "information"]


def information(read: Tensor, category: Tensor, code: Tensor, sizes: Sequence[int]) -> Tensor:
    """The lower bound L_I of I(c; G(z, c)) (Chen et al. 2016, equation 5), in nats: H(c) + E log Q(c|x).

    `read` [N,sum(sizes)+2·c] is what Q gives, `category` int64 [N,k], `code` [N,c]. Q of a code is a Gaussian of
    its mean and spread 1; the spread that is read is not used, as published.
    """
    start, bound = 0, read.new_zeros(())
    for i, size in enumerate(sizes):
        bound = bound + log(size) - cross_entropy(read[:, start : start + size], category[:, i])
        start += size
    mean = read[:, start : start + code.shape[1]]
    likelihood = -0.5 * log(2 * pi) - 0.5 * (code - mean).square()
    return bound + (log(2) + likelihood).sum(dim=1).mean()  # log 2 is the entropy of a uniform code on [-1, 1]


class InformedCritic(Critic):
    """The game, less the information that Q reads from fakes, for both players (equation 6)."""

    def __init__(
        self, network: Discriminator, game: Game, *, sizes: Sequence[int], weight_read: float, **options: Any
    ) -> None:
        super().__init__(network, game, **options)
        self.sizes = tuple(sizes)
        self.weight_read = weight_read
        self.readings: list[Tensor] = []

    def read(self, out: Any) -> list[Tensor]:
        """The logit of each row; what Q read is kept for the loss."""
        (rows,) = super().read(out)
        self.readings.append(rows[:, 1:])
        return [rows[:, :1]]

    def informed(self, reading: Tensor, condition: Mapping[str, Tensor]) -> Tensor:
        """-λ L_I."""
        return -self.weight_read * information(reading, condition["category"], condition["code"], self.sizes)

    def study(self, real: Tensor, fake: Tensor, **condition: Tensor) -> tuple[list[Tensor], list[Tensor], Terms]:
        """Logits of both, and what is read from the fakes."""
        self.readings.clear()
        of_real, of_fake, learned = super().study(real, fake, **condition)
        reading = torch.cat(self.readings)[len(real) :]
        self.readings.clear()
        return of_real, of_fake, learned | {"information": self.informed(reading, condition)}

    def g_loss(self, fake: Tensor, real: Tensor, **condition: Tensor) -> Terms:
        """The game, and what is read."""
        self.readings.clear()
        terms = super().g_loss(fake, real, **condition)
        reading = self.readings[0]
        self.readings.clear()
        return terms | {"information": self.informed(reading, condition)}


class InfoGAN(Model):
    """Chen et al. 2016."""

    @dataclass(frozen=True, slots=True)
    class Config:
        """Networks, optimisers and length; flat."""

        z_dim: Annotated[int, Range(1)] = 62  # size of the noise, uniform on [-1, 1)
        categories: Annotated[tuple[int, ...], Range(2)] = (10,)  # values of each categorical code
        codes: Annotated[int, Range(0)] = 2  # continuous codes, uniform on [-1, 1)
        information: Annotated[float, Range(0)] = 1.0  # lambda: weight of the mutual information
        g_width: Annotated[int, Range(1)] = 64  # generator channels before the last layer
        d_width: Annotated[int, Range(1)] = 64  # discriminator channels after the first layer
        dense: Annotated[int, Range(1)] = 1024  # features of the dense layers of both
        slope: Annotated[float, Range(0)] = 0.01  # of D's LeakyReLU; the paper's text says 0.1
        g_lr: Annotated[float, Range(0)] = 1e-3  # the generator's learning rate
        d_lr: Annotated[float, Range(0)] = 2e-4  # the discriminator's learning rate, and Q's
        beta1: Annotated[float, Range(0, 1)] = 0.5  # Adam's first decay
        beta2: Annotated[float, Range(0, 1)] = 0.999  # Adam's second decay
        batch: Annotated[int, Range(2)] = 128  # images per step, over all processes
        kimg: Annotated[float, Range(0.001, 1e9)] = 640.0  # length of training in thousands of images
        minutes: Annotated[float, Range(0, 1e7)] = 0.0  # and at most this long; 0 sets no limit
        ema_kimg: Annotated[float, Range(0)] = 0.0  # half-life of the generator's average; 0 keeps none
        ema_ramp: Annotated[float, Range(0)] = 0.05  # and at most this share of the images seen

    config: Config
    presets: ClassVar[Mapping[str, Callable[[DataSpec], Preset]]] = {
        "default": lambda data: default(data),
        "paper": lambda data: paper(data),
        "tiny": lambda data: tiny(data),
    }

    def __init__(self, config: Config, data: DataSpec) -> None:
        super().__init__(config, data)
        c = config
        self.generator = Generator(data.resolution, data.channels, c.z_dim, c.categories, c.codes, c.g_width, c.dense)

    @classmethod
    def problems(cls, config: Config, data: DataSpec) -> list[str]:
        """Sizes double from 4 to 7 pixels."""
        base, count = stages(data.resolution)
        if base > 7 or count < 1:
            return [f"infogan doubles a map of 4 to 7 pixels, which never gives {data.resolution}; take 28, 32 or 64."]
        return []

    @classmethod
    def parts(cls, config: Config) -> Parts:
        """The game of section 7.1."""
        return Parts(loss="non-saturating")

    def build_critics(self, parts: Parts) -> None:
        """One critic that reads the codes, which no other discriminator does."""
        self.critic = compose(parts, self.data, self.discriminator, able_to="read codes")

    def discriminator(self) -> Discriminator:
        """The model's own."""
        c, data = self.config, self.data
        network = Discriminator(data.resolution, data.channels, c.categories, c.codes, c.d_width, c.dense, c.slope)
        network.critic = partial(InformedCritic, sizes=c.categories, weight_read=c.information)
        return network

    def phases(self) -> list[Phase]:
        """Each player draws fakes of its own; Q learns with D."""
        c = self.config
        betas = (c.beta1, c.beta2)
        d, g = adam(trainable(self.critic), c.d_lr, betas), adam(trainable(self.generator), c.g_lr, betas)
        return [Phase("D", self.d_loss, d), Phase("G", self.g_loss, g)]

    def d_loss(self, batch: Batch) -> Terms:
        """D and Q."""
        inputs = self.fresh(len(batch["image"]))
        return self.critic.d_loss(batch["image"], self.generate(inputs), **inputs)

    def g_loss(self, batch: Batch) -> Terms:
        """G."""
        inputs = self.fresh(len(batch["image"]))
        return self.critic.g_loss(self.generate(inputs), batch["image"], **inputs)

    def fresh(self, n: int) -> Batch:
        """Training's inputs."""
        return self.inputs_of(torch.rand(n, self.drawn(), device=self.device) * 2 - 1)

    def drawn(self) -> int:
        """Numbers that one item takes."""
        c = self.config
        return c.z_dim + len(c.categories) + c.codes

    def inputs_of(self, rows: Tensor) -> Batch:
        """Noise z, categories int64 [N,k] and codes [N,c] of rows uniform on [-1, 1)."""
        c = self.config
        z, chosen, code = torch.split(rows, [c.z_dim, len(c.categories), c.codes], dim=1)
        sizes = torch.tensor(c.categories, device=rows.device)
        category = torch.minimum(((chosen + 1) / 2 * sizes).long(), sizes - 1)
        return {"z": z, "category": category, "code": code}

    def prior(self, n: int, seed: int) -> Batch:
        """Noise, categories and codes, item by item."""
        return self.inputs_of(draw_uniform(n, self.drawn(), seed))

    def codes(self) -> list[Code]:
        """Every category with all its values, then the codes, shown twice as far as they were trained (figure 2)."""
        c = self.config
        chosen = [
            Code(f"category {i + 1}", "category", i, tuple(map(str, range(size))))
            for i, size in enumerate(c.categories)
        ]
        return chosen + [Code(f"code {i + 1}", "code", i) for i in range(c.codes)]

    def generate(self, inputs: Batch) -> Tensor:
        """Images of noise, categories and codes."""
        out: Tensor = self.generator(inputs["z"], inputs["category"], inputs["code"])
        return out.float()

    def averaging(self) -> Averaging | None:
        """An average with a half-life in images, or none as published."""
        c = self.config
        return Averaging(half_life=c.ema_kimg * 1000, ramp=c.ema_ramp) if c.ema_kimg else None


def paper(data: DataSpec) -> Preset:
    """Appendix C.1 and the official code: 5,000 steps of 128 images."""
    return Preset(InfoGAN.Config())


def default(data: DataSpec) -> Preset:
    """The published rates with an average, for some minutes on a CPU, which are few steps: hence batches of 32."""
    config = replace(InfoGAN.Config(), g_width=32, d_width=32, batch=32, kimg=200, minutes=12)
    parts = Parts(loss="non-saturating", augment="diffaugment:policy=translation")
    return Preset(replace(config, ema_kimg=5, ema_ramp=0.1), parts)


def tiny(data: DataSpec) -> Preset:
    """A pair small enough for tests."""
    config = InfoGAN.Config(z_dim=4, categories=(3,), codes=2, g_width=4, d_width=4, dense=16, batch=8)
    return Preset(replace(config, kimg=0.2, ema_kimg=0.05))
