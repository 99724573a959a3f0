"""GLO against principal components with as many numbers per image, on images it learned and on others.

python benchmarks/glo_reconstruction.py RUN [--held-out emoji:split=test] [--steps 300] [--out grid.png]

Errors are means over the images of |a - b| and of (a - b)^2 with values in [0, 1]. GLO's latents of learned images are
its table's, those of others are found by projection. Components come from the learned images. The grid has eight
learned images, what GLO and the components make of them, and the same of eight others.
"""

import argparse
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

import zoo
from ganzoo_glo.components import principal_components
from ganzoo_glo.model import GLO
from zoo.data.prepare import prepare
from zoo.pictures import grid, save
from zoo.training.plan import Plan


def pictures(source: str, size: int, channels: int) -> Tensor:
    """All of a source, [N,C,H,W] in [-1, 1]."""
    images = zoo.Images(prepare(source, size=size, channels=channels, say=lambda line: None))
    return images.take(np.arange(len(images)))


def told(name: str, found: Tensor, images: Tensor) -> None:
    """A line of the table."""
    apart = (found.clamp(-1, 1) - images) / 2
    print(f"{name:32} L1 {apart.abs().mean():.4f}   L2 {apart.square().mean():.5f}")


def main() -> None:
    """The table and the grid."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--held-out", default="emoji:split=test")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    plan = Plan.read(asked.run)
    model = cast(GLO, zoo.load(asked.run, training=True).ready())
    spec = plan.data
    learned, others = (pictures(s, spec.resolution, spec.channels) for s in (plan.choice.source, asked.held_out))
    mean, axes = principal_components(lambda: torch.split(learned.flatten(1), 256), plan.config.z_dim)

    def by_components(images: Tensor) -> Tensor:
        return (mean + (images.flatten(1) - mean) @ axes @ axes.T).view_as(images)

    again = model.reconstruct(torch.arange(len(learned)))
    found = model.generate(model.invert(others, steps=asked.steps)).detach()
    print(f"{len(learned):,} learned images, {len(others):,} others; {plan.config.z_dim} numbers each")
    for name, images, ours in (("learned", learned, again), ("others", others, found)):
        told(f"{name}: GLO", ours, images)
        told(f"{name}: components", by_components(images), images)
        told(f"{name}: mean picture", mean.view_as(images[:1]).expand_as(images), images)
    if asked.out:
        pick, few = (
            torch.arange(0, len(learned), len(learned) // 8)[:8],
            torch.arange(0, len(others), len(others) // 8)[:8],
        )
        rows = [learned[pick], again[pick], by_components(learned[pick])]
        rows += [others[few], found[few], by_components(others[few])]
        save(grid(torch.cat(rows), columns=8), asked.out)


if __name__ == "__main__":
    main()
