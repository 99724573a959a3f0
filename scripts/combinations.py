"""The tables of docs/combinations.md: what combines, decided from the registry."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product

from zoo.compatibility import RULES, Mix, Part, part, refusals
from zoo.plugins import registry
from zoo.registry import plural

__all__ = ["page", "singles"]

Rules = dict[str, tuple[int, str]]  # what a rule says -> its number on the page, and an example

INTRODUCTION = """# What combines

Made from the registry by `python scripts/check_docs.py --write`; the same rules refuse a combination before training,
with the nearest choice that works. `yes` means that the two combine, the rest being usual; a number leads to the rule
below that refuses them. Some discriminators normalise over the batch when asked to; regularizers that take a gradient
per image then refuse them and name the option."""


@cache
def parts(kind: str) -> list[Part]:
    """Our own entries of a kind."""
    return [part(kind, one.name) for one in registry().select(kind) if one.distribution == "ganzoo"]


def hosts() -> dict[str, Mix]:
    """Every architecture with its own discriminator; every discriminator on the first architecture that takes it."""
    found = {each.name: usual(Mix(each, parts("loss")[0])) for each in parts("architecture")}
    for each in parts("discriminator"):
        mixes = (usual(Mix(host, parts("loss")[0], discriminators=[taking(each)])) for host in parts("architecture"))
        fitting = next((mix for mix in mixes if not refusals(mix)), None)
        if fitting is not None:
            found[f"{each.name} (D)"] = fitting
    return found


def taking(discriminator: Part) -> Part:
    """The discriminator in the place of an architecture's own."""
    return part("discriminator", f"{discriminator.name}:role=replace")


def usual(mix: Mix) -> Mix:
    """The mix with a loss that its discriminator takes: non-saturating where possible."""
    losses = sorted(parts("loss"), key=lambda loss: loss.name != "non-saturating")
    mixes = [Mix(mix.architecture, loss, (), None, mix.discriminators, with_backbone(mix)) for loss in losses]
    return next((each for each in mixes if not refusals(each)), mixes[0])


def with_backbone(mix: Mix) -> Sequence[Part]:
    """A frozen network where the discriminators need one."""
    needed = any(each.traits.get("backbone") == "needed" for each in mix.discriminators)
    return parts("backbone")[:1] if needed else ()


def plugged(host: Mix, each: Part) -> Mix:
    """The host with one part more, or with another loss."""
    loss = each if each.kind == "loss" else host.loss
    regularizers = [each] if each.kind == "regularizer" else []
    augment = each if each.kind == "augmentation" else None
    discriminators = [*host.discriminators, *([each] if each.kind == "discriminator" else [])]
    mix = Mix(host.architecture, loss, regularizers, augment, discriminators, host.backbones)
    return usual(mix) if each.kind == "discriminator" else mix


def table(title: str, rows: list[Part], columns: dict[str, Mix], rules: Rules) -> Iterator[str]:
    """A Markdown table of `yes` and of the numbers of rules."""
    yield f"\n## {title}\n"
    yield f"| | {' | '.join(columns)} |"
    yield f"| --- |{' --- |' * len(columns)}"
    for each in rows:
        cells = [cell(plugged(host, each), rules) for host in columns.values()]
        yield f"| `{each.reference}` | {' | '.join(cells)} |"


def cell(mix: Mix, rules: Rules) -> str:
    """`yes`, or the numbers of the rules against it."""
    numbers = []
    for rule in RULES:
        for refusal in rule(mix):
            text = rule.__doc__ or rule.__name__
            rules.setdefault(text, (len(rules) + 1, str(refusal)))
            numbers.append(str(rules[text][0]))
    return ", ".join(dict.fromkeys(numbers)) or "yes"


def singles() -> Iterator[Mix]:
    """Every architecture with every loss, and at most one of each other part."""
    judges = [(), *((taking(each),) for each in parts("discriminator"))]
    judges += [(each,) for each in parts("discriminator") if each.role == "join"]
    regularizers = [(), *((each,) for each in parts("regularizer"))]
    augments = [None, *parts("augmentation")]
    for architecture, loss, chosen, augment, judge in product(
        parts("architecture"), parts("loss"), regularizers, augments, judges
    ):
        mix = Mix(architecture, loss, chosen, augment, judge)
        yield Mix(architecture, loss, chosen, augment, judge, with_backbone(mix))


def page() -> str:
    """The whole page."""
    rules: Rules = {}
    places = hosts()
    own = {name: mix for name, mix in places.items() if not mix.discriminators}
    lines = [INTRODUCTION]
    verdicts = [not refusals(mix) for mix in singles()]
    lines.append(
        f"\nOf {len(verdicts):,} combinations of an architecture, a loss and at most one regularizer, augmentation and "
        f"further discriminator, {sum(verdicts):,} are allowed."
    )
    for kind in ("loss", "regularizer", "augmentation"):
        lines += table(f"{plural(kind).capitalize()}, by architecture and by discriminator", parts(kind), places, rules)
    by_loss = {loss.name: usual_with(loss, places) for loss in parts("loss")}
    lines += table("Augmentations, by loss", parts("augmentation"), by_loss, rules)
    lines += table("Regularizers, by loss", parts("regularizer"), by_loss, rules)
    judges = [taking(each) for each in parts("discriminator")]
    judges += [part("discriminator", f"{each.name}:role=join") for each in parts("discriminator")]
    lines += table("Discriminators, by architecture", judges, own, rules)
    if rules:
        lines += [
            "\n## Rules\n",
            *(f"{number}. {text} Such as: {example}" for text, (number, example) in rules.items()),
        ]
    return "\n".join(lines) + "\n"


def usual_with(loss: Part, places: dict[str, Mix]) -> Mix:
    """The first host that plays this loss."""
    mixes = [plugged(host, loss) for host in places.values()]
    return next((mix for mix in mixes if not refusals(mix)), mixes[0])
