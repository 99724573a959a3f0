"""Checkpoints: safetensors and JSON in a folder of their own, which a manifest takes up when it is whole."""

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.optim import Optimizer

from zoo.errors import ZooError
from zoo.files import explained, read_json, sync_folder, write_json
from zoo.model import Progress
from zoo.training.averages import sampling
from zoo.training.distributed import barrier, rank, world_size
from zoo.training.engine import Training

__all__ = ["FORMAT", "find", "read_tensors", "restore", "save"]

FORMAT = 1
SAMPLER, TRAINING, STATE = "model.safetensors", "training.safetensors", "training.json"


def save(
    folder: Path,
    training: Training,
    extra: Mapping[str, Any],
    keep: Iterable[str] = (),
    own: Mapping[str, Tensor] | None = None,
    sampler: Mapping[str, Tensor] | None = None,
) -> Path:
    """Write the state of `training` under `folder` and let `last.json` (and each `{keep}.json`) point to it.

    Every process calls this; rank 0 writes the model, each rank its own random state and the tensors `own`.
    `sampler` is the state to sample from, where the caller has it at hand. A kill at any moment leaves the former
    manifest with its whole checkpoint.
    """
    target = folder / f"step-{training.progress.step:09d}"
    if not named_by(folder, target.name):
        temporary = folder / f".{target.name}.tmp"
        if rank() == 0:
            shutil.rmtree(temporary, ignore_errors=True)
            with explained(temporary):
                temporary.mkdir(parents=True)
        barrier()
        write_rank(temporary, training, own or {})
        if rank() == 0:
            write_model(temporary, training, extra, sampler or sampler_state(training))
        barrier()
        if rank() == 0:
            commit(temporary, target)
    if rank() == 0:
        point(folder, target, training.progress, "last")
        for name in keep:
            point(folder, target, training.progress, name)
        prune(folder)
    barrier()
    return target


def commit(temporary: Path, target: Path) -> None:
    """Give a whole, synced folder its name."""
    sync_folder(temporary)
    shutil.rmtree(target, ignore_errors=True)  # one that no manifest took up
    temporary.rename(target)
    sync_folder(target.parent)


def point(folder: Path, target: Path, progress: Progress, name: str) -> None:
    """Write the manifest `{name}.json`: the checkpoint and the size of each of its files."""
    files = {file.name: file.stat().st_size for file in sorted(target.iterdir())}
    manifest = {"format": FORMAT, "checkpoint": target.name, "step": progress.step, "images": progress.images}
    write_json(folder / f"{name}.json", manifest | {"files": files})


def named_by(folder: Path, name: str) -> bool:
    """Whether some manifest already names this checkpoint."""
    return any(read_json(manifest).get("checkpoint") == name for manifest in folder.glob("*.json"))


def prune(folder: Path) -> None:
    """Remove checkpoints that no manifest names, and what interrupted writes left."""
    named = {read_json(manifest).get("checkpoint") for manifest in folder.glob("*.json")}
    for path in folder.iterdir():
        if path.is_dir() and path.name not in named:
            shutil.rmtree(path, ignore_errors=True)


def sampler_state(training: Training) -> dict[str, Tensor]:
    """The weights to sample from: averages with statistics of their own, where there are averages."""
    with sampling(training.model, training.averages) as model:
        return {name: value.clone() for name, value in model.sampling_state().items()}


def write_model(folder: Path, training: Training, extra: Mapping[str, Any], sampler: Mapping[str, Tensor]) -> None:
    """The sampling weights, the live state, and what JSON holds."""
    write_tensors(folder / SAMPLER, sampler)
    tensors = {f"model/{name}": value for name, value in training.model.state_dict().items()}
    if training.averages is not None:
        tensors |= {f"averages/{name}": value for name, value in training.averages.state_dict().items()}
    groups = {}
    for name, optimizer in training.optimizers.items():
        moments, groups[name] = flatten(optimizer)
        tensors |= {f"optimizer/{name}/{key}": value for key, value in moments.items()}
    write_tensors(folder / TRAINING, tensors)
    progress = {"step": training.progress.step, "images": training.progress.images}
    surroundings = surroundings_of(training)
    state = {"format": FORMAT, "progress": progress, "optimizers": groups, "surroundings": surroundings, **extra}
    with (folder / STATE).open("w", encoding="utf-8") as file, explained(folder):
        json.dump(state, file)
        file.flush()
        os.fsync(file.fileno())


