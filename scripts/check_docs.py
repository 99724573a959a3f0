"""Keep README's tables, docs/combinations.md and the catalogue equal to the registry and the cards.

`--write` renews them, else stale ones fail.
"""

import json
import re
import sys
from pathlib import Path

from catalogue import tables
from combinations import page

from ganzoo_hub.catalogue import INDEX, OURS, index
from zoo.directory import read_directory
from zoo.plugins import registry
from zoo.registry import KINDS, plural

README = Path(__file__).parents[1] / "README.md"
COMBINATIONS = README.with_name("docs") / "combinations.md"
WEIGHTS = COMBINATIONS.with_name("weights.md")
PLUGINS = COMBINATIONS.with_name("plugins.md")
DIRECTORY = re.compile(r"(<!-- directory -->\n\n).*?(\n\n<!-- end -->)", re.DOTALL)
CARDS = re.compile(r"(<!-- cards -->\n\n).*?(\n\n<!-- end -->)", re.DOTALL)
BLOCK = re.compile(r"(<!-- table: (?P<kind>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(kind: str) -> str:
    """A kind's entries as a Markdown table."""
    rows = ["| name | what it is | paper |", "| --- | --- | --- |"]
    for found in registry().select(kind):
        if found.distribution != "ganzoo":  # what else is installed here is not ours to list
            continue
        entry = found.entry
        paper = f"[{entry.paper}](https://arxiv.org/abs/{entry.paper})" if entry.paper else ""
        rows.append(f"| `{entry.name}` | {entry.summary} | {paper} |")
    return "\n".join(rows)


def renewed(text: str) -> str:
    """The text with every marked table made anew."""
    return BLOCK.sub(lambda match: f"{match[1]}{table(match['kind'])}\n{match[3]}", text)


def directory() -> str:
    """Known plugins as a Markdown table."""
    rows = ["| plugin | what it is | owner | supplies |", "| --- | --- | --- | --- |"]
    known = read_directory()
    for one in known:
        names = ", ".join(f"`{name}`" for several in one.supplies.values() for name in several)
        rows.append(f"| [{one.distribution}]({one.page}) | {one.summary} | {one.owner} | {names} |")
    return "\n".join(rows) if known else "None is listed yet."


def main() -> int:
    """Exit code 1 when a table is stale."""
    unknown = [match["kind"] for match in BLOCK.finditer(README.read_text()) if match["kind"] not in KINDS]
    if unknown:
        print(f"README.md: no such kinds: {', '.join(unknown)}; known are {', '.join(map(plural, KINDS))}")
        return 1
    fresh = {README: renewed(README.read_text(encoding="utf-8")), COMBINATIONS: page()}
    fresh[WEIGHTS] = CARDS.sub(lambda match: f"{match[1]}{tables()}{match[2]}", WEIGHTS.read_text(encoding="utf-8"))
    listed = DIRECTORY.sub(lambda match: f"{match[1]}{directory()}{match[2]}", PLUGINS.read_text(encoding="utf-8"))
    fresh[PLUGINS] = listed
    fresh[OURS.folder / INDEX] = json.dumps(index(OURS), indent=1) + "\n"
    stale = [path for path, text in fresh.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--write" in sys.argv:
        for path in stale:
            path.write_text(fresh[path], encoding="utf-8")
    elif stale:
        print(f"stale: {', '.join(path.name for path in stale)}; run: python scripts/check_docs.py --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
