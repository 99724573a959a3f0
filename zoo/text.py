"""Captions as numbers: what an encoder of text is, and the captions that a model draws from."""

import zlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Annotated, cast

import numpy as np
import torch
from torch import Tensor, nn

from zoo.data.embeddings import Embeddings
from zoo.data.spec import DataSpec
from zoo.errors import InvalidOptions, ZooError
from zoo.option_types import Whole

__all__ = ["USUAL", "Captions", "TextEncoder", "Texts", "caption_rows", "encoder_of", "fill_captions", "text_encoder"]

Texts = Annotated[tuple[str, ...], Whole()]
"""Captions; one text is one caption."""

USUAL = "minilm"
"""The encoder of a text model for which none is named."""

AT_ONCE = 256  # texts of a batch


_KEPT: dict[str, "TextEncoder"] = {}  # by identity, so that weights are read once in a process


class TextEncoder(ABC):
    """Texts to rows of numbers by fixed weights: a text's row does not depend on the texts beside it."""

    name: str = ""  # the reference it was made by, set by `text_encoder`
    revision: str  # of its weights: changes whenever a row would
    dim: int  # numbers of a row
    needs_captions: bool = True  # false where it knows the rows of the data's items by their keys

    @property
    def identity(self) -> str:
        """`name@revision`: what a model keeps of the encoder that it was trained with."""
        return f"{self.name}@{self.revision}"

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> Tensor:
        """Rows float32 [N, dim] on the CPU, scaled so that the mean square over all numbers is about 1."""

    def cut(self, texts: Sequence[str]) -> int:
        """How many of these texts are too long to be read to their end."""
        return 0

    def embed(self, keys: Sequence[str], captions: Sequence[Sequence[str]]) -> Embeddings:
        """The captions of a dataset's items, each different one encoded once."""
        numbers: dict[str, int] = {}
        of_items = [[numbers.setdefault(text, len(numbers)) for text in texts] for texts in captions]
        unique = list(numbers)
        parts = [self.encode(unique[i : i + AT_ONCE]) for i in range(0, len(unique), AT_ONCE)]
        return Embeddings.of(torch.cat(parts).numpy(), of_items)


def text_encoder(reference: str) -> TextEncoder:
    """The encoder that a reference names: `minilm`, `hashed:dim=256`, `clip:ViT-B-32@openai`.

    Raises ZooError naming the extra or the download where weights are missing.
    """
    from zoo.composition import referred

    with torch.device("cpu"), torch.random.fork_rng(devices=[]):
        made = cast(TextEncoder, referred("text-encoder", reference))
    made.name = made.name or reference
    _KEPT[made.identity] = made
    return made


def encoder_of(identity: str, reference: str = "") -> TextEncoder:
    """The encoder of this identity, made by `reference` or else by its own name, once in a process.

    Raises ZooError when it has other weights now.
    """
    if identity in _KEPT:
        return _KEPT[identity]
    made = text_encoder(reference or identity.rpartition("@")[0])
    if made.identity != identity:
        raise ZooError(
            f"The captions were embedded by {identity}, and the encoder here is {made.identity}: its numbers mean "
            "something else. Install the version of then, or train anew with this one."
        )
    return made


class Captions(nn.Module):
    """The example captions of a model's data, embedded: what `prior` draws from. Training fills the rows."""

    rows: Tensor

    def __init__(self, data: DataSpec) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(len(data.captions), data.text_dim))

    def draw(self, n: int, seed: int) -> Tensor:
        """Rows float32 [n, text_dim] on the CPU; row i depends on seed + i alone.

        A model that was given no captions draws normal numbers, which are of the same size.
        """
        states = [np.random.RandomState([(seed + i) % 2**32, zlib.crc32(b"captions")]) for i in range(n)]
        count, dim = self.rows.shape
        if count == 0:
            return torch.from_numpy(np.stack([state.randn(dim) for state in states]).astype(np.float32))
        return self.rows.cpu()[[int(state.randint(count)) for state in states]]


def caption_rows(model: nn.Module, data: DataSpec, texts: Sequence[str]) -> Tensor:
    """Rows float32 [N, text_dim] of captions, by the encoder that the model was trained with.

    Its own example captions need no encoder. Raises InvalidOptions for an empty caption, ZooError saying how to get
    the encoder where it is not at hand.
    """
    if not texts or not all(map(str.strip, texts)):
        raise InvalidOptions(["text holds an empty caption; say what the picture shows, such as text='a red apple'."])
    own = next((module.rows.cpu() for module in model.modules() if isinstance(module, Captions)), None)
    if own is not None and set(texts) <= set(data.captions):
        return own[[data.captions.index(text) for text in texts]]
    if not data.text_encoder:
        raise ZooError("The model does not say which encoder embedded its captions, so it can draw by none.")
    try:
        return encoder_of(data.text_encoder).encode(texts)
    except ZooError as error:
        some = ", ".join(map(repr, data.captions[:3]))
        raise ZooError(
            f"{error}\nThis model was trained with the text encoder {data.text_encoder}, and takes new captions by "
            f"that one alone. Without it, it draws captions of its own data: {some}."
        ) from error


def fill_captions(model: nn.Module, rows: Tensor) -> None:
    """Give a new model the rows of its example captions, [captions, text_dim]."""
    for module in model.modules():
        if isinstance(module, Captions):
            module.rows.copy_(rows)
