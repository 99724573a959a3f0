"""The catalogue: cards of published weights, one `<architecture>/<dataset>.md` each. Nothing here needs torch."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ganzoo_hub.schema import UNKNOWN, UNVERIFIED, parse_card, problems
from zoo.errors import InvalidOptions, ZooError
from zoo.plugins import registry
from zoo.registry import Entry, load

if TYPE_CHECKING:
    from zoo.weights import Weights

__all__ = ["OURS", "Card", "Cards", "entries", "facts", "find_card", "index", "list_weights", "open_weights"]

INDEX = "index.json"


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of published weights, and where their file lies."""

    name: str  # architecture/dataset
    place: Path  # the folder of cards
    matter: Mapping[str, Any] = field(repr=False)  # the front matter
    body: str = field(repr=False)

    @property
    def block(self) -> Mapping[str, Any]:
        """The front matter's `ganzoo`."""
        return cast("Mapping[str, Any]", self.matter["ganzoo"])

    @property
    def architecture(self) -> str:
        """The architecture that the weights belong to."""
        return str(self.block["architecture"])

    @property
    def url(self) -> str:
        """Where the official file is; empty for one that no program can fetch, or that comes with the card."""
        return str(self.block.get("url") or "")

    @property
    def folder(self) -> Path | None:
        """The model folder that comes with the card, if one does."""
        return self.place / str(self.block["file"]) if self.block.get("file") else None

    @property
    def sha256(self) -> str:
        """Of the official file: all of it, or the first digits where only those are known; empty if unverified."""
        told = str(self.block["sha256"])
        return "" if told == UNVERIFIED else told

    @property
    def licences(self) -> Mapping[str, str]:
        """Of code, weights and data."""
        return cast("Mapping[str, str]", self.block["licences"])


class Cards:
    """A folder of cards. An entry of kind weights has one as its target: called, it opens the weights of a name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """All `architecture/dataset` in the folder."""
        return sorted(path.relative_to(self.folder).with_suffix("").as_posix() for path in self.folder.glob("*/*.md"))

    def card(self, name: str) -> Card:
        """The card of that name, checked against the schema. Raises ZooError, InvalidOptions."""
        bare = name.rpartition("::")[2]
        path = self.folder / f"{bare}.md"
        if not path.is_file():
            raise ZooError(f"The catalogue names {name!r}, and its card {path} is missing; report it to its plugin.")
        matter, body = parse_card(path.read_text(encoding="utf-8"), str(path))
        found = [f"{path}: {problem}" for problem in problems(matter, body)]
        if bare.partition("/")[0] != matter.get("ganzoo", {}).get("architecture"):
            found.append(f"{path}: it lies in the folder of another architecture than it names")
        if found:
            raise InvalidOptions(found)
        return Card(bare, self.folder, matter, body)

    def __call__(self, name: str, *, training: bool = False) -> "Weights":
        """The weights behind the name, downloaded, verified and converted where they are not yet here."""
        from ganzoo_hub.official import open_card

        return open_card(self.card(name), training=training)


def home() -> Path:
    """The folder of ganzoo's own cards: inside the package once installed, at the root of a checkout."""
    inside = Path(__file__).with_name("model_cards")
    return inside if inside.is_dir() else Path(__file__).parents[2] / "model_cards"


OURS = Cards(home())


def entries() -> Iterator[Entry]:
    """Entries of ganzoo's own cards, from their index, so that no card is read to list them."""
    path = OURS.folder / INDEX
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for name, about in known.items():
        yield Entry(name, "ganzoo_hub.catalogue:OURS", about["summary"], tags=tuple(about["tags"]))


def index(cards: Cards) -> dict[str, dict[str, Any]]:
    """What `entries` reads: each card's summary, and by what it can be found."""
    return {name: {"summary": card.block["summary"], "tags": tags(card)} for name, card in read_all(cards)}


def read_all(cards: Cards) -> Iterator[tuple[str, Card]]:
    """Every card by name."""
    for name in cards.names():
        yield name, cards.card(name)


def tags(card: Card) -> list[str]:
    """Of the card, apart from those that all have."""
    told = [*card.matter["tags"], *card.matter.get("datasets", [])]
    return [tag for tag in dict.fromkeys(told) if tag not in ("ganzoo", "gan", card.architecture)]


def find_card(name: str) -> Card:
    """The card of a name, bare or qualified. Raises UnknownName with near misses."""
    found = registry().find("weights", name)
    target = load(found)
    if not isinstance(target, Cards):
        raise ZooError(
            f"The weights {name!r} of plugin {found.plugin!r} have no card: their target is no zoo.Cards. Report it to "
            "that plugin."
        )
    return target.card(found.name)


def list_weights(pattern: str = "*") -> list[str]:
    """Names of the catalogue, `architecture/dataset`, that match a wildcard pattern; `zoo.load` takes each."""
    return [found.name for found in registry().select("weights", pattern)]


def open_weights(name: str, *, training: bool = False) -> "Weights":
    """The weights of a name in the catalogue."""
    card = find_card(name)
    return Cards(card.place)(card.name, training=training)


def facts(card: Card) -> dict[str, str]:
    """What `ganzoo info` shows of a card."""
    from ganzoo_hub.seen import recorded

    block, config = card.block, card.block["config"]
    here = f"comes with the card: {block['file']}" if card.folder else f"by hand. {block.get('manual')}"
    size = config.get("resolution", UNKNOWN)
    told = card.sha256 or (recorded(card.name) or UNVERIFIED)
    return {
        "pictures": f"{size} px" + (f", {config['classes']} classes" if config.get("classes") else ""),
        "from": f"{block['source']}, {block['page']}",
        "file": card.url or here,
        "format": str(block["format"]),
        "sha256": told + ("" if card.sha256 else " (as it was here at the first use)" if told != UNVERIFIED else ""),
        **{f"licence of {what}": text for what, text in card.licences.items()},
        "scores": "; ".join(map(shown, block["score"])) if isinstance(block["score"], list) else UNKNOWN,
    }


def shown(score: Mapping[str, Any]) -> str:
    """A number with what it rests on."""
    return f"{score['metric']} {score['value']} ({score['protocol']}; {score['source']})"
