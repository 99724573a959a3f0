"""The command `ganzoo`: one small file per command."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from zoo.cli.commands import Commands
from zoo.cli.errors import guarded

__all__ = ["app", "main"]

app = typer.Typer(
    cls=Commands,
    name="ganzoo",
    help="Every classic and modern GAN behind one registry: train, combine, share.",
    add_completion=False,
    rich_markup_mode=None,
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `ganzoo` with these arguments (those of the process by default) and exit."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    command = typer.main.get_command(app)
    work = lambda: command.main(given or ["--help"], prog_name="ganzoo", standalone_mode=False)  # noqa: E731
    sys.exit(guarded(work, debug="--debug" in given))


def _print_version(wanted: bool) -> bool:
    if wanted:
        from importlib.metadata import version

        print(f"ganzoo {version('ganzoo')}")
        raise typer.Exit
    return wanted


def _block(names: list[str] | None) -> list[str]:
    # Before the command is looked up, since a plugin may supply it.
    if names:
        from zoo.plugins import block

        block(names)
    return names or []


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    no_plugin: Annotated[
        list[str] | None,
        typer.Option("--no-plugin", metavar="NAME", help="Leave out a plugin.", callback=_block, is_eager=True),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Every classic and modern GAN behind one registry: train, combine, share."""
