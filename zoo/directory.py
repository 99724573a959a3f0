"""The directory of known plugins: who supplies a name that nothing installed here has. It is read, never fetched."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.hookspecs import HOOKS

__all__ = ["DIRECTORY", "Supplier", "read_directory", "suppliers_of"]

_BUNDLED = Path(__file__).with_name("directory.json")
DIRECTORY = _BUNDLED if _BUNDLED.exists() else Path(__file__).parents[1] / "plugins" / "directory.json"
"""plugins/directory.json: inside the wheel it lies beside this file."""

FIELDS = ("distribution", "page", "owner", "summary", "supplies")


@dataclass(frozen=True, slots=True)
class Supplier:
    """A published plugin, as its owner describes it."""

    distribution: str  # what pip installs
    page: str  # https URL of the project
    owner: str
    summary: str  # one line
    supplies: Mapping[str, tuple[str, ...]]  # kind -> names

    def __str__(self) -> str:
        return f"It comes with {self.distribution} by {self.owner} ({self.page}): pip install {self.distribution}"


def suppliers_of(name: str, path: Path = DIRECTORY) -> list[Supplier]:
    """Known plugins that supply a name, of any kind; none where the directory is absent."""
    known = read_directory(path) if path.exists() else []
    return [one for one in known if any(name in names for names in one.supplies.values())]


def read_directory(path: Path = DIRECTORY) -> list[Supplier]:
    """Every known plugin. Raises ZooError with all that is wrong in the file."""
    content = json.loads(path.read_text(encoding="utf-8"))
    listed = content.get("plugins") if isinstance(content, dict) else None
    if not isinstance(listed, list):
        raise ZooError(f"{path} has no list `plugins`.")
    problems = [f"entry {i}: {problem}" for i, one in enumerate(listed) for problem in wrong(one)]
    names = [one.get("distribution") for one in listed if isinstance(one, dict)]
    problems += [f"{name} is listed twice" for name in dict.fromkeys(names) if names.count(name) > 1]
    if problems:
        raise ZooError("\n".join([f"{path}:", *problems]))
    return [Supplier(**{**one, "supplies": {k: tuple(v) for k, v in one["supplies"].items()}}) for one in listed]


def wrong(one: Any) -> Iterator[str]:
    """What is wrong with an entry, in sentences."""
    if not isinstance(one, dict) or set(one) != set(FIELDS):
        yield f"an object with exactly {', '.join(FIELDS)} is wanted"
        return
    for field in ("distribution", "page", "owner", "summary"):
        if not isinstance(one[field], str) or not one[field].strip() or "\n" in one[field]:
            yield f"{field} is one line of text"
            return
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", one["distribution"]):
        yield f"{one['distribution']!r} is no name that pip installs"
    if not one["page"].startswith("https://"):
        yield f"page {one['page']!r} is no https URL"
    supplies = one["supplies"]
    if not isinstance(supplies, dict) or not supplies:
        yield "supplies maps kinds to lists of names"
        return
    for kind, names in supplies.items():
        if kind not in HOOKS.values():
            yield f"{kind!r} is no kind; kinds are {', '.join(HOOKS.values())}"
        elif not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            yield f"{kind}: a list of names is wanted"
