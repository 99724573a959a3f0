"""Typed options: declared as annotated fields, explained without an import, bound from text or JSON.

An option is a field of a dataclass or a keyword parameter of a callable:

    z_dim: Annotated[int, Range(1, 4096)] = 100  # length of the latent vector

`bind` is the run-time face (text in, typed values out, every problem at once), `describe` the static one.
"""

import dataclasses
import inspect
import math
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_type_hints

from zoo.errors import InvalidOptions, near_misses
from zoo.option_types import Range, RefusedError, choices_in, is_option, range_in, read, type_text, word

__all__ = [
    "Option",
    "Range",
    "bind",
    "build",
    "changed",
    "describe",
    "describe_object",
    "from_json",
    "options_of",
    "plain",
    "to_json",
]

T = TypeVar("T")

REQUIRED: Any = inspect.Parameter.empty


@dataclasses.dataclass(frozen=True, slots=True)
class Option:
    """One option as its documentation shows it."""

    name: str
    type: str  # such as "int", "float | none", "tuple[int, ...]"
    default: Any = None  # its value, or source text where it is no plain value
    required: bool = False
    range: Range | None = None
    choices: tuple[Any, ...] = ()
    meaning: str = ""  # the comment on the field's line, above it, or at the alias that is its type

    @classmethod
    def of(cls, name: str, kind: Any, default: Any, meaning: str = "") -> "Option":
        """The documentation of an annotated name."""
        required = default is REQUIRED
        default = None if required else default
        return cls(name, type_text(kind), default, required, range_in(kind), choices_in(kind), meaning)


def describe(target: str, *, nested: str = "Config") -> list[Option]:
    """The options of "pkg.module:Object", read from source: imports neither the module nor what it imports.

    A class with a nested class called `nested` (an architecture) is described by that. Falls back to
    importing where the source cannot be had or understood.
    """
    from zoo.option_source import describe as read_source

    return read_source(target, nested)


def describe_object(target: Callable[..., Any], *, nested: str = "Config") -> list[Option]:
    """The options of an imported object; without meanings, which only the source has."""
    target = getattr(target, nested, target)
    found = options_of(target).items()
    return [Option.of(name, kind, default) for name, (kind, default) in found if is_option(kind)]


def bind(target: Callable[..., Any], given: Mapping[str, object], *, where: str = "") -> dict[str, Any]:
    """The given options, typed as the target declares them; those not given are left out.

    Values are text (`-s key=value`) or already typed (JSON). Raises InvalidOptions with every problem found.
    """
    known = {name: kind for name, (kind, _) in options_of(target).items()}
    bound: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in given.items():
        try:
            if name in known:
                bound[name] = read(known[name], value)
            else:
                problems.append(_unknown(name, known))
        except RefusedError as refusal:
            problems.append(f"{name}={_shown(value)} is refused: {refusal}")
    if problems:
        raise InvalidOptions(_placed(where, problems))
    return bound


def build(target: Callable[..., T], given: Mapping[str, object], *, where: str = "") -> T:
    """`target(**bind(target, given))`; a required option that is missing is an InvalidOptions too."""
    problems: list[str] = []
    bound: dict[str, Any] = {}
    try:
        bound = bind(target, given)
    except InvalidOptions as invalid:
        problems += invalid.problems
    required = [name for name, (_, default) in options_of(target).items() if default is REQUIRED]
    problems += [f"{name} is missing" for name in required if name not in given]
    if problems:
        raise InvalidOptions(_placed(where, problems))
    return target(**bound)


def changed(config: T, given: Mapping[str, object], *, where: str = "") -> T:
    """A copy of a dataclass instance with the given options bound and replaced."""
    return dataclasses.replace(config, **bind(type(config), given, where=where))  # type: ignore[type-var]


def to_json(config: Any) -> dict[str, Any]:
    """The fields of a dataclass instance as JSON holds them: tuples as lists, infinities as text."""
    return {name: plain(getattr(config, name)) for name in _fields(config)}


