"""What a run's report shows besides curves: logits, nearest training images, and the lie of real and fake features."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from zoo.adversarial import Critic, critics_of
from zoo.data.prepared import Prepared
from zoo.evaluation.eye import Eye
from zoo.evaluation.judge import Judge
from zoo.evaluation.reference import Pixels
from zoo.evaluation.samples import as_often, read_pictures
from zoo.files import read_json, write_json
from zoo.metric import Rows
from zoo.metrics.neighbours import nearest_of
from zoo.model import Batch, Model
from zoo.options import options_of
from zoo.pictures import grid, save, to_uint8

__all__ = ["save_figures", "save_logits"]

BINS, JUDGED, FAKES, SHOWN, NEAREST, POINTS = 40, 64, 256, 10, 7, 600
THUMBNAIL = 16  # px


def save_logits(folder: Path, model: Model, prepared: Prepared, images: int) -> None:
    """Add histograms of the logits of 64 reals and 64 fakes to `logits.json`, by critic."""
    critics = critics_of(model)
    if not critics or not (model.reads or model.prior(1, 0)):
        return
    chosen = spread(len(prepared))
    real = on_device(model, {"image": read_pictures(prepared, "image", chosen)})
    given = {name: read_pictures(prepared, name, spread(prepared.count(name))) for name in model.reads}
    real |= on_device(model, {name: value for name, value in given.items() if name != "image"})
    number = min([JUDGED, *map(len, given.values())])
    drawn = on_device(model, {**model.prior(number, 0), **{name: value[:number] for name, value in given.items()}})
    if prepared.labels is not None:
        real |= on_device(model, {"label": torch.from_numpy(prepared.labels[chosen])})
    with torch.no_grad():
        fake = {**drawn, "image": model.generate(drawn).float().clamp(-1, 1)}
        shot = {
            name: histogram(logits(critic, real), logits(critic, fake))
            for name, critic in critics.items()
            if critic.judges == "image" and set(getattr(critic.network, "conditions", ())) <= real.keys() & fake.keys()
        }
    path = folder / "logits.json"
    before = read_json(path) if path.exists() else {}
    kept = {key: value for key, value in before.items() if int(key) < images}
    write_json(path, {**kept, str(images): shot})


def spread(number: int) -> NDArray[np.int64]:
    """Up to 64 numbers of items: the first may be all of one class."""
    return np.random.RandomState(0).permutation(number)[:JUDGED]


def on_device(model: Model, batch: Batch) -> Batch:
    """The batch where the model is."""
    return {name: value.to(model.device) for name, value in batch.items()}


def logits(critic: Critic, batch: Batch) -> Tensor:
    """All logits of a batch, flat, with the conditions that the network declares."""
    given = {name: batch[name] for name in getattr(critic.network, "conditions", ())}
    with as_in_training(critic.network, batch["image"].device):
        heads = critic.read(critic.network(batch["image"], **given))
    return torch.cat([head.flatten() for head in heads]).cpu()


@contextmanager
def as_in_training(network: nn.Module, device: torch.device) -> Iterator[None]:
    """In train mode, since running statistics mix reals and fakes; buffers and random numbers stay as they were."""
    modes = {module: module.training for module in network.modules()}
    buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        try:
            network.train()
            yield
        finally:
            for module, mode in modes.items():
                module.training = mode
            for name, buffer in network.named_buffers():
                buffer.copy_(buffers[name])


def histogram(real: Tensor, fake: Tensor) -> dict[str, Any]:
    """Counts over one range for both."""
    both = torch.cat([real, fake])
    low, high = float(both.min()), float(both.max())
    if not high > low:
        low, high = low - 0.5, high + 0.5
    counts = (np.histogram(values.numpy(), BINS, (low, high))[0].tolist() for values in (real, fake))
    return {"low": low, "high": high, **dict(zip(("real", "fake"), counts, strict=True))}


def save_figures(folder: Path, model: Model, prepared: Prepared, judge: Judge | None) -> None:
    """Write `samples/neighbours.png` and `figures.json` by the judge's features, or by thumbnails."""
    if model.reads or not model.prior(1, 0):
        return
    eye, rows = features_kept(judge)
    through = f"thumbnails of {THUMBNAIL} px" if eye is None else f"features of {eye.backbone.name}"
    look = thumbnails if eye is None else eye
    real = np.asarray(all_thumbnails(prepared) if eye is None else rows, np.float32)
    pictures, shown = to_uint8(model.sample(FAKES, **as_often(model))), to_uint8(model.sample(SHOWN, **in_turn(model)))
    fake = np.concatenate([look(pictures[at : at + 64]) for at in range(0, FAKES, 64)])
    save(sheet(prepared, shown, real, look(shown)), folder / "samples" / "neighbours.png")
    spread = np.random.RandomState(0).permutation(len(real))[:POINTS]
    axes = main_directions(real)
    placed = [np.round((some - real.mean(0)) @ axes, 4).tolist() for some in (real[spread], fake)]
    write_json(folder / "figures.json", {"through": through, "real": placed[0], "fake": placed[1]})


def in_turn(model: Model) -> dict[str, Any]:
    """The option by which a labelled model draws one class after the other."""
    return {"class_": "all"} if "label" in model.prior(1, 0) and "class_" in options_of(model.inputs) else {}


def features_kept(judge: Judge | None) -> tuple[Eye | None, Rows]:
    """The first view whose rows of the reference were kept."""
    if judge is not None:
        for view, seen in judge.real.items():
            eye = judge.features(view)
            if eye is not None and len(seen.rows):
                return eye, seen.rows
    return None, np.empty((0, 0), np.float32)


def all_thumbnails(prepared: Prepared) -> NDArray[np.float32]:
    """Thumbnails of the whole reference."""
    pixels = Pixels(prepared)
    return np.concatenate([thumbnails(pixels[at : at + 256]) for at in range(0, len(pixels), 256)])


def thumbnails(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Block means [n, 16·16·C] in [0, 1]."""
    images = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    small: NDArray[np.float32] = adaptive_avg_pool2d(images, THUMBNAIL).flatten(1).numpy()
    return small


def sheet(prepared: Prepared, pictures: NDArray[np.uint8], real: NDArray[np.float32], fake: NDArray[np.float32]) -> Any:
    """Rows of a sample and the real pictures nearest to it; its features and theirs."""
    order = nearest_of(fake, real, min(NEAREST, len(real)))
    rows = [np.concatenate([pictures[i : i + 1], prepared.images(order[i])]) for i in range(len(order))]
    images = torch.from_numpy(np.concatenate(rows)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return grid(images, columns=len(rows[0]))


def main_directions(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """The two eigenvectors of the covariance with the largest eigenvalues, [d,2]."""
    centred = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
    vectors: NDArray[np.float64] = np.linalg.eigh(centred.T @ centred)[1][:, :-3:-1]
    return vectors
