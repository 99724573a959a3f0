"""Small models without batch-coupled layers, so that equalities between batchings can be exact."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from zoo import (
    Averaging,
    Batch,
    Critic,
    DataSpec,
    Game,
    InvalidOptions,
    Model,
    Parts,
    Phase,
    Preset,
    Terms,
    adam,
    draw_normal,
    on_pictures,
    trainable,
)
from zoo.model import Progress
from zoo.nn import at_any_size

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


class Painter(Model):
    """Makes images out of their sources, in strides of two; it learns from pairs."""

    needs = ("image", "source")
    reads = ("source",)

    @dataclass(frozen=True, slots=True)
    class Config:
        batch: int = 4  # images per step
        kimg: float = 0.032  # usual length
        minutes: float = 0.0  # limit besides
        lr: float = 1e-2  # learning rate
        load: int = 0  # pixels of training pictures before the crop; 0 is no crop

    presets: ClassVar = {name: lambda data: Preset(Painter.Config()) for name in ("default", "tiny")}

    def __init__(self, config: Config, data: DataSpec) -> None:
        super().__init__(config, data)
        down, up = nn.Conv2d(data.source_channels, 6, 4, 2, 1), nn.ConvTranspose2d(6, data.channels, 4, 2, 1)
        self.generator = nn.Sequential(down, nn.ReLU(), up, nn.Tanh())

    @classmethod
    def parts(cls, config: Config) -> Parts:
        return Parts(loss="non-saturating")

    def build_critics(self, parts: Parts) -> None:
        self.critic = Critic(Comparing(self.data.channels + self.data.source_channels), Logistic())

    def phases(self) -> list[Phase]:
        lr = self.config.lr
        return [
            Phase("D", self.d_loss, adam(trainable(self.critic), lr, (0.5, 0.9)), keeps=("generator",)),
            Phase("G", self.g_loss, adam(trainable(self.generator), lr, (0.5, 0.9))),
        ]

    @property
    def load_size(self) -> int | None:
        return self.config.load or None

    def d_loss(self, batch: Batch) -> Terms:
        batch["fake"] = self.generate(batch)
        return self.critic.d_loss(batch["image"], batch["fake"], source=batch["source"])

    def g_loss(self, batch: Batch) -> Terms:
        near = (batch["fake"] - batch["image"]).abs().mean()
        return self.critic.g_loss(batch["fake"], batch["image"], source=batch["source"]) | {"l1": 10 * near}

    def generate(self, inputs: Batch) -> Tensor:
        out: Tensor = self.generator(inputs["source"])
        return out

    @on_pictures
    def translate(self, images: Tensor, *, to: str = "b", seed: int = 0) -> Tensor:
        if to != "b":
            raise InvalidOptions(["Painter goes from A to B alone; take --to b."])
        return at_any_size(images, 2, self.generator)


class Comparing(nn.Module):
    """Image and source side by side to a logit."""

    conditions = ("source",)

    def __init__(self, channels: int) -> None:
        super().__init__()
        first, last = nn.Conv2d(channels, 6, 4, 2, 1), nn.Conv2d(6, 1, 4)
        self.layers = nn.Sequential(first, nn.LeakyReLU(0.2), last, nn.Flatten())

    def forward(self, images: Tensor, *, source: Tensor) -> Tensor:
        out: Tensor = self.layers(torch.cat([images, source], dim=1))
        return out


class Stranger(Painter):
    """The same without pairs: sources and images come as they like."""

    pairs: ClassVar[bool] = False

    def g_loss(self, batch: Batch) -> Terms:
        return self.critic.g_loss(batch["fake"], batch["image"], source=batch["source"])


TRANSLATORS = """
    from zoo.registry import Entry

    def ganzoo_architectures():
        for name in ("painter", "stranger"):
            yield Entry(name, f"tests.toys:{name.title()}", "a translator for tests", paper="1611.07004",
                needs=("image", "source"), presets={"default": "usual", "tiny": "small"}, tags=("translation",))
"""
"""Source of a plugin with the two."""
