"""Checks by kind, the running of them, and their form as parameters of a pytest test."""

import importlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest import SkipTest

from zoo.errors import UnknownName, ZooError, near_misses
from zoo.plugins import PluginState, plugins

if TYPE_CHECKING:
    import pytest

__all__ = ["Check", "NotApplicable", "Result", "check_plugin", "checks_of", "owes", "parametrize", "refusal"]

Body = Callable[[Any], None]

EVERY = "entry"  # what entries of all kinds owe
PLUGIN = "plugin"  # what the plugin itself owes

_BODIES: dict[str, dict[str, Body]] = {}

_HOMES = {
    PLUGIN: "about",
    EVERY: "about",
    "architecture": "architectures",
    "loss": "parts",
    "regularizer": "parts",
    "augmentation": "parts",
    "discriminator": "parts",
    "backbone": "frozen",
    "text-encoder": "frozen",
    "metric": "judges",
    "dataset": "judges",
    "importer": "judges",
}
"""The module of each kind's checks; a kind without one owes what all entries owe."""


class NotApplicable(SkipTest):
    """A check that has nothing to check here, and why; pytest takes it as a skip."""


def owes(*kinds: str) -> Callable[[Body], Body]:
    """Let entries of these kinds owe what a function checks; its docstring's first line says what that is."""

    def note(body: Body) -> Body:
        for kind in kinds:
            _BODIES.setdefault(kind, {})[(body.__doc__ or body.__name__).splitlines()[0].rstrip(".")] = body
        return body

    return note


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that one entry (or the plugin itself) owes."""

    about: str  # "architecture dcgan"
    what: str  # "goes on exactly after an interruption"
    run: Callable[[], None]  # raises what is wrong, or NotApplicable

    @property
    def name(self) -> str:
        """`architecture dcgan: goes on exactly after an interruption`."""
        return f"{self.about}: {self.what}"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a check."""

    check: Check
    status: str  # passed, failed, skipped, expected (to fail, and did), or mended (expected to fail, and passed)
    reason: str = ""
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether nothing is to be done about it."""
        return self.status in ("passed", "skipped", "expected")


def check_plugin(
    name: str,
    *,
    expected: Mapping[str, str] | None = None,
    told: Callable[[Result], None] | None = None,
) -> list[Result]:
    """Run every check of a plugin; `told` hears each result as it comes.

    `expected` maps wildcard patterns of check names to the reasons why these fail; one that passes all the same is
    `mended`, so that the list stays true. Raises UnknownName for a plugin that is not installed, ZooError for a broken
    one.
    """
    results = []
    for check in checks_of(name):
        result = outcome(check, reason_for(check, expected or {}))
        results.append(result)
        if told is not None:
            told(result)
    return results


def parametrize(name: str, *, expected: Mapping[str, str] | None = None) -> "pytest.MarkDecorator":
    """A pytest mark that gives a test the parameter `check`, once for each check of a plugin.

    Those that match a pattern of `expected` are marked as strictly expected failures, with the reason given there.
    """
    import pytest

    parameters = []
    for check in checks_of(name):
        reason = reason_for(check, expected or {})
        marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
        parameters.append(pytest.param(check, id=check.name, marks=marks))
    return pytest.mark.parametrize("check", parameters)


def checks_of(name: str) -> list[Check]:
    """Every check of a plugin (by its name or `distribution::name`), not yet run."""
    state = find(name)
    found = [Check(f"plugin {state.name}", what, partial(body, state)) for what, body in bodies(PLUGIN).items()]
    for one in state.registered:
        owed = {**bodies(EVERY), **bodies(one.kind)}
        found += [Check(f"{one.kind} {one.name}", what, partial(body, one)) for what, body in owed.items()]
    return found


def find(name: str) -> PluginState:
    """An installed and loaded plugin."""
    states = [state for state in plugins() if name in (state.name, state.qualified)]
    if not states:
        known = [state.name for state in plugins()]
        raise UnknownName(f"No plugin is named {name!r}. {near_misses(name, known)} Installed: {', '.join(known)}.")
    if len(states) > 1:
        raise ZooError(f"Several plugins are named {name!r}: write {' or '.join(s.qualified for s in states)}.")
    if states[0].status != "loaded":
        raise ZooError(states[0].trouble or f"Plugin {name!r} is {states[0].status}; let it load to check it.")
    return states[0]


def bodies(kind: str) -> Mapping[str, Body]:
    """The functions that check a kind, by what they check."""
    if kind in _HOMES:
        importlib.import_module(f"zoo.testing.{_HOMES[kind]}")
    return _BODIES.get(kind, {})


def reason_for(check: Check, expected: Mapping[str, str]) -> str:
    """Why a check is expected to fail; empty when it is not."""
    return next((reason for pattern, reason in expected.items() if fnmatchcase(check.name, pattern)), "")


def outcome(check: Check, expected: str = "") -> Result:
    """Run one check."""
    start = time.perf_counter()
    try:
        check.run()
        status, reason = ("mended", f"expected to fail: {expected}") if expected else ("passed", "")
    except NotApplicable as absent:
        status, reason = "skipped", shortened(str(absent))
    except Exception as error:
        status, reason = ("expected", expected) if expected else ("failed", first_lines(error))
    return Result(check, status, reason, time.perf_counter() - start)


def refusal(action: Callable[[], object]) -> ZooError | None:
    """The error with which ganzoo refuses an action; None when it does not."""
    try:
        action()
    except ZooError as refused:
        return refused
    return None


def first_lines(error: Exception, most: int = 3) -> str:
    """What went wrong, in short."""
    text = shortened(" ".join([line.strip() for line in str(error).splitlines() if line.strip()][:most]))
    return text if isinstance(error, AssertionError) and text else f"{type(error).__name__}: {text}".rstrip(": ")


def shortened(text: str, most: int = 240) -> str:
    """At most so many characters."""
    return text if len(text) <= most else text[: most - 4] + " ..."