def surroundings_of(training: Training) -> dict[str, Any]:
    """What an exact resume depends on besides the state."""
    return {
        "world_size": world_size(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "device": training.model.device.type,
        "precision": training.precision,
    }


def write_rank(folder: Path, training: Training, own: Mapping[str, Tensor]) -> None:
    """One process's random state, what is its own, and, beyond rank 0, its buffers (batch statistics differ)."""
    tensors = {"cpu": torch.get_rng_state(), **{f"own/{name}": value for name, value in own.items()}}
    device = training.model.device
    if device.type == "cuda":
        tensors["device"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        tensors["device"] = torch.mps.get_rng_state()
    if rank() > 0:
        tensors |= {f"buffer/{name}": value for name, value in training.model.named_buffers()}
    write_tensors(folder / f"rank{rank()}.safetensors", tensors)


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """A safetensors file, synced to disk. Tensors are made dense and contiguous."""
    dense = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    separate = {name: value.clone() if shares(value, dense) else value for name, value in dense.items()}
    with explained(path):
        save_safely(separate, path)
        with path.open("rb+") as file:
            os.fsync(file.fileno())


def save_safely(tensors: dict[str, Tensor], path: Path) -> None:
    """`save_file`, whose own errors hide the operating system's."""
    try:
        save_file(tensors, path)
    except SafetensorError as error:
        if "os error 28" in str(error) or "No space" in str(error):
            raise OSError(28, "No space left on device", str(path)) from error
        raise


def shares(value: Tensor, others: Mapping[str, Tensor]) -> bool:
    """Whether another name holds the same memory (tied weights); safetensors wants copies."""
    pointer = value.data_ptr()
    return pointer != 0 and sum(other.data_ptr() == pointer for other in others.values()) > 1


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors by name; a truncated or foreign file is a ZooError that names it."""
    try:
        return load_file(path)
    except FileNotFoundError as error:
        raise ZooError(f"{path} is missing.") from error
    except (SafetensorError, OSError, ValueError) as error:
        raise ZooError(
            f"{path} is not a whole safetensors file ({error}). If it was copied, copy it again, whole."
        ) from error


def find(folder: Path, name: str = "last") -> Path:
    """The checkpoint that `{name}.json` under `folder` names, its files present in their right sizes."""
    manifest = folder / f"{name}.json"
    if not manifest.is_file():
        known = ", ".join(sorted(path.stem for path in folder.glob("*.json"))) or "none"
        raise ZooError(f"{folder} has no checkpoint '{name}'; there is: {known}.")
    content = read_json(manifest)
    check_format(content, manifest)
    target = folder / str(content["checkpoint"])
    for file, size in content["files"].items():
        found = (target / file).stat().st_size if (target / file).is_file() else None
        if found != size:
            state = "is missing" if found is None else f"has {found} bytes instead of {size}"
            raise ZooError(f"{target / file} {state}. Copy the run again, whole.")
    return target


def images_of(folder: Path, name: str = "last") -> int:
    """How many images the checkpoint that `{name}.json` names had seen."""
    return int(read_json(folder / f"{name}.json")["images"])


def check_format(content: Mapping[str, Any], path: Path) -> None:
    """Refuse what a newer ganzoo wrote."""
    written = content.get("format")
    if not isinstance(written, int) or written > FORMAT:
        raise ZooError(
            f"{path} has format {written!r}; this ganzoo reads up to {FORMAT}. Update ganzoo to read it "
            "(git pull in its checkout, then pip install -e .)."
        )


def restore(training: Training, checkpoint: Path) -> dict[str, Any]:
    """Load a checkpoint into a fresh `training`; return its JSON state, and this rank's tensors as "own"."""
    state: dict[str, Any] = read_json(checkpoint / STATE)
    check_format(state, checkpoint / STATE)
    tensors = read_tensors(checkpoint / TRAINING)
    load_strictly(training.model, below(tensors, "model/"), checkpoint)
    if training.averages is not None:
        load_strictly(training.averages, below(tensors, "averages/"), checkpoint)
    for name, optimizer in training.optimizers.items():
        unflatten(optimizer, below(tensors, f"optimizer/{name}/"), state["optimizers"][name])
    training.progress = Progress(**state["progress"])
    return state | {"own": restore_rank(training, checkpoint)}


def restore_rank(training: Training, checkpoint: Path) -> dict[str, Tensor]:
    """This process's random state and buffers, where it had any; a new one goes on in a stream of its own."""
    path = checkpoint / f"rank{rank()}.safetensors"
    if not path.exists():
        torch.manual_seed(torch.initial_seed() + 7919 * training.progress.step)
        return {}
    own = read_tensors(path)
    torch.set_rng_state(own["cpu"])
    if "device" in own and training.model.device.type == "cuda":
        torch.cuda.set_rng_state(own["device"], training.model.device)
    elif "device" in own and training.model.device.type == "mps":
        torch.mps.set_rng_state(own["device"])
    buffers = dict(training.model.named_buffers())
    for name, value in below(own, "buffer/").items():
        buffers[name].copy_(value)
    return below(own, "own/")


def load_strictly(module: torch.nn.Module, tensors: Mapping[str, Tensor], where: Path | str, shown: int = 5) -> None:
    """Every name and shape must agree; the difference is told, up to `shown` names of each sort."""
    compare(module.state_dict(), tensors, where, shown)
    module.load_state_dict(tensors)


def compare(own: Mapping[str, Tensor], tensors: Mapping[str, Tensor], where: Path | str, shown: int = 5) -> None:
    """Raise ZooError unless names and shapes are the same."""
    missing = sorted(own.keys() - tensors.keys())
    extra = sorted(tensors.keys() - own.keys())
    misshapen = [
        f"{name} {tuple(tensors[name].shape)} instead of {tuple(own[name].shape)}"
        for name in sorted(own.keys() & tensors.keys())
        if own[name].shape != tensors[name].shape
    ]
    if missing or extra or misshapen:
        rows = [("missing", missing), ("not known here", extra), ("of another shape", misshapen)]
        told = "; ".join(f"{title}: {', '.join(names[:shown])}{few(names, shown)}" for title, names in rows if names)
        told = "".join(c if c.isprintable() else "?" for c in told)  # names come from files of others
        raise ZooError(f"The weights in {where} do not fit this model. {told}")


def few(names: list[str], shown: int) -> str:
    """How many more than are shown."""
    return f" and {len(names) - shown} more" if len(names) > shown else ""


def below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors under a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def flatten(optimizer: Optimizer) -> tuple[dict[str, Tensor], list[dict[str, Any]]]:
    """An optimiser's state as tensors named `{parameter number}/{key}`, and its groups' settings."""
    state = optimizer.state_dict()
    tensors = {
        f"{number}/{key}": value if isinstance(value, Tensor) else torch.tensor(value)
        for number, moments in state["state"].items()
        for key, value in moments.items()
    }
    return tensors, state["param_groups"]


def unflatten(optimizer: Optimizer, tensors: Mapping[str, Tensor], groups: list[dict[str, Any]]) -> None:
    """Undo `flatten`. Moments take the memory layout of their parameters, which fused kernels expect."""
    state: dict[int, dict[str, Tensor]] = {}
    params = [p for group in optimizer.param_groups for p in group["params"]]
    for name, value in tensors.items():
        number, key = name.split("/")
        like = params[int(number)]
        same = value.shape == like.shape
        state.setdefault(int(number), {})[key] = torch.empty_like(like).copy_(value) if same else value
    optimizer.load_state_dict({"state": state, "param_groups": groups})
