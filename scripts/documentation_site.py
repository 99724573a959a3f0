"""Pages of the documentation site that are made, not written: a hook of MkDocs, named in mkdocs.yml.

Architectures and parts come from the registry, weights from their cards, the reference from docstrings and from the
commands themselves. All are made when the site is built and none is kept in the repository, so none can go stale.
"""

import ast
import posixpath
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files, InclusionLevel

sys.path.insert(0, str(Path(__file__).parent))

from catalogue import row

from ganzoo_hub.catalogue import OURS, facts
from zoo import _HOMES as HOMES
from zoo.option_types import word
from zoo.options import Option, describe
from zoo.plugins import registry
from zoo.registry import KINDS, Registered, plural

__all__ = ["made", "on_config", "on_files", "on_page_markdown"]

ROOT = Path(__file__).parents[1]
BORROWED = {  # files outside of docs/ that stand on the site
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "plugins/ganzoo_datasets/emoji/README.md": "emoji.md",
    "plugins/directory.json": "directory.json",
    "model_cards": "weights.md",
}
FOR_PLUGINS = ("zoo.hookspecs", "zoo.registry", "zoo.data", "zoo.nn", "zoo.testing")  # public besides the names of zoo
MARKER = re.compile(r"^ *<!-- (first|shortened|not run): .*-->\n", re.MULTILINE)  # for the tests: tests/documents.py
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?\)")


