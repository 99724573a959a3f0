"""From names such as `fd-efficientnet-lite2:size=128` to metrics."""

import re
from collections.abc import Sequence
from typing import cast

from zoo.composition import build
from zoo.errors import InvalidOptions, UnknownName, ZooError, near_misses
from zoo.grammar import parse
from zoo.metric import Metric
from zoo.plugins import registry

__all__ = ["find_metric", "find_metrics", "split_names"]


def split_names(text: str) -> tuple[str, ...]:
    """`fid,kid:subsets=10,size=500,pr` -> its three metrics: what begins with `key=` belongs to the one before."""
    names: list[str] = []
    for piece in filter(None, (piece.strip() for piece in text.split(","))):
        if names and re.match(r"[A-Za-z_]\w*=", piece):
            names[-1] += f",{piece}"
        else:
            names.append(piece)
    return tuple(name for name in names if name != "none")


def find_metrics(names: Sequence[str]) -> dict[str, Metric]:
    """Metrics by the names they were asked for by. Raises InvalidOptions with every problem."""
    found: dict[str, Metric] = {}
    problems: list[str] = []
    for name in names:
        try:
            found[name] = find_metric(name)
        except InvalidOptions as error:
            problems += error.problems
        except ZooError as error:
            problems.append(str(error))
    if problems:
        raise InvalidOptions(problems)
    return found


def find_metric(text: str) -> Metric:
    """The metric of a name; `fd-NETWORK` is `fd` through that backbone, whose name may be cut where it is clear."""
    reference = parse(text)
    name, options = reference.qualified, dict(reference.options)
    if name not in registry().names("metric"):
        fitting = [family for family in families() if reference.name.startswith(f"{family}-")]
        if fitting:
            name = max(fitting, key=len)
            options = {"backbone": known_backbone(reference.name[len(name) + 1 :], name), **options}
    metric = cast(Metric, build("metric", name, options))
    if not isinstance(metric, Metric):
        raise ZooError(f"metric '{text}' is not a zoo.Metric; report it to its plugin.")
    return metric


def families() -> list[str]:
    """Metrics that look through a backbone of choice."""
    return [one.name for one in registry().select("metric") if "backbone" in one.entry.traits]


def known_backbone(network: str, family: str) -> str:
    """A registered backbone by its name or by an unambiguous beginning of it."""
    names = registry().names("backbone")
    begins = [name for name in names if name.startswith(network)]
    if network in names or len(begins) == 1:
        return network if network in names else begins[0]
    hint = f"It may be {' or '.join(begins)}." if begins else near_misses(network, names)
    raise UnknownName(
        f"'{family}-{network}' looks through a backbone called {network!r}, and there is none. {hint} See: ganzoo list "
        f"backbones; any other is written {family}:backbone=timm:resnet50"
    )
