"""Eight Gaussians on a ring, learned by four ways of moving the two players; draws docs/ring.png.

    python benchmarks/ring.py --out docs/ring.png

All columns share data, networks, game, optimizers and seed; only the rule of scope `players` differs. Prints, for each,
how many of the eight modes get at least 1 % of the samples within three standard deviations, and the share of samples
that lie so near to any mode.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn

from ganzoo_losses.consensus import Consensus
from ganzoo_losses.losses import Minimax, NonSaturating
from ganzoo_losses.unrolled import Unrolled
from zoo import Batch, Critic, DataSpec, Model, Phase, PlayersRegularizer, Terms, adam
from zoo.training.engine import Training

RADIUS, SPREAD, Z_DIM, SAMPLES = 2.0, 0.02, 64, 4096
NAMES = ("simultaneous", "alternating", "consensus", "unrolled")
PANEL, MARGIN, REACH = 150, 22, 3.0


@dataclass(frozen=True, slots=True)
class Config:
    g_lr: float = 1e-3
    d_lr: float = 1e-3
    beta1: float = 0.9
    width: int = 128
    batch: int = 128
    game: str = "minimax"


class Ring(Model):
    """Two perceptrons; a point in the plane is an image [N,2,1,1]."""

    Config = Config

    def __init__(self, config: Config, players: list[PlayersRegularizer]) -> None:
        super().__init__(config, DataSpec(resolution=1, channels=1))
        self.generator = perceptron(Z_DIM, config.width, 2)
        game = Minimax() if config.game == "minimax" else NonSaturating()
        self.critic = Critic(nn.Sequential(nn.Flatten(), perceptron(2, config.width, 1)), game, players=players)

    def phases(self) -> list[Phase]:
        c = self.config
        d = adam(self.critic.parameters(), c.d_lr, (c.beta1, 0.999))
        g = adam(self.generator.parameters(), c.g_lr, (c.beta1, 0.999))
        return [Phase("D", self.d_loss, d), Phase("G", self.g_loss, g)]

    def d_loss(self, batch: Batch) -> Terms:
        return self.critic.d_loss(batch["image"], self.fake(len(batch["image"])))

    def g_loss(self, batch: Batch) -> Terms:
        return self.critic.g_loss(self.fake(len(batch["image"])), batch["image"])

    def fake(self, n: int) -> Tensor:
        return self.generate({"z": torch.randn(n, Z_DIM)})

    def generate(self, inputs: Batch) -> Tensor:
        points: Tensor = self.generator(inputs["z"])
        return points[:, :, None, None]


def rules(name: str, strength: float, ahead: int) -> list[PlayersRegularizer]:
    """The regularisers of both players behind a column's name."""
    known: dict[str, list[PlayersRegularizer]] = {
        "simultaneous": [Consensus(strength=0.0)],
        "alternating": [],
        "consensus": [Consensus(strength=strength)],
        "unrolled": [Unrolled(steps=ahead)],
    }
    return known[name]


def perceptron(inputs: int, width: int, outputs: int) -> nn.Sequential:
    """Two hidden layers of tanh, orthogonal weights of gain 1.4 (Metz et al. 2017, appendix A)."""
    layers = [nn.Linear(inputs, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, outputs)]
    for layer in layers[::2]:
        nn.init.orthogonal_(layer.weight, 1.4)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)


def modes() -> Tensor:
    """The eight centres [8,2]."""
    angle = torch.arange(8) * (torch.pi / 4)
    return RADIUS * torch.stack([angle.cos(), angle.sin()], dim=1)


def reals(n: int) -> Tensor:
    """Points [n,2] of the ring."""
    return modes()[torch.randint(8, (n,))] + SPREAD * torch.randn(n, 2)


def quality(points: Tensor) -> tuple[int, float]:
    """Modes with at least 1 % of the points within three deviations, and the share of points within these."""
    distance, nearest = torch.cdist(points, modes()).min(dim=1)
    near = distance < 3 * SPREAD
    counts = torch.bincount(nearest[near], minlength=8)
    return int((counts >= 0.01 * len(points)).sum()), near.float().mean().item()


