"""The embedded emoji set: some 1,900 pictures in two aligned styles, with categories and captions."""

import hashlib
import json
import zipfile
from functools import cache
from pathlib import Path
from typing import Any, Literal

from zoo.data.source import Item, Source
from zoo.errors import ZooError

__all__ = ["EmojiSource", "emoji"]

_HOME = Path(__file__).parent

Style = Literal["twemoji", "noto"]

LICENCES = {
    "twemoji": "Twemoji graphics: CC-BY 4.0, Copyright Twitter, Inc and other contributors",
    "noto": "Noto Emoji: Apache-2.0, Copyright Google LLC",
}


class EmojiSource(Source):
    """Pictures of the given emoji, in code-point order, the styles of one emoji side by side.

    With `pair`, each item also has the field `source`: the same emoji in that style.
    """

    def __init__(
        self, rows: list[dict[str, Any]], styles: tuple[Style, ...], pair: Style | None, split: str, facts: str
    ) -> None:
        self.name = "emoji"
        self.classes = tuple(_table()["categories"])
        self.split, self.splits = split, ("train", "test")
        self.licence = "; ".join(LICENCES[style] for style in LICENCES if style in (*styles, pair))
        self.fields = ("image",) if pair is None else ("image", "source")
        self.items = [
            Item(f"{style}/{row['code']}", row["category"], tuple(row["captions"])) for row in rows for style in styles
        ]
        self._pair = pair
        self._facts = facts
        self._archive = zipfile.ZipFile(_HOME / "emoji.zip")

    def read(self, i: int, field: str = "image") -> bytes:
        """One picture as lossless WebP with transparency, 64 px."""
        key = self.items[i].key
        if field == "source" and self._pair is not None:
            key = f"{self._pair}/{key.rpartition('/')[2]}"
        return self._archive.read(f"{key}.webp")

    def fingerprint(self) -> str:
        """Of every picture's checksum, the table and the options."""
        contents = [(info.filename, info.CRC) for info in self._archive.infolist()]
        text = repr((contents, self._facts)) + json.dumps(_table())
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def emoji(
    style: Literal["twemoji", "noto", "both"] = "twemoji",  # whose drawings; both gives two pictures of each emoji
    split: Literal["train", "test", "all"] = "train",  # every tenth emoji in code-point order is test
    items: int | None = None,  # a fixed subset of so many emoji; a smaller one is part of a larger one
    source: Literal["none", "twemoji", "noto"] = "none",  # a second picture of each item, for translation
) -> EmojiSource:
    """The base emoji that Twemoji and Noto Emoji both draw, 64 px, labelled by their ten Unicode categories."""
    rows = [
        row for place, row in enumerate(_table()["emoji"]) if split == "all" or (place % 10 == 0) == (split == "test")
    ]
    if items is not None:
        rows = _subset(rows, items, split)
    styles: tuple[Style, ...] = ("twemoji", "noto") if style == "both" else (style,)
    facts = repr((style, split, items, source))
    return EmojiSource(rows, styles, None if source == "none" else source, split, facts)


def _subset(rows: list[dict[str, Any]], items: int, split: str) -> list[dict[str, Any]]:
    """The rows with the smallest hash of their code, in code-point order."""
    if not 1 <= items <= len(rows):
        raise ZooError(f"emoji:items={items} was given; split={split} has 1 to {len(rows):,} emoji.")
    chosen = set(sorted(_hash(row) for row in rows)[:items])
    return [row for row in rows if _hash(row) in chosen]


def _hash(row: dict[str, Any]) -> str:
    return hashlib.sha256(str(row["code"]).encode()).hexdigest()


@cache
def _table() -> dict[str, Any]:
    """{"categories": [...], "emoji": [{"code", "category", "captions"}, ...] in code-point order}."""
    return dict(json.loads((_HOME / "emoji.json").read_text(encoding="utf-8")))
