"""Rows that an encoder which is not here gave to the captions of a dataset."""

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from zoo import InvalidOptions, TextEncoder, ZooError
from zoo.data.embeddings import Embeddings

__all__ = ["Precomputed", "provided"]

CONVERT = "Official pickles are converted once: ganzoo import-embeddings FOLDER --out birds.safetensors"


class Precomputed(TextEncoder):
    """Rows by the names of pictures, as they are: official models expect those of char-CNN-RNN unscaled.

    The file holds `rows` float32 [captions, dim], `offsets` int64 [items + 1], and the items' names as metadata.
    """

    name = "precomputed"
    needs_captions = False

    def __init__(self, file: Path) -> None:
        self.file = file
        self.rows, self.offsets, names = read(file)
        self.dim = int(self.rows.shape[1])
        self.revision = sha256(file.read_bytes()).hexdigest()[:12]
        self.places = {stem(name): i for i, name in enumerate(names)}
        if len(self.places) < len(names):
            raise ZooError(f"{file} names some pictures twice, so their rows cannot be told apart.")

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Refuse: the file knows pictures, no new text."""
        raise ZooError(
            f"{self.file.name} holds rows of the captions of a dataset, by an encoder that is not here; it knows no "
            "other text."
        )

    def embed(self, keys: Sequence[str], captions: Sequence[Sequence[str]]) -> Embeddings:
        """The rows of each item. Raises ZooError for items without any, or with another number of captions."""
        if absent := [key for key in keys if stem(key) not in self.places]:
            raise ZooError(
                f"{self.file.name} has no rows for {len(absent):,} of {len(keys):,} pictures: {', '.join(absent[:3])}."
            )
        places = [self.places[stem(key)] for key in keys]
        numbers = [list(range(self.offsets[place], self.offsets[place + 1])) for place in places]
        for key, texts, own in zip(keys, captions, numbers, strict=True):
            if not own or (texts and len(texts) != len(own)):
                raise ZooError(f"{self.file.name} has {len(own)} rows for {key}, which has {len(texts)} captions.")
        return Embeddings.of(self.rows, numbers)


def provided(
    model: str = "",  # a file of rows that ganzoo import-embeddings wrote
) -> Precomputed:
    """The rows of that file."""
    if not model:
        raise InvalidOptions(["precomputed names no file; the form is precomputed:birds.safetensors."])
    file = Path(model).expanduser()
    if not file.is_file():
        raise InvalidOptions([f"precomputed:{model}: there is no such file. {CONVERT}"])
    return Precomputed(file)


def read(file: Path) -> tuple[NDArray[np.float32], NDArray[np.int64], list[str]]:
    """Rows, offsets and names. Raises ZooError for any other file."""
    try:
        with safe_open(file, framework="numpy") as content:
            names = json.loads((content.metadata() or {})["names"])
            rows, offsets = content.get_tensor("rows"), content.get_tensor("offsets")
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise ZooError(f"{file} holds no rows of captions ({error}). {CONVERT}") from error
    if rows.ndim != 2 or len(offsets) != len(names) + 1 or offsets[-1] != len(rows):
        raise ZooError(f"{file} is damaged: its rows, offsets and names do not fit. {CONVERT}")
    return rows, offsets, names


def stem(key: str) -> str:
    """A picture's name without folders and suffix; official lists have neither the one nor the other."""
    path = PurePosixPath(key)
    return path.stem if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp") else path.name
