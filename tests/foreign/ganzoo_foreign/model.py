"""Dense layers from noise to picture."""

from dataclasses import dataclass

import torch
from torch import nn

from zoo import Model, Parts, Phase, Preset, adam, compose, draw_normal, trainable


class ForeignGAN(Model):
    """A pair of perceptrons."""

    @dataclass(frozen=True, slots=True)
    class Config:
        """Widths and length."""

        z_dim: int = 16  # size of the latent vector
        width: int = 64  # of the hidden layers
        lr: float = 1e-3  # learning rate of both players
        batch: int = 8  # images per step
        kimg: float = 1.0  # length of training in thousands of images
        minutes: float = 0.0  # and at most this long; 0 sets no limit

    presets = {  # noqa: RUF012
        "default": lambda data: Preset(ForeignGAN.Config()),
        "tiny": lambda data: Preset(ForeignGAN.Config(z_dim=4, width=8)),
    }

    def __init__(self, config, data):
        super().__init__(config, data)
        self.pixels = data.channels * data.resolution**2
        self.generator = nn.Sequential(
            nn.Linear(config.z_dim, config.width), nn.ReLU(), nn.Linear(config.width, self.pixels), nn.Tanh()
        )

    @classmethod
    def parts(cls, config):
        return Parts(loss="non-saturating")

    def build_critics(self, parts):
        width = self.config.width
        self.critic = compose(
            parts,
            self.data,
            lambda: nn.Sequential(nn.Flatten(), nn.Linear(self.pixels, width), nn.LeakyReLU(0.2), nn.Linear(width, 1)),
        )

    def phases(self):
        d, g = (adam(trainable(part), self.config.lr, (0.0, 0.99)) for part in (self.critic, self.generator))
        return [Phase("D", self.d_loss, d), Phase("G", self.g_loss, g)]

    def d_loss(self, batch):
        return self.critic.d_loss(batch["image"], self.fake(len(batch["image"])))

    def g_loss(self, batch):
        return self.critic.g_loss(self.fake(len(batch["image"])), batch["image"])

    def fake(self, n):
        return self.generate({"z": torch.randn(n, self.config.z_dim, device=self.device)})

    def prior(self, n, seed):
        return {"z": draw_normal(n, self.config.z_dim, seed)}

    def generate(self, inputs):
        size = self.data.resolution
        return self.generator(inputs["z"]).view(-1, self.data.channels, size, size).float()
