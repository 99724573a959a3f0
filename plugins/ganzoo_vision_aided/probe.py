"""The paper's choice of a backbone: where a linear probe tells reals from samples best (section 3.2)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, pstdev
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo_vision_aided.critic import look
from zoo import Backbone, Model, ZooError, backbone
from zoo.data import Prepared

__all__ = ["BANK", "Score", "fit", "rank", "split_accuracy"]

BANK = ("swin-t", "clip-vit-b32", "dino-vitb16", "vgg16", "efficientnet-lite0", "efficientnet-lite1", "dinov2-vits14")
"""The models tried by default: those of the paper's bank that are to be had, in its order, and some more."""

STRENGTH, ITERATIONS = 0.2, 5000  # of the logistic regression, as published

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Score:
    """How well a linear probe on one backbone's pooled features tells reals from samples."""

    backbone: str
    accuracy: float  # on held-out halves, mean over the repeats; 0.5 is a guess
    deviation: float  # over the repeats
    images: int  # on each side


def rank(
    model: Model,
    data: Prepared,
    bank: Sequence[str],
    *,
    count: int = 10_000,
    repeats: int = 3,
    batch: int = 50,
    say: Callable[[str], None] = lambda line: None,
) -> tuple[list[Score], dict[str, str]]:
    """Scores, best first, and why the others of the bank could not be tried.

    Reals are the first `count` of the data in its order; each repeat draws as many fresh samples. Nothing is
    augmented.
    """
    scores, missing = [], {}
    for name in bank:
        try:
            frozen = backbone(name).to(model.device)
        except ZooError as error:
            missing[name] = str(error).partition("\n")[0]
            say(f"  {name}: not tried. {missing[name]}")
            continue
        scores.append(score(frozen, model, data, min(count, len(data)), repeats, batch))
        say(f"  {name}: {scores[-1].accuracy:.4f}")
    return sorted(scores, key=lambda one: -one.accuracy), missing


def score(frozen: Backbone, model: Model, data: Prepared, count: int, repeats: int, batch: int) -> Score:
    """One backbone's accuracy over several sets of samples."""
    real = features(frozen, reals(data, count, batch))
    found = []
    for repeat in range(repeats):
        seeds = range(repeat * count, (repeat + 1) * count, batch)
        fakes = (model.sample(min(batch, seeds.stop - seed), seed) for seed in seeds)
        found.append(split_accuracy(real, features(frozen, fakes), np.random.RandomState(repeat)))
    return Score(frozen.name, mean(found), pstdev(found), count)


def reals(data: Prepared, count: int, batch: int) -> Iterator[Tensor]:
    """The first images of the data, float32 [n,C,H,W] in [-1, 1]."""
    for start in range(0, count, batch):
        pixels = data.images(np.arange(start, min(start + batch, count)))
        yield torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


@torch.no_grad()
def features(frozen: Backbone, batches: Iterator[Tensor]) -> Floats:
    """Pooled features [N,D]."""
    device = next(frozen.network.parameters()).device
    return np.concatenate([pooled(frozen, images.to(device)).double().cpu().numpy() for images in batches])


def pooled(frozen: Backbone, images: Tensor) -> Tensor:
    """What the probe sees, [N,D]: the vector; of VGG, whose vector comes of dense layers, the mean of its last map."""
    if frozen.family == "vgg":
        return look(frozen, images, frozen.input_size, ("maps",)).maps[-1].mean((2, 3))
    vector = look(frozen, images, frozen.input_size, ("vector",)).vector
    assert vector is not None
    return vector


def split_accuracy(real: Floats, fake: Floats, rng: np.random.RandomState) -> float:
    """Reals shuffled, each side cut in halves: fitted to one half, the accuracy on the other."""
    if min(len(real), len(fake)) < 4:
        raise ZooError("A probe needs at least four images on each side.")
    real = real[rng.permutation(len(real))]
    halves = [(side[: len(side) // 2], side[len(side) // 2 :]) for side in (real, fake)]
    (real_train, real_test), (fake_train, fake_test) = halves
    weights, bias = fit(np.concatenate([real_train, fake_train]), signs(real_train, fake_train))
    margins = np.concatenate([real_test, fake_test]) @ weights + bias
    return float((np.sign(margins) == signs(real_test, fake_test)).mean())


def signs(real: Floats, fake: Floats) -> Floats:
    """+1 for reals, -1 for fakes."""
    return np.concatenate([np.ones(len(real)), -np.ones(len(fake))])


def fit(x: Floats, y: Floats, strength: float = STRENGTH) -> tuple[Floats, float]:
    """Logistic regression: weights w and bias b that minimise ‖w‖²/2 + strength · Σ log(1 + exp(-y(xw + b)))."""
    from scipy.optimize import minimize

    def loss(parameters: Floats) -> tuple[float, Floats]:
        weights, bias = parameters[:-1], parameters[-1]
        margins = y * (x @ weights + bias)
        pull = -y / (1 + np.exp(np.clip(margins, -500, 500)))  # derivative of log(1 + exp(-margin))
        value = weights @ weights / 2 + strength * np.logaddexp(0, -margins).sum()
        slope = np.append(weights + strength * (x.T @ pull), strength * pull.sum())
        return value / len(y), slope / len(y)

    options: Any = {"maxiter": ITERATIONS, "gtol": 1e-6, "ftol": 1e-12}
    found = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", options=options)
    return found.x[:-1], float(found.x[-1])