def from_json(cls: type[T], data: Mapping[str, object], *, where: str = "") -> T:
    """The inverse of `to_json`. Unknown, missing and ill-typed keys are an InvalidOptions, all at once."""
    return build(cls, data, where=where)


def options_of(target: Callable[..., Any]) -> dict[str, tuple[Any, Any]]:
    """Name -> (annotation, default) of each option; a required one has `inspect.Parameter.empty` as default.

    A dataclass gives its fields, a class the keyword parameters of its `__init__`, a callable its own.
    Parameters without default or of other types (a critic, a module) come from code and are no options.
    """
    if isinstance(target, type) and dataclasses.is_dataclass(target):
        hints = _field_hints(target)
        found = {name: (hints[name], _default(field)) for name, field in _fields(target).items()}
        return {name: pair for name, pair in found.items() if is_option(pair[0])}
    hints = _hints(target)
    found = {one.name: (hints.get(one.name, type(one.default)), one.default) for one in _parameters(target)}
    return {name: pair for name, pair in found.items() if pair[1] is not REQUIRED and is_option(pair[0])}


def _parameters(target: Any) -> list[inspect.Parameter]:
    """Parameters that can be given by keyword, less self. A class without an __init__ in Python has none."""
    start = getattr(target, "__init__", None)
    if not isinstance(target, type):
        parameters = list(inspect.signature(target).parameters.values())
    elif isinstance(start, types.FunctionType):
        parameters = list(inspect.signature(start).parameters.values())[1:]
    else:
        parameters = []
    by_keyword = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [one for one in parameters if one.kind in by_keyword]


def _hints(target: Any) -> dict[str, Any]:
    """Annotations with their extras; those whose names exist for type checkers only count as `object`."""
    source = getattr(target, "__init__", None) if isinstance(target, type) else inspect.unwrap(target)
    source = getattr(source, "func", source)  # functools.partial
    if not isinstance(source, types.FunctionType | types.MethodType):
        source = type(source).__call__
    names = getattr(source, "__globals__", {})
    try:
        return get_type_hints(source, include_extras=True)
    except NameError:
        return {name: _hint(text, names) for name, text in source.__annotations__.items()}


def _field_hints(target: type) -> dict[str, Any]:
    """The annotations of a dataclass and of its bases."""
    try:
        return get_type_hints(target, include_extras=True)
    except NameError:
        bases = [base for base in reversed(target.__mro__) if base.__module__ in sys.modules]
        spaces = [(inspect.get_annotations(base), vars(sys.modules[base.__module__])) for base in bases]
        return {name: _hint(text, names) for notes, names in spaces for name, text in notes.items()}


def _hint(annotation: Any, names: dict[str, Any]) -> Any:
    try:
        return eval(annotation, names) if isinstance(annotation, str) else annotation
    except NameError:
        return object


def _fields(config: Any) -> "dict[str, dataclasses.Field[Any]]":
    """The fields of a dataclass that are set by whoever makes one."""
    return {field.name: field for field in dataclasses.fields(config) if field.init}


def _default(field: "dataclasses.Field[Any]") -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    return REQUIRED if field.default_factory is dataclasses.MISSING else field.default_factory()


def plain(value: Any) -> Any:
    """A value as JSON holds it."""
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _unknown(name: str, known: Mapping[str, Any]) -> str:
    """A sentence or two about an option that does not exist."""
    offer = f"Options: {', '.join(known)}." if known else "It takes no options."
    return f"no option is called {name!r}. {near_misses(name, known) or offer}"


def _placed(where: str, problems: list[str]) -> list[str]:
    """Each problem preceded by the name of the component it concerns."""
    return [f"{where}: {problem}" if where else problem for problem in problems]


def _shown(value: object) -> str:
    """A given value as one typed it."""
    text = word(value)
    return text if text and " " not in text else repr(value)
