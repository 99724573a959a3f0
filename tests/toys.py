"""A small GAN without batch-coupled layers, so that equalities between batchings can be exact."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from zoo import Averaging, Batch, Critic, DataSpec, Game, Model, Parts, Phase, Terms, adam, draw_normal, trainable
from zoo.model import Progress

DATA = DataSpec(resolution=8, items=12)


class Logistic(Game):
    """The non-saturating game, spelt out."""

    def d(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        return torch.log(1 + torch.exp(-real)).mean(), torch.log(1 + torch.exp(fake)).mean()

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return torch.log(1 + torch.exp(-fake)).mean()


class Toy(Model):
    """Two layers each; the latents come with the batch, so that nothing is drawn."""

    needs = ("image", "z")

    @dataclass(frozen=True, slots=True)
    class Config:
        batch: int = 4
        lr: float = 1e-2
        every: int = 1
        ema_kimg: float = 0.01

    presets: ClassVar = {}

    def __init__(self, config: Config, data: DataSpec) -> None:
        super().__init__(config, data)
        self.generator = nn.Sequential(
            nn.Unflatten(1, (4, 1, 1)),
            nn.ConvTranspose2d(4, 6, 4),
            nn.ReLU(),
            nn.ConvTranspose2d(6, 3, 4, 2, 1),
            nn.Tanh(),
        )
        self.register_buffer("clock", torch.zeros(()))

    def build_critics(self, parts: Parts) -> None:
        self.critic = Critic(judge(), Logistic())

    def phases(self) -> list[Phase]:
        lr = self.config.lr
        return [
            Phase("D", self.d_loss, adam(trainable(self.critic), lr, (0.5, 0.9)), keeps=("generator",)),
            Phase("G", self.g_loss, adam(trainable(self.generator), lr, (0.5, 0.9)), every=self.config.every),
        ]

    def begin_step(self, progress: Progress) -> None:
        self.clock.fill_(progress.images)

    def d_loss(self, batch: Batch) -> Terms:
        batch["fake"] = self.generate(batch)
        return self.critic.d_loss(batch["image"], batch["fake"])

    def g_loss(self, batch: Batch) -> Terms:
        fake = batch["fake"] if batch["fake"].requires_grad else self.generate(batch)
        return self.critic.g_loss(fake, batch["image"])

    def generate(self, inputs: Batch) -> Tensor:
        out: Tensor = self.generator(inputs["z"])
        return out.float()

    def prior(self, n: int, seed: int) -> Batch:
        return {"z": draw_normal(n, 4, seed)}

    def averaging(self) -> Averaging | None:
        return Averaging(half_life=self.config.ema_kimg * 1000) if self.config.ema_kimg else None


def judge() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 6, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(6, 1, 4), nn.Flatten())


def toy(seed: int = 0, **options: object) -> Toy:
    """A fresh Toy with its critic."""
    torch.manual_seed(seed)
    model = Toy(Toy.Config(**options), DATA)
    model.build_critics(Parts(loss="non-saturating"))
    return model


def batch(i: int, n: int = 4) -> Batch:
    """The i-th batch of a fixed stream."""
    rng = torch.Generator().manual_seed(i)
    return {"image": torch.rand(n, 3, 8, 8, generator=rng) * 2 - 1, "z": torch.randn(n, 4, generator=rng)}
