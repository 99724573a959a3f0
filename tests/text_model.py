"""A plugin with a small model that draws by captions, and pictures with captions for it."""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.fake_plugins import FakePlugins

__all__ = ["captioned", "install"]

PLUGIN = """
    from zoo.registry import Entry

    def ganzoo_architectures():
        needs = ("image", "text", "wrong_image", "wrong_text")
        presets = {"default": "small", "tiny": "small"}
        yield Entry("painter", "painter_model:Painter", "for tests", paper="1605.05396", needs=needs, presets=presets)
"""

MODEL = '''
    """A matching-aware pair of a few parameters."""

    from dataclasses import dataclass
    from typing import ClassVar

    import torch
    from torch import nn
    from torch.nn.functional import softplus

    import zoo


    class Painter(zoo.Model):
        """Colours by a linear map of text and noise; D compares colours with a linear map of the text."""

        needs = ("image", "text", "wrong_image", "wrong_text")
        conditions = ("text",)

        @dataclass(frozen=True, slots=True)
        class Config:
            batch: int = 8  # images
            kimg: float = 0.064  # length
            minutes: float = 0.0  # limit
            averaged: int = 2  # captions

        presets: ClassVar = {name: lambda data: zoo.Preset(Painter.Config()) for name in ("default", "tiny")}

        def __init__(self, config, data):
            super().__init__(config, data)
            self.captions = zoo.Captions(data)
            self.generator = nn.Linear(data.text_dim + 4, data.channels)

        @classmethod
        def parts(cls, config):
            return zoo.Parts(loss="non-saturating")

        @property
        def captions_averaged(self):
            return self.config.averaged

        def build_critics(self, parts):
            self.judge = nn.Linear(self.data.text_dim, self.data.channels)

        def score(self, images, text):
            return (images.mean((2, 3)) * self.judge(text)).sum(1)

        def phases(self):
            g, d = (zoo.adam(zoo.trainable(part), 1e-2, (0.5, 0.9)) for part in (self.generator, self.judge))
            return [zoo.Phase("D", self.d_loss, d), zoo.Phase("G", self.g_loss, g)]

        def fake(self, batch):
            z = torch.randn(len(batch["text"]), 4, device=batch["text"].device)
            return self.generate({"z": z, "text": batch["text"]})

        def d_loss(self, batch):
            text = batch["text"]
            wrong = self.score(batch["wrong_image"], text) + self.score(batch["image"], batch["wrong_text"])
            real, fake = self.score(batch["image"], text), self.score(self.fake(batch).detach(), text)
            return {"D": (softplus(-real) + softplus(fake) + softplus(wrong)).mean()}

        def g_loss(self, batch):
            return {"G": softplus(-self.score(self.fake(batch), batch["text"])).mean()}

        def prior(self, n, seed):
            return {"z": zoo.draw_normal(n, 4, seed), "text": self.captions.draw(n, seed)}

        def generate(self, inputs):
            colour = torch.tanh(self.generator(torch.cat([inputs["text"], inputs["z"] / 10], 1)))
            return colour[:, :, None, None].expand(-1, -1, self.data.resolution, self.data.resolution)
'''


def install(fakes: FakePlugins) -> None:
    """Register the architecture `painter`."""
    fakes.add("ganzoo-painter", {"painter": "painter_hooks"}, {"painter_hooks": PLUGIN, "painter_model": MODEL})


def captioned(folder: Path, n: int = 24, size: int = 8) -> Path:
    """Pictures of one colour each, of which two captions speak."""
    names = ("red", "green", "blue")
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for i in range(n):
        pixels = rng.integers(0, 60, (size, size, 3), dtype=np.uint8)
        pixels[:, :, i % 3] += 180
        Image.fromarray(pixels).save(folder / f"{i:02}.png")
        colour = names[i % 3]
        (folder / f"{i:02}.txt").write_text(f"a {colour} picture number {i}\nall {colour} {i}\n", encoding="utf-8")
    return folder
