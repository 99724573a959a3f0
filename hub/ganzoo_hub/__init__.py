"""What talks to the world outside: official checkpoints come in here."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl

__all__ = ["ganzoo_commands"]


@hookimpl
def ganzoo_commands() -> Iterator[tuple[str, str]]:
    """`ganzoo import`."""
    yield "import", "ganzoo_hub.command:import_model"
