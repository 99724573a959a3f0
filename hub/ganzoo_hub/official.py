"""Weights of the catalogue: fetched from their publisher, verified, converted without executing anything, kept."""

import hashlib
import os
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from ganzoo_hub.catalogue import Card
from ganzoo_hub.client import offline
from ganzoo_hub.download import fetched
from ganzoo_hub.importing import read_file, write_folder
from ganzoo_hub.seen import check_same
from zoo.data.cache import cache_folder, key_of, locked
from zoo.errors import ZooError
from zoo.weights import Weights, read_weights

__all__ = ["open_card", "redirected"]

MIRROR = "GANZOO_MIRROR"
"""A URL that stands for all official hosts: https://host/path is read from $GANZOO_MIRROR/host/path."""

FORMAT = 1  # of what is kept


def open_card(card: Card, *, training: bool = False) -> Weights:
    """The weights behind a card. They are downloaded and converted once and read from the cache ever after.

    What only `training` needs, critics and the live generator, is converted when it is first asked for: critics may
    stand on frozen networks that sampling can do without.
    """
    if card.url.startswith("hf:"):  # a model repository of ganzoo's, pinned; its config.json has the sums
        from ganzoo_hub.pull import read_hub

        return replace(read_hub(card.url, training=training), where=card.name)
    folder = card.folder or next((one for one in (kept(card, True), kept(card, training)) if is_whole(one)), None)
    if folder is None:
        folder = kept(card, training)
        with locked(folder):
            if not is_whole(folder):
                take_over(card, folder, training)
    return replace(read_weights(folder, training=training), where=card.name)


def is_whole(folder: Path) -> bool:
    """Whether a model folder is there; it appears whole or not at all."""
    return (folder / "config.json").is_file()


def kept(card: Card, training: bool) -> Path:
    """Where the converted weights lie; another file or another form of them lies elsewhere."""
    architecture, _, dataset = card.name.partition("/")
    folder = cache_folder().parent / "weights" / architecture
    return folder / key_of(f"{dataset}{'-training' if training else ''}", FORMAT, card.url, card.sha256)


def take_over(card: Card, folder: Path, training: bool) -> None:
    """Download a card's file, verify it, convert it, and keep it in safetensors."""
    if not card.url:
        raise ZooError(
            f"{card.name} cannot be fetched by a program: {card.block['manual']} Then: ganzoo import FILE --as "
            f"{card.architecture} --out DIR, and zoo.load('DIR')."
        )
    url = redirected(card.url)
    if offline():
        raise ZooError(f"{card.name} is not here yet and HF_HUB_OFFLINE forbids the network; it would need {url}")
    say(f"{card.name}: {card.block['source']}, {url}\n  licence of the weights: {card.licences['weights']}")
    say(f"  licence of the data: {card.licences['data']}")
    with fetched(url) as path:
        verify(card, path)
        found = read_file(path, card.architecture, source=card.url, training=training)
        check_fits(card, found)
        write_folder(found, folder)


def redirected(url: str) -> str:
    """Where an official URL is read from: its own host, or the mirror that $GANZOO_MIRROR names."""
    mirror, parts = os.environ.get(MIRROR, "").rstrip("/"), urlsplit(url)
    return f"{mirror}/{parts.netloc}{parts.path}" if mirror else url


def verify(card: Card, path: Path) -> None:
    """Compare with the published sha256, or with that of the first use. Raises ZooError for another file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if card.sha256 and not digest.startswith(card.sha256):
        wanted = f"{'be' if len(card.sha256) == 64 else 'begin with'} {card.sha256}"
        raise ZooError(
            f"{redirected(card.url)} is not the file that {card.name} names: its sha256 is {digest}, and should "
            f"{wanted}. Nothing was loaded. Try again; if it stays so, the file was changed or the mirror is wrong."
        )
    if check_same(card.name, card.url, digest, path.stat().st_size) and len(card.sha256) < 64:
        say(f"  no whole sha256 is published; {digest} is recorded and will be asked of it from now on")


def check_fits(card: Card, found: Weights) -> None:
    """Raise ZooError when the file holds another model than its card says."""
    data = found.plan.data
    wrong = [
        f"{key} {getattr(data, key)}, not {value}"
        for key, value in card.block["config"].items()
        if getattr(data, key) != value
    ]
    if wrong:
        raise ZooError(f"{card.url} holds another model than the card of {card.name} says: {', '.join(wrong)}.")


def say(text: str) -> None:
    """Something a user should read."""
    print(text, file=sys.stderr, flush=True)