def on_config(config: Any) -> Any:
    """Fill the sections of the navigation that are empty in mkdocs.yml."""
    pages = made()
    written = sorted(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md"))
    named = set(leaves(config.nav))
    filled = {
        "Guides": [*(page for page in written if page not in named), "emoji.md", *found(["security.md"], pages)],
        **{title: list(below(title.lower(), pages)) for title in ("Architectures", "Parts", "Reference")},
    }
    for section in config.nav:
        section.update({title: filled[title] for title, children in section.items() if children == []})
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the made pages, and the pictures that borrowed ones show."""
    for uri, text in made().items():
        inclusion = InclusionLevel.NOT_IN_NAV if uri.startswith("weights/") else InclusionLevel.INCLUDED
        files.append(File.generated(config, uri, content=text, inclusion=inclusion))
    assets = {path: place(path.relative_to(ROOT).as_posix()) for path in ROOT.glob("model_cards/*/*/*.png")}
    for path, uri in {**assets, ROOT / "plugins/directory.json": "directory.json"}.items():
        files.append(File.generated(config, str(uri), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links between files of the repository become links between pages of the site; markers for tests go."""
    uri = page.file.src_uri
    return LINK.sub(lambda match: relinked(match, uri), MARKER.sub("", markdown))


def relinked(match: re.Match[str], uri: str) -> str:
    """One link of the page at `uri`."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(origin(uri)), match[1]))
    target = place(path)
    if target is None:
        return match[0]
    return f"]({posixpath.relpath(target, posixpath.dirname(uri) or '.')}{match[2] or ''})"


def place(path: str) -> str | None:
    """Where a file of the repository stands on the site."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if path.startswith("model_cards/"):
        return path.replace("model_cards", "weights", 1)
    return BORROWED.get(path)


def origin(uri: str) -> str:
    """The file of the repository, or for a made page one in docs/, whose links a page has."""
    if uri.startswith("weights/"):
        return uri.replace("weights", "model_cards", 1)
    return next((path for path, where in BORROWED.items() if where == uri), f"docs/{uri}")


def leaves(nav: Any) -> Iterator[str]:
    """The pages that a navigation names."""
    if isinstance(nav, str):
        yield nav
    else:
        for child in nav.values() if isinstance(nav, dict) else nav:
            yield from leaves(child)


def below(folder: str, pages: Iterable[str]) -> Iterator[dict[str, str]]:
    """Made pages of a folder, titled by their names, its index first."""
    inside = sorted(page for page in pages if page.startswith(f"{folder}/"))
    for page in sorted(inside, key=lambda page: not page.endswith("/index.md")):
        title = page.removeprefix(f"{folder}/").removesuffix(".md")
        yield {"Overview" if title == "index" else title: page}


def found(wanted: Iterable[str], pages: Iterable[str]) -> list[str]:
    """Those of the pages that there are."""
    return [page for page in wanted if page in set(pages)]


@cache
def made() -> dict[str, str]:
    """Every made page: its place on the site, and its Markdown."""
    borrowed = {uri: ROOT / path for path, uri in BORROWED.items() if path.endswith(".md")}
    return {
        **{uri: path.read_text(encoding="utf-8") for uri, path in borrowed.items() if path.exists()},
        "architectures/index.md": overview("architecture", "Architectures"),
        **{f"architectures/{one.name}.md": architecture(one) for one in ours("architecture")},
        **{f"parts/{plural(kind)}.md": parts(kind) for kind in KINDS if kind not in ("architecture", "weights")},
        **{f"weights/{name}.md": card(name) for name in OURS.names()},
        "reference/index.md": reference(),
        **{f"reference/{module}.md": members(module, names) for module, names in modules().items()},
        "reference/commands.md": commands(),
    }


def ours(kind: str) -> list[Registered]:
    """The entries of a kind that come with ganzoo: what else is installed here is not ours to describe."""
    return [one for one in registry().select(kind) if one.distribution == "ganzoo"]


def overview(kind: str, title: str) -> str:
    """A table of a kind's entries, linked to their pages."""
    rows = [[f"[{one.name}]({one.name}.md)", one.entry.summary, paper(one)] for one in ours(kind)]
    return f"# {title}\n\n{table(['name', 'what it is', 'paper'], rows)}"


def architecture(one: Registered) -> str:
    """The page of an architecture: what it is, presets, options, weights, and where to read on."""
    entry = one.entry
    data = "emoji:pair=twemoji+noto" if "source" in entry.needs else "emoji"
    cards = [OURS.card(name) for name in OURS.names() if name.startswith(f"{one.name}/")]
    weights = "\n".join(row(each) for each in cards).replace("](../", "](../../")
    columns = "| name | what it draws | licence of the weights | published score |\n| --- | --- | --- | --- |\n"
    shown = [f"![samples of {each.name}](../../model_cards/{picture})" for each in cards if (picture := samples(each))]
    based = f"Presets of [{entry.base}]({entry.base}.md)." if entry.base else ""
    return sections(
        f"# {one.name}\n\n{sentence(entry.summary)} {based}",
        about(one),
        "\n\n".join([*shown, *own_run(one.name)]),
        f"    ganzoo train {one.name} --data {data}\n    ganzoo info {one.name}",
        titled("Presets", table(["preset", "what it is"], [[f"`{n}`", what] for n, what in entry.presets.items()])),
        titled("Options", "Given as `-s key=value`; presets set others of their own.\n\n" + options(one)),
        titled("Published weights", columns + weights if cards else ""),
        titled("Read on", read_on(one.name)),
    )


def own_run(name: str) -> list[str]:
    """The picture of a run of ours in docs/pictures/, with its caption."""
    captions = tomllib.loads((ROOT / "docs/pictures/captions.toml").read_text(encoding="utf-8"))
    return [f"![samples of {name}](../pictures/{name}.jpg)\n\n{captions[name]}"] if name in captions else []


def samples(card: Any) -> str:
    """A picture beside a card whose weights come with ganzoo: its place in model_cards."""
    picture = f"{card.name}/samples.png"
    return picture if (OURS.folder / picture).exists() else ""


def read_on(name: str) -> str:
    """Links to the pages of docs/ that train it most often, and to what it combines with."""
    links = ["- [What combines](../combinations.md) with it: losses, regularizers, augmentations, discriminators"]
    trained = re.compile(rf"ganzoo train {re.escape(name)}(?![\w-])")
    texts = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
    counted = sorted(((len(trained.findall(text)), path) for path, text in texts.items()), key=lambda each: -each[0])
    for count, path in counted[:3]:
        if count:
            links.append(f"- [{texts[path].partition(chr(10))[0].removeprefix('# ')}](../{path.name})")
    return "\n".join(links)


def parts(kind: str) -> str:
    """The page of a kind: each entry with what is known of it and its options."""
    title = plural(kind).replace("-", " ").capitalize()
    each = (f"## {one.name}\n\n{sentence(one.entry.summary)}\n\n{about(one)}\n\n{options(one)}" for one in ours(kind))
    return sections(f"# {title}", *each)


def about(one: Registered) -> str:
    """A table of what an entry says of itself."""
    entry = one.entry
    told = {
        "paper": paper(one),
        "plugin": f"`{one.plugin}`",
        "tags": ", ".join(entry.tags),
        "needs": ", ".join(f"`{name}`" for name in entry.needs),
        "formula": code(entry.traits.get("formula", "")),
        "divergence": entry.traits.get("divergence", ""),
        "extras": ", ".join(f'`pip install -e ".[{extra}]"`' for extra in entry.extras),
    }
    return pairs({key: value for key, value in told.items() if value})


def options(one: Registered) -> str:
    """A table of an entry's options."""
    rows = [option_row(option) for option in describe(registry().options_target(one))]
    return table(["option", "type", "default", "range", "meaning"], rows) if rows else ""


def option_row(option: Option) -> list[str]:
    """Name, type, default, range or choices, meaning."""
    default = "required" if option.required else code(word(option.default) or "''")
    bounds = option.range
    allowed = " ".join(code(word(choice)) for choice in option.choices)
    if bounds is not None and not allowed:
        low, high = ("" if bound is None else f"{bound:g}" for bound in (bounds.low, bounds.high))
        allowed = f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}"
    return [code(option.name), code(option.type), default, allowed, option.meaning]


