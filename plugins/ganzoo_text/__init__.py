"""Text encoders: what makes numbers of captions, by trained weights or by none."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_text_encoders"]


@hookimpl
def ganzoo_text_encoders() -> Iterator[Entry]:
    """What reads captions."""
    yield Entry(
        "minilm",
        "ganzoo_text.minilm:MiniLM",
        "all-MiniLM-L6-v2, 384 numbers that know meaning; weights without a download; the default",
        paper="2002.10957",
        tags=("offline",),
        extras=("text",),
    )
    yield Entry(
        "clip",
        "ganzoo_text.from_open_clip:provided",
        "the text tower of any model of open_clip: clip:ViT-B-32-quickgelu@openai",
        paper="2103.00020",
        tags=("download",),
        traits={"provider": "true"},
    )
    yield Entry(
        "precomputed",
        "ganzoo_text.precomputed:provided",
        "rows computed elsewhere, such as the official char-CNN-RNN's: precomputed:birds.safetensors",
        paper="1605.05395",
        tags=("offline",),
        traits={"provider": "true"},
    )
    yield Entry(
        "hashed",
        "ganzoo_text.hashed:Hashed",
        "words and their parts, each a fixed random row; needs no weights, knows no meaning",
        tags=("offline",),
    )
