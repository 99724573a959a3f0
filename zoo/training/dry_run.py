"""What a run would do, without doing it."""

import time
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from zoo.data.source import Source
from zoo.model import Progress
from zoo.training.device import choose_device, peak_memory, synchronise
from zoo.training.display import duration
from zoo.training.engine import Training
from zoo.training.plan import Plan
from zoo.training.run import build, checked, folder_for, make_training

__all__ = ["dry_run"]

STEPS = 3


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
    """FLOPs per image of the first step; time per thousand images and peak memory, from three steps after it.

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
    with FlopCounterMode(display=False) as counter:
        counter.mod_tracker.__exit__(None, None, None)  # its hooks on modules refuse gradients within a forward pass
        training.step(dict(fields))
    synchronise(pictures.device)
    start = time.perf_counter()
    for _ in range(STEPS):
        training.step(dict(fields))
    synchronise(pictures.device)
    per_image = (time.perf_counter() - start) / STEPS / batch
    where, bound = (f" at {model.resolution(end)} px", "at most ") if grows else ("", "")
    memory = peak_memory(pictures.device)
    told = f"  about {1000 * per_image:.1f} s per thousand images{where}, {memory:.1f} GB at the most"
    if plan.settings.kimg:
        told += f", so {bound}{duration(1000 * plan.settings.kimg * per_image)} for {plan.settings.kimg:g} kimg"
    flops = counter.get_total_flops() / batch / 1e9
    return [f"  {flops:.2f} GFLOPs per image in the first step, in which every phase is due", told]
