"""Entries: what ganzoo knows by name, without importing any of it.

An entry is static text written by a plugin. Listing, searching and explaining read entries only; the object
behind one is imported when it is asked for, by `Registry.load`.
"""

import importlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from zoo.errors import UnknownName, ZooError, near_misses

__all__ = ["KINDS", "Entry", "Registered", "Registry", "install_command", "plural", "with_article"]

KINDS = (
    "architecture",
    "loss",
    "regularizer",
    "augmentation",
    "backbone",
    "discriminator",
    "text-encoder",
    "dataset",
    "metric",
    "weights",
    "importer",
)

_WORD = r"[a-z0-9]+(?:[.-][a-z0-9]+)*"
_NAME = re.compile(rf"{_WORD}(?:/{_WORD})*")
_TARGET = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_PAPER = re.compile(r"\d{4}\.\d{4,5}|[a-z-]+/\d{7}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One named thing of a plugin. A malformed one raises ValueError, so that its plugin is told at once."""

    name: str  # lower case words joined by - or . (weights: "architecture/dataset")
    target: str  # "pkg.module:Object", imported when first used
    summary: str  # one line
    paper: str = ""  # arXiv id, such as 1511.06434
    tags: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()  # batch fields it reads
    extras: tuple[str, ...] = ()  # extras of its distribution that it wants installed
    traits: Mapping[str, str] = field(default_factory=dict, hash=False)  # such as role=join, scope=critic
    presets: Mapping[str, str] = field(default_factory=dict, hash=False)  # architectures: name -> one line
    base: str = ""  # a preset architecture: the architecture that its target, a mapping of presets, configures

    def __post_init__(self) -> None:
        for problem in _problems(self):
            raise ValueError(f"entry {self.name!r}: {problem}")
        for name in ("tags", "needs", "extras"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in ("traits", "presets"):
            object.__setattr__(self, name, dict(getattr(self, name)))


def _problems(entry: Entry) -> Iterable[str]:
    """What is wrong with an entry, each in one sentence."""
    if not _NAME.fullmatch(entry.name):
        yield "a name is lower case words and digits joined by - or ., such as 'projected-gan'"
    if not _TARGET.fullmatch(entry.target):
        yield f"target {entry.target!r} is not of the form 'package.module:Object'"
    if entry.base and not _NAME.fullmatch(entry.base.rpartition("::")[2]):
        yield f"base {entry.base!r} is not the name of an architecture"
    if entry.paper and not _PAPER.fullmatch(entry.paper):
        yield f"paper {entry.paper!r} is not an arXiv id such as '1511.06434'"
    for what, line in {"summary": entry.summary, **entry.presets}.items():
        if not line.strip() or "\n" in line:
            yield f"{what}: one line of text is wanted, not {line!r}"
    for name in ("tags", "needs", "extras"):
        if isinstance(getattr(entry, name), str):
            yield f"{name} is a tuple of words, not the text {getattr(entry, name)!r}"


@dataclass(frozen=True, slots=True)
class Registered:
    """An entry together with its kind and with who supplies it."""

    entry: Entry
    kind: str
    plugin: str  # entry-point name
    distribution: str
    version: str

    @property
    def name(self) -> str:
        """The bare name."""
        return self.entry.name

    @property
    def qualified(self) -> str:
        """`distribution::name`, which is never ambiguous."""
        return f"{self.distribution}::{self.entry.name}"


class Registry:
    """All entries of all plugins. `troubles` are sentences about broken ones, told where a name is missed."""

    def __init__(self, registered: Iterable[Registered] = (), troubles: Sequence[str] = ()) -> None:
        self._troubles = tuple(troubles)
        self._kinds: dict[str, dict[str, list[Registered]]] = {}
        for one in registered:
            self._kinds.setdefault(one.kind, {}).setdefault(one.name, []).append(one)

    def find(self, kind: str, name: str) -> Registered:
        """The entry of that bare (when unique) or qualified name.

        Raises UnknownName with near misses and causes, or ZooError naming all of several suppliers.
        """
        distribution, _, bare = name.rpartition("::")
        found = self._kinds.get(_kind(kind), {}).get(bare, [])
        if distribution:
            found = [one for one in found if _normal(one.distribution) == _normal(distribution)]
        if not found:
            raise UnknownName(self._unknown(_kind(kind), name, bare))
        if len(found) > 1:
            raise ZooError(_clash(found))
        return found[0]

    def everywhere(self, name: str) -> list[Registered]:
        """Every entry of that bare or qualified name. Raises UnknownName if none."""
        distribution, _, bare = name.rpartition("::")
        found = [one for one in self.select(pattern=bare) if one.name == bare]
        found = [one for one in found if _normal(distribution) in ("", _normal(one.distribution))]
        if not found:
            known = dict.fromkeys(known for kind in KINDS for known in self.names(kind))
            hints = [
                f"Nothing is named {name!r}. {near_misses(bare.lower(), known)}".rstrip(),
                *self._supply(bare),
            ]
            raise UnknownName("\n".join([*hints, "See them all: ganzoo list"]))
        return found

    def load(self, kind: str, name: str) -> Any:
        """The object behind an entry, imported now. Raises ZooError with cause and remedy."""
        return load(self.find(kind, name))

    def options_target(self, one: Registered) -> str:
        """Where an entry's options are declared: at its target, or at that of the architecture it is based on."""
        return self.options_target(self.find(one.kind, one.entry.base)) if one.entry.base else one.entry.target

    def select(self, kind: str | None = None, pattern: str = "*", tags: Collection[str] = ()) -> list[Registered]:
        """Entries of a kind (or of all) whose name matches a wildcard and that have every tag, sorted."""
        kinds = KINDS if kind is None else (_kind(kind),)
        wanted = set(tags)
        return [
            one
            for kind in kinds
            for name, several in sorted(self._kinds.get(kind, {}).items())
            for one in sorted(several, key=lambda one: one.distribution)
            if (fnmatchcase(name, pattern) or fnmatchcase(one.qualified, pattern)) and wanted <= set(one.entry.tags)
        ]

    def names(self, kind: str) -> list[str]:
        """The names that `find` takes: bare where unique, else qualified; sorted."""
        known = self._kinds.get(_kind(kind), {})
        return sorted(one.name if len(several) == 1 else one.qualified for several in known.values() for one in several)

    def _unknown(self, kind: str, name: str, bare: str) -> str:
        """Everything that helps someone whose name was not found."""
        known = self.names(kind)
        elsewhere = [other for other in KINDS if other != kind and bare in self._kinds.get(other, {})]
        lines = [f"No {kind} is named {name!r}. {near_misses(bare.lower(), known)}".rstrip()]
        lines += [f"{bare!r} is {with_article(other)}, not {with_article(kind)}." for other in elsewhere]
        lines += [] if known else [f"No {kind} is registered at all."]
        lines += self._supply(bare)
        lines += [f"See them all: ganzoo list {plural(kind)}"] if known else ["See: ganzoo plugins"]
        return "\n".join(lines)

    def _supply(self, bare: str) -> list[str]:
        """Plugins that might supply a missed name: one not installed, or one that is broken."""
        from zoo.directory import suppliers_of

        return [*map(str, suppliers_of(bare)), *self._troubles]


def load(registered: Registered) -> Any:
    """Import an entry's target. Raises ZooError with the cause, the module and the command that mends it."""
    module_name, _, path = registered.entry.target.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
        for part in path.split("."):
            found = getattr(found, part)
    except Exception as error:
        raise ZooError(_load_failure(registered, module_name, error)) from error
    return found


def _load_failure(registered: Registered, module: str, error: Exception) -> str:
    """Who failed, in which module, why, and what to type."""
    entry, source = registered.entry, f"{registered.distribution} {registered.version}".strip()
    command = install_command(registered.distribution, entry.extras, upgrade=not entry.extras)
    return (
        f"The {registered.kind} {entry.name!r} of plugin {registered.plugin!r} ({source}) does not load.\n"
        f"Importing {module} failed: {type(error).__name__}: {error}\n"
        f"Mend it: {command}"
    )


def _clash(found: Sequence[Registered]) -> str:
    """A name that several distributions supply: refused, never last-wins."""
    choices = " or ".join(repr(one.qualified) for one in found)
    suppliers = " and ".join(f"{one.distribution} {one.version}".strip() for one in found)
    return f"The {found[0].kind} {found[0].name!r} is supplied by {suppliers}. Write {choices}."


def _kind(text: str) -> str:
    """A kind from its singular or plural. Raises UnknownName."""
    for kind in KINDS:
        if text in (kind, plural(kind)):
            return kind
    known = [*KINDS, *map(plural, KINDS)]
    raise UnknownName(f"{text!r} is no kind. {near_misses(text, known)} Kinds: {', '.join(KINDS)}.")


def with_article(kind: str) -> str:
    """A kind as a noun in a sentence: an architecture, a loss, weights."""
    if kind == "weights":
        return kind
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def plural(kind: str) -> str:
    """The plural under which a kind is listed: losses, weights, architectures."""
    if kind == "weights":
        return kind
    return kind + ("es" if kind.endswith("s") else "s")


def _normal(distribution: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def install_command(distribution: str, extras: Collection[str] = (), upgrade: bool = False) -> str:
    """What to type to install a distribution. ganzoo itself is installed from its checkout, never by name."""
    extra = f"[{','.join(extras)}]" if extras else ""
    if _normal(distribution) == "ganzoo":
        place = f'".{extra}"' if extra else "."
        return f"pip install -e {place}  (in the checkout of ganzoo)"
    name = f'"{distribution}{extra}"' if extra else distribution
    return f"pip install --upgrade {name}" if upgrade else f"pip install {name}"