def card(name: str) -> str:
    """The page of published weights: what its card says in its front matter, then its text."""
    known = OURS.card(name)
    body = known.body.strip()
    title, _, rest = body.partition("\n") if body.startswith("# ") else (f"# {name}", "", body)
    return sections(title, pairs(facts(known)), rest.strip())


def modules() -> dict[str, Sequence[str]]:
    """Public names by the module that the reference shows them in."""
    for_plugins = {module: ("Entry",) if module == "zoo.registry" else exported(module) for module in FOR_PLUGINS}
    return {**HOMES, **for_plugins}


def exported(module: str) -> tuple[str, ...]:
    """A module's `__all__`, read from its source."""
    for node in tree(module).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return tuple(ast.literal_eval(node.value))
    return ()


def tree(module: str) -> ast.Module:
    """The parsed source of a module of ours."""
    path = ROOT / module.replace(".", "/")
    hub = ROOT / "hub" / module.replace(".", "/")
    files = (*(each.with_suffix(".py") for each in (path, hub)), path / "__init__.py", hub / "__init__.py")
    return ast.parse(next(file for file in files if file.exists()).read_text(encoding="utf-8"))


def reference() -> str:
    """The list of all public names, by module."""
    lines = ["# Reference", "", "The names of `zoo` are imported from `zoo` itself: `zoo.load`, `zoo.Model`.", ""]
    for module, names in modules().items():
        purpose = (ast.get_docstring(tree(module)) or "").partition("\n")[0]
        apart = " (imported from there)" if module in FOR_PLUGINS else ""
        lines += [f"- [{module}]({module}.md){apart}: {purpose}", *(["  " + listed(names)] if names else [])]
    return "\n".join(lines)


def listed(names: Iterable[str]) -> str:
    """Names as code, with commas."""
    return ", ".join(code(name) for name in names)


def members(module: str, names: Sequence[str]) -> str:
    """The page of a module: its public names out of their docstrings."""
    public = "\n".join(f"        - {name}" for name in names)
    return f"::: {module}\n    options:\n      heading_level: 1\n      members:\n{public}\n"


def commands() -> str:
    """Every command with the text of its `--help`."""
    pages = (f"## {name}\n\n```text\n{text}\n```" for name, text in helps())
    return sections("# Commands", "Each takes `--help`; `--debug` before it shows the traceback of an error.", *pages)


def helps() -> Iterator[tuple[str, str]]:
    """A command's words, and its help."""
    import typer

    from zoo.cli import app

    group: Any = typer.main.get_command(app)
    yield from helps_below("ganzoo", group, None)


def helps_below(words: str, command: Any, parent: Any) -> Iterator[tuple[str, str]]:
    """Those of a command and of its subcommands."""
    context = type(command).context_class(command, info_name=words.rpartition(" ")[2], parent=parent)
    context.terminal_width = 100
    yield words, command.get_help(context)
    for name in command.list_commands(context) if hasattr(command, "list_commands") else ():
        yield from helps_below(f"{words} {name}", command.get_command(context, name), context)


def paper(one: Registered) -> str:
    """A link to an entry's paper."""
    return f"[{one.entry.paper}](https://arxiv.org/abs/{one.entry.paper})" if one.entry.paper else ""


def sentence(summary: str) -> str:
    """A summary as a sentence of its own."""
    return f"{summary[0].upper()}{summary[1:]}."


def code(text: str) -> str:
    """Text as code; nothing stays nothing."""
    return f"`{text}`" if text else ""


def titled(title: str, text: str) -> str:
    """A section, or nothing where there is nothing to say."""
    return f"## {title}\n\n{text}" if text else ""


def sections(*texts: str) -> str:
    """Texts with a blank line between them."""
    return "\n\n".join(text for text in texts if text) + "\n"


def pairs(told: Mapping[str, str]) -> str:
    """A table of names and values; the first pair stands where others have a heading."""
    first, *rest = told.items()
    return table(first, [[f"**{key}**", value] for key, value in rest])


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; empty without rows."""
    lines = [head, ["---"] * len(head), *([escaped(cell) for cell in line] for line in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) if rows else ""


def escaped(cell: str) -> str:
    """A cell whose bars, apart from those in code, do not end it."""
    pieces = cell.split("`")
    return "`".join(piece if i % 2 else piece.replace("|", "\\|") for i, piece in enumerate(pieces))
