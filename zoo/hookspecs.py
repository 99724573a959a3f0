"""The hooks a plugin may implement. Each returns an iterable of entries; none may import anything heavy."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from zoo.registry import Entry

__all__ = ["API", "HOOKS", "PROJECT", "hookimpl", "hookspec"]

PROJECT = "ganzoo"

API = 1
"""Number of this interface. A plugin may state `ganzoo_api = 1`; one built for a newer API is refused."""

hookspec = pluggy.HookspecMarker(PROJECT)

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Optional: a module-level function of a plugin that bears a hook's name implements it, marked or not."""

HOOKS = {
    "ganzoo_architectures": "architecture",
    "ganzoo_losses": "loss",
    "ganzoo_regularizers": "regularizer",
    "ganzoo_augmentations": "augmentation",
    "ganzoo_backbones": "backbone",
    "ganzoo_discriminators": "discriminator",
    "ganzoo_text_encoders": "text-encoder",
    "ganzoo_datasets": "dataset",
    "ganzoo_metrics": "metric",
    "ganzoo_weights": "weights",
    "ganzoo_importers": "importer",
    "ganzoo_run_loggers": "run-logger",
    "ganzoo_commands": "command",
}
"""Hook name -> kind of what it yields."""


@hookspec
def ganzoo_architectures() -> "Iterable[Entry]":  # type: ignore[empty-body]
    """Entries whose target is a `zoo.Model` subclass.

    A preset architecture, one that is another's networks with other settings and parts, names that in `base`;
    its target is a mapping from names to functions of a `DataSpec` that return a `Preset`.
    """


@hookspec
def ganzoo_losses() -> "Iterable[Entry]":  # type: ignore[empty-body]
    """Entries whose target makes a `Game`."""


@hookspec
def ganzoo_regularizers() -> "Iterable[Entry]":  # type: ignore[empty-body]
    """Entries whose target makes a regularizer; `traits["scope"]` is critic, network or players."""


@hookspec
def ganzoo_augmentations() -> "Iterable[Entry]":  # type: ignore[empty-body]
    """Entries whose target makes an `Augment`."""


@hookspec
def ganzoo_backbones() -> "Iterable[Entry]":  # type: ignore[empty-body]
    """Entries whose target makes a `Backbone`; `traits["provider"]` is "true" if it takes a model's name."""


@hookspec
def ganzoo_discriminators() -> "Iterable[Entry]":  # type: ignore[empty-body]
    """Entries whose target makes a discriminator; `role` is replace or join, and what joins may be a `Critic`."""


@hookspec
def ganzoo_text_encoders() -> "Iterable[Entry]":  # type: ignore[empty-body]
    """Entries whose target makes a `TextEncoder`; `traits["provider"]` is "true" if it takes a model's name."""


@hookspec
def ganzoo_datasets() -> "Iterable[Entry]":  # type: ignore[empty-body]
    """Entries whose target opens a data source."""


@hookspec
def ganzoo_metrics() -> "Iterable[Entry]":  # type: ignore[empty-body]
    """Entries whose target computes a score."""


@hookspec
def ganzoo_weights() -> "Iterable[Entry]":  # type: ignore[empty-body]
    """Entries named `architecture/dataset`: the catalogue of trained models."""


@hookspec
def ganzoo_importers() -> "Iterable[Entry]":  # type: ignore[empty-body]
    """Entries whose target is an `Importer` of the architecture of that name, or of `traits["architecture"]`."""


@hookspec
def ganzoo_run_loggers() -> "Iterable[Entry]":  # type: ignore[empty-body]
    """Entries whose target receives the metrics of a run."""


@hookspec
def ganzoo_commands() -> "Iterable[tuple[str, str]]":  # type: ignore[empty-body]
    """Pairs `(name, "pkg.module:object")`, the object a function or a `typer.Typer`: commands of `ganzoo`."""
