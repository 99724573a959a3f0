"""The one small grammar in which components are named.

    [distribution::]name[@variant][:key=value,key=value]

A list inside a value is joined by `+` and stays text here: `diffaugment:policy=color+translation`. A
provider takes the rest as the name of its model up to `;`, after which arguments follow:
`clip:ViT-B-32@openai;resize=bicubic`.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from zoo.errors import ZooError

__all__ = ["PROVIDERS", "Reference", "format", "parse"]

PROVIDERS = frozenset({"timm", "clip", "hf", "precomputed"})
"""Names that take a model or a file of their own: `timm:resnet18`, `hf:owner/name@revision`."""

FORM = "[distribution::]name[@variant][:key=value,key=value]"

_WORD = r"[A-Za-z0-9]+(?:[._-]+[A-Za-z0-9]+)*"
_NAME = rf"{_WORD}(?:/{_WORD})*"
_HEAD = re.compile(rf"(?:(?P<distribution>{_WORD})::)?(?P<name>{_NAME})(?:@(?P<variant>[\w.+-]+))?")
_KEY = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Reference:
    """A component as the user named it, options still text. A provider's model is its option `model`."""

    name: str
    distribution: str | None = None
    variant: str | None = None
    options: dict[str, str] = field(default_factory=dict)

    @property
    def qualified(self) -> str:
        """The name as `Registry.find` takes it, with its distribution where one was given."""
        return f"{self.distribution}::{self.name}" if self.distribution else self.name

    def __str__(self) -> str:
        return format(self)


def parse(text: str, providers: Collection[str] = PROVIDERS) -> Reference:
    """Read one component argument. Raises ZooError that shows the form and what was given."""
    text = text.strip()
    head, colon, rest = _split(text)
    match = _HEAD.fullmatch(head)
    if match is None:
        raise ZooError(_head_problem(text, head))
    parts = match.groupdict()
    if parts["name"] in providers and colon:
        options = _model(text, rest)
    else:
        options = _options(text, rest) if colon else {}
    return Reference(parts["name"], parts["distribution"], parts["variant"], options)


def format(reference: Reference, providers: Collection[str] = PROVIDERS) -> str:
    """The text that `parse` reads back as an equal reference. Raises ZooError where none exists."""
    head = reference.qualified + (f"@{reference.variant}" if reference.variant else "")
    options = dict(reference.options)
    model = options.pop("model", None) if reference.name in providers else None
    pairs = ",".join(f"{key}={value}" for key, value in options.items())
    if model is not None:
        text = f"{head}:{model}" + (f";{pairs}" if pairs else "")
    else:
        text = f"{head}:{pairs}" if pairs else head
    if parse(text, providers) != reference:
        raise ZooError(f"{reference!r} cannot be written as {FORM}: a value holds a comma or a semicolon.")
    return text


def _split(text: str) -> tuple[str, str, str]:
    """Head, colon and rest; the double colon after a distribution belongs to the head."""
    distribution, double, after = text.partition("::")
    if not double or not re.fullmatch(_WORD, distribution):
        return text.partition(":")
    head, colon, rest = after.partition(":")
    return f"{distribution}::{head}", colon, rest


def _options(text: str, rest: str) -> dict[str, str]:
    """`key=value` pairs, values verbatim."""
    options: dict[str, str] = {}
    for pair in rest.split(","):
        key, equals, value = pair.partition("=")
        key = key.strip()
        if not equals or not _KEY.fullmatch(key):
            raise ZooError(_pair_problem(text, pair, bool(options)))
        if key in options:
            raise ZooError(f"{text!r} gives {key!r} twice.")
        options[key] = value
    return options


def _model(text: str, rest: str) -> dict[str, str]:
    """What a provider takes: its model up to a semicolon, then arguments."""
    model, semicolon, arguments = rest.partition(";")
    if not model:
        raise ZooError(f"{text!r} names no model: after the colon comes one, such as timm:resnet18.")
    options = _options(text, arguments) if semicolon else {}
    if "model" in options:
        raise ZooError(f"{text!r} gives the model twice: before the semicolon and as model=.")
    return {"model": model, **options}


def _head_problem(text: str, head: str) -> str:
    """Why the part before the colon is no name."""
    if not head:
        why = "it names nothing" if not text else "the name before the colon is missing"
    elif "=" in head:
        why = f"options follow a name and a colon, as in name:{head}"
    else:
        why = f"{head!r} is no name: letters, digits, '-', '.' and '_' make one"
    return f"{text!r} is not of the form {FORM}: {why}."


def _pair_problem(text: str, pair: str, follows: bool) -> str:
    """Why one piece after the colon is no option."""
    if not pair.strip():
        why = "an option is missing there (a colon or comma at the end?)"
    elif "=" not in pair and follows:
        why = f"{pair!r} has no '='; join the items of a list with '+', as in policy=color+translation"
    else:
        why = f"{pair!r} is not key=value"
    return f"{text!r} is not of the form {FORM}: {why}."
