"""What a discriminator has learnt: a linear classifier on its features (Radford et al. 2015, section 5.1)."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d

from zoo.abilities import HasFeatures
from zoo.adversarial import critics_of
from zoo.data.decode import Crop
from zoo.data.prepare import prepare
from zoo.data.prepared import Prepared
from zoo.data.source import open_source
from zoo.errors import ZooError
from zoo.model import Model
from zoo.training.device import choose_device

__all__ = ["COSTS", "Probe", "pooled", "probe"]

COSTS = (1e-4, 1e-3, 1e-2, 1e-1)  # C of the SVM, chosen on a fifth of the training images
BATCH = 64
GRID = 4

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Probe:
    """Accuracy of one kind of features on images that the classifier has not seen."""

    features: str  # discriminator or encoder, random discriminator or encoder, or pixels
    accuracy: float
    dim: int
    cost: float  # the C that was chosen
    train: int  # labelled images learnt from
    test: int


def probe(
    run: str | Path,
    data: str | Path,
    *,
    test: str | Path | None = None,
    which: str = "last",
    seed: int = 0,
    device: str = "auto",
) -> list[Probe]:
    """The run's discriminator, or its encoder, an untrained one, and raw pixels as features of labelled images.

    Without `test`, a fifth of `data` is held out. Features are not scaled, as in the official code. Raises ZooError
    for data without labels, discriminators without features, and where scikit-learn is missing.
    """
    svm()
    from zoo.training.plan import Plan
    from zoo.use import load
    from zoo.weights import folder_of

    folder = folder_of(run)
    plan = Plan.read(folder)
    place = choose_device(device)
    model = load(folder, which=which, training=True, device=str(place)).ready()
    torch.manual_seed(seed)
    fresh = plan.model_class()(plan.config, plan.data)
    if isinstance(model, HasFeatures):
        what = "encoder"
    elif plan.parts is None:
        raise ZooError(f"{folder} plays no adversarial game, so it has no discriminator to probe.")
    else:
        what = "discriminator"
        fresh.build_critics(plan.parts)
    kinds: dict[str, Callable[[Tensor], Tensor]] = {
        what: looker(model),
        f"random {what}": looker(fresh.to(place).ready()),
        "pixels": lambda images: images.flatten(1),
    }
    learnt = labelled(data, model, plan.choice.crop)
    unseen = None if test is None else labelled(test, model, plan.choice.crop)
    return [measured(name, look, place, learnt, unseen, seed) for name, look in kinds.items()]


def svm() -> Any:
    """scikit-learn's linear SVM. Raises ZooError that names the extra."""
    try:
        from sklearn.svm import LinearSVC
    except ImportError as error:
        raise ZooError(
            'A probe fits a linear SVM by scikit-learn: pip install -e ".[probe]"  (in the checkout of ganzoo)'
        ) from error
    return LinearSVC


def labelled(data: str | Path, model: Model, crop: str) -> Prepared:
    """Data with labels at the model's size."""
    spec = model.data
    prepared = prepare(
        open_source(data), size=spec.resolution, channels=spec.channels, crop=cast(Crop, crop), say=lambda line: None
    )
    if prepared.labels is None:
        raise ZooError(f"{data} has no labels; give class folders, or a dataset with labels such as emoji or digits.")
    return prepared


def looker(model: Model) -> Callable[[Tensor], Tensor]:
    """Features of the model's own network, or of the first critic that shows any."""
    if isinstance(model, HasFeatures):
        return partial(through, model.features)
    networks = [critic.network for critic in critics_of(model).values()]
    for network in networks:
        features: Callable[[Tensor], Sequence[Tensor]] | None = getattr(network, "features", None)
        if features is not None:
            return partial(through, features)
    names = ", ".join(type(network).__name__ for network in networks) or "none"
    raise ZooError(f"No discriminator of this model shows its features (it has: {names}); dcgan's does.")


def through(features: Callable[[Tensor], Sequence[Tensor]], images: Tensor) -> Tensor:
    """A network's pooled features of images."""
    return pooled(features(images))


def pooled(activations: Sequence[Tensor]) -> Tensor:
    """Activations of all layers [n,C,h,w], each max-pooled to 4x4 where it is larger, in one row: [n, 16·sum of C]."""
    maps = [one for one in activations if one.ndim == 4]
    sizes = [(min(GRID, one.shape[2]), min(GRID, one.shape[3])) for one in maps]
    return torch.cat([adaptive_max_pool2d(one, size).flatten(1) for one, size in zip(maps, sizes, strict=True)], dim=1)


@torch.no_grad()
def features_of(prepared: Prepared, look: Callable[[Tensor], Tensor], place: torch.device) -> Floats:
    """Features of all images, [n,d]."""
    found = []
    for at in range(0, len(prepared), BATCH):
        pixels = prepared.images(np.arange(at, min(at + BATCH, len(prepared))))
        images = torch.from_numpy(pixels).to(place).permute(0, 3, 1, 2).float() / 127.5 - 1
        found.append(look(images).float().cpu().numpy())
    return np.concatenate(found)


def measured(
    name: str,
    look: Callable[[Tensor], Tensor],
    place: torch.device,
    learnt: Prepared,
    unseen: Prepared | None,
    seed: int,
) -> Probe:
    """Fit on one part with the C that does best on a fifth of it, measure on the other."""
    rows, labels = features_of(learnt, look, place), cast(NDArray[np.int64], learnt.labels)
    if unseen is None:
        train, held = parted(len(rows), seed)
        test_rows, test_labels = rows[held], labels[held]
        rows, labels = rows[train], labels[train]
    else:
        test_rows, test_labels = features_of(unseen, look, place), cast(NDArray[np.int64], unseen.labels)
    fit, check = parted(len(rows), seed + 1)
    scores = [accuracy(rows[fit], labels[fit], rows[check], labels[check], cost) for cost in COSTS]
    cost = COSTS[int(np.argmax(scores))]
    found = accuracy(rows, labels, test_rows, test_labels, cost)
    return Probe(name, found, rows.shape[1], cost, len(rows), len(test_rows))


def parted(n: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Four fifths and a fifth of n places, at random."""
    order = np.random.RandomState(seed).permutation(n)
    if n < 10:
        raise ZooError(f"{n} labelled images are too few to learn from and to test on.")
    return np.sort(order[n // 5 :]), np.sort(order[: n // 5])


def accuracy(
    rows: Floats, labels: NDArray[np.int64], test_rows: Floats, test_labels: NDArray[np.int64], cost: float
) -> float:
    """Of a linear SVM with squared hinge loss and L2 penalty.

    More features than images are turned into the few directions in which the images differ: the penalty is blind to
    rotations, so the machine is the same, and found sooner.
    """
    if rows.shape[1] > len(rows):
        axes = np.linalg.svd(rows, full_matrices=False)[2]
        rows, test_rows = rows @ axes.T, test_rows @ axes.T
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it stops early on the largest C, which is then not chosen
        machine = svm()(C=cost, loss="squared_hinge", dual="auto", random_state=0, max_iter=300).fit(rows, labels)
    return float(machine.score(test_rows, test_labels))
