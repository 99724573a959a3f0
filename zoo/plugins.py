"""Finding plugins and isolating them: a broken one is named, with what mends it, and stops nothing else.

Plugins are entry points of the group `ganzoo`, each a module that implements hooks of `zoo.hookspecs`. They
are loaded in a loop of our own: pluggy's would stop at the first broken one and skip the second of two equal
names. `GANZOO_PLUGINS=a,b` selects (the empty text selects none), `block` leaves out.
"""

import os
import re
import time
import traceback
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, distribution, entry_points
from types import FunctionType, ModuleType
from typing import Any, cast

import pluggy

from zoo import hookspecs
from zoo.errors import UnknownName, near_misses
from zoo.registry import Entry, Registered, Registry, install_command

__all__ = [
    "GROUP",
    "PluginState",
    "block",
    "missing_requirements",
    "plugins",
    "registry",
    "reset",
    "run_loggers",
]

GROUP = "ganzoo"

_blocked: set[str] = set()


class PluginError(Exception):
    """The plugin loads but breaks a rule of the hooks."""


@dataclass(slots=True)
class PluginState:
    """What became of one entry point."""

    name: str
    module: str
    distribution: str
    version: str
    status: str = "loaded"  # or broken, blocked, unselected
    seconds: float = 0.0  # to import the module and to collect its entries
    registered: tuple[Registered, ...] = ()
    commands: tuple[tuple[str, str], ...] = ()  # name, "pkg.module:object"
    error: str = ""  # "ModuleNotFoundError: No module named 'x'"
    trace: str = ""
    mend: str = ""  # the command that mends it

    @property
    def qualified(self) -> str:
        """`distribution::name`."""
        return f"{self.distribution}::{self.name}"

    @property
    def place(self) -> tuple[str, str]:
        """Where it stands among the others."""
        return self.name, self.distribution

    @property
    def trouble(self) -> str:
        """One line about a broken plugin; empty for the others."""
        if self.status != "broken":
            return ""
        return f"Plugin {self.name!r} of {self.distribution} is broken: {self.error}. Mend it: {self.mend}"


@cache
def registry() -> Registry:
    """Every entry of every loaded plugin, and the troubles of the broken ones."""
    states = plugins()
    entries = (one for state in states for one in state.registered if one.kind != "run-logger")
    return Registry(entries, [state.trouble for state in states if state.trouble])


@cache
def plugins() -> tuple[PluginState, ...]:
    """The state of every installed plugin, in the order of the entry points' names.

    Raises UnknownName when GANZOO_PLUGINS or `block` names a plugin that is not installed.
    """
    found = [(_state(point), point) for point in entry_points(group=GROUP)]
    found.sort(key=lambda pair: pair[0].place)
    states = tuple(state for state, _ in found)
    _choose(states)
    manager = _Manager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    taken: set[tuple[str, str]] = set()
    for state, point in found:
        if state.status == "loaded":
            with _isolated(state, point.dist):
                _load(manager, state, point)
                _collect(manager, state, taken)
    return states


def run_loggers() -> list[Registered]:
    """Entries whose targets receive the metrics of a run."""
    return [one for state in plugins() for one in state.registered if one.kind == "run-logger"]


def block(names: Iterable[str]) -> None:
    """Leave out plugins of these names (bare or `distribution::name`), from now on."""
    _blocked.update(names)
    _forget()


def reset() -> None:
    """Forget what was found and blocked: for tests, and after installing into a running process."""
    _blocked.clear()
    _forget()


def _forget() -> None:
    registry.cache_clear()
    plugins.cache_clear()


