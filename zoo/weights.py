"""The weights of a model, wherever they lie: in a run or model folder, or in an official file."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from torch import Tensor, nn

from zoo.errors import UnknownName, ZooError, near_misses
from zoo.plugins import registry
from zoo.training import checkpoint
from zoo.training.averages import Averages
from zoo.training.plan import Plan

__all__ = [
    "Weights",
    "find_origin",
    "folder_of",
    "is_foreign",
    "read_origin",
    "read_weights",
    "take_averages",
    "take_live",
]

FOREIGN = (".pkl", ".pth", ".pt")


@dataclass(frozen=True, slots=True)
class Weights:
    """A model's plan with its tensors by name."""

    where: str
    plan: Plan
    sampler: dict[str, Tensor] = field(repr=False)  # of the model without critics, averaged
    live: dict[str, Tensor] = field(repr=False)  # of the model with its critics; empty where there are none
    averages: dict[str, Tensor] = field(repr=False)  # of `Averages`; empty where the model keeps none


def read_weights(where: str | Path, which: str = "last", *, training: bool = False) -> Weights:
    """What a run folder, a model folder, or an official .pkl or .pth file holds.

    `which` names a folder's checkpoint. Live weights and averages are read only for `training`. Raises ZooError with
    what is there instead.
    """
    if isinstance(where, str) and is_catalogued(where):
        from ganzoo_hub.catalogue import open_weights

        return open_weights(where, training=training)
    if "://" in str(where):
        raise ZooError(f"{where} is a URL; take it over first: ganzoo import {where} --out DIR")
    if is_foreign(where):
        from ganzoo_hub.importing import read_file

        return read_file(Path(where), training=training)
    folder = folder_of(where)
    plan = Plan.read(folder)
    found = checkpoint.find(folder / "checkpoints", which)
    whole = checkpoint.read_tensors(found / checkpoint.TRAINING) if training and has_training(found) else {}
    live, averages = checkpoint.below(whole, "model/"), checkpoint.below(whole, "averages/")
    sampler = {} if live else checkpoint.read_tensors(found / checkpoint.SAMPLER)
    return Weights(str(found), plan, sampler, live, averages)


def is_catalogued(name: str) -> bool:
    """Whether this is `architecture/dataset` of a registered architecture. Raises ZooError where it is a path too."""
    architecture, slash, dataset = name.partition("/")
    if not (slash and dataset) or name.endswith(FOREIGN) or architecture not in registry().names("architecture"):
        return False
    if Path(name).exists():
        raise ZooError(f"{name!r} is a path here and a name of the catalogue; for what lies here write ./{name}")
    return True


def has_training(found: Path) -> bool:
    """Whether a checkpoint holds more than the sampling weights; an imported one need not."""
    return (found / checkpoint.TRAINING).exists()


def is_foreign(where: str | Path) -> bool:
    """Whether this names an official file, by its ending, and no folder."""
    path = Path(where).expanduser()
    return path.suffix.lower() in FOREIGN and not path.is_dir()


def folder_of(where: str | Path) -> Path:
    """The folder behind `where`; a word that is none is told apart from an architecture's name."""
    folder = Path(where).expanduser()
    if folder.is_dir():
        return folder
    if folder.is_file():
        raise ZooError(f"{folder} is a file; give the run folder that ganzoo train made, or a .pkl or .pth to import.")
    name = str(where)
    if name in registry().names("architecture"):
        raise UnknownName(
            f"'{name}' is an architecture and no run. For random weights: zoo.create({name!r}); to train it: "
            f"ganzoo train {name} --data emoji."
        )
    runs = [str(path) for path in sorted(Path("runs").glob("*/"))]
    known = f" Runs here: {', '.join(runs[-5:])}." if runs else ""
    raise UnknownName(f"There is no run {name!r}.{known} {near_misses(name, runs)}".strip())


def split_origin(origin: str) -> tuple[str, str]:
    """A start for training as place and checkpoint: `RUN` is its last one, `RUN@best` and the like another."""
    where, at, which = origin.rpartition("@")
    return (where, which) if at and not Path(origin).expanduser().exists() else (origin, "last")


def find_origin(origin: str) -> None:
    """Raise ZooError unless `origin` is a folder with that checkpoint, or a file."""
    where, which = split_origin(origin)
    if not is_foreign(where):
        checkpoint.find(folder_of(where) / "checkpoints", which)
    elif not Path(where).expanduser().is_file():
        raise ZooError(f"There is no file {where}.")


def read_origin(origin: str) -> Weights:
    """The weights that a training starts from, under the name that the user gave."""
    where, which = split_origin(origin)
    return replace(read_weights(where, which, training=True), where=origin)


def take_live(model: nn.Module, origin: Weights) -> str:
    """Start `model` from other weights, by name and shape: the live ones, or, where there are only those, the averaged.

    Says what was taken and what was not. Raises ZooError when nothing fits.
    """
    tensors = origin.live or origin.sampler
    taken = take(model, tensors)
    if not taken & dict(model.named_parameters()).keys():
        raise ZooError(f"No weight of {origin.where} fits this model by name and shape; start without --from.")
    own = model.state_dict().keys()
    return (
        f"Weights from {origin.where}: {len(taken)} of {len(own)} tensors taken"
        + listed("new here", own - taken)
        + listed("left out", tensors.keys() - taken)
        + "."
    )


def take_averages(averages: Averages, origin: Weights) -> str:
    """Start averages from those of other weights, by name and shape; without any they follow the live weights."""
    own = averages.state_dict().keys()
    taken = take(averages, origin.averages)
    if not origin.averages:
        return f"{origin.where} has no averages: they start from the weights taken."
    return f"Averages: {len(taken)} of {len(own)} tensors taken" + listed("new here", own - taken) + "."


def take(module: nn.Module, tensors: dict[str, Tensor]) -> set[str]:
    """Load the tensors that fit by name and shape; their names."""
    own = module.state_dict()
    fits = {name: value for name, value in tensors.items() if name in own and own[name].shape == value.shape}
    module.load_state_dict(fits, strict=False)
    return set(fits)


def listed(title: str, names: set[str]) -> str:
    """`; new here: a, b and 3 more`, or nothing."""
    if not names:
        return ""
    some = sorted(names)
    return f"; {title}: {', '.join(some[:6])}{f' and {len(some) - 6} more' if len(some) > 6 else ''}"
