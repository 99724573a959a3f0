"""Starting and resuming runs: from a plan to a folder with weights, log, pictures and report."""

import dataclasses
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from zoo.data.prepare import prepare
from zoo.data.prepared import Prepared
from zoo.data.source import Source
from zoo.environment import environment
from zoo.errors import InvalidOptions, ZooError
from zoo.files import explained, read_json, write_json
from zoo.model import Model, Progress
from zoo.options import changed
from zoo.training import checkpoint
from zoo.training.device import choose_device
from zoo.training.display import Display
from zoo.training.distributed import barrier, processes, rank, world_size
from zoo.training.engine import Training
from zoo.training.loop import Interrupted, Loop, Run
from zoo.training.plan import Asked, Plan, batch_problems, check_numbers, open_data, resolve

__all__ = ["Interrupted", "Run", "resume", "train"]


def train(
    architecture: str,
    data: str | Path,
    *,
    out: str | Path | None = None,
    device: str = "auto",
    quiet: bool = False,
    **asked: Any,
) -> Run:
    """Train `architecture` on `data`; the keywords are the options of `ganzoo train`.

    `preset`, `resolution`, `channels`, `kimg`, `minutes`, `batch`, `microbatches`, `loss`, `regularize`,
    `augment`, `discriminator`, `backbone`, `condition`, `seed`, `precision`, `compile`, `crop`, `cache`,
    `mirror`, `snapshot_kimg`, `checkpoint_minutes`, `keep_kimg`, `metric`, `origin` (weights to start from);
    any other keyword is an option of the architecture. Raises InvalidOptions with every problem at once,
    before any work.
    """
    known = {field.name for field in dataclasses.fields(Asked)}
    options = {**asked.pop("options", {}), **{name: asked.pop(name) for name in list(asked) if name not in known}}
    for name in ("regularize", "discriminator", "backbone"):
        if isinstance(asked.get(name), str):
            asked[name] = (asked[name],)
    place = choose_device(device)
    with processes(place):
        plan, source = resolve(architecture, str(data), Asked(**asked, options=options), world_size())
        return start(plan, source, folder_for(out, plan), place, Display(quiet or rank() > 0))


def start(plan: Plan, source: Source, folder: Path, device: torch.device, display: Display) -> Run:
    """Begin a new run in `folder`."""
    check_new(folder)
    with torch.device("meta"):
        build(plan)  # parts that do not fit together are told before the data is prepared
    prepared = prepare_data(plan, source, display)
    plan = dataclasses.replace(plan, data=prepared.spec)
    torch.manual_seed(plan.settings.seed)
    model = build(plan)
    if plan.origin:
        from zoo.use import take_weights

        display.say(take_weights(model, plan.origin))
    if rank() == 0:
        found_folder(folder, plan)
    barrier()
    display.say(introduction(plan, model, prepared, folder, device))
    training = make_training(plan, model, device)
    torch.manual_seed(plan.settings.seed + 1 + rank())
    return Loop(plan, folder, training, prepared, display).run()


def resume(
    folder: str | Path,
    *,
    kimg: float | None = None,
    minutes: float | None = None,
    batch: int | None = None,
    device: str = "auto",
    quiet: bool = False,
) -> Run:
    """Go on with a stopped run from its last checkpoint, to its planned end or to a new total.

    As it is, it ends bit for bit where an uninterrupted run ends. Another total, batch, number of processes or
    threads, or another torch is allowed and announced.
    """
    folder = Path(folder)
    plan = Plan.from_json(read_config(folder), folder / "config.json")
    place = choose_device(device)
    with processes(place):
        display = Display(quiet or rank() > 0)
        plan = altered(plan, kimg, minutes, batch, display)
        where = checkpoint.find(folder / "checkpoints")
        prepared = reopen_data(plan, display)
        torch.manual_seed(plan.settings.seed)
        training = make_training(plan, build(plan), place)
        state = checkpoint.restore(training, where)
        announce_changes(state["surroundings"], display)
        loop = Loop(plan, folder, training, prepared, display)
        loop.restore(state)
        display.say(f"Resuming {folder} at {training.progress.images:,} images.")
        return loop.run()


def altered(plan: Plan, kimg: float | None, minutes: float | None, batch: int | None, display: Display) -> Plan:
    """The plan with a new total or batch, which is announced."""
    asked = Asked(kimg=kimg, minutes=minutes, batch=batch, microbatches=plan.settings.microbatches)
    if problems := check_numbers(asked):
        raise InvalidOptions(problems)
    config = plan.config if batch is None else changed(plan.config, {"batch": batch}, where=plan.architecture)
    if problems := batch_problems(config, asked, world_size()):
        raise InvalidOptions(problems)
    settings = plan.settings
    if kimg is not None or minutes is not None:
        settings = dataclasses.replace(settings, kimg=kimg or 0.0, minutes=minutes or 0.0)
        display.say("Another total than before: schedules that follow it differ.")
    if config != plan.config:
        display.say(f"Not bit-exact: batches of {batch} instead of {plan.config.batch}.")
    return dataclasses.replace(plan, settings=settings, config=config)


