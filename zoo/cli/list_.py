"""`ganzoo list`: what can be named, from entries alone."""

import json
import sys
from itertools import groupby
from typing import Annotated, Any

import typer

from zoo.cli.errors import warn_broken
from zoo.cli.table import columns
from zoo.errors import near_misses
from zoo.plugins import registry
from zoo.registry import KINDS, Registered, plural

__all__ = ["as_json", "list_entries"]

FEW = 20  # weights that a list of everything shows one by one


def list_entries(
    kind: Annotated[str | None, typer.Argument(help="Such as architectures or loss; all by default.")] = None,
    pattern: Annotated[str | None, typer.Argument(help="Part of a name, or a wildcard such as 'style*'.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="Only entries with this tag; repeats.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List architectures, losses, datasets and the rest."""
    warn_broken()
    if kind is not None and pattern is None and not _is_kind(kind):
        kind, pattern = None, kind
    found = registry().select(kind, _wildcard(pattern), tag or ())
    if json_:
        print(json.dumps([as_json(one) for one in found], indent=1))
    elif found:
        whole = kind is None and pattern is None and not tag
        print("\n".join(_overview(found) if whole else _listing(found)))
    if not found:
        print(_nothing(kind, pattern, tag or []), file=sys.stderr)
        raise typer.Exit(1)


def as_json(one: Registered) -> dict[str, Any]:
    """An entry and its supplier, as `--json` prints them."""
    entry = one.entry
    return {
        "kind": one.kind,
        "name": one.name,
        "qualified": one.qualified,
        "summary": entry.summary,
        "paper": entry.paper,
        "target": entry.target,
        "base": entry.base,
        "tags": entry.tags,
        "needs": entry.needs,
        "extras": entry.extras,
        "traits": dict(entry.traits),
        "presets": dict(entry.presets),
        "plugin": one.plugin,
        "distribution": one.distribution,
        "version": one.version,
    }


def _overview(found: list[Registered]) -> list[str]:
    """Everything, of many weights only how many."""
    weights = [one for one in found if one.kind == "weights"]
    if len(weights) <= FEW:
        return _listing(found)
    rest = _listing([one for one in found if one.kind != "weights"])
    architectures = len({one.name.partition("/")[0] for one in weights})
    return [*rest, "", "weights", f"  {len(weights)} for {architectures} architectures: ganzoo list weights"]


def _listing(found: list[Registered]) -> list[str]:
    """A heading per kind, a line per entry, all in common columns."""
    lines: list[str] = []
    rows = columns([_row(one) for one in found], indent="  ", flexible=1)
    for kind, several in groupby(zip(found, rows, strict=True), key=lambda pair: pair[0].kind):
        lines += ([""] if lines else []) + [plural(kind)] + [row for _, row in several]
    return lines


def _row(one: Registered) -> tuple[str, str, str, str]:
    unique = one.name in registry().names(one.kind)
    return one.name if unique else one.qualified, one.entry.summary, one.entry.paper, one.plugin


def _is_kind(text: str) -> bool:
    return text in KINDS or text in map(plural, KINDS)


def _wildcard(pattern: str | None) -> str:
    """A pattern without wildcards is part of a name."""
    if pattern is None:
        return "*"
    return pattern if any(mark in pattern for mark in "*?[") else f"*{pattern}*"


def _nothing(kind: str | None, pattern: str | None, tags: list[str]) -> str:
    """What was looked for in vain, and what might have been meant."""
    kinds = [kind] if kind else list(KINDS)
    names = [name for one in kinds for name in registry().names(one)]
    words = [*names, *([] if kind else [*KINDS, *map(plural, KINDS)])]
    wanted = " ".join([*([repr(pattern)] if pattern else []), *(f"tag {tag!r}" for tag in tags)])
    hint = near_misses(pattern, words) if pattern else ""
    return f"Nothing matches {wanted or kind}. {hint}".rstrip()
