"""The command that goes on with a run's weights beside one more backbone."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from zoo import Model, Preset, ZooError

__all__ = ["command", "content_of", "used"]

LENGTH = ("kimg", "minutes")  # left to the new run


def content_of(run: str) -> dict[str, Any]:
    """A run's config.json."""
    content: dict[str, Any] = json.loads((Path(run).expanduser() / "config.json").read_text(encoding="utf-8"))
    if content["parts"] is None:
        raise ZooError(f"{run}: {content['architecture']} plays no adversarial game that a critic could join.")
    return content


def used(content: Mapping[str, Any]) -> list[str]:
    """The backbones that the run's vision-aided critics look through."""
    aided = [text for text in content["parts"]["allies"] if text.partition(":")[0] == "vision-aided"]
    return list(content.get("backbones", {})) if aided else []


def command(run: str, content: Mapping[str, Any], model: Model, backbones: Sequence[str], data: str) -> str:
    """`ganzoo train ... --from RUN --discriminator vision-aided --backbone ...`, with the run's own settings."""
    name, preset = nearest_preset(model)
    spec, parts, choice = model.data, content["parts"], content["source"]
    words = ["ganzoo", "train", content["architecture"], "--data", data, "--from", run]
    words += [] if name == "default" else ["--preset", name]
    words += ["--resolution", str(spec.resolution), "--channels", str(spec.channels)]
    for key, value in differences(model.config, preset.config):
        words += ["-s", f"{key}={written(value)}"]
    words += ["--loss", parts["loss"], "--augment", parts["augment"]]
    for text in parts["regularizers"] or ["none"]:
        words += ["--regularize", text]
    words += ["--crop", choice["crop"]] if choice["crop"] != "center" else []
    words += ["--mirror"] if choice["mirror"] else []
    return shlex.join([*words, *critics(parts, backbones)])


def critics(parts: Mapping[str, Any], backbones: Sequence[str]) -> Iterator[str]:
    """The run's discriminators with the vision-aided one among them."""
    replacing = [] if parts["discriminator"] == "own" else [parts["discriminator"]]
    allies = list(parts["allies"])
    if not any(text.partition(":")[0] == "vision-aided" for text in allies):
        allies.append("vision-aided")
    for text in [*replacing, *allies]:
        yield from ("--discriminator", text)
    for name in backbones:
        yield from ("--backbone", name)


def nearest_preset(model: Model) -> tuple[str, Preset]:
    """The preset from which the fewest options differ."""
    made = {name: make(model.data) for name, make in model.presets.items()}
    return min(made.items(), key=lambda pair: len(list(differences(model.config, pair[1].config))))


def differences(config: Any, preset: Any) -> Iterator[tuple[str, Any]]:
    """Options, other than the length, that were set otherwise than in the preset."""
    for field in fields(config):
        value = getattr(config, field.name)
        if value != getattr(preset, field.name) and field.name not in LENGTH:
            yield field.name, value


def written(value: Any) -> str:
    """A value as the command line takes it."""
    if isinstance(value, tuple):
        return "+".join(map(written, value))
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
