"""`ganzoo plugins`: what became of every installed plugin."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from zoo.cli.table import columns
from zoo.plugins import PluginState, plugins

__all__ = ["list_plugins"]


def list_plugins(json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show each plugin, and what mends a broken one."""
    states = plugins()
    if json_:
        print(json.dumps([_as_json(state) for state in states], indent=1))
    else:
        print("\n".join(_listing(states)) if states else "No plugins are installed.")


def _as_json(state: PluginState) -> dict[str, Any]:
    fields = {name: value for name, value in asdict(state).items() if name not in ("registered", "commands")}
    entries = [{"kind": one.kind, "name": one.name} for one in state.registered]
    return {**fields, "entries": entries, "commands": [name for name, _ in state.commands]}


def _listing(states: tuple[PluginState, ...]) -> list[str]:
    lines: list[str] = []
    for state, row in zip(states, columns([_row(state) for state in states]), strict=True):
        lines.append(row)
        if state.status == "broken":
            lines += [f"    {state.error}", f"    mend it: {state.mend}"]
    return lines


def _row(state: PluginState) -> tuple[str, ...]:
    count = len(state.registered)
    loaded = state.status == "loaded"
    entries = f"{count} {'entry' if count == 1 else 'entries'}" if loaded else ""
    source = f"{state.distribution} {state.version}"
    return state.name, state.status, source, f"{1000 * state.seconds:.0f} ms" if loaded else "", entries
