"""`ganzoo env`: versions and devices, for a bug report."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from zoo.cli.table import columns

__all__ = ["env"]


def env(json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print versions and devices for a bug report."""
    from zoo.environment import environment

    found = environment()
    if json_:
        print(json.dumps(found, indent=1))
    else:
        print("\n".join(columns(list(_rows(found)))))


def _rows(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Two columns; nested tables are flattened, their own keys standing for themselves."""
    for key, value in found.items():
        if isinstance(value, dict):
            yield from ((f"{key}: {name}", str(inner)) for name, inner in value.items())
        else:
            yield key, str(value)
