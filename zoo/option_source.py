"""Options read from source text, so that `ganzoo info` explains a model without importing torch.

The module is found and parsed, never run. Annotations and defaults are small expressions over names of
`typing`, of `zoo.options` and of the module's own constants; they are evaluated in a space that holds nothing
else. What this cannot follow is imported after all.
"""

import ast
import importlib
import math
import re
import typing
from collections.abc import Iterator
from functools import cache, cached_property
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from typing import Any, TypeAlias

from zoo.option_types import Range, is_option
from zoo.options import REQUIRED, Option, describe_object

__all__ = ["describe", "forget"]

_SPACE: dict[str, Any] = {
    **{name: getattr(typing, name) for name in ("Annotated", "Any", "Final", "Literal", "Optional", "Union")},
    **{one.__name__: one for one in (int, float, bool, str, tuple)},
    "Range": Range,
    "typing": typing,
    "math": math,
}

_COMMENT = re.compile(r"\s*,?\s*#\s*+(?!type:|noqa|pragma|ruff:)(.*?)(?:\s# .*)?$")

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class UnfollowedError(Exception):
    """The source alone does not tell."""


def describe(target: str, nested: str) -> list[Option]:
    """See `zoo.options.describe`."""
    module_name, _, path = target.partition(":")
    try:
        module = _module(module_name)
        return list(_options(*module.find(path.split(".")), nested))
    except (UnfollowedError, SyntaxError, RecursionError):
        found: Any = importlib.import_module(module_name)
        for part in path.split("."):
            found = getattr(found, part)
        return describe_object(found, nested=nested)


def forget() -> None:
    """Read sources anew: for tests, and after installing into a running process."""
    _module.cache_clear()


class Module:
    """The parsed source of one module: what its names stand for and what its comments say."""

    def __init__(self, name: str, source: str, is_package: bool) -> None:
        self.name, self.package = name, name if is_package else name.rpartition(".")[0]
        self.lines = source.splitlines()
        self.names = dict(_bindings(ast.parse(source).body))

    def find(self, path: list[str]) -> "tuple[Module, ast.AST]":
        """The definition of a dotted name, here or in the module of the same package it is imported from."""
        module, node = self._definition(path[0])
        for part in path[1:]:
            if not isinstance(node, ast.ClassDef):
                raise UnfollowedError(f"{module.name}:{'.'.join(path)}")
            module, node = module.member(node, part)
        return module, node

    def _definition(self, name: str) -> "tuple[Module, ast.AST]":
        node = self.names.get(name)
        if isinstance(node, ast.ImportFrom):
            return self._imported(node, name)
        if alias := _alias(node):
            return self.find(alias)
        if isinstance(node, ast.ClassDef | _Function):
            return self, node
        raise UnfollowedError(f"{self.name}:{name}")

    def _imported(self, node: ast.ImportFrom, name: str) -> "tuple[Module, ast.AST]":
        original = next(alias.name for alias in node.names if (alias.asname or alias.name) == name)
        return self._source_of(node).find([original])

    def _source_of(self, node: ast.ImportFrom) -> "Module":
        """The module imported from, if it belongs to the same package or to zoo: no more is read."""
        parents = self.package.split(".")
        base = parents[: len(parents) + 1 - node.level] if node.level else []
        full = ".".join([*base, *([node.module] if node.module else [])])
        if full.partition(".")[0] not in (self.name.partition(".")[0], "zoo"):
            raise UnfollowedError(full)
        return _module(full)

    def member(self, node: ast.ClassDef, name: str) -> "tuple[Module, ast.AST]":
        """A definition in a class body or in that of a base."""
        inner = dict(_bindings(node.body)).get(name)
        if alias := _alias(inner):
            return self.find(alias)
        if isinstance(inner, ast.ClassDef | _Function):
            return self, inner
        for module, base in self.bases(node):
            try:
                return module.member(base, name)
            except UnfollowedError:
                continue
        raise UnfollowedError(f"{self.name}:{node.name}.{name}")

    def bases(self, node: ast.ClassDef) -> "Iterator[tuple[Module, ast.ClassDef]]":
        """The base classes that can be followed; those of other packages (nn.Module) cannot."""
        for base in node.bases:
            try:
                module, found = self.find(ast.unparse(base).split("."))
            except UnfollowedError:
                continue
            if isinstance(found, ast.ClassDef):
                yield module, found

    def value(self, node: ast.expr) -> Any:
        """What an annotation or default evaluates to. Raises UnfollowedError where it is no plain value."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        try:
            return eval(compile(ast.Expression(node), self.name, "eval"), {"__builtins__": {}}, self.space)
        except Exception as error:
            raise UnfollowedError(ast.unparse(node)) from error

    def annotation(self, node: ast.expr) -> Any:
        """The type an annotation stands for; `object` where it is none of an option's."""
        try:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                node = ast.parse(node.value, mode="eval").body
            return self.value(node)
        except (UnfollowedError, SyntaxError):
            return object

    @cached_property
    def space(self) -> "Names":
        """The names an expression of this module may use."""
        return Names(self)

    def meaning(self, node: ast.AnnAssign | ast.arg, end: ast.AST | None = None) -> str:
        """The comment after a field (or after its default, `end`), else just above it, else at its type's alias."""
        return self._comment(node, end or node) or self._comment_of_alias(node.annotation)

    def _comment(self, node: ast.stmt | ast.arg, end: ast.AST) -> str:
        trailing = _COMMENT.match(_after(self.lines, end))
        if trailing:
            return trailing[1].strip()
        above: list[str] = []
        first = node.lineno - 1
        if not self.lines[first].encode()[: node.col_offset].strip():  # not a parameter on the line of its def
            while first > 0 and self.lines[first - 1].strip().startswith("#"):
                first -= 1
                above.insert(0, self.lines[first].strip().lstrip("# "))
        return " ".join(above)

    def _comment_of_alias(self, annotation: ast.expr | None) -> str:
        """`Split = Literal["train", "test"]  # part of the data` explains every parameter of type Split."""
        if not isinstance(annotation, ast.Name):
            return ""
        node = self.names.get(annotation.id)
        return self._comment(node, node) if isinstance(node, ast.Assign | ast.AnnAssign) else ""


