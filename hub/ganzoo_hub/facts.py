"""What a run folder tells of its weights: how they came about, on what, at what cost, and how they score."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, metadata
from math import prod
from pathlib import Path, PurePath
from typing import Any

from safetensors import safe_open

from zoo.data.source import open_source
from zoo.errors import ZooError
from zoo.evaluation.score import Score, read_scores
from zoo.files import read_json
from zoo.plugins import registry
from zoo.registry import Registered
from zoo.training import checkpoint
from zoo.training.plan import Plan

__all__ = ["Facts", "read_facts"]

_NAME = re.compile(r"hf:\S+|[a-z0-9.-]+(::[a-z0-9.-]+)?(:.*)?")


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of a checkpoint; what is not, is empty or None."""

    plan: Plan
    entry: Registered
    images: int  # shown to the discriminator until then
    parameters: int  # of what samples, batch statistics and other buffers included
    hours: float | None
    hardware: str
    surroundings: Mapping[str, Any]  # device, precision, processes, as the checkpoint has them
    packages: Mapping[str, str]  # versions when the run began
    scores: tuple[Score, ...]  # of this very checkpoint
    data: str  # its name, without the path it had on that machine
    data_licence: str
    code_licence: str

    @property
    def imported(self) -> str:
        """Where weights come from that were trained elsewhere."""
        return self.plan.provenance.get("imported_from", "")

    @property
    def task(self) -> str:
        """The Hub's pipeline tag."""
        needs = self.entry.entry.needs
        if "text" in needs:
            return "text-to-image"
        return "image-to-image" if {"source", "mask"} & set(needs) else "unconditional-image-generation"


def read_facts(folder: Path, which: str = "last") -> Facts:
    """The facts of a run or model folder's checkpoint. Raises ZooError for a folder that is none."""
    plan = Plan.read(folder)
    found = checkpoint.find(folder / "checkpoints", which)
    images = checkpoint.images_of(folder / "checkpoints", which)
    state, environment = optional(found / checkpoint.STATE), optional(folder / "environment.json")
    seconds = state.get("seconds")
    name, licence = data_of(plan)
    return Facts(
        plan,
        registry().find("architecture", plan.architecture),
        images,
        parameters_of(found / checkpoint.SAMPLER),
        seconds / 3600 if seconds else None,
        hardware_of(environment, state.get("surroundings", {})),
        state.get("surroundings", {}),
        environment.get("packages", {}),
        tuple(pathless(score) for score in read_scores(folder) if score.subject.get("images") == images),
        name,
        licence,
        licence_of(plan.provenance.get("distribution", "")),
    )


def optional(path: Path) -> dict[str, Any]:
    """A JSON object; an empty one where there is no file."""
    return dict(read_json(path)) if path.exists() else {}


def parameters_of(path: Path) -> int:
    """How many numbers a safetensors file holds, by its header."""
    with safe_open(path, framework="pt") as file:
        return sum(prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118


def hardware_of(environment: Mapping[str, Any], surroundings: Mapping[str, Any]) -> str:
    """Such as `2 x NVIDIA L4, 22 GiB` or `AMD EPYC, 2 cores`; empty where the run does not say."""
    device, processes = surroundings.get("device", ""), surroundings.get("world_size", 1)
    gpu = environment.get("devices", {}).get("cuda:0", "")
    if device == "cuda" and gpu:
        return f"{processes} x {gpu}"
    processor = environment.get("processor", {})
    if device == "cpu" and processor:
        cores = processor.get("usable")
        return f"{processor.get('name', 'CPU')}, {cores} core{'' if cores == 1 else 's'}"
    return str(device)


def data_of(plan: Plan) -> tuple[str, str]:
    """Name and licence of the data."""
    source = plan.choice.source
    if not source:
        return "", ""
    try:
        return named(source), open_source(source).licence
    except (ZooError, OSError):  # the data need not lie on the machine that shares the weights
        return named(source), ""


def pathless(score: Score) -> Score:
    """The score with its pictures named as `data_of` names data."""
    protocol = {
        key: {**value, "source": named(value["source"])} if isinstance(value, Mapping) and "source" in value else value
        for key, value in score.protocol.items()
    }
    return replace(score, protocol=protocol)


def named(source: str) -> str:
    """A registered name or one of the Hub as it is, a path by its last part: where it lay is nobody's business."""
    return source if _NAME.fullmatch(source) else PurePath(source).name


def licence_of(distribution: str) -> str:
    """The licence that a package states."""
    try:
        about = metadata(distribution)
    except (PackageNotFoundError, ValueError):
        return ""
    return str(about["License-Expression"] or about["License"] or "")
