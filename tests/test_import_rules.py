"""Who may import whom: the core knows no plugin, a plugin knows only the core's public names."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fake_plugins import REPOSITORY, python

CORE = sorted((REPOSITORY / "zoo").rglob("*.py"))
PLUGINS = sorted((REPOSITORY / "plugins").rglob("*.py"))
HOOKS = sorted(path for root in ("plugins", "hub") for path in (REPOSITORY / root).glob("*/__init__.py"))
LIGHT = ("errors", "grammar", "hookspecs", "option_source", "option_types", "options", "plugins", "registry")

PUBLIC = ("zoo", "zoo.errors", "zoo.hookspecs", "zoo.registry", "zoo.testing")
PUBLIC_PACKAGES = ("zoo.data", "zoo.metrics", "zoo.nn")
"""What a plugin may import from, and of these only what stands in `__all__`."""


def imports(body: list[ast.stmt], deep: bool = True) -> Iterator[str]:
    """Modules imported by statements: all, or those run when the module is imported."""
    for statement in body:
        for node in ast.walk(statement) if deep else at_import(statement):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                yield node.module or ""


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """A statement and what runs with it: not the bodies of functions, nor what is for type checkers only."""
    yield node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return
    skip = node.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) else []
    for child in ast.iter_child_nodes(node):
        if child not in skip:
            yield from at_import(child)


def parsed(path: Path) -> list[ast.stmt]:
    return ast.parse(path.read_text(encoding="utf-8")).body


def named(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


@pytest.mark.parametrize("path", CORE, ids=named)
def test_the_core_imports_no_plugin(path: Path) -> None:
    assert [name for name in imports(parsed(path)) if name.startswith("ganzoo_") and "ganzoo_hub" not in name] == []
    assert [name for name in imports(parsed(path), deep=False) if name.startswith("ganzoo_hub")] == []


@pytest.mark.parametrize("path", PLUGINS, ids=named)
def test_a_plugin_imports_only_public_names_and_no_other_plugin(path: Path) -> None:
    own = path.relative_to(REPOSITORY / "plugins").parts[0]
    names = list(imports(parsed(path)))
    assert [name for name in names if name.startswith("ganzoo_") and name.partition(".")[0] != own] == []
    core = [name for name in names if name.partition(".")[0] == "zoo"]
    assert [name for name in core if name not in PUBLIC and not name.startswith(PUBLIC_PACKAGES)] == []
    assert [name for name in names_from_core(parsed(path)) if not is_public(*name)] == []


def names_from_core(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Module of the core and name, for each name imported from it."""
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "zoo":
                yield from ((node.module or "", alias.name) for alias in node.names)


def is_public(module: str, name: str) -> bool:
    """Whether the name stands in `__all__` of its module, or is a module itself."""
    place = REPOSITORY.joinpath(*module.split("."))
    source = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    lists = [
        ast.literal_eval(node.value)
        for node in parsed(source)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    return name in lists[0] or (place / f"{name}.py").exists()


@pytest.mark.parametrize("path", HOOKS, ids=named)
def test_hooks_import_nothing_heavy(path: Path) -> None:
    tops = {name.partition(".")[0] for name in imports(parsed(path), deep=False)}
    assert tops <= {"zoo", "collections", "typing", path.parent.name}


@pytest.mark.parametrize("name", LIGHT)
def test_the_registry_and_what_it_stands_on_never_import_torch(name: str) -> None:
    tops = {module.partition(".")[0] for module in imports(parsed(REPOSITORY / "zoo" / f"{name}.py"))}
    assert not tops & {"torch", "numpy", "torchvision", "timm", "PIL", "scipy"}


def test_import_zoo_is_light() -> None:
    code = "import sys, zoo, zoo.registry, zoo.plugins, zoo.options, zoo.grammar\n"
    result = python("-c", code + "print(sorted({'torch', 'numpy', 'typer', 'PIL'} & sys.modules.keys()))")
    assert (result.stdout, result.stderr) == ("[]\n", "")


def test_what_is_public() -> None:
    assert is_public("zoo.registry", "Entry")
    assert not is_public("zoo.registry", "_normal")
    assert not is_public("zoo.plugins", "EntryPoint")


def test_imports_at_import_time_are_told_from_later_ones() -> None:
    source = (
        "import a\nif TYPE_CHECKING:\n    import b\nelse:\n    import c\n"
        "try:\n    import d\nexcept ImportError:\n    import e\n"
        "def f():\n    import g\nclass C:\n    import h\n"
    )
    body = ast.parse(source).body
    assert list(imports(body, deep=False)) == ["a", "c", "d", "e", "h"]
    assert sorted(imports(body)) == ["a", "b", "c", "d", "e", "g", "h"]
