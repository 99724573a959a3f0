"""Starting and resuming runs: from a plan to a folder with weights, log, pictures and report."""

import dataclasses
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zoo.backbones import frozen_networks
from zoo.data.embedding import example_rows
from zoo.data.images import Images
from zoo.data.prepared import Prepared
from zoo.data.source import Source, open_source
from zoo.environment import environment
from zoo.errors import InvalidOptions, ZooError
from zoo.files import explained, make_folder, write_json
from zoo.model import Model
from zoo.options import changed
from zoo.text import fill_captions
from zoo.training import checkpoint
from zoo.training.device import choose_device, keep_freed_memory
from zoo.training.display import Display
from zoo.training.distributed import barrier, processes, rank, shared, world_size
from zoo.training.engine import Training
from zoo.training.loop import Interrupted, Loop, Run
from zoo.training.plan import Plan
from zoo.training.request import Asked, attempt, batch_problems, check_numbers, resolve, settled
from zoo.training.sets import Sets, prepare_sets
from zoo.weights import is_repository, read_origin, take_averages, take_live

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
    `augment`, `discriminator`, `backbone`, `condition`, `text_encoder`, `seed`, `precision`, `compile`,
    `sync_batch_norm`, `pair`, `source_channels`, `crop`, `cache`, `mirror`, `snapshot_kimg`, `checkpoint_minutes`,
    `keep_kimg`, `metrics` (the first decides what is best), `score_kimg`, `score_samples`, `score_options`
    (key=value, how their samples are drawn), `origin` (weights to start from: RUN, or RUN@best); any other keyword is
    an option of the architecture. Raises InvalidOptions with every problem at once, before any work.
    """
    place = choose_device(device)
    with processes(place):
        plan, source = checked(architecture, data, asked, place, out)
        return start(plan, source, out, place, Display(quiet or rank() > 0))


def checked(
    architecture: str, data: str | Path, asked: Mapping[str, Any], device: torch.device, out: str | Path | None
) -> tuple[Plan, Source]:
    """The plan that the keywords of `train` ask for; InvalidOptions with every problem."""
    problems: list[str] = []
    if out is not None:
        attempt(problems, check_new, Path(out))
    request = attempt(problems, Asked.of, asked)
    found = request and attempt(problems, resolve, architecture, str(data), request, device, world_size())
    if problems or not found:
        raise InvalidOptions(problems)
    plan, source = found
    return plan, source


def start(plan: Plan, source: Source, out: str | Path | None, device: torch.device, display: Display) -> Run:
    """Begin a new run in the folder `out`, or in the next free one."""
    with torch.device("meta"):
        draft = build(plan)  # parts that do not fit together are told before the data is prepared
    sets = prepare_sets(plan, source, draft, display)
    plan = dataclasses.replace(plan, data=sets.spec(plan), backbones=frozen_networks(draft))
    training = begin(plan, device, display, Images(sets.training))
    introduce_captions(training.model, sets.training)
    folder = Path(shared(str(found_folder(out, plan)) if rank() == 0 else ""))
    display.say(introduction(plan, training.model, sets, folder, device))
    return Loop(plan, folder, training, sets.training, display, sets.shown).run()


def begin(plan: Plan, device: torch.device, display: Display, images: Images | None) -> Training:
    """Step 0 of a plan: seeded weights or those of its origin, and a stream of random numbers for each process.

    Without `images` a checkpoint follows: the model does not look at its data and the origin is not read again.
    """
    torch.manual_seed(plan.settings.seed)
    model = build(plan)
    check_backbones(plan, model)
    if images is not None:
        model.begin_training(images)
    origin = read_origin(plan.origin) if plan.origin and images is not None else None
    if origin is not None:
        display.say(take_live(model, origin))
    training = make_training(plan, model, device)
    if origin is not None and training.averages is not None:
        display.say(take_averages(training.averages, origin))
    if plan.origin and training.averages is not None:  # trained weights need no quick start of their average
        training.averages.averaging = dataclasses.replace(training.averages.averaging, ramp=None)
    torch.manual_seed(plan.settings.seed + 1 + rank())
    return training


def check_backbones(plan: Plan, model: Model) -> None:
    """Raise ZooError unless every frozen network has the weights that the run began with."""
    for name, about in frozen_networks(model).items():
        began = plan.backbones.get(name, about)
        if about["sha256"] != began["sha256"]:
            raise ZooError(
                f"The weights of backbone '{name}' are not those that the run began with: {about['weights']} "
                f"(sha256 {about['sha256'][:12]}) instead of {began['weights']} ({began['sha256'][:12]}). Install "
                "those again, or begin a new run from this one's weights: ganzoo train ... --from RUN"
            )


def resume(
    folder: str | Path,
    *,
    kimg: float | None = None,
    minutes: float | None = None,
    batch: int | None = None,
    data: str | Path | None = None,
    device: str = "auto",
    quiet: bool = False,
) -> Run:
    """Go on with a stopped run from its last checkpoint, to its planned end or to a new total.

    As it is, it ends bit for bit where an uninterrupted run ends (on the CPU). Another total, batch, number of
    processes or threads, or another torch is allowed and announced; so is `data`, where the same images now lie.
    """
    folder = Path(folder)
    plan = Plan.read(folder)
    if not plan.choice.source:
        raise ZooError(
            f"{folder} was imported, not trained here, so there is nothing to go on with. To train from its weights: "
            f"ganzoo train {plan.architecture} --data DATA --resolution {plan.data.resolution} --from {folder}"
        )
    begun = (folder / "checkpoints" / "last.json").exists()
    if not begun and is_repository(folder):
        raise ZooError(
            f"{folder} was shared without its optimisers, so no training goes on where it stopped. To start from its "
            f"weights: ganzoo train {plan.architecture} --data DATA --resolution {plan.data.resolution} --from {folder}"
        )
    place = choose_device(device)
    with processes(place):
        display = Display(quiet or rank() > 0)
        plan = altered(plan, kimg, minutes, batch, display)
        plan, source = reopen_source(plan, data, display)
        with torch.device("meta"):
            draft = plan.model_class()(plan.config, plan.data)
        sets = prepare_sets(plan, source, draft, display)
        check_classes(plan, sets)
        training = begin(plan, place, display, None if begun else Images(sets.training))
        introduce_captions(training.model, sets.training)
        loop = Loop(plan, folder, training, sets.training, display, sets.shown)
        if begun:
            state = checkpoint.restore(training, checkpoint.find(folder / "checkpoints"))
            announce_changes(state["surroundings"], checkpoint.surroundings_of(training), display)
            loop.restore(state)
        else:  # killed before its first checkpoint
            loop.forget()
        if rank() == 0:
            write_json(folder / "config.json", plan.to_json())
        barrier()
        display.say(f"Resuming {folder} at {training.progress.images:,} images.")
        if loop.done():
            display.say(f"It is at its planned end. To go further: ganzoo train --resume {folder} --kimg N")
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


def reopen_source(plan: Plan, moved: str | Path | None, display: Display) -> tuple[Plan, Source]:
    """The data of an earlier run. Changed content is refused, unless the user says where the data now lies."""
    choice = plan.choice
    source = open_source(choice.source if moved is None else str(moved), pair=choice.pair)
    if source.fingerprint() != choice.fingerprint:
        if moved is None:
            raise ZooError(
                f"The data {choice.source} has changed since the run began (names, sizes or times differ). To go on "
                f"with it all the same, not bit for bit: add --data {choice.source}"
            )
        display.say("Not bit-exact: the data's names, sizes or times differ from when the run began.")
        choice = dataclasses.replace(choice, source=settled(str(moved)), fingerprint=source.fingerprint())
        plan = dataclasses.replace(plan, choice=choice)
    return plan, source


def check_classes(plan: Plan, sets: Sets) -> None:
    """Raise ZooError where moved data has other classes."""
    classes = sets.training.spec.classes
    if classes != plan.data.classes:
        raise ZooError(f"The data has {classes} classes, the run began with {plan.data.classes}.")


def introduce_captions(model: Model, prepared: Prepared) -> None:
    """Give a text model the embedded example captions of its data."""
    if prepared.embeddings is not None:
        fill_captions(model, torch.from_numpy(example_rows(prepared)))


def build(plan: Plan) -> Model:
    """The model with all that training needs."""
    model = plan.model_class()(plan.config, plan.data)
    model.build_training()
    if plan.parts is not None:
        model.build_critics(plan.parts)
    return model


def make_training(plan: Plan, model: Model, device: torch.device) -> Training:
    """The engine around a model on its device, in its memory layout."""
    settings = plan.settings
    if device.type == "cpu":
        keep_freed_memory()
    model.to(device).to(memory_format=torch.channels_last)
    training = Training(model, microbatches=settings.microbatches, precision=settings.precision)
    if settings.compile:
        for name in model.compiled:
            model.get_submodule(name).compile()
    if settings.sync_batch_norm:  # after the averages were copied: those are sampled by one process alone
        nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
    return training


def folder_for(plan: Plan) -> Path:
    """The next free `runs/00001-dcgan-emoji`."""
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


def found_folder(out: str | Path | None, plan: Plan) -> Path:
    """A run folder with what will be done and where; it appears whole, and no two runs get the same."""
    folder = folder_for(plan) if out is None else Path(out)
    make_folder(folder.parent)
    with explained(folder):
        draft = Path(tempfile.mkdtemp(prefix=".run-", dir=folder.parent))
        draft.chmod(0o755)
    try:
        with explained(folder):
            (draft / "samples").mkdir()
            (draft / "checkpoints").mkdir()
        surroundings = {**environment(), "command": sys.argv, "processes": world_size()}
        write_json(draft / "environment.json", surroundings)
        write_json(draft / "config.json", plan.to_json())
        while True:
            try:
                draft.rename(folder)  # fails where another run was quicker
                return folder
            except OSError:
                if out is not None:
                    check_new(folder)
                    raise
                folder = folder_for(plan)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def introduction(plan: Plan, model: Model, sets: Sets, folder: Path, device: torch.device) -> str:
    """What is about to happen, in a few lines."""
    settings, data = plan.settings, plan.data
    counts = {name: sum(p.numel() for p in child.parameters()) for name, child in model.named_children()}
    sizes = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    limits = [f"{settings.kimg:g} kimg"] if settings.kimg else []
    limits += [f"{settings.minutes:g} minutes"] if settings.minutes else []
    lines = [
        f"{plan.architecture} on {plan.choice.source}: {sets.counted()} at "
        f"{data.resolution} px, {data.channels} channels; parameters: {sizes}",
    ]
    if model.reads:
        shown = sets.shown
        whose = "training" if shown.split == sets.training.split else f"held-out ({shown.split})"
        lines.append(f"Sample grids and scores are of {whose} pictures: {shown.count(model.reads[0]):,}.")
    if plan.parts is not None:
        extras = "; ".join([*plan.parts.regularizers, f"augment {plan.parts.augment}", *plan.parts.allies])
        lines.append(f"loss {plan.parts.loss}; {extras}")
    if data.classes and not {"label", "text"} & set(model.needs):
        lines.append(f"The data's {data.classes} labels are not used: {plan.architecture} takes none as it is set.")
    lines.append(
        f"until {' or '.join(limits)}, on {device} in {settings.precision}"
        + (f" with {world_size()} processes" if world_size() > 1 else "")
        + f"; everything goes to {folder}"
    )
    return "\n".join(lines)


def announce_changes(then: Mapping[str, Any], now: Mapping[str, Any], display: Display) -> None:
    """Say what makes this resume inexact."""
    changed = [f"{name} {then[name]} -> {now[name]}" for name in now if then.get(name) != now[name]]
    if changed:
        display.say(f"Not bit-exact, since the surroundings changed: {', '.join(changed)}.")