def train(players: list[PlayersRegularizer], config: Config, steps: int, marks: list[int]) -> list[Tensor]:
    """The generator's points at each mark."""
    torch.manual_seed(0)
    model = Ring(config, players)
    engine = Training(model)
    z = torch.randn(SAMPLES, Z_DIM, generator=torch.Generator().manual_seed(1))
    seen = []
    for step in range(steps + 1):
        if step in marks:
            with torch.no_grad():
                seen.append(model.generate({"z": z}).flatten(1))
        if step < steps:
            engine.step({"image": reals(config.batch)[:, :, None, None]})
    return seen


def panel(points: Tensor) -> Image.Image:
    """How densely points lie in [-REACH, REACH]², dark on white."""
    x, y = points.numpy().T
    counts, _, _ = np.histogram2d(-y, x, bins=PANEL // 2, range=[[-REACH, REACH]] * 2)
    shade = np.minimum(1, np.sqrt(counts / len(points) * 60))[..., None]
    colour = 255 - shade * (255 - np.array([20, 50, 120]))
    return Image.fromarray(colour.astype(np.uint8)).resize((PANEL, PANEL), Image.Resampling.NEAREST)


def figure(columns: dict[str, list[Tensor]], marks: list[int]) -> Image.Image:
    """A row for each mark, a column for each rule, and the data as the last one."""
    torch.manual_seed(2)
    columns = {**columns, "data": [reals(SAMPLES)] * len(marks)}
    picture = Image.new("RGB", (len(columns) * PANEL + 3 * MARGIN, len(marks) * PANEL + MARGIN), "white")
    draw = ImageDraw.Draw(picture)
    for column, (name, seen) in enumerate(columns.items()):
        left = 3 * MARGIN + column * PANEL
        draw.text((left + PANEL // 2, MARGIN // 2), name, "black", anchor="mm")
        for row, points in enumerate(seen):
            picture.paste(panel(points), (left, MARGIN + row * PANEL))
            draw.rectangle((left, MARGIN + row * PANEL, left + PANEL, MARGIN + (row + 1) * PANEL), outline="#cccccc")
    for row, mark in enumerate(marks):
        draw.text((3 * MARGIN // 2, MARGIN + row * PANEL + PANEL // 2), f"{mark:,}", "black", anchor="mm")
    return picture


def main() -> None:
    usual = Config()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--out", type=Path, default=Path("docs/ring.png"))
    parser.add_argument("--g-lr", type=float, default=usual.g_lr)
    parser.add_argument("--d-lr", type=float, default=usual.d_lr)
    parser.add_argument("--beta1", type=float, default=usual.beta1)
    parser.add_argument("--game", choices=["minimax", "non-saturating"], default=usual.game)
    parser.add_argument("--strength", type=float, default=0.1, help="of consensus")
    parser.add_argument("--ahead", type=int, default=5, help="unrolled steps of D")
    parser.add_argument("--rules", nargs="+", choices=NAMES, default=NAMES)
    asked = parser.parse_args()
    config = Config(g_lr=asked.g_lr, d_lr=asked.d_lr, beta1=asked.beta1, game=asked.game)
    marks = [asked.steps * share // 6 for share in (0, 1, 2, 4, 6)]
    columns = {}
    for name in asked.rules:
        start = time.perf_counter()
        columns[name] = train(rules(name, asked.strength, asked.ahead), config, asked.steps, marks)
        found = "; ".join(f"{modes} modes, {share:.0%}" for modes, share in map(quality, columns[name]))
        print(f"{name:13} {1000 * (time.perf_counter() - start) / asked.steps:5.1f} ms a step  {found}", flush=True)
    figure(columns, marks).save(asked.out, optimize=True)


if __name__ == "__main__":
    main()
