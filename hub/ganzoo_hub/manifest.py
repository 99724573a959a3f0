"""config.json of a model repository: what it lists, read as text from a stranger."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from ganzoo_hub.requirements import Requirement
from zoo.errors import ZooError
from zoo.files import read_json

__all__ = [
    "CONFIG",
    "DISCRIMINATOR",
    "GENERATOR",
    "README",
    "SAMPLES",
    "Damaged",
    "Manifest",
    "Record",
    "read_manifest",
    "signed",
]

CONFIG, README, SAMPLES = "config.json", "README.md", "samples.png"
GENERATOR, DISCRIMINATOR = "generator.safetensors", "discriminator.safetensors"

NAME = re.compile(r"(?:checkpoints/(?:step-\d{9}/)?)?[A-Za-z0-9][A-Za-z0-9_-]*\.(?:safetensors|json|png)")
DIGEST = re.compile(r"[0-9a-f]{64}")


class Damaged(ZooError):
    """A file is not the one that was written: fetching it again may help."""


@dataclass(frozen=True, slots=True)
class Record:
    """Size in bytes and sha256 of a file."""

    size: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Self:
        """The record of a file as it lies there."""
        with path.open("rb") as file:
            return cls(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())

    @classmethod
    def from_json(cls, name: object, content: object) -> Self:
        """A record of config.json. Raises ValueError for a name that no such file has."""
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise ValueError(f"it lists {name!r}, which no model repository holds")
        match content:
            case {"size": int(size), "sha256": str(digest)} if size >= 0 and DIGEST.fullmatch(digest):
                return cls(size, digest)
        raise ValueError(f"it gives no size and sha256 of {name}")

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
        return {"size": self.size, "sha256": self.sha256}

    def check_size(self, path: Path) -> None:
        """Raise ZooError unless the file is there in its size."""
        found = path.stat().st_size if path.is_file() else None
        if found != self.size:
            state = "is missing" if found is None else f"has {found:,} bytes instead of {self.size:,}"
            raise Damaged(f"{path} {state}. Pull the model again.")

    def check(self, path: Path) -> None:
        """Raise ZooError unless the file is the very one."""
        self.check_size(path)
        if (found := Record.of(path)) != self:
            raise Damaged(
                f"{path} is damaged: its sha256 is {found.sha256[:12]}... instead of {self.sha256[:12]}.... "
                "Pull the model again."
            )


@dataclass(frozen=True, slots=True)
class Manifest:
    """What config.json says of its repository."""

    FORMAT: ClassVar[int] = 1

    content: Mapping[str, Any]  # all of config.json
    images: int  # shown to the discriminator
    requires: tuple[Requirement, ...]
    files: Mapping[str, Record]  # by name, `/` between folders

    def needed(self, *, training: bool) -> list[str]:
        """The files that a load reads."""
        if not training:
            return [GENERATOR]
        whole = [name for name in self.files if name.startswith("checkpoints/") and not name.endswith(".json")]
        pair = [GENERATOR, DISCRIMINATOR] if DISCRIMINATOR in self.files else [GENERATOR]
        return [name for name in whole if name.endswith("training.safetensors")] or pair


def signed(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content with a sha256 of itself, so that a damaged config.json is told from a whole one."""
    return {**content, "sha256": digest_of(content)}


def digest_of(content: Mapping[str, Any]) -> str:
    """sha256 of the content's canonical JSON, its own `sha256` left out."""
    plain = {key: value for key, value in content.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def read_manifest(path: Path, place: str = "") -> Manifest:
    """Read a config.json, refusing what is damaged, of a newer format, or not as one of ours."""
    where = place or str(path)
    if not path.is_file():
        raise ZooError(
            f"{path.parent} holds no model: it has no config.json. Fetch one: ganzoo pull OWNER/NAME --to DIR"
        )
    try:
        content = read_json(path)
    except ZooError as error:
        raise Damaged(str(error)) from error
    if not isinstance(content, dict) or not isinstance(block := content.get("repository"), dict):
        raise ZooError(
            f"{where} is no model of ganzoo: its config.json has no block `repository`. From the Hub nothing but "
            "safetensors written by ganzoo push is loaded: no pickles, no code."
        )
    if (written := block.get("format")) != Manifest.FORMAT:
        raise ZooError(f"{where} has format {written!r}; this ganzoo reads {Manifest.FORMAT}. Update ganzoo.")
    if content.get("sha256") != digest_of(content):
        raise Damaged(f"{where}: config.json is damaged, or was changed by hand (its sha256 differs). Pull it again.")
    try:
        files = {name: Record.from_json(name, record) for name, record in block["files"].items()}
        if GENERATOR not in files:
            raise ValueError(f"it lists no {GENERATOR}")
        requires = tuple(Requirement.from_json(one) for one in block["requires"])
        return Manifest(content, int(block["images"]), requires, files)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ZooError(f"{where} is refused: in config.json, {error}.") from error
