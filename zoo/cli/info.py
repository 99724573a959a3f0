"""`ganzoo info`: everything known of one name, read without importing a model."""

import json
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from typing import Annotated, Any

import typer

from zoo.cli.list_ import as_json
from zoo.cli.table import columns
from zoo.errors import ZooError
from zoo.option_types import word
from zoo.options import Option, Range, describe, plain
from zoo.plugins import missing_requirements, registry
from zoo.registry import Registered, install_command, with_article

__all__ = ["info"]

SAID_APART = ("formula", "divergence")  # traits with a line of their own


def info(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name, or distribution::name.")],
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Explain a name: its paper, presets and every option."""
    found = registry().everywhere(name)
    if json_:
        print(json.dumps([_as_json(one) for one in found], indent=1))
    else:
        print("\n\n".join("\n".join(_page(one)) for one in found))


def _as_json(one: Registered) -> dict[str, Any]:
    options, problem = _options(one)
    return {
        **as_json(one),
        "paper_url": _url(one),
        "missing": {extra: _missing(one, extra) for extra in one.entry.extras},
        "options": [_option_as_json(option) for option in options],
        "options_problem": problem,
        "weights": [weights.name for weights in _weights(one)],
        **({"card": _card(one)} if one.kind == "weights" else {}),
    }


def _option_as_json(option: Option) -> dict[str, Any]:
    return {
        "name": option.name,
        "type": option.type,
        "default": plain(option.default),
        "required": option.required,
        "range": option.range,
        "choices": option.choices,
        "meaning": option.meaning,
    }


def _page(one: Registered) -> Iterator[str]:
    """The page of one entry, line by line."""
    entry = one.entry
    yield f"{one.name}, {with_article(one.kind)}: {entry.summary}"
    facts = {
        **(_card(one) if one.kind == "weights" else {}),
        "paper": _url(one),
        "based on": entry.base,
        "formula": entry.traits.get("formula", ""),
        "divergence": entry.traits.get("divergence", ""),
        "plugin": f"{one.plugin}, from {one.distribution} {one.version}",
        "tags": ", ".join(entry.tags),
        "needs": ", ".join(entry.needs),
        "traits": ", ".join(f"{key}={value}" for key, value in entry.traits.items() if key not in SAID_APART),
        "extras": "; ".join(_extra(one, extra) for extra in entry.extras),
    }
    yield from columns([(key, value) for key, value in facts.items() if value], indent="  ")
    yield from _section("presets", list(entry.presets.items()))
    options, problem = _options(one)
    form = f"{one.name}:key=value"
    if one.kind == "architecture":
        form = f"-s key=value; presets set others of their own, shown by ganzoo train {one.name} --data D --dry-run"
    elif entry.traits.get("provider") == "true":
        form = f"{one.name}:MODEL;key=value"
    yield from _section(f"options, {form}", [_row(option) for option in options])
    if problem:
        yield f"  options cannot be read: {problem}"
    yield from _section("weights", [(each.name, each.entry.summary) for each in _weights(one)])


def _card(one: Registered) -> dict[str, str]:
    """What the card of weights says of them; why there is none, where there is none."""
    from ganzoo_hub.catalogue import facts, find_card

    try:
        return facts(find_card(one.qualified))
    except ZooError as error:
        return {"card": " ".join(str(error).splitlines())}


def _section(title: str, rows: list[tuple[str, ...]]) -> list[str]:
    return [f"  {title}", *columns(rows, indent="    ")] if rows else []


def _row(option: Option) -> tuple[str, ...]:
    default = "required" if option.required else word(option.default) or "''"
    allowed = "|".join(map(word, option.choices)) or _bounds(option.range)
    return option.name, option.type, default, allowed, option.meaning


def _bounds(bounds: Range | None) -> str:
    """A range in a few characters."""
    if bounds is None:
        return ""
    if bounds.high is None:
        return f">= {bounds.low}"
    return f"<= {bounds.high}" if bounds.low is None else f"{bounds.low} to {bounds.high}"


def _options(one: Registered) -> tuple[list[Option], str]:
    """Its options, and why they cannot be read where they cannot."""
    if one.kind == "weights":
        return [], ""
    try:
        return describe(registry().options_target(one)), ""
    except Exception as error:
        return [], f"{one.entry.target}: {type(error).__name__}: {error}"


def _url(one: Registered) -> str:
    return f"https://arxiv.org/abs/{one.entry.paper}" if one.entry.paper else ""


def _weights(one: Registered) -> list[Registered]:
    return registry().select("weights", f"{one.name}/*") if one.kind == "architecture" else []


def _extra(one: Registered, extra: str) -> str:
    missing = _missing(one, extra)
    if not missing:
        return f"{extra} (installed)"
    return f"{extra} (lacks {', '.join(missing)}: {install_command(one.distribution, (extra,))})"


def _missing(one: Registered, extra: str) -> list[str]:
    """What an extra of an entry's distribution requires and that is not installed."""
    try:
        return missing_requirements(distribution(one.distribution), extra)
    except PackageNotFoundError:
        return []
