"""The sha256 that an official file had when it was first used here: what nobody published is at least never changed."""

import json
from pathlib import Path
from typing import Any

from zoo.data.cache import cache_folder
from zoo.errors import ZooError

__all__ = ["check_same", "recorded"]


def record_of(name: str) -> Path:
    """Where the record of a name of the catalogue lies."""
    return cache_folder().parent / "weights" / "seen" / f"{name.replace('/', '--')}.json"


def recorded(name: str) -> str:
    """The sha256 of the first use; empty before."""
    return str(read(record_of(name)).get("sha256", ""))


def check_same(name: str, url: str, sha256: str, size: int) -> bool:
    """Record the first use of a file, and refuse another one ever after; whether this is the first."""
    path = record_of(name)
    before = read(path)
    if before and before.get("sha256") != sha256:
        raise ZooError(
            f"{url} is not the file that {name} was first loaded from here: its sha256 is {sha256}, and was "
            f"{before.get('sha256')}. Nothing was loaded. Ask its publisher; if the new file is right, remove {path} "
            "and load again."
        )
    if not before:
        from zoo.files import explained, write_json

        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"url": url, "sha256": sha256, "bytes": size})
    return not before


def read(path: Path) -> dict[str, Any]:
    """The record; nothing where there is none. A broken one is an error, not a first use."""
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {"sha256": found["sha256"]}
    except (ValueError, KeyError, TypeError) as error:
        raise ZooError(f"{path} is broken; remove it to record the file anew.") from error
