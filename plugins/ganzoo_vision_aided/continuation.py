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
NAME = "vision-aided"
USUAL = ("efficientnet-lite0",)  # where a run names none


def content_of(run: str) -> dict[str, Any]:
    """A run's config.json."""
    content: dict[str, Any] = json.loads((Path(run).expanduser() / "config.json").read_text(encoding="utf-8"))
    if content["parts"] is None:
        raise ZooError(f"{run}: {content['architecture']} plays no adversarial game that a critic could join.")
    return content


def used(content: Mapping[str, Any]) -> list[str]:
    """The backbones that the run's vision-aided critic looks through."""
    aided = next((text for text in content["parts"]["allies"] if is_aided(text)), None)
    if aided is None:
        return []
    own = options_of(aided).get("backbone", "")
    return own.split("+") if own else list(content["parts"]["backbones"]) or list(USUAL)


def command(run: str, content: Mapping[str, Any], model: Model, backbones: Sequence[str], data: str) -> str:
    """`ganzoo train ... --from RUN --discriminator vision-aided --backbone ...`, with the run's own settings."""
    name, preset = nearest_preset(model)
    spec, parts, choice = model.data, content["parts"], content["source"]
    words = ["ganzoo", "train", content["architecture"], "--data", data, "--from", run]
    words += [] if name == "default" else ["--preset", name]
    words += ["--resolution", str(spec.resolution), "--channels", str(spec.channels)]
    for key, value in differences(model.config, preset.config):
        words += ["-s", f"{key}={written(value)}"]
    words += ["--loss", parts["loss"], "--augment", constant(parts["augment"])]
    for text in parts["regularizers"] or ["none"]:
        words += ["--regularize", text]
    words += ["--crop", choice["crop"]] if choice["crop"] != "center" else []
    words += ["--mirror"] if choice["mirror"] else []
    return shlex.join([*words, *critics(parts, backbones)])


def critics(parts: Mapping[str, Any], backbones: Sequence[str]) -> Iterator[str]:
    """The run's discriminators with the vision-aided one among them, which joins at once, and the frozen networks.

    Beside further discriminators it names its own, for --backbone is for all that name none.
    """
    others = [] if parts["discriminator"] == "own" else [parts["discriminator"]]
    others += [text for text in parts["allies"] if not is_aided(text)]
    aided = next((text for text in parts["allies"] if is_aided(text)), NAME)
    options = {key: value for key, value in options_of(aided).items() if key not in ("backbone", "start")}
    given = list(backbones)
    if others:
        options["backbone"] = "+".join(backbones)
        given = list(parts["backbones"]) if any("backbone" not in options_of(text) for text in others) else []
    pairs = ",".join(f"{key}={value}" for key, value in options.items())
    for text in [*others, f"{NAME}:{pairs}" if pairs else NAME]:
        yield from ("--discriminator", text)
    for name in given:
        yield from ("--backbone", name)


def is_aided(text: str) -> bool:
    """Whether a reference names this plugin's discriminator."""
    return text.partition(":")[0] == NAME


def options_of(text: str) -> dict[str, str]:
    """A reference's options, as text."""
    pairs = (pair.partition("=") for pair in text.partition(":")[2].split(",") if pair)
    return {key: value for key, _, value in pairs}


def constant(augment: str) -> str:
    """An augmentation as the run had it: a start from weights would let one that adapts react faster."""
    adapts = augment.partition(":")[0] == "ada" and not {"p", "kimg"} & options_of(augment).keys()
    return f"{augment}{',' if ':' in augment else ':'}kimg=500" if adapts else augment


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