class _Manager(pluggy.PluginManager):
    """pluggy's manager, for which any function with the name of a hook implements it, marked or not."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> Any:
        if name in hookspecs.HOOKS and isinstance(function := getattr(plugin, name), FunctionType):
            hookspecs.hookimpl(function)
        return super().parse_hookimpl_opts(plugin, name)


@contextmanager
def _isolated(state: PluginState, source: Distribution | None) -> Iterator[None]:
    """Whatever is raised inside breaks this plugin and no other. Measures the time."""
    start = time.perf_counter()
    try:
        yield
    except (Exception, SystemExit) as error:
        state.status, state.registered, state.commands = "broken", (), ()
        state.error = _first_line(error)
        state.trace = "".join(traceback.format_exception(error))
        state.mend = _mend(state, source, error)
    finally:
        state.seconds = time.perf_counter() - start


def _load(manager: pluggy.PluginManager, state: PluginState, point: EntryPoint) -> None:
    """Import the module, check what it was built for, and register its hooks."""
    module = point.load()
    built_for = getattr(module, "ganzoo_api", hookspecs.API)
    if not isinstance(built_for, int):
        raise PluginError(f"ganzoo_api is {built_for!r}, not a number such as {hookspecs.API}")
    if built_for > hookspecs.API:
        raise PluginTooNewError(f"it is built for plugin API {built_for}, this ganzoo offers {hookspecs.API}")
    _check_names(module)
    manager.register(module, state.qualified)


class PluginTooNewError(PluginError):
    """ganzoo itself must be upgraded."""


def _check_names(module: ModuleType) -> None:
    """Refuse functions that look like hooks and are none: they would never be called."""
    for name, value in vars(module).items():
        if name.startswith("ganzoo_") and isinstance(value, FunctionType) and name not in hookspecs.HOOKS:
            raise PluginError(f"{name} is no hook. {near_misses(name, hookspecs.HOOKS)}".rstrip())


def _collect(manager: pluggy.PluginManager, state: PluginState, taken: set[tuple[str, str]]) -> None:
    """Call the plugin's hooks and keep what they yield, all or nothing."""
    registered: list[Registered] = []
    commands: list[tuple[str, str]] = []
    for hook, yielded in _called(manager, state.qualified):
        if hook == "ganzoo_commands":
            commands += map(_command, yielded)
        else:
            registered += (_registered(state, hook, entry) for entry in yielded)
    keys = [(one.kind, one.qualified) for one in registered]
    for key in keys:
        if key in taken or keys.count(key) > 1:
            raise PluginError(f"{key[0]} {key[1]!r} is registered twice by one distribution")
    taken.update(keys)
    state.registered, state.commands = tuple(registered), tuple(commands)


def _called(manager: pluggy.PluginManager, plugin: str) -> Iterator[tuple[str, list[Any]]]:
    """Each hook that the plugin implements, with what its implementation yields."""
    for caller in manager.get_hookcallers(manager.get_plugin(plugin)) or ():
        for implementation in caller.get_hookimpls():
            if implementation.plugin_name == plugin:
                yield caller.name, list(cast("Iterable[Any]", implementation.function()))


def _registered(state: PluginState, hook: str, entry: object) -> Registered:
    if not isinstance(entry, Entry):
        raise PluginError(f"{hook} yields {entry!r}, which is no zoo.Entry")
    return Registered(entry, hookspecs.HOOKS[hook], state.name, state.distribution, state.version)


def _command(pair: object) -> tuple[str, str]:
    match pair:
        case (str(name), str(target)) if ":" in target:
            return name, target
    raise PluginError(f'ganzoo_commands yields {pair!r}, not (name, "package.module:object")')


def _choose(states: Collection[PluginState]) -> None:
    """Mark the plugins that GANZOO_PLUGINS or `block` leave out; a name that none has is an error."""
    text = os.environ.get("GANZOO_PLUGINS")
    selected = None if text is None else {name.strip() for name in text.split(",") if name.strip()}
    _check_known("GANZOO_PLUGINS", selected or (), states)
    _check_known("--no-plugin", _blocked, states)
    for state in states:
        if selected is not None and not {state.name, state.qualified} & selected:
            state.status = "unselected"
        if {state.name, state.qualified} & _blocked:
            state.status = "blocked"


def _check_known(where: str, names: Collection[str], states: Collection[PluginState]) -> None:
    known = {name for state in states for name in (state.name, state.qualified)}
    for name in sorted(set(names) - known):
        installed = ", ".join(dict.fromkeys(state.name for state in states)) or "none"
        raise UnknownName(f"{where}: no plugin is named {name!r}. {near_misses(name, known)} Installed: {installed}.")


def _state(point: EntryPoint) -> PluginState:
    """What is known of an entry point before it is loaded."""
    if point.dist is None:
        return PluginState(point.name, point.value, "", "")
    about: Any = point.dist.metadata  # parsed anew by each access
    return PluginState(point.name, point.value, about.get("Name", "unknown"), about.get("Version", "unknown"))


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return lines[0] if isinstance(error, PluginError) else text


def _mend(state: PluginState, source: Distribution | None, error: BaseException) -> str:
    """The command that mends a broken plugin: what it lacks if that is known, else its newer version."""
    if isinstance(error, PluginTooNewError):
        return f"git pull && {install_command('ganzoo')}"
    missing = missing_requirements(source) if isinstance(error, ImportError) else []
    if missing and state.distribution != "ganzoo":
        return f"pip install {' '.join(missing)}"
    return install_command(state.distribution, upgrade=True)


def missing_requirements(source: Distribution | None, extra: str = "") -> list[str]:
    """Names that a distribution (or its extra) requires on every platform and that are not installed."""
    found: list[str] = []
    for text in (source.requires if source else None) or ():
        requirement, _, marker = text.partition(";")
        wanted = re.fullmatch(rf"\s*extra == ['\"]{re.escape(extra)}['\"]\s*", marker) if extra else not marker
        name = re.match(r"[\w.-]+", requirement)
        if wanted and name and not _installed(name[0]):
            found.append(name[0])
    return found


def _installed(name: str) -> bool:
    try:
        return distribution(name) is not None
    except PackageNotFoundError:
        return False
