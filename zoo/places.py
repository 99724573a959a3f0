"""What a word names: a folder or file, a model on the Hub, or one of the catalogue."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from zoo.errors import ZooError
from zoo.plugins import registry

__all__ = ["Place", "is_catalogue", "place_of"]

FILES = (".pkl", ".pth", ".pt", ".safetensors")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model lies, and its name there."""

    kind: Literal["disk", "hub", "catalogue"]
    name: str  # a path; `hf:owner/name[@revision]`; `architecture/dataset`


def place_of(where: str | Path) -> Place:
    """The place that `where` names, decided by its form and by what is registered; nothing is opened.

    A Path is disk, and so is text that is an absolute path, starts with `.`, `/` or `~`, or ends like weights.
    `hf:` and `hf://` are the Hub. `a/b` with `a` a registered architecture is the catalogue; everything else is disk.
    Raises ZooError for a URL, and for `a/b` that is also a path here.
    """
    text = str(where)
    if isinstance(where, Path) or text.startswith((".", "/", "~")) or Path(text).is_absolute():
        return Place("disk", text)
    if text.startswith("hf:"):
        return Place("hub", text)
    if "://" in text:
        raise ZooError(f"{where} is a URL; take it over first: ganzoo import {where} --out DIR")
    if text.lower().endswith(FILES) or not is_catalogue(text):
        return Place("disk", text)
    if Path(text).exists():
        raise ZooError(
            f"{text!r} is a path here and a name of the catalogue too. For what lies here write ./{text}; for the "
            "catalogue's, call from another folder."
        )
    return Place("catalogue", text)


def is_catalogue(text: str) -> bool:
    """Whether this is `architecture/dataset`, of a registered architecture."""
    architecture, slash, dataset = text.partition("/")
    known = registry().select("architecture") if slash and dataset else []
    return any(architecture in (one.name, one.qualified) for one in known)