class Names(dict[str, Any]):
    """Names as an expression sees them: those of an annotation, and constants and aliases of the module."""

    def __init__(self, module: Module) -> None:
        super().__init__(_SPACE)
        self.module = module

    def __missing__(self, name: str) -> Any:
        node = self.module.names.get(name)
        if isinstance(node, ast.ImportFrom):
            original = next(alias.name for alias in node.names if (alias.asname or alias.name) == name)
            if node.module == "typing" and original in _SPACE:
                return _SPACE[original]
            if node.module in ("zoo.options", "zoo.option_types", "zoo") and original == "Range":
                return Range
            found = self.module._source_of(node).space[original]
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            found = self.module.value(node.value)
        elif type(node).__name__ == "TypeAlias":
            found = self.module.value(node.value)  # type: ignore[union-attr]
        else:
            raise KeyError(name)
        self[name] = found
        return found


@cache
def _module(name: str) -> Module:
    """Find and parse a module without importing it or the packages it lies in. Raises UnfollowedError."""
    top, *rest = name.split(".")
    try:
        spec = find_spec(top)
    except ValueError:  # __main__, or a module made by hand
        spec = None
    path = top
    for part in rest:
        path += f".{part}"
        inside = spec.submodule_search_locations if spec else None
        spec = PathFinder.find_spec(path, inside) if inside is not None else None
    return Module(name, _source(name, spec), spec is not None and spec.submodule_search_locations is not None)


def _source(name: str, spec: ModuleSpec | None) -> str:
    """The text of a module. Raises UnfollowedError where there is none (an extension, a missing module)."""
    read = getattr(spec.loader, "get_source", None) if spec else None
    source = read(name) if read else None
    if source is None:
        raise UnfollowedError(name)
    return str(source)


