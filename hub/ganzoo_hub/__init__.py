"""What talks to the world outside: official checkpoints come in, models go to the Hub and come back."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_commands", "ganzoo_weights"]


@hookimpl
def ganzoo_commands() -> Iterator[tuple[str, str]]:
    """`ganzoo import`, `ganzoo import-embeddings`, and the Hub's four."""
    yield "import", "ganzoo_hub.command:import_model"
    yield "import-embeddings", "ganzoo_hub.command:import_embeddings"
    for name in ("push", "pull", "verify", "search"):
        yield name, f"ganzoo_hub.command:{name}"


@hookimpl
def ganzoo_weights() -> Iterator[Entry]:
    """The catalogue: published weights of which there is a card."""
    from ganzoo_hub.catalogue import entries

    yield from entries()
