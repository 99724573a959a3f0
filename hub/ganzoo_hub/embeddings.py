"""Official caption embeddings (char-CNN-RNN, Reed et al. 2016), from Python 2's pickles to safetensors."""

import json
import mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from ganzoo_hub import arrays
from ganzoo_hub.arrays import Array
from ganzoo_hub.pickles import Budget, Machine
from zoo.errors import ZooError
from zoo.files import replace_file

__all__ = ["convert", "read_plain"]

EMBEDDINGS, NAMES = "char-CNN-RNN-embeddings.pickle", "filenames.pickle"
STEPS = 50_000_000  # opcodes of the largest published list, COCO's, with room to spare


def convert(folder: Path, out: Path) -> str:
    """Write the rows of a folder of official pickles as one file; tells what was written.

    The pickles are read as data: lists, text and arrays of numbers. Raises ZooError for anything else.
    """
    names, listed = read_plain(folder / NAMES), read_plain(folder / EMBEDDINGS)
    if type(names) is not list or not all(type(name) is str for name in names):
        raise ZooError(f"{folder / NAMES} is no list of names.")
    rows = [as_rows(value, folder) for value in listed] if type(listed) is list else [*as_array(listed, folder)]
    if len(rows) != len(names) or len({each.shape[-1] for each in rows}) != 1:
        raise ZooError(f"{folder}: {len(names):,} names and {len(rows):,} embeddings, or of several widths.")
    offsets = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    with replace_file(out) as temporary:
        save_file(
            {"rows": np.concatenate(rows), "offsets": offsets},
            temporary,
            {"names": json.dumps(names), "format": "ganzoo-embeddings-1"},
        )
    return f"{out}: {offsets[-1]:,} rows of {rows[0].shape[1]} numbers for {len(names):,} pictures"


def as_rows(value: object, folder: Path) -> NDArray[np.float32]:
    """One picture's rows [captions, dim]."""
    found = as_array(value, folder)
    return np.atleast_2d(found)


def as_array(value: object, folder: Path) -> NDArray[np.float32]:
    """An array of numbers."""
    if not isinstance(value, Array) or value.value.ndim not in (1, 2, 3):
        raise ZooError(f"{folder / EMBEDDINGS} holds something else than arrays [captions, dim].")
    return np.ascontiguousarray(value.value, np.float32)


def read_plain(path: Path) -> Any:
    """The plain values of a pickle, of any protocol up to 2. Raises ZooError; nothing in the file is executed."""
    try:
        if not path.stat().st_size:
            raise ZooError("it is empty.")
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            budget = Budget(STEPS, Budget.of(len(view)).bytes)
            return Machine(arrays.names(budget), budget, old=True).run(view)  # type: ignore[arg-type]
    except OSError as error:
        raise ZooError(f"{path} cannot be read: {error.strerror}. Both {EMBEDDINGS} and {NAMES} are needed.") from error
    except ZooError as error:
        raise ZooError(f"{path} is not read: {error}") from None