def _bindings(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """Name -> statement that binds it; later ones win, as at run time. Looks into `if` and `try`."""
    for node in body:
        if isinstance(node, ast.ClassDef | _Function):
            yield node.name, node
        elif isinstance(node, ast.ImportFrom | ast.Import):
            yield from ((alias.asname or alias.name, node) for alias in node.names)
        elif isinstance(node, ast.Assign):
            yield from ((target.id, node) for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node
        elif isinstance(node, ast.If | ast.Try):
            yield from _bindings(node.body + node.orelse)
        elif type(node).__name__ == "TypeAlias":
            yield node.name.id, node  # type: ignore[attr-defined]


def _alias(node: ast.stmt | None) -> list[str] | None:
    """The dotted name that `Other = that.Name` stands for."""
    if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Name | ast.Attribute):
        return ast.unparse(node.value).split(".")
    return None


def _options(module: Module, node: ast.AST, nested: str) -> Iterator[Option]:
    """The options of a definition, by what it is."""
    if isinstance(node, _Function):
        yield from _of_function(module, node, skip_first=False)
        return
    assert isinstance(node, ast.ClassDef)
    try:
        module, found = module.member(node, nested)
        node = found if isinstance(found, ast.ClassDef) else node
    except UnfollowedError:
        pass
    if _is_dataclass(module, node):
        yield from _of_dataclass(module, node).values()
        return
    try:
        module, function = module.member(node, "__init__")
    except UnfollowedError:
        return
    assert isinstance(function, _Function)
    yield from _of_function(module, function, skip_first=True)


def _is_dataclass(module: Module, node: ast.ClassDef) -> bool:
    """Decorated as one, or derived from one without an `__init__` of its own."""
    names = [ast.unparse(one.func if isinstance(one, ast.Call) else one) for one in node.decorator_list]
    if any(name.rpartition(".")[2] == "dataclass" for name in names):
        return True
    own = any(isinstance(one, _Function) and one.name == "__init__" for one in node.body)
    return not own and any(_is_dataclass(*base) for base in module.bases(node))


def _of_dataclass(module: Module, node: ast.ClassDef) -> dict[str, Option]:
    """Fields of the bases first, as dataclasses order them; a field given anew keeps its place."""
    found: dict[str, Option] = {}
    for base in reversed(list(module.bases(node))):
        found |= _of_dataclass(*base) if _is_dataclass(*base) else {}
    for field in node.body:
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            kind = module.annotation(field.annotation)
            if is_option(kind) and _in_init(field.value):
                default = _default(module, field.value)
                found[field.target.id] = Option.of(field.target.id, kind, default, module.meaning(field))
    return found


def _of_function(module: Module, node: _Function, skip_first: bool) -> Iterator[Option]:
    """Parameters with a default and of a type that text can carry."""
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    required = len(positional) - len(arguments.defaults)
    pairs = list(zip(positional, [*[None] * required, *arguments.defaults], strict=True))[int(skip_first) :]
    pairs = [pair for pair in pairs if pair[0] not in arguments.posonlyargs]
    for argument, value in [*pairs, *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]:
        if value is None:
            continue
        default = _default(module, value)
        kind = module.annotation(argument.annotation) if argument.annotation else type(default)
        if is_option(kind):
            yield Option.of(argument.arg, kind, default, module.meaning(argument, value))


def _default(module: Module, node: ast.expr | None) -> Any:
    """The value of a default, its source text where it is no plain value, REQUIRED where there is none."""
    if node is None:
        return REQUIRED
    if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "field":
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        factory = given.get("default_factory")
        return ast.unparse(factory) + "()" if factory else _default(module, given.get("default"))
    try:
        return module.value(node)
    except UnfollowedError:
        return ast.unparse(node)


def _in_init(node: ast.expr | None) -> bool:
    """Whether a dataclass field is set by whoever makes one: not `field(init=False)`."""
    keywords = node.keywords if isinstance(node, ast.Call) else []
    return not any(one.arg == "init" and ast.unparse(one.value) == "False" for one in keywords)


def _after(lines: list[str], node: ast.AST) -> str:
    """The text after a node on its last line (ast counts bytes)."""
    line = lines[node.end_lineno - 1]  # type: ignore[attr-defined]
    return line.encode()[node.end_col_offset :].decode()  # type: ignore[attr-defined]
