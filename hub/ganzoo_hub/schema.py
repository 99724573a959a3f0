"""What a card must have: front matter of the Hugging Face Hub, and a `ganzoo` block of our own of one of two kinds.

The card of a run (`training`) tells how its weights came about; a card of the catalogue (`source`) where published
weights lie. Both keep the licences of code, weights and data apart.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ganzoo_hub.licences import KNOWN
from zoo.errors import InvalidOptions

__all__ = ["SECTIONS", "TASKS", "UNKNOWN", "UNVERIFIED", "check_card", "parse_card", "problems"]

TASKS = ("unconditional-image-generation", "image-to-image", "text-to-image")
SECTIONS = ("Use", "Data", "Training", "Scores", "Limitations", "Licences", "Citation")
LICENCES = ("code", "weights", "data")

RUN = {"architecture": str, "plugin": dict, "resolution": int, "channels": int, "classes": int}
COST = ("images", "hours", "hardware")
CATALOGUE = {"architecture": str, "summary": str, "config": dict, "source": str, "page": str, "format": str}

_MATTER = re.compile(r"\A---\r?\n(.*?)\r?\n---[ \t]*\r?\n", re.DOTALL)
_SHA256 = re.compile(r"[0-9a-f]{8,64}")
UNVERIFIED, UNKNOWN = "unverified", "unknown"


def parse_card(text: str, where: str) -> tuple[dict[str, Any], str]:
    """Front matter and body. Raises InvalidOptions for a text without front matter."""
    import yaml

    found = _MATTER.match(text)
    try:
        matter = yaml.safe_load(found[1]) if found else None
    except yaml.YAMLError as error:
        raise InvalidOptions([f"{where}: its front matter is not YAML: {error}"]) from error
    if not (found and isinstance(matter, dict)):
        raise InvalidOptions([f"{where}: a card begins with front matter, YAML between two lines of ---."])
    return matter, text[found.end() :]


def check_card(text: str, where: str) -> None:
    """Raise InvalidOptions with everything that a card lacks, by our schema and by the Hub's own reading of it."""
    matter, body = parse_card(text, where)
    found = [f"{where}: {problem}" for problem in [*problems(matter, body), *hub_problems(text)]]
    if found:
        raise InvalidOptions(found)


def problems(matter: Mapping[str, Any], body: str) -> Iterator[str]:
    """What is missing or wrong, each in one sentence."""
    block = matter.get("ganzoo")
    if not isinstance(block, Mapping):
        yield "the front matter has no block `ganzoo`"
        return
    yield from hub_fields(matter, block.get("architecture"))
    if block.get("card") != 1:
        yield f"ganzoo.card is {block.get('card')!r}; this ganzoo knows 1"
    licences = block.get("licences")
    if not isinstance(licences, Mapping) or sorted(licences) != sorted(LICENCES) or not all(licences.values()):
        yield "ganzoo.licences must say code, weights and data apart; what is not known is `unknown`"
    published = "source" in block
    for key, kind in (CATALOGUE if published else RUN).items():
        if not isinstance(block.get(key), kind) or (kind is str and not block[key].strip()):
            yield f"ganzoo.{key} must be {kind.__name__}, not {block.get(key)!r}"
    yield from source_problems(block) if published else run_problems(block)
    yield from result_problems(matter)
    for title in SECTIONS:
        if not re.search(rf"^## {title}$", body, re.MULTILINE):
            yield f"there is no section '## {title}'"


def hub_fields(matter: Mapping[str, Any], architecture: object) -> Iterator[str]:
    """Fields that the Hub reads."""
    if matter.get("license") not in KNOWN:
        yield f"license is {matter.get('license')!r}; take one that the Hub knows, or `other` with license_name"
    if matter.get("license") == "other" and not matter.get("license_name"):
        yield "license is other, so license_name must say which"
    if matter.get("library_name") != "ganzoo":
        yield "library_name must be ganzoo"
    if matter.get("pipeline_tag") not in TASKS:
        yield f"pipeline_tag is {matter.get('pipeline_tag')!r}; known are {', '.join(TASKS)}"
    tags = matter.get("tags")
    for tag in ("ganzoo", architecture):
        if not isinstance(tags, list) or tag not in tags:
            yield f"tags must hold {tag}"


def run_problems(block: Mapping[str, Any]) -> Iterator[str]:
    """Of the card of a run: its cost."""
    training = block.get("training")
    if isinstance(training, Mapping):
        yield from (f"ganzoo.training.{key} is missing" for key in COST if key not in training)
    elif training != UNKNOWN:
        yield f"ganzoo.training must tell {', '.join(COST)}, or be `unknown`"


def result_problems(matter: Mapping[str, Any]) -> Iterator[str]:
    """A number in model-index stands beside the protocol that it was measured by, or it does not stand there."""
    for model in matter.get("model-index") or ():
        for result in model.get("results") or ():
            for metric in result.get("metrics") or ():
                if not metric.get("args"):
                    yield f"model-index: {metric.get('name') or metric.get('type')} has no protocol in `args`"


def source_problems(block: Mapping[str, Any]) -> Iterator[str]:
    """Of a card of the catalogue: where the file is, which bytes it must have, and what its score rests on."""
    sha, url = str(block.get("sha256")), block.get("url")
    if not (sha == UNVERIFIED or _SHA256.fullmatch(sha)):
        yield f"ganzoo.sha256 is {sha!r}; give its hexadecimal digits, 8 or more, or `{UNVERIFIED}`"
    if url is None and not (block.get("file") or block.get("manual")):
        yield "ganzoo.url is missing: a URL, or `file` beside the card, or `manual` that says how to get the file"
    if url is not None and not re.match(r"https?://\S+$|hf:[\w.-]+/[\w.-]+@[0-9a-f]{40}$", str(url)):
        yield f"ganzoo.url is {url!r}; it must be one of http or https, or hf:owner/name@ with a whole commit"
    if not set(block.get("config") or ()) <= {"resolution", "channels", "classes"}:
        yield f"ganzoo.config holds resolution, channels and classes where they are known, not {block['config']!r}"
    score = block.get("score")
    if score != UNKNOWN and not (
        isinstance(score, list)
        and score
        and all(isinstance(one, Mapping) and {"metric", "value", "protocol", "source"} <= one.keys() for one in score)
    ):
        yield "ganzoo.score is a list of {metric, value, protocol, source}, or `unknown`"


def hub_problems(text: str) -> Iterator[str]:
    """What huggingface_hub itself says of the front matter."""
    from huggingface_hub import ModelCard

    try:
        about = ModelCard(text).data
        about.to_yaml()
    except (ValueError, KeyError, TypeError) as error:
        yield f"huggingface_hub does not read it: {error}"
