"""Keep README's tables and docs/combinations.md equal to the registry: `--write` renews them, else stale ones fail."""

import re
import sys
from pathlib import Path

from combinations import page

from zoo.plugins import registry
from zoo.registry import KINDS, plural

README = Path(__file__).parents[1] / "README.md"
COMBINATIONS = README.with_name("docs") / "combinations.md"
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


def main() -> int:
    """Exit code 1 when a table is stale."""
    unknown = [match["kind"] for match in BLOCK.finditer(README.read_text()) if match["kind"] not in KINDS]
    if unknown:
        print(f"README.md: no such kinds: {', '.join(unknown)}; known are {', '.join(map(plural, KINDS))}")
        return 1
    fresh = {README: renewed(README.read_text(encoding="utf-8")), COMBINATIONS: page()}
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
