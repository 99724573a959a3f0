"""What talks to the world outside: official checkpoints come in here."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_commands", "ganzoo_weights"]


@hookimpl
def ganzoo_commands() -> Iterator[tuple[str, str]]:
    """`ganzoo import` and `ganzoo import-embeddings`."""
    yield "import", "ganzoo_hub.command:import_model"
    yield "import-embeddings", "ganzoo_hub.command:import_embeddings"


@hookimpl
def ganzoo_weights() -> Iterator[Entry]:
    """The catalogue: published weights of which there is a card."""
    from ganzoo_hub.catalogue import entries

    yield from entries()
