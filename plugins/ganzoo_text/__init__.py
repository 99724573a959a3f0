"""Text encoders: what makes numbers of captions, by trained weights or by none."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_text_encoders"]


@hookimpl
def ganzoo_text_encoders() -> Iterator[Entry]:
    """What reads captions."""
    yield Entry(
        "hashed",
        "ganzoo_text.hashed:Hashed",
        "words and their parts, each a fixed random row; needs no weights, knows no meaning",
        tags=("offline",),
    )
