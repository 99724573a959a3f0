"""The commands and snippets of README and docs/: found, checked without being run, and run in a shortened form.

A comment above a block says how it is run; readers do not see it.

    <!-- first: COMMAND -->            a command before the block, such as the training of a run that the block uses
    <!-- shortened: OLD -> NEW -->     text of the block that is other when it is run
    <!-- not run: REASON -->           nothing of the block is run
    <!-- not run: START: REASON -->    nor are those of its commands that begin so

Besides, commands that take long get the options of SHORT.
"""

import ast
import os
import re
import shlex
import sys
import textwrap
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

REPOSITORY = Path(__file__).parents[1]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
SHORT = {
    "train": ("--kimg", "0.1", "--score-samples", "32"),
    "resume": ("--kimg", "0.2"),
    "eval": ("--n", "32"),
    "project": ("--steps", "2"),
    "select-backbone": ("--count", "32", "--repeats", "1"),
}
"""Options that make a command quick, by command: the last of two equal options holds."""

ELSEWHERE = ("cd", "export", "hf", "mkdocs", "pip", "pytest")  # programs of others; cd and export are carried out
FENCE = re.compile(r"^( *)```(\w*)\s*$")
MARKER = re.compile(r"^ *<!-- (first|shortened|not run): (.+) -->$")
LANGUAGES = {"sh": "sh", "bash": "sh", "python": "python", "text": "text", "json": "text"}


@dataclass(frozen=True)
class Block:
    """One block of code on a page."""

    page: Path
    line: int  # of its first line, from 1
    language: str  # sh, python or text
    text: str
    markers: tuple[tuple[str, str], ...]

    @property
    def where(self) -> str:
        """For messages."""
        return f"{self.page.relative_to(REPOSITORY)}:{self.line}"

    def marked(self, kind: str) -> list[str]:
        """What its markers of a kind say."""
        return [text for name, text in self.markers if name == kind]


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, fenced or indented by four spaces."""
    lines = page.read_text(encoding="utf-8").splitlines()
    markers: list[tuple[str, str]] = []
    before, at = "", 0  # the last line with text in it
    while at < len(lines):
        line = lines[at]
        fence, marker = FENCE.match(line), MARKER.match(line)
        inside_list = re.match(r" *([-*]|\d+\.) |  ", before)
        if fence:
            end = next(i for i in range(at + 1, len(lines)) if lines[i].rstrip() == f"{fence[1]}```")
            text = textwrap.dedent("\n".join(lines[at + 1 : end]))
            yield Block(page, at + 2, LANGUAGES.get(fence[2]) or language(text), text, tuple(markers))
            markers, at = [], end
        elif marker:
            markers.append((marker[1], marker[2]))
        elif line.startswith("    ") and not lines[at - 1].strip() and not inside_list:
            end = next((i for i in range(at, len(lines)) if lines[i].strip() and not lines[i].startswith("    ")), None)
            text = textwrap.dedent("\n".join(lines[at:end])).rstrip()
            yield Block(page, at + 1, language(text), text, tuple(markers))
            markers, at = [], (len(lines) if end is None else end) - 1
        elif line.strip():
            assert not markers, f"{page.name}:{at + 1}: a marker stands above something that is no block"
            before = line
        at += 1


def language(text: str) -> str:
    """What a block without a name is: commands, Python, or text (options, trees, messages)."""
    if text.split(maxsplit=1)[0] in ("ganzoo", "python", "torchrun", *ELSEWHERE):
        return "sh"
    try:
        statements = ast.parse(text).body
    except SyntaxError:
        return "text"
    plain = (ast.Expr,)
    return "text" if all(isinstance(each, plain) for each in statements) else "python"


def commands(text: str) -> Iterator[list[str]]:
    """The commands of a shell block, as words, without comments."""
    for line in text.replace("\\\n", " ").splitlines():
        command: list[str] = []
        for word in shlex.split(line, comments=True):
            if word in ("&&", ";"):
                yield command
                command = []
            else:
                command.append(word)
        if command:
            yield command


def ganzoo_words(command: Sequence[str]) -> list[str] | None:
    """What `ganzoo` is given: by itself, or by torchrun; None for other programs."""
    if command[0] == "ganzoo":
        return list(command[1:])
    if command[0] == "torchrun":
        return list(command[command.index("zoo.cli") + 1 :])
    return None


class Checker:
    """Checks one page's commands without running them. Names that the page itself makes are known to it."""

    def __init__(self) -> None:
        self.made: set[str] = set()  # by `ganzoo plugins new`

    def check(self, command: Sequence[str]) -> None:
        """Raise, or fail an assertion, for a command that cannot work."""
        words = ganzoo_words(command)
        if words is not None:
            name, values = parsed(words)
            if name == "plugins new":
                self.made.add(values["name"])
            self.known(name, values)
        elif command[0] == "python":
            assert (REPOSITORY / command[1]).is_file(), f"there is no {command[1]}"
        elif command[0] == "pip":
            extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
            asked = [name for word in command for name in re.findall(r"(?:^|\.)\[([\w,-]+)\]$", word)]
            assert {name for names in asked for name in names.split(",")} <= set(extras), command
        else:
            assert command[0] in ELSEWHERE, f"{command[0]} is not a program that docs call"

    def known(self, name: str, values: dict[str, Any]) -> None:
        """Registered names and options in the arguments of a command."""
        from zoo.evaluation.naming import find_metrics, split_names
        from zoo.plugins import registry

        if name == "train" and values["architecture"] and values["architecture"] not in self.made:
            known_training(values)
        if name == "info" and values["name"] not in self.made:
            registry().everywhere(values["name"])
        if name == "list" and values.get("kind"):
            registry().select(values["kind"])
        if name in ("train", "eval"):
            find_metrics(split_names(values["metrics"]))


