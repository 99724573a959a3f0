"""How each measure moves when known harm is done to real pictures: a table in Markdown.

python benchmarks/metric_moves.py [--data emoji] [--backbone efficientnet-lite2] [--size 128] [--n 0]

A third of the pictures, at random, is the reference, a third is held out, and a third is harmed and scored.
"""

import argparse

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from zoo.data.prepare import prepare
from zoo.evaluation.eye import Eye
from zoo.metric import View
from zoo.metrics import (
    Moments,
    density_coverage,
    frechet_distance,
    kernel_distance,
    memorisation,
    precision_recall,
)


def noise(pictures, labels, real, rng):
    return (pictures + rng.normal(0, 25, pictures.shape)).clip(0, 255).astype(np.uint8)


def blur(pictures, labels, real, rng):
    return gaussian_filter(pictures, (0, 1.5, 1.5, 0))


def drop_modes(pictures, labels, real, rng):
    kept = np.isin(labels, np.unique(labels)[::2])
    return pictures[kept][rng.integers(0, kept.sum(), len(pictures))]


def duplicate(pictures, labels, real, rng):
    return pictures[np.resize(rng.permutation(len(pictures))[: len(pictures) // 20], len(pictures))]


def copy(pictures, labels, real, rng):
    return real[rng.permutation(len(real))[: len(pictures)]]


HARMS = {
    "none": lambda pictures, labels, real, rng: pictures,
    "noise, sigma 25 of 255": noise,
    "blur, sigma 1.5 px": blur,
    "half of the classes only": drop_modes,
    "a twentieth, repeated": duplicate,
    "copies of the reference": copy,
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="emoji")
    parser.add_argument("--backbone", default="efficientnet-lite2")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--n", type=int, default=0)
    given = parser.parse_args()
    prepared = prepare(given.data, size=64)
    order = np.random.default_rng(0).permutation(len(prepared))[: given.n or None]
    third = len(order) // 3
    parts = [np.sort(order[i * third : (i + 1) * third]) for i in range(3)]
    eye = Eye(View(given.backbone, given.size), torch.device("cpu"))
    see = lambda pictures: np.concatenate([eye(pictures[at : at + 64]) for at in range(0, len(pictures), 64)])  # noqa: E731
    real, held_out, fake = (prepared.images(part) for part in parts)
    labels = prepared.labels[parts[2]]
    real_rows, held_rows = see(real), see(held_out)
    print(f"{third} reference pictures of {given.data}, as many samples; {given.backbone} at {given.size} px\n")
    print("| harm | FD | KID x1000 | precision | recall | density | coverage | nearer to the reference |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, harm in HARMS.items():
        pictures = harm(fake, labels, real, np.random.default_rng(1))
        rows = see(pictures)
        values = [
            frechet_distance(Moments.of(real_rows), Moments.of(rows)),
            1000 * kernel_distance(real_rows, rows, subsets=20, size=200)[0],
            *precision_recall(real_rows, rows),
            *density_coverage(real_rows, rows),
            memorisation(real_rows, held_rows, rows)["closer"],
        ]
        print(f"| {name} | " + " | ".join(f"{value:.3g}" for value in values) + " |", flush=True)


if __name__ == "__main__":
    main()
