"""The captions of a dataset, embedded once and kept beside the prepared data."""

import copy
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo.data.cache import build_folder, cache_folder, key_of, locked
from zoo.data.embeddings import Embeddings
from zoo.data.prepared import Prepared
from zoo.errors import ZooError
from zoo.text import TextEncoder, encoder_of

__all__ = ["check_captions", "embedded", "example_rows", "examples"]

EXAMPLES = 64  # captions that travel with a model
LONG = 300  # characters; longer captions are no examples while there are others

Say = Callable[[str], None]


def embedded(prepared: Prepared, identity: str, reference: str, say: Say) -> Prepared:
    """The data with its captions embedded by the encoder of this identity, which `reference` makes.

    Kept under $GANZOO_CACHE by what was read and by what, unless the data itself is not kept. Raises ZooError for
    captions that are missing or empty, or for an encoder that has changed.
    """
    found = copy.copy(prepared)
    if prepared.folder is None:
        found.embeddings = compute(prepared, identity, reference, say)
    else:
        folder = cache_folder().parent / "text" / key_of(prepared.name, identity, content(prepared))
        with locked(folder) as alone:
            if not folder.exists():
                computed = compute(prepared, identity, reference, say)
                build_folder(folder, lambda place: write(place, computed), alone=alone)
        found.embeddings = read(folder)
    found.captions = prepared.captions or named(prepared.keys, found.embeddings)
    names = examples(found.captions)
    found.spec = replace(prepared.spec, text_dim=found.embeddings.dim, text_encoder=identity, captions=names)
    return found


def named(keys: Sequence[str], embeddings: Embeddings) -> tuple[tuple[str, ...], ...]:
    """Names for captions of which the data has only the rows: `bird/0001.jpg #0`."""
    counts = embeddings.counts(np.arange(len(keys))).tolist()
    return tuple(tuple(f"{key} #{i}" for i in range(count)) for key, count in zip(keys, counts, strict=True))


def compute(prepared: Prepared, identity: str, reference: str, say: Say) -> Embeddings:
    """Every caption as a row of numbers."""
    encoder = encoder_of(identity, reference)
    captions = prepared.captions or ((),) * len(prepared)
    if encoder.needs_captions:
        check_captions(prepared.keys, captions, prepared.name)
    say(f"Embedding {sum(map(len, captions)):,} captions of {prepared.name} with {identity}")
    for line in long_captions(encoder, captions):
        say(line)
    return encoder.embed(prepared.keys, captions)


def check_captions(keys: Sequence[str], captions: Sequence[Sequence[str]], name: str) -> None:
    """Raise ZooError unless every item has captions, none of them empty."""
    lacking = [key for key, texts in zip(keys, captions, strict=True) if not texts]
    if len(lacking) == len(keys):
        raise ZooError(
            f"The model needs captions and {name} has none. Write one line for each into x.txt beside x.png, or a "
            "metadata.jsonl of lines such as {"
            '"file_name": "x.png", "text": "a red apple"}.'
        )
    if lacking:
        raise ZooError(
            f"{len(lacking):,} of {len(keys):,} items of {name} have no caption ({listed(lacking)}). Give them one, or "
            "take them out."
        )
    empty = [key for key, texts in zip(keys, captions, strict=True) if not all(map(str.strip, texts))]
    if empty:
        raise ZooError(f"Captions of {len(empty):,} items of {name} are empty ({listed(empty)}). Write or remove them.")


def listed(keys: Sequence[str]) -> str:
    """The first few."""
    return ", ".join(keys[:3]) + (", ..." if len(keys) > 3 else "")


def long_captions(encoder: TextEncoder, captions: Sequence[Sequence[str]]) -> list[str]:
    """What to say about captions that are not read to their end."""
    unique = list({text for texts in captions for text in texts})
    count = encoder.cut(unique)
    return [f"{count:,} captions are longer than {encoder.name} reads; it sees their beginning."] if count else []


def examples(captions: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Up to 64 different captions, chosen by their hashes; short ones first."""
    unique = {text for texts in captions for text in texts}
    return tuple(sorted(unique, key=lambda text: (len(text) > LONG, digest(text)))[:EXAMPLES])


def example_rows(prepared: Prepared) -> NDArray[np.float32]:
    """The rows of the specification's example captions: float32 [captions, dim]."""
    assert prepared.embeddings is not None
    flat = [text for texts in prepared.captions or () for text in texts]
    where = {text: int(number) for text, number in zip(flat, prepared.embeddings.numbers, strict=False)}
    return np.asarray(prepared.embeddings.rows[[where[text] for text in prepared.spec.captions]], np.float32)


def content(prepared: Prepared) -> str:
    """A hash of all that an encoder may read."""
    return digest(json.dumps([prepared.keys, prepared.captions]))


def digest(text: str) -> str:
    """SHA-256 of text, whatever characters it holds."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def write(folder: Path, embeddings: Embeddings) -> None:
    """Three arrays."""
    for name, values in arrays(embeddings).items():
        np.save(folder / f"{name}.npy", values)


def arrays(embeddings: Embeddings) -> dict[str, NDArray[np.generic]]:
    """By the names of their files."""
    return {"rows": embeddings.rows, "numbers": embeddings.numbers, "offsets": embeddings.offsets}


def read(folder: Path) -> Embeddings:
    """What `write` wrote; the rows stay on the disk."""
    rows = np.load(folder / "rows.npy", mmap_mode="r", allow_pickle=False)
    numbers, offsets = (np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("numbers", "offsets"))
    return Embeddings(rows, numbers, offsets)
