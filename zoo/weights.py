"""The weights of a model, wherever they lie: in a folder, in an official file, on the Hub, in the catalogue."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from torch import Tensor, nn

from zoo.errors import UnknownName, ZooError, near_misses
from zoo.files import read_json
from zoo.places import place_of
from zoo.plugins import registry
from zoo.training import checkpoint
from zoo.training.averages import Averages
from zoo.training.plan import Plan

__all__ = [
    "Weights",
    "find_origin",
    "folder_of",
    "images_of",
    "is_foreign",
    "is_repository",
    "read_folder",
    "read_origin",
    "read_weights",
    "take_averages",
    "take_live",
]

FOREIGN = (".pkl", ".pth", ".pt")
LISTED = 40  # names that a message shows of each sort


@dataclass(frozen=True, slots=True)
class Weights:
    """A model's plan with its tensors by name."""

    where: str
    plan: Plan
    sampler: dict[str, Tensor] = field(repr=False)  # of the model without critics, averaged
    live: dict[str, Tensor] = field(repr=False)  # of the model with its critics; empty where there are none
    averages: dict[str, Tensor] = field(repr=False)  # of `Averages`; empty where the model keeps none


def read_weights(where: str | Path, which: str = "last", *, training: bool = False) -> Weights:
    """What `where` names: a run or model folder, an official .pkl or .pth file, a model on the Hub or of the catalogue.

    `which` names a run's checkpoint. Live weights and averages are read only for `training`. Raises ZooError with
    what is there instead.
    """
    place = place_of(where)
    if place.kind == "hub":
        from ganzoo_hub.pull import read_hub

        return read_hub(place.name, which, training=training)
    if which != "last" and (place.kind == "catalogue" or is_foreign(where)):
        raise ZooError(f"{where} holds one set of weights and no checkpoint '{which}'; leave --which out.")
    if place.kind == "catalogue":
        from ganzoo_hub.catalogue import open_weights

        return open_weights(place.name, training=training)
    if is_foreign(where):
        from ganzoo_hub.importing import read_file

        return read_file(Path(where), training=training)
    return read_folder(folder_of(where), which, training=training)


def read_folder(folder: Path, which: str = "last", *, training: bool = False) -> Weights:
    """What a run or model folder holds, or one that was pulled from the Hub."""
    if is_repository(folder):
        from ganzoo_hub.repository import read_repository

        return read_repository(folder, which, training=training)
    plan = Plan.read(folder)
    found = checkpoint.find(folder / "checkpoints", which)
    whole = checkpoint.read_tensors(found / checkpoint.TRAINING) if training and has_training(found) else {}
    live, averages = checkpoint.below(whole, "model/"), checkpoint.below(whole, "averages/")
    sampler = {} if live else checkpoint.read_tensors(found / checkpoint.SAMPLER)
    return Weights(str(found), plan, sampler, live, averages)


def is_repository(folder: Path) -> bool:
    """Whether a folder's config.json says that it is laid out as on the Hub."""
    path = folder / "config.json"
    content = read_json(path) if path.is_file() else {}
    return isinstance(content, dict) and "repository" in content


def images_of(folder: Path, which: str = "last") -> int:
    """How many images the weights of a folder had seen. Raises ZooError for a checkpoint that is not there."""
    if is_repository(folder):
        return int(read_json(folder / "config.json")["repository"]["images"])
    checkpoint.find(folder / "checkpoints", which)  # says which there are
    return checkpoint.images_of(folder / "checkpoints", which)


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
    name = str(where)
    if folder.is_file():
        hint = f" Its model is the folder: {folder.parent}" if (folder.parent / "config.json").is_file() else ""
        raise ZooError(f"{folder} is a file; give a run or model folder, or a .pkl or .pth to import.{hint}")
    if name in registry().names("architecture"):
        raise UnknownName(
            f"'{name}' is an architecture and no run. For random weights: zoo.create({name!r}); to train it: "
            f"ganzoo train {name} --data emoji."
        )
    runs = [str(path) for path in sorted(Path("runs").glob("*/"))]
    known = f" Runs here: {', '.join(runs[-5:])}." if runs else " Train one: ganzoo train dcgan --data emoji."
    hub = f" A model on the Hub is written hf:{name}." if name.count("/") == 1 and not name.startswith("runs/") else ""
    raise UnknownName(f"There is no run {name!r}.{known} {near_misses(name, runs)}".strip() + hub)


def split_origin(origin: str) -> tuple[str, str]:
    """A start for training as place and checkpoint: `RUN` is its last one, `RUN@best` and the like another."""
    where, at, which = origin.rpartition("@")
    if origin.startswith("hf:"):  # what follows the @ is a revision
        return origin, "last"
    return (where, which) if at and not Path(origin).expanduser().exists() else (origin, "last")


def find_origin(origin: str) -> str:
    """What to record of an origin: itself, or, of a model on the Hub, which is fetched now, its commit too.

    Raises ZooError unless it is a folder with that checkpoint, a file, or a model that can be had.
    """
    where, which = split_origin(origin)
    place = place_of(where)
    if place.kind != "disk":
        found = read_weights(where, training=True)
        return found.where if place.kind == "hub" else origin
    if is_foreign(where):
        if not Path(where).expanduser().is_file():
            raise ZooError(f"There is no file {where}.")
    elif not is_repository(folder := folder_of(where)):
        checkpoint.find(folder / "checkpoints", which)
    return origin


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
    own = model.state_dict()
    reshaped = {name for name in own.keys() & tensors.keys() if own[name].shape != tensors[name].shape}
    shapes = {f"{name} {tuple(tensors[name].shape)} instead of {tuple(own[name].shape)}" for name in reshaped}
    return (
        f"Weights from {origin.where}: {len(taken)} of {len(own)} tensors taken"
        + listed("new here", own.keys() - tensors.keys())
        + listed("left out", tensors.keys() - own.keys())
        + listed("of another shape", shapes)
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
    return f"; {title}: {', '.join(some[:LISTED])}{f' and {len(some) - LISTED} more' if len(some) > LISTED else ''}"
