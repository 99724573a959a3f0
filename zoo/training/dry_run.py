"""What a run would do, without doing it."""

import time
from math import lcm
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from zoo.adversarial import Penalty, critics_of
from zoo.data.source import Source
from zoo.model import Batch, Progress
from zoo.training.device import choose_device, peak_memory, synchronise
from zoo.training.display import duration
from zoo.training.engine import Training
from zoo.training.plan import Plan
from zoo.training.run import build, checked, folder_for, make_training

__all__ = ["dry_run"]

STEPS = 3  # timed, of the most frequent sort
LONGEST = 10_000  # steps after which phases are taken to repeat, if they do not before


def dry_run(
    architecture: str, data: str | Path, *, out: str | Path | None = None, device: str = "auto", **asked: Any
) -> str:
    """What `train` would do with the same keywords: configuration, parameter counts, FLOPs, time and memory.

    Checks all that training checks; the steps run on random pictures, nothing is prepared or written.
    """
    place = choose_device(device)
    plan, source = checked(architecture, data, asked, place, out)
    torch.manual_seed(plan.settings.seed)
    model = build(plan)
    counts = {name: sum(p.numel() for p in child.parameters()) for name, child in model.named_children()}
    lines = [f"{architecture} on {data}, in {out or folder_for(plan)}", *listing(plan, source)]
    lines += [f"  parameters of {name}: {count:,}" for name, count in counts.items()]
    if set(model.needs) <= {"image", "source", "index", "label", "text", "wrong_image", "wrong_text"}:
        lines += measured(plan, make_training(plan, model, place))
    return "\n".join([*lines, "Nothing was trained or written (--dry-run)."])


def listing(plan: Plan, source: Source) -> list[str]:
    """Every setting on a line of its own."""
    content = plan.to_json()
    rows = [f"  {len(source)} images of {source.name} at {plan.data.resolution} px, {plan.data.channels} channels"]
    for section in ("config", "parts", "settings"):
        rows += [f"  {section}.{name} = {value}" for name, value in (content[section] or {}).items()]
    return rows


def measured(plan: Plan, training: Training) -> list[str]:
    """FLOPs per image, time per thousand images and peak memory, from real steps weighed by how often they come.

    A model that grows is measured at the size it ends with.
    """
    model, end = training.model, Progress(images=round(1000 * (plan.settings.kimg or plan.config.kimg)))
    grows = model.resolution(Progress()) != model.resolution(end)
    training.progress = end if grows else Progress()
    batch = model.batch_size(training.progress)
    spec = plan.data
    shape = (batch, spec.resolution, spec.resolution, spec.channels)
    pictures = torch.rand(shape, device=training.model.device).permute(0, 3, 1, 2) * 2 - 1
    items = torch.arange(batch, device=pictures.device)
    given = {"image": pictures, "index": items % max(spec.items, 1), "label": items % max(spec.classes, 1)}
    text = torch.randn(batch, spec.text_dim, device=pictures.device)
    given |= {"text": text, "wrong_text": text.flip(0), "wrong_image": pictures.flip(0)}
    source = torch.rand((*shape[:3], max(spec.source_channels, 1)), device=pictures.device).permute(0, 3, 1, 2) * 2 - 1
    given |= {"source": source}
    fields = {name: given[name] for name in training.model.needs}
    flops, seconds = mean_step(training, fields)
    where, bound = (f" at {model.resolution(end)} px", "at most ") if grows else ("", "")
    memory = peak_memory(pictures.device)
    told = f"  about {1000 * seconds / batch:.1f} s per thousand images{where}, {memory:.1f} GB at the most"
    if plan.settings.kimg:
        told += f", so {bound}{duration(1000 * plan.settings.kimg * seconds / batch)} for {plan.settings.kimg:g} kimg"
    return [f"  {flops / batch / 1e9:.2f} GFLOPs per image, means over lazy phases", told]


def mean_step(training: Training, batch: Batch) -> tuple[float, float]:
    """FLOPs and seconds of a step. Lazy phases and penalties come every so many steps: each sort of step is taken by
    itself, first to count and to warm up, then for its time, and weighed by how often it comes."""
    places: dict[tuple[int, ...], list[int]] = {}  # what is due, and the steps at which it is
    rhythm = intervals(training)
    for step in range(min(lcm(*rhythm), LONGEST)):
        places.setdefault(tuple(step % every == 0 for every in rhythm), []).append(step)
    flops = seconds = 0.0
    images, period = training.progress.images, sum(map(len, places.values()))
    for steps in places.values():
        share = len(steps) / period
        training.progress = Progress(steps[0], images)
        with FlopCounterMode(display=False) as counter:
            counter.mod_tracker.__exit__(None, None, None)  # its hooks on modules refuse gradients in a forward pass
            training.step(dict(batch))
        flops += share * counter.get_total_flops()
        repeats = STEPS if len(steps) == max(map(len, places.values())) else 1
        synchronise(training.model.device)
        start = time.perf_counter()
        for _ in range(repeats):
            training.progress = Progress(steps[0], images)
            training.step(dict(batch))
        synchronise(training.model.device)
        seconds += share * (time.perf_counter() - start) / repeats
    return flops, seconds


def intervals(training: Training) -> list[int]:
    """The different numbers of steps between two runs of a phase or a penalty."""
    critics = critics_of(training.model).values()
    penalties = [each for critic in critics for each in critic.penalties.values() if isinstance(each, Penalty)]
    return sorted({phase.every for phase in training.phases} | {penalty.every for penalty in penalties})
