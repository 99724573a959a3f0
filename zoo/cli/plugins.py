"""`ganzoo plugins`: what became of every installed plugin; `ganzoo plugins check` and `new`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.cli.commands import Command, Group
from zoo.cli.table import columns
from zoo.errors import ZooError
from zoo.plugins import PluginState, plugins
from zoo.registry import with_article

__all__ = ["app"]

app = typer.Typer(cls=Group, help="Show each plugin, and what mends a broken one; check one, or begin one.")


@app.callback(invoke_without_command=True)
def list_plugins(
    context: typer.Context, json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Show each plugin, and what mends a broken one; check one, or begin one."""
    if context.invoked_subcommand is not None:
        return
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


@app.command(cls=Command)
def check(
    name: Annotated[str, typer.Argument(help="A plugin, by its name in `ganzoo plugins`.")],
    only: Annotated[str, typer.Option(help="Only checks whose name contains this, such as `loss hinge`.")] = "",
) -> None:
    """Run the conformance kit on a plugin: ganzoo plugins check my-plugin."""
    from zoo.testing.kit import checks_of, outcome

    chosen = [one for one in checks_of(name) if only in one.name]
    if not chosen:
        raise ZooError(f"No check of {name!r} has {only!r} in its name; leave out --only to see them all.")
    results = []
    for one in chosen:
        result = outcome(one)
        results.append(result)
        reason = f"\n{'':19}{result.reason}" if result.reason else ""
        print(f"{result.status:8} {result.seconds:6.2f} s  {one.name}{reason}", flush=True)
    count = {status: sum(result.status == status for result in results) for status in ("passed", "skipped", "failed")}
    print(", ".join(f"{number} {status}" for status, number in count.items()))
    if count["failed"]:
        raise ZooError(f"{name} fails {count['failed']} of {len(results)} checks; what each wants is said above.")


@app.command(cls=Command)
def new(
    name: Annotated[str, typer.Argument(help="The plugin's and its entry's name, such as sparkle-gan.")],
    kind: Annotated[str, typer.Option(help="What it supplies: architecture, loss, metric, ...")] = "architecture",
    out: Annotated[Path | None, typer.Option(help="A folder that is not there yet; ganzoo-NAME by default.")] = None,
) -> None:
    """Write the repository of a plugin, which passes its own tests: ganzoo plugins new sparkle --kind loss."""
    from zoo.scaffold import SCAFFOLDS, scaffold

    folder = scaffold(name, kind, out)
    print(f"{folder}: a plugin with {with_article(kind)} that works. Next:")
    for line in (f'cd {folder} && pip install -e ".[test]"', "pytest", SCAFFOLDS[kind].format(name=name)):
        print(f"  {line}")
