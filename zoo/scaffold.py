"""`ganzoo plugins new`: the repository of a plugin, whole and passing its own tests, to write over."""

import keyword
import os
import re
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from string import Template

from zoo.errors import InvalidOptions, ZooError, near_misses
from zoo.files import explained
from zoo.plugins import plugins, registry
from zoo.registry import plural, with_article

__all__ = ["SCAFFOLDS", "scaffold"]

LONGEST = 24  # of a name, so that the lines of the templates stay short

TEMPLATES = Path(__file__).with_name("templates")

SCAFFOLDS = {
    "architecture": "ganzoo train {name} --data emoji --minutes 2",
    "loss": "ganzoo train dcgan --data emoji --loss {name} --minutes 2",
    "regularizer": "ganzoo train dcgan --data emoji --regularize {name} --minutes 2",
    "augmentation": "ganzoo train dcgan --data emoji --augment {name} --minutes 2",
    "discriminator": "ganzoo train dcgan --data emoji --discriminator {name} --regularize none --minutes 2",
    "backbone": "ganzoo train dcgan --data emoji --discriminator vision-aided --backbone {name} --minutes 2",
    "text-encoder": "ganzoo train gan-cls --data emoji --text-encoder {name} --minutes 2",
    "dataset": "ganzoo train dcgan --data {name} --resolution 32 --minutes 2",
    "metric": "ganzoo eval emoji:split=test --data emoji --metrics {name}",
}
"""What can be begun, with a command that tries it."""

COMMON = {
    "pyproject.toml": "common/pyproject.toml.in",
    "README.md": "common/README.md.in",
    "LICENSE": "common/LICENSE.in",
    ".gitignore": "common/gitignore.in",
    ".github/workflows/test.yml": "common/workflow.yml.in",
    "tests/test_conformance.py": "common/test_conformance.py.in",
}


def scaffold(name: str, kind: str = "architecture", folder: Path | None = None) -> Path:
    """Write a plugin's repository for one entry of this kind and name; `ganzoo-NAME` by default. The folder.

    Raises InvalidOptions with every problem, ZooError where something stands already.
    """
    problems = list(filter(None, (wrong_kind(kind), wrong_name(name), taken(name, kind))))
    if problems:
        raise InvalidOptions(problems)
    target = folder or Path(f"ganzoo-{name}")
    if target.exists():
        raise ZooError(f"{target} exists already; choose another place with --out, or remove it.")
    words = placeholders(name, kind)
    files = {place: Template(source.read_text(encoding="utf-8")).substitute(words) for place, source in layout(words)}
    write(target, {**files, f"{words['package']}/py.typed": ""})
    return target


def write(target: Path, files: Mapping[str, str]) -> None:
    """A folder of text files, whole or not at all."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with explained(target):
            for place, text in files.items():
                path = temporary / place
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def placeholders(name: str, kind: str) -> Mapping[str, str]:
    """What stands for the `$words` of the templates."""
    function = name.replace("-", "_")
    return {
        "name": name,
        "plugin": name,
        "kind": kind,
        "article_kind": with_article(kind),
        "distribution": f"ganzoo-{name}",
        "package": f"ganzoo_{function}",
        "module": kind.replace("-", "_") if kind != "architecture" else "model",
        "function": function,
        "Class": "".join(word.capitalize() for word in name.split("-")),
        "summary": f"{with_article(kind)} called {name.replace('-', ' ')}",
        "version": version("ganzoo").partition("+")[0],
        "try_it": SCAFFOLDS[kind].format(name=name),
    }


def layout(words: Mapping[str, str]) -> list[tuple[str, Path]]:
    """Each file of the new repository with its template."""
    own = TEMPLATES / words["kind"]
    found = [(place, TEMPLATES / source) for place, source in COMMON.items()]
    found += [(f"{words['package']}/__init__.py", own / "hooks.py.in")]
    found += [(f"tests/test_{words['module']}.py", own / "test.py.in")]
    modules = [source for source in sorted(own.glob("*.py.in")) if source.name not in ("hooks.py.in", "test.py.in")]
    return found + [(f"{words['package']}/{source.name.removesuffix('.in')}", source) for source in modules]


def wrong_kind(kind: str) -> str:
    """Why nothing of this kind can be begun; empty when it can."""
    if kind in SCAFFOLDS:
        return ""
    return f"--kind {kind} is none of {', '.join(SCAFFOLDS)}. {near_misses(kind, SCAFFOLDS)}".rstrip()


def wrong_name(name: str) -> str:
    """Why this cannot be a plugin's name; empty when it can."""
    if re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) and len(name) <= LONGEST and not keyword.iskeyword(name):
        return ""
    return (
        f"{name!r} is no name for a plugin: lower case words and digits joined by -, such as 'sparkle-gan', "
        f"at most {LONGEST} characters."
    )


def taken(name: str, kind: str) -> str:
    """Who has this name already; empty when nobody here has."""
    if name in {state.name for state in plugins()}:
        return f"A plugin {name!r} is installed already; choose another name."
    if kind in SCAFFOLDS and name in {one.name for one in registry().select(kind)}:
        return f"One of the {plural(kind)} is called {name!r} already (`ganzoo info {name}`); choose another name."
    return ""
