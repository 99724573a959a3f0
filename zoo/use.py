"""Getting a model: by architecture, from a run, with its weights or without."""

from pathlib import Path

import torch
from torch import Tensor

from zoo.errors import InvalidOptions, UnknownName, ZooError, near_misses
from zoo.model import DataSpec, Model
from zoo.options import changed
from zoo.plugins import registry
from zoo.training import checkpoint
from zoo.training.device import choose_device
from zoo.training.plan import Plan, model_class

__all__ = ["create", "list_models", "load", "slerp", "take_weights", "walk"]


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
        made.build_critics(chosen.parts or model.parts(config))
        return made
    return made.ready()


def load(where: str | Path, *, which: str = "last", training: bool = False, device: str = "cpu") -> Model:
    """The model of a run folder, ready to sample: averaged weights, strict names and shapes.

    `which` is "last", "best", or a kept checkpoint. With `training`, the live weights and the critics, as
    the training left them. Raises ZooError with what is there instead.
    """
    folder = folder_of(where)
    plan = Plan.read(folder)
    found = checkpoint.find(folder / "checkpoints", which)
    model = plan.model_class()(plan.config, plan.data)
    if training:
        if plan.parts is not None:
            model.build_critics(plan.parts)
        tensors = checkpoint.below(checkpoint.read_tensors(found / checkpoint.TRAINING), "model/")
        checkpoint.load_strictly(model, tensors, found)
        return model.to(choose_device(device))
    checkpoint.load_strictly(model, checkpoint.read_tensors(found / checkpoint.SAMPLER), found)
    return model.to(choose_device(device)).ready()


def folder_of(where: str | Path) -> Path:
    """The folder behind `where`; a word that is none is told apart from an architecture's name."""
    folder = Path(where).expanduser()
    if folder.is_dir():
        return folder
    if folder.is_file():
        raise ZooError(f"{folder} is a file; give the run folder that ganzoo train made.")
    name = str(where)
    if name in registry().names("architecture"):
        raise UnknownName(
            f"'{name}' is an architecture and no run. For random weights: zoo.create({name!r}); to train it: "
            f"ganzoo train {name} --data emoji."
        )
    runs = [str(path) for path in sorted(Path("runs").glob("*/"))]
    known = f" Runs here: {', '.join(runs[-5:])}." if runs else ""
    raise UnknownName(f"There is no run {name!r}.{known} {near_misses(name, runs)}".strip())


def checkpoint_of(origin: str) -> Path:
    """The checkpoint behind `RUN`, the last one, or behind `RUN@best` and the like."""
    run, at, which = origin.rpartition("@")
    if not at or Path(origin).expanduser().is_dir():
        run, which = origin, "last"
    return checkpoint.find(folder_of(run) / "checkpoints", which)


def take_weights(model: Model, origin: str) -> str:
    """Start `model` from a run's weights (`RUN` or `RUN@best`), by name and shape; say what was taken and what not."""
    tensors = checkpoint.read_tensors(checkpoint_of(origin) / checkpoint.TRAINING)
    tensors = checkpoint.below(tensors, "model/")
    own = model.state_dict()
    fits = {name: value for name, value in tensors.items() if name in own and own[name].shape == value.shape}
    if not fits.keys() & dict(model.named_parameters()).keys():
        raise ZooError(f"No weight of {origin} fits this model by name and shape; start without --from.")
    model.load_state_dict(fits, strict=False)
    return (
        f"Weights from {origin}: {len(fits)} of {len(own)} tensors taken"
        + listed("new here", own.keys() - fits.keys())
        + listed("left out", tensors.keys() - fits.keys())
        + "."
    )


def listed(title: str, names: "set[str]") -> str:
    """`; new here: a, b and 3 more`, or nothing."""
    if not names:
        return ""
    some = sorted(names)
    return f"; {title}: {', '.join(some[:6])}{f' and {len(some) - 6} more' if len(some) > 6 else ''}"


@torch.no_grad()
def walk(model: Model, seeds: list[int], frames: int) -> Tensor:
    """Images [len(seeds)·frames,C,H,W] on the way through the seeds and back to the first.

    Floating-point inputs move along the sphere, all others stay those of the seed just passed.
    """
    stops = [model.prior(1, seed) for seed in seeds]
    pictures = []
    for start, end in zip(stops, [*stops[1:], stops[0]], strict=True):
        steps = torch.linspace(0, 1, frames + 1)[:-1].tolist()
        rows = [{name: between(value, end[name], t) for name, value in start.items()} for t in steps]
        inputs = {name: torch.cat([row[name] for row in rows]).to(model.device) for name in start}
        pictures.append(model.generate(inputs).float().clamp(-1, 1).cpu())
    return torch.cat(pictures)


def between(a: Tensor, b: Tensor, t: float) -> Tensor:
    """A point on the way from a to b."""
    return slerp(a, b, t) if a.is_floating_point() else a


def slerp(a: Tensor, b: Tensor, t: float) -> Tensor:
    """Between two latents along the sphere (White 2016): the norm of a normal draw stays typical."""
    cosine = torch.nn.functional.cosine_similarity(a, b, dim=-1).clamp(-1, 1)
    angle = cosine.acos().unsqueeze(-1)
    straight = a + t * (b - a)
    bent = (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle).clamp(min=1e-6)
    return torch.where(angle < 1e-3, straight, bent)