def read_config(folder: Path) -> Any:
    """A run's config.json."""
    path = folder / "config.json"
    if not path.is_file():
        raise ZooError(f"{folder} is no run: it has no config.json. Runs are folders that ganzoo train made.")
    return read_json(path)


def prepare_data(plan: Plan, source: Source, display: Display) -> Prepared:
    """The images at their size; rank 0 prepares, the others find them ready."""
    choice = plan.choice
    arguments: dict[str, Any] = {
        "size": plan.data.resolution,
        "channels": plan.data.channels,
        "crop": choice.crop,
        "cache": choice.cache,
    }
    if source.notice:
        display.say(source.notice)
    if rank() > 0:
        barrier()
        return prepare(source, **arguments, say=display.say)
    prepared = prepare(source, **arguments, say=display.say)
    barrier()
    return prepared


def reopen_data(plan: Plan, display: Display) -> Prepared:
    """The data of an earlier run; other content is refused, since nothing would be what it says."""
    choice = plan.choice
    source = open_data(choice.source)
    if source.fingerprint() != choice.fingerprint:
        raise ZooError(
            f"The data {choice.source} has changed since the run began. Bring back the old content, or start a "
            "new run from this one's weights with --from."
        )
    return prepare_data(plan, source, display)


def build(plan: Plan) -> Model:
    """The model with its critics."""
    model = plan.model_class()(plan.config, plan.data)
    if plan.parts is not None:
        model.build_critics(plan.parts)
    return model


def make_training(plan: Plan, model: Model, device: torch.device) -> Training:
    """The engine around a model on its device, in its memory layout."""
    settings = plan.settings
    model.to(device).to(memory_format=torch.channels_last)
    training = Training(model, microbatches=settings.microbatches, precision=settings.precision)
    if settings.compile:
        for name in model.compiled:
            model.get_submodule(name).compile()
    return training


def folder_for(out: str | Path | None, plan: Plan) -> Path:
    """The folder asked for, or the next free `runs/00001-dcgan-emoji`."""
    if out is not None:
        return Path(out)
    parent = Path("runs")
    taken = [int(m[1]) for path in parent.glob("*") if (m := re.match(r"(\d+)-", path.name))]
    data = re.sub(r"[^\w.-]+", "-", Path(plan.choice.source).name).strip("-.")[:40]
    return parent / f"{max(taken, default=0) + 1:05}-{plan.architecture.split('::')[-1]}-{data}"


def check_new(folder: Path) -> None:
    """A run never writes into a folder that holds something."""
    if folder.is_file():
        raise InvalidOptions([f"--out {folder} is a file; give a folder."])
    if folder.is_dir() and any(folder.iterdir()):
        going = (folder / "checkpoints" / "last.json").is_file()
        hint = f"To go on with it: ganzoo train --resume {folder}. Or give" if going else "Give"
        raise InvalidOptions([f"--out {folder} exists and is not empty. {hint} another folder."])


def found_folder(folder: Path, plan: Plan) -> None:
    """The run folder, with what will be done and where."""
    with explained(folder):
        for part in (folder, folder / "samples", folder / "checkpoints"):
            part.mkdir(parents=True, exist_ok=True)
    write_json(folder / "environment.json", {**environment(), "command": sys.argv, "processes": world_size()})
    write_json(folder / "config.json", plan.to_json())


def introduction(plan: Plan, model: Model, prepared: Prepared, folder: Path, device: torch.device) -> str:
    """What is about to happen, in a few lines."""
    settings, data = plan.settings, plan.data
    counts = {name: sum(p.numel() for p in child.parameters()) for name, child in model.named_children()}
    sizes = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    limits = [f"{settings.kimg:g} kimg"] if settings.kimg else []
    limits += [f"{settings.minutes:g} minutes"] if settings.minutes else []
    lines = [
        f"{plan.architecture} on {plan.choice.source}: {len(prepared):,} images at "
        f"{data.resolution} px, {data.channels} channels; parameters: {sizes}",
    ]
    if plan.parts is not None:
        extras = "; ".join([*plan.parts.regularizers, f"augment {plan.parts.augment}", *plan.parts.allies])
        lines.append(f"loss {plan.parts.loss}; {extras}")
    if data.classes and "label" not in model.needs:
        lines.append(f"The data's {data.classes} labels are not used: {plan.architecture} is unconditional.")
    if len(prepared) < model.batch_size(Progress()):
        lines.append(f"{len(prepared)} images are fewer than a batch: each batch repeats some.")
    lines.append(
        f"until {' or '.join(limits)}, on {device} in {settings.precision}"
        + (f" with {world_size()} processes" if world_size() > 1 else "")
        + f"; everything goes to {folder}"
    )
    return "\n".join(lines)


def announce_changes(then: Mapping[str, Any], display: Display) -> None:
    """Say what makes this resume inexact."""
    now = {"world_size": world_size(), "threads": torch.get_num_threads(), "torch": torch.__version__}
    changed = [f"{name} {then[name]} -> {now[name]}" for name in now if then.get(name) != now[name]]
    if changed:
        display.say(f"Not bit-exact, since the surroundings changed: {', '.join(changed)}.")
