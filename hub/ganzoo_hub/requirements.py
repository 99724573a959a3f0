"""Which plugins a shared model needs, and what to type where one is missing."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal, Self

from zoo.grammar import parse
from zoo.plugins import plugins, registry
from zoo.registry import KINDS, install_command

__all__ = ["Requirement", "missing", "requirements"]

FORMS = {
    "distribution": r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?",
    "version": r"[0-9][0-9A-Za-z.!_-]{0,63}",
    "range": r">=[0-9][0-9A-Za-z.!_-]{0,63},<[0-9.]{1,20}",
    "kind": "|".join(KINDS),
    "name": r"[a-z0-9][a-z0-9./-]{0,99}",
    "needed": "sampling|training",
}


@dataclass(frozen=True, slots=True)
class Requirement:
    """An entry that a model is made of, and the distribution that supplies it."""

    distribution: str
    version: str  # that wrote the model
    range: str  # versions that should read it
    kind: str
    name: str
    needed: Literal["sampling", "training"]

    @classmethod
    def from_json(cls, content: Any) -> Self:
        """Read one from a stranger's config.json: each field has its form. Raises ValueError."""
        for field, form in FORMS.items():
            if not isinstance(value := content.get(field), str) or not re.fullmatch(form, value):
                raise ValueError(f"`requires` has the {field} {value!r}")
        return cls(**{field: content[field] for field in FORMS})

    def to_json(self) -> dict[str, str]:
        """What `from_json` reads."""
        return asdict(self)

    @property
    def supplied(self) -> bool:
        """Whether an installed plugin supplies the entry, whoever it is."""
        return any(one.name == self.name for one in registry().select(self.kind))

    @property
    def command(self) -> str:
        """What installs it."""
        if self.distribution.lower() == "ganzoo":
            return install_command(self.distribution)
        return f'pip install "{self.distribution}{self.range}"'

    @property
    def here(self) -> str:
        """The version that is installed; empty for none."""
        try:
            return version(self.distribution)
        except PackageNotFoundError:
            return ""

    def difference(self) -> str:
        """A sentence where another version is installed than wrote the model."""
        if self.here in ("", self.version):
            return ""
        written = f"{self.distribution} {self.version}"
        return f"It was written with {written}; here is {self.here}. To change it: {self.command}"


def requirements(plan: Any) -> list[Requirement]:
    """What a plan's architecture and parts come from; registered and so installed."""
    named = [("architecture", plan.architecture, "sampling")]
    if (parts := plan.parts) is not None:
        named += [("loss", parts.loss, "training"), ("augmentation", parts.augment, "training")]
        named += [("regularizer", one, "training") for one in parts.regularizers]
        named += [("discriminator", one, "training") for one in (parts.discriminator, *parts.allies)]
        named += [("backbone", one, "training") for one in parts.backbones]
    return [found for one in named if (found := requirement(*one))]


def requirement(kind: str, reference: str, needed: Any) -> Requirement | None:
    """The entry behind a reference; None for a word that stands for no entry, such as `own` and `none`."""
    known = {name for one in registry().select(kind) for name in (one.name, one.qualified)}
    name = parse(reference).qualified
    if name not in known:
        return None
    one = registry().find(kind, name)
    written = one.version.partition("+")[0] or "0"
    return Requirement(one.distribution, written, span(written), kind, one.name, needed)


def span(written: str) -> str:
    """The versions that should read what this one wrote: up to the next major one, before 1.0 the next minor one."""
    numbers = [int(number) for number in re.findall(r"\d+", written)[:2]] + [0, 0]
    upper = str(numbers[0] + 1) if numbers[0] else f"0.{numbers[1] + 1}"
    return f">={written},<{upper}"


def missing(requires: Sequence[Requirement], place: str, *, training: bool) -> str:
    """What is not installed, in sentences that say how to install it; empty when all is there."""
    absent = [one for one in requires if (training or one.needed == "sampling") and not one.supplied]
    if not absent:
        return ""
    lines = [f"{place} needs plugins that are not here:"]
    for one in absent:
        state = f"; {one.distribution} {one.here} is installed and does not supply it" if one.here else ""
        lines.append(f"  the {one.kind} {one.name!r}, from {one.distribution} ({one.range}){state}: {one.command}")
    lines += [state.trouble for state in plugins() if state.trouble]
    return "\n".join([*lines, "So says the model's own config.json: look at a package before installing it."])
