"""Getting a model: by architecture, from a run, with its weights or without."""

from pathlib import Path

import torch
from torch import Tensor

from zoo.errors import InvalidOptions, ZooError
from zoo.model import DataSpec, Model
from zoo.options import bind, changed
from zoo.plugins import registry
from zoo.training import checkpoint
from zoo.training.device import choose_device
from zoo.training.plan import model_class, usual_parts
from zoo.weights import read_weights

__all__ = ["create", "list_models", "load", "walk"]


def list_models(pattern: str = "*") -> list[str]:
    """Names of the registered architectures that match a wildcard pattern."""
    return [found.name for found in registry().select("architecture", pattern)]


def create(
    architecture: str,
    *,
    preset: str = "default",
    resolution: int = 64,
    channels: int = 3,
    classes: int = 0,
    data: DataSpec | None = None,
    training: bool = False,
    **options: object,
) -> Model:
    """A fresh model with random weights; `options` override the preset's configuration.

    `data` states the data in full, in place of `resolution`, `channels` and `classes`. With `training` its
    critics are built too. Raises InvalidOptions with every problem, UnknownName for an unknown architecture.
    """
    from zoo.training.plan import preset as preset_of

    data = data or DataSpec(resolution=resolution, channels=channels, classes=classes)
    model = model_class(architecture)
    chosen = preset_of(model, preset, architecture, data)
    config = changed(chosen.config, options, where=architecture)
    if problems := model.problems(config, data):
        raise InvalidOptions(problems)
    made = model(config, data)
    if training:
        made.build_training()
        if (parts := chosen.parts or usual_parts(model, config)) is not None:
            made.build_critics(parts)
        return made
    return made.ready()


def load(where: str | Path, *, which: str = "last", training: bool = False, device: str = "cpu") -> Model:
    """A trained model, ready to sample: averaged weights, strict names.

    `where` is a run folder, the name of published weights such as "stylegan2/ffhq" (`ganzoo list weights`), a
    repository on the Hub as "hf:owner/name[@revision]", or an official .pkl or .pth file; `zoo.places` has the rule.
    What has to be fetched is fetched once, checked against its sha256 and kept in the cache.
    `which` is a folder's "last", "best", or a kept checkpoint. With `training`, the live weights and the critics,
    as the training left them. Nothing in a file is executed. Raises ZooError with what is there instead.
    """
    found = read_weights(where, which, training=training)
    model = found.plan.model_class()(found.plan.config, found.plan.data)
    if not training:
        checkpoint.load_strictly(model, found.sampler, found.where)
        return model.to(choose_device(device)).ready()
    if not found.live:
        raise ZooError(f"{found.where} holds the generator alone, to sample from; load it without training=True.")
    model.build_training()
    if found.plan.parts is not None:
        model.build_critics(found.plan.parts)
    checkpoint.load_strictly(model, found.live, found.where)
    return model.to(choose_device(device))


@torch.no_grad()
def walk(model: Model, seeds: list[int], frames: int, **options: object) -> Tensor:
    """Images [len(seeds)·frames,C,H,W] on the way through the seeds and back to the first.

    What lies between two seeds is `Model.between`. `options` are those of the model's `inputs`. Raises InvalidOptions
    for one that it does not take.
    """
    model.read(None, 1)  # a model that reads pictures has no way between seeds
    chosen = bind(model.inputs, options, where=f"{type(model).__name__}.sample")
    stops = [model.inputs(1, seed, **chosen) for seed in seeds]
    pictures = []
    for start, end in zip(stops, [*stops[1:], stops[0]], strict=True):
        steps = torch.linspace(0, 1, frames + 1)[:-1].tolist()
        rows = [model.between(start, end, t) for t in steps]
        inputs = {name: torch.cat([row[name] for row in rows]).to(model.device) for name in start}
        pictures.append(model.generate(inputs).float().clamp(-1, 1).cpu())
    return torch.cat(pictures)