def parsed(words: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """The command that `ganzoo` would carry out, and its arguments. Raises for unknown commands and options."""
    import typer

    from zoo.cli import app

    command: Any = typer.main.get_command(app)
    context = command.make_context("ganzoo", list(words))
    names, rest = [], list(words)
    while hasattr(command, "resolve_command") and rest and not rest[0].startswith("-"):
        name, command, rest = command.resolve_command(context, rest)
        names.append(name)
        context = command.make_context(name, list(rest), parent=context)
    return " ".join(names), dict(context.params)


def known_training(values: dict[str, Any]) -> None:
    """Whether everything that `ganzoo train` names is registered, and takes the options that it is given."""
    from zoo.plugins import registry

    found = registry().find("architecture", values["architecture"])
    assert values["preset"] in found.entry.presets, f"{found.name} has no preset {values['preset']}"
    keys = {word.partition("=")[0] for word in values["option"] or ()}
    assert keys <= taken("architecture", found.name), f"{found.name} takes no {keys}"
    parts = [("loss", values["loss"])]
    parts += [("augmentation", text) for text in values["augment"] or ()]
    parts += [("regularizer", text) for text in values["regularize"] or ()]
    parts += [("discriminator", text) for text in values["discriminator"] or ()]
    parts += [("backbone", text) for text in values["backbone"] or ()]
    for kind, text in parts:
        if text not in (None, "none"):
            known_part(kind, text)


def known_part(kind: str, text: str) -> None:
    """Whether `name:key=value` names an entry of a kind and options of it."""
    from zoo.grammar import parse
    from zoo.plugins import registry

    reference = parse(text)
    name = registry().find(kind, reference.qualified).name
    assert set(reference.options) <= {"role", *taken(kind, name)}, f"{kind} {name} takes no {reference.options}"


def taken(kind: str, name: str) -> set[str]:
    """The names of an entry's options."""
    from zoo.options import describe
    from zoo.plugins import registry

    one = registry()
    return {option.name for option in describe(one.options_target(one.find(kind, name)))}


def check_python(text: str) -> None:
    """Compile a snippet; what it imports, and what it takes from `zoo`, must exist."""
    import zoo

    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("zoo"):
            for alias in node.names:
                assert hasattr(import_module(node.module or ""), alias.name), f"{node.module} has no {alias.name}"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "zoo":
            assert node.attr in {*zoo.__all__, "data", "nn", "testing"}, f"zoo has no {node.attr}"


class Runner:
    """Runs the blocks of one page in a folder, in order; Python shares one namespace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: dict[str, Any] = {"__name__": "docs"}
        lay_out(folder)

    def run(self, block: Block) -> None:
        """One block, as its markers say. Raises, with the place, when something in it fails."""
        for command in block.marked("first"):
            self.command(shlex.split(command), block)
        text = block.text
        for replacement in block.marked("shortened"):
            old, new = replacement.split(" -> ")
            assert old in text, f"{block.where}: {old!r} is not in the block that it shortens"
            text = text.replace(old, new)
        skipped = list(skips(block))
        if "" in skipped:
            return
        if block.language == "python":
            exec(compile(text, block.where, "exec"), self.names)
        if block.language == "sh":
            for command in commands(text):
                if not any(" ".join(command).startswith(start) for start in skipped):
                    self.command(command, block)

    def command(self, command: list[str], block: Block) -> None:
        """One command, in this process: importing torch for each would take longer than most of them."""
        from zoo.cli import main

        if command[0] == "cd":
            os.chdir(command[1])
        elif command[0] == "export":
            os.environ.update([command[1].split("=", 1)])
        if command[0] != "ganzoo":
            return
        try:
            main(shortened(expanded(command[1:])))
        except SystemExit as done:
            if done.code:
                raise RuntimeError(f"{block.where}: {shlex.join(command)} ended with {done.code}") from done


def skips(block: Block) -> Iterator[str]:
    """How commands that are not run begin; the empty text for the whole block."""
    for text in block.marked("not run"):
        start, colon, _ = text.partition(": ")
        begins = [" ".join(command).startswith(start) for command in commands(block.text)] if colon else []
        assert any(begins) or not colon, f"{block.where}: no command begins with {start!r}"
        yield start if colon else ""


def expanded(words: Sequence[str]) -> list[str]:
    """Words with their wildcards carried out, as a shell does."""
    return [name for word in words for name in (sorted(map(str, Path().glob(word))) if "*" in word else ()) or [word]]


def shortened(words: list[str]) -> list[str]:
    """A command with the options of SHORT."""
    if "--dry-run" in words and words[0] == "train":
        return words
    return [*words, *SHORT.get("resume" if "--resume" in words else words[0], ())]


def lay_out(folder: Path) -> None:
    """The pictures that pages speak of."""
    flat = ("my_pictures", "photographs", "faces", "portraits", "rooms", "sketches", "streets")
    for place in (*flat, "sorted/cat", "sorted/dog", "facades/A", "facades/B"):
        draw(folder / place, 24)
    for place in ("trainA", "trainB", "testA", "testB"):
        draw(folder / "horse2zebra" / place, 8)
    for name in ("face.png", "photo.png", "drawing.png"):
        (folder / name).write_bytes((folder / "faces/00.png").read_bytes())
    draw(folder / "more", 2, "jpg")
    hole = np.zeros((64, 64), np.uint8)
    hole[16:48, 16:48] = 255
    Image.fromarray(hole).save(folder / "hole.png")
    for name in ("pictures.zip", "photographs.zip"):
        with zipfile.ZipFile(folder / name, "w") as packed:
            for path in sorted((folder / "my_pictures").iterdir()):
                packed.write(path, path.name)


def draw(folder: Path, count: int, ending: str = "png") -> None:
    """Pictures of 64 px: discs of many colours on white."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:64, :64]
    for i in range(count):
        pixels = np.full((64, 64, 3), 255, np.uint8)
        y, x = rng.integers(16, 48, 2)
        pixels[(rows - y) ** 2 + (columns - x) ** 2 < 200] = rng.integers(0, 255, 3)
        Image.fromarray(pixels).save(folder / f"{i:02}.{ending}")


if __name__ == "__main__":
    for path in PAGES if len(sys.argv) < 2 else map(Path, sys.argv[1:]):
        for one in blocks(path.absolute()):
            print(one.where, one.language, *one.markers)
            print(textwrap.indent(one.text, "    "))
