"""The embedded emoji set: some 1,900 pictures in two aligned styles, with categories and captions."""

import hashlib
import json
import zipfile
from functools import cache
from pathlib import Path
from typing import Any, Literal

from zoo.data.source import Item, Source
from zoo.errors import InvalidOptions, ZooError

__all__ = ["EmojiSource", "emoji"]

_HOME = Path(__file__).parent

Style = Literal["twemoji", "noto"]
Pair = Literal["none", "twemoji+noto", "noto+twemoji"]

LICENCES = {
    "twemoji": "Twemoji graphics: CC-BY 4.0, Copyright Twitter, Inc and other contributors",
    "noto": "Noto Emoji: Apache-2.0, Copyright Google LLC",
}


class EmojiSource(Source):
    """Pictures of the given emoji, in code-point order, the styles of one emoji side by side.

    With `drawn_from`, each item also has the field `source`: the same emoji in that style.
    """

    def __init__(
        self, rows: list[dict[str, Any]], styles: tuple[Style, ...], drawn_from: Style | None, split: str, facts: str
    ) -> None:
        self.name = "emoji"
        self.classes = tuple(_table()["categories"])
        self.split, self.splits = split, ("train", "test")
        self.licence = "; ".join(LICENCES[style] for style in LICENCES if style in (*styles, drawn_from))
        self.fields = ("image",) if drawn_from is None else ("image", "source")
        self.items = [
            Item(f"{style}/{row['code']}", row["category"], tuple(row["captions"])) for row in rows for style in styles
        ]
        self._styles = styles
        self._drawn_from: Style | None = drawn_from
        self._facts = facts
        self._archive = zipfile.ZipFile(_HOME / "emoji.zip")

    def read(self, i: int, field: str = "image") -> bytes:
        """One picture as lossless WebP with transparency, 64 px."""
        key = self.items[i].key
        if field == "source" and self._drawn_from is not None:
            key = f"{self._drawn_from}/{key.rpartition('/')[2]}"
        return self._archive.read(f"{key}.webp")

    def held_out(self) -> Source | None:
        """All emoji of the split `test`, unless this is it or has it in."""
        if self.split != "train":
            return None
        return EmojiSource(_rows("test"), self._styles, self._drawn_from, "test", f"beside {self._facts}")

    def fingerprint(self) -> str:
        """Of every picture's checksum, the table and the options."""
        contents = [(info.filename, info.CRC) for info in self._archive.infolist()]
        text = repr((contents, self._facts)) + json.dumps(_table())
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def emoji(
    style: Literal["twemoji", "noto", "both"] | None = None,  # whose drawings, Twemoji's; both gives two of each emoji
    split: Literal["train", "test", "all"] = "train",  # every tenth emoji in code-point order is test
    items: int | None = None,  # a fixed subset of so many emoji; a smaller one is part of a larger one
    pair: Pair = "none",  # for translation: from the first style to the second
) -> EmojiSource:
    """The base emoji that Twemoji and Noto Emoji both draw, 64 px, labelled by their ten Unicode categories."""
    rows = _rows(split)
    if items is not None:
        rows = _subset(rows, items, split)
    if pair != "none" and style is not None:
        raise InvalidOptions([f"emoji:style={style} was given, but pair={pair} says both styles; leave style out."])
    drawn_from: dict[Pair, Style] = {"twemoji+noto": "twemoji", "noto+twemoji": "noto"}
    drawn: dict[Pair, Style] = {"none": "twemoji", "twemoji+noto": "noto", "noto+twemoji": "twemoji"}
    styles: tuple[Style, ...] = ("twemoji", "noto") if style == "both" else (style or drawn[pair],)
    facts = repr((style or drawn[pair], split, items, drawn_from.get(pair, "none")))
    return EmojiSource(rows, styles, drawn_from.get(pair), split, facts)


def _rows(split: str) -> list[dict[str, Any]]:
    """The rows of a split, in code-point order."""
    rows: list[dict[str, Any]] = _table()["emoji"]
    return [row for place, row in enumerate(rows) if split == "all" or (place % 10 == 0) == (split == "test")]


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
