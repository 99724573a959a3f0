"""A run as its config.json states it: model, parts, data and settings."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import new_class
from typing import Any, cast

from zoo.errors import InvalidOptions, ZooError, near_misses
from zoo.files import read_json
from zoo.model import DataSpec, Model, Parts, Preset
from zoo.options import from_json, to_json
from zoo.plugins import registry
from zoo.registry import install_command
from zoo.training.checkpoint import FORMAT, check_format

__all__ = ["DataChoice", "Plan", "Settings", "model_class", "preset", "score_pairs", "unknown", "usual_parts"]


@dataclass(frozen=True, slots=True)
class DataChoice:
    """Which images, and how they are prepared."""

    source: str  # a path or a registered name, as given; empty for a model that was imported
    fingerprint: str  # of the content when the run began
    crop: str = "center"
    cache: str = "auto"
    mirror: bool = False
    text_encoder: str = ""  # reference of what embeds the captions; empty for a model without text
    pair: str = ""  # how two domains are made of it: ab, ba or edges; empty for one, or where its name says it


@dataclass(frozen=True, slots=True)
class Settings:
    """How the run goes, apart from the model."""

    kimg: float  # length in thousands of images; 0 for no limit
    minutes: float  # and at most this long; 0 for no limit
    seed: int = 0
    microbatches: int = 1
    precision: str = "fp32"
    compile: bool = False
    sync_batch_norm: bool = False  # BatchNorm over all processes; CUDA alone
    snapshot_kimg: float = 2.0  # the first gap between sample grids; later ones are a tenth of the way so far
    checkpoint_minutes: float = 5.0  # save at least this often
    keep_kimg: float = 0.0  # also keep a checkpoint every so many thousand images; 0 keeps none
    metrics: tuple[str, ...] = ()  # scores on the way; the first one says what "best" means
    score_kimg: float = 0.0  # thousand images between scores; 0 scores with every sample grid
    score_samples: int = 2000  # samples of a score, where the metric has no number of its own
    score_options: tuple[str, ...] = ()  # how the samples of a score are drawn, such as truncation=0.7


@dataclass(frozen=True, slots=True)
class Plan:
    """A run: model, parts, data, settings. `to_json` is config.json; `from_json` reads it back strictly."""

    architecture: str
    config: Any
    parts: Parts | None
    data: DataSpec
    choice: DataChoice
    settings: Settings
    origin: str = ""  # the model whose weights it starts from
    provenance: Mapping[str, str] = field(default_factory=dict)  # plugin, distribution, version
    backbones: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # frozen networks: weights and sha256

    def model_class(self) -> type[Model]:
        """The architecture's class."""
        return model_class(self.architecture)

    def judges(self) -> list[tuple[str, str]]:
        """(reference, family) of the frozen networks its discriminators look through: scores by these flatter."""
        return [(name, about["family"]) for name, about in self.backbones.items()]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, with the format's number."""
        return {
            "format": FORMAT,
            "architecture": self.architecture,
            "provenance": dict(self.provenance),
            "config": to_json(self.config),
            "parts": None if self.parts is None else to_json(self.parts),
            "data": self.data.to_json(),
            "source": to_json(self.choice),
            "settings": to_json(self.settings),
            "origin": self.origin,
            "backbones": {name: dict(about) for name, about in self.backbones.items()},
        }

    @classmethod
    def read(cls, folder: Path) -> "Plan":
        """The plan of a run folder."""
        path = folder / "config.json"
        if not path.is_file():
            raise ZooError(f"{folder} is no run: it has no config.json. Runs are folders that ganzoo train made.")
        return cls.from_json(read_json(path), path)

    @classmethod
    def from_json(cls, content: Mapping[str, Any], path: Path) -> "Plan":
        """Read a config.json; one of a newer format, or with unknown keys, is refused."""
        if not isinstance(content, Mapping):
            raise ZooError(f"{path} is no run's config.json.")
        check_format(content, path)
        check_supplied(content, path)
        try:
            model = model_class(content["architecture"])
            parts = content["parts"]
            return cls(
                content["architecture"],
                from_json(model.Config, content["config"], where=f"{path}, config"),
                None if parts is None else from_json(Parts, parts, where=f"{path}, parts"),
                DataSpec.from_json(content["data"]),
                from_json(DataChoice, content["source"], where=f"{path}, source"),
                from_json(Settings, settings_from(content["settings"]), where=f"{path}, settings"),
                content["origin"],
                content["provenance"],
                content.get("backbones", {}),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ZooError(f"{path} is not a whole config.json: {type(error).__name__}: {error}.") from error


def score_pairs(words: Sequence[str]) -> dict[str, object]:
    """`key=value` words of `score_options` as a dictionary. Raises InvalidOptions."""
    if wrong := [word for word in words if "=" not in word]:
        raise InvalidOptions([f"score_options {word}: write key=value, such as truncation=0.7." for word in wrong])
    return {key: value for key, _, value in (word.partition("=") for word in words)}


SUPPLIER = ("distribution", "version")


def check_supplied(content: Mapping[str, Any], path: Path) -> None:
    """Raise ZooError naming the plugin, its version and its installation where the architecture's is gone."""
    by = content.get("provenance")
    about = [content.get("architecture"), *(by.get(key) if isinstance(by, Mapping) else "" for key in SUPPLIER)]
    name, distribution, version = map(str, about)
    if not all(re.fullmatch(r"[A-Za-z0-9._+-]+", word) for word in (name, distribution, version)):
        return  # a stranger's text is not repeated as a command
    if registry().select("architecture", name) or distribution.lower() == "ganzoo":
        return
    raise ZooError(
        f"{path} is of architecture '{name}', which {distribution} {version} supplied; that is not installed here. "
        f"Install it, if you trust it: {install_command(distribution)}"
    )


def settings_from(content: Mapping[str, object]) -> dict[str, object]:
    """The settings of a config.json; earlier ones name one `metric`, or none."""
    settings = dict(content)
    if "metric" in settings and "metrics" not in settings:
        metric = settings.pop("metric")
        settings["metrics"] = [] if metric == "none" else [metric]
    return settings


def model_class(architecture: str) -> type[Model]:
    """The class that an architecture's name stands for; a preset architecture is its base with other presets."""
    found = registry().load("architecture", architecture)
    if base := registry().find("architecture", architecture).entry.base:
        if not isinstance(found, Mapping):
            raise ZooError(f"architecture '{architecture}' is no mapping of presets; report it to its plugin.")
        parent = model_class(base)
        named = {"presets": found, "__doc__": parent.__doc__, "__module__": parent.__module__}
        return cast(type[Model], new_class(parent.__name__, (parent,), exec_body=lambda body: body.update(named)))
    if not (isinstance(found, type) and issubclass(found, Model)):
        raise ZooError(f"architecture '{architecture}' is not a zoo.Model; report it to its plugin.")
    return found


def preset(model: type[Model], name: str, architecture: str, data: DataSpec) -> Preset:
    """A named preset of a model for this data."""
    if name not in model.presets:
        raise InvalidOptions([unknown("preset", name, model.presets, f"of {architecture}")])
    return model.presets[name](data)


def usual_parts(model: type[Model], config: Any) -> Parts | None:
    """The paper's parts, or None for a model that plays no game."""
    try:
        return model.parts(config)
    except NotImplementedError:
        return None


def unknown(what: str, name: str, known: Mapping[str, Any] | Sequence[str], where: str = "") -> str:
    """ "unknown preset 'x' of dcgan: known are ..."."""
    return f"unknown {what} '{name}' {where}: known are {', '.join(known)}. {near_misses(name, known)}".strip()
