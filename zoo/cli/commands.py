"""Commands by name, imported when they are run: typer itself would import every one at every start."""

import importlib
from importlib.util import find_spec
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from zoo.errors import ZooError, near_misses

__all__ = ["COMMANDS", "Command", "Commands", "Group"]

COMMANDS = {
    "train": "zoo.cli.train:train",
    "sample": "zoo.cli.sample:sample",
    "interpolate": "zoo.cli.interpolate:interpolate",
    "translate": "zoo.cli.translate:translate",
    "eval": "zoo.cli.eval:evaluate",
    "compare": "zoo.cli.compare:compare",
    "probe": "zoo.cli.probe:probe",
    "traverse": "zoo.cli.traverse:traverse",
    "mix": "zoo.cli.mix:mix",
    "project": "zoo.cli.project:project",
    "inpaint": "zoo.cli.inpaint:inpaint",
    "data": "zoo.cli.data:app",
    "list": "zoo.cli.list_:list_entries",
    "info": "zoo.cli.info:info",
    "plugins": "zoo.cli.plugins:app",
    "env": "zoo.cli.env:env",
}
"""Name -> function (one command) or `typer.Typer` (a group). Their modules import nothing heavy."""


class Text:
    """Stands where typer keeps the converter of a parameter: text as it was given."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value, or the list of values of a parameter that repeats."""
        several = param.multiple or param.nargs == -1
        return list(value or ()) if several else value


class Lean:
    """Spares text and flags typer's pass through pydantic: it changes nothing and takes 100 ms to import."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, `--help` included."""
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for parameter in parameters:
            described = getattr(parameter, "type_descriptor", None)
            if getattr(described, "annotation", None) in (bool, str, list[str]):
                parameter.get_runtime_param = Text
        return parameters


class Command(Lean, TyperCommand):
    """A command of ours: its help is plain text, with a section for each `rich_help_panel`."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, options, then the named sections in the order in which they first appear."""
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            title = "Arguments" if parameter.param_type_name == "argument" else "Options"
            if record is not None:
                sections.setdefault(getattr(parameter, "rich_help_panel", None) or title, []).append(record)
        for title, records in sections.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class Group(Lean, TyperGroup):
    """Commands below a command."""


class Commands(Lean, TyperGroup):
    """The table above, and after it what plugins add."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of the help text."""
        present = [name for name, target in COMMANDS.items() if find_spec(target.partition(":")[0])]
        return [*present, *sorted(_of_plugins())]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command, or None. Plugins are loaded only for a name that the table lacks."""
        target = COMMANDS.get(cmd_name) or _of_plugins().get(cmd_name)
        if target is None or (cmd_name in COMMANDS and not find_spec(target.partition(":")[0])):
            return None
        return _command(cmd_name, _object(cmd_name, target))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As typer's, with near misses among the commands that have not been imported."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            ctx.fail(f"No such command {name!r}. {near_misses(name, self.list_commands(ctx))}".rstrip())
        return super().resolve_command(ctx, args)


def _of_plugins() -> dict[str, str]:
    """Commands of plugins; `distribution::name` where the plain name is taken."""
    from zoo.plugins import plugins

    found: dict[str, str] = {}
    for state in plugins():
        for name, target in state.commands:
            taken = name in COMMANDS or name in found
            found[f"{state.distribution}::{name}" if taken else name] = target
    return found


def _object(name: str, target: str) -> Any:
    """The function or app behind a command; or one that says, when run, why a plugin's is broken."""
    module, _, path = target.partition(":")
    try:
        return getattr(importlib.import_module(module), path)
    except Exception as error:
        if name in COMMANDS:
            raise
        problem = f"The command {name!r} does not load: {module}: {type(error).__name__}: {error}"
        return _broken(problem, error)


def _broken(problem: str, cause: Exception) -> Any:
    def refuse() -> None:
        raise ZooError(f"{problem}\nSee: ganzoo plugins") from cause

    refuse.__doc__ = f"(broken) {problem}"
    return refuse


def _command(name: str, found: Any) -> Any:
    """What typer makes of a function or of an app, under our name and without boxes."""
    if isinstance(found, typer.Typer):
        found.rich_markup_mode = None
        command: Any = typer.main.get_group(found)
        command.name = name
    else:
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(name, cls=Command, context_settings=_settings(found))(found)
        command = typer.main.get_command(single)
    return command


def _settings(function: Any) -> dict[str, Any]:
    """A broken command takes any arguments, so that it can say what is wrong with it."""
    broken = (function.__doc__ or "").startswith("(broken)")
    return {"ignore_unknown_options": True, "allow_extra_args": True} if broken else {}
