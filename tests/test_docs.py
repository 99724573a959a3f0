"""What README and docs/ show works: each command parses and names what exists; `-m slow` runs them, page by page."""

import os
import re
import tomllib
from pathlib import Path

import pytest
from typer.exceptions import TyperException

from tests.documents import PAGES, REPOSITORY, Block, Checker, Runner, blocks, check_python, commands, skips
from zoo.errors import ZooError

NAMES = [str(page.relative_to(REPOSITORY)) for page in PAGES]


@pytest.mark.parametrize("name", NAMES)
def test_what_a_page_shows_is_known(name):
    checker = Checker()
    for block in blocks(REPOSITORY / name):
        try:
            assert list(skips(block)) or not block.marked("not run")
            for command in commands(block.text) if block.language == "sh" else ():
                checker.check(command)
            for command in block.marked("first"):
                checker.check(command.split())
            if block.language == "python":
                check_python(block.text)
            if block.language == "text":
                assert not any(line.startswith("ganzoo ") for line in block.text.splitlines())
                for option in options_alone(block):
                    checker.check(option)
        except Exception as error:
            raise AssertionError(f"{block.where}: {error}") from error


def options_alone(block: Block) -> list[list[str]]:
    """Lines that show options of `ganzoo train` by themselves, as whole commands; what follows two spaces explains."""
    lines = [line.split("  ")[0] for line in block.text.splitlines() if line.startswith("--")]
    return [["ganzoo", "train", "dcgan", "--data", "emoji", *line.split()] for line in lines]


def test_blocks_are_found_and_told_apart(tmp_path, monkeypatch):
    page = REPOSITORY / "docs" / "not-there.md"
    text = """
<!-- first: ganzoo train dcgan --data emoji --out RUN -->
<!-- shortened: 64 -> 4 -->
```sh
ganzoo sample RUN --n 64  # a comment
cd x && ganzoo env
```

    ganzoo list

Text

    --loss hinge      a loss

- item

    no block

    import zoo
"""
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: text)
    first, second, third = blocks(page)
    assert (first.language, first.line) == ("sh", 5)
    assert first.markers == (("first", "ganzoo train dcgan --data emoji --out RUN"), ("shortened", "64 -> 4"))
    assert list(commands(first.text)) == [["ganzoo", "sample", "RUN", "--n", "64"], ["cd", "x"], ["ganzoo", "env"]]
    assert (second.language, second.text) == ("sh", "ganzoo list")
    assert (third.language, options_alone(third)[0][-2:]) == ("text", ["--loss", "hinge"])


@pytest.mark.parametrize(
    "command",
    [
        "ganzoo trian dcgan",
        "ganzoo train dcgan --data emoji --los hinge",
        "ganzoo train dcgan --data emoji --loss henge",
        "ganzoo train dcgan --data emoji --loss hinge:margin=3",
        "ganzoo train dcgan --data emoji --preset papper",
        "ganzoo train dcgan --data emoji -s z_dimension=3",
        "ganzoo eval RUN --metrics fdd",
        "ganzoo info nothing",
        "python benchmarks/nothing.py",
        "pip install -e .[nothing]",
        "rm -r runs",
    ],
)
def test_what_is_not_known_is_found_out(command):
    with pytest.raises((ZooError, TyperException, AssertionError)):
        Checker().check(command.split())


def test_python_that_is_not_known_is_found_out():
    for text in ("from zoo.data import Loaders", "import zoo\nzoo.trian()", "def f(:"):
        with pytest.raises((AssertionError, SyntaxError)):
            check_python(text)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_what_a_page_shows_runs(name, tmp_path, monkeypatch):
    for key in ("GANZOO_DATA", "GANZOO_YES"):
        monkeypatch.setenv(key, "")
    monkeypatch.chdir(tmp_path)
    environment = dict(os.environ)
    runner = Runner(tmp_path)
    try:
        for block in blocks(REPOSITORY / name):
            runner.run(block)
    finally:
        os.environ.clear()
        os.environ.update(environment)


@pytest.mark.parametrize("name", [*NAMES, "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"])
def test_links_lead_to_files(name):
    text = re.sub(
        r"^```.*?^```|`[^`]*`", "", (REPOSITORY / name).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    for target in re.findall(r"\]\((?![a-z]+:|#)([^)\s#]+)", text):
        assert (REPOSITORY / name).parent.joinpath(target).exists(), target


def test_citation_has_the_version():
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"version: {version}\n" in (REPOSITORY / "CITATION.cff").read_text(encoding="utf-8")


def test_every_architecture_and_public_name_has_its_place_on_the_site(monkeypatch):
    pytest.importorskip("mkdocs", reason="the extra docs is not installed")
    monkeypatch.syspath_prepend(str(REPOSITORY / "scripts"))
    import documentation_site as site

    import zoo
    from zoo.plugins import registry

    pages = site.made()
    for one in registry().select("architecture"):
        if one.distribution == "ganzoo":
            page = pages[f"architectures/{one.name}.md"]
            assert one.entry.summary[1:] in page
            assert all(f"`{preset}`" in page for preset in one.entry.presets)
    shown = [name for module, names in site.modules().items() if module not in site.FOR_PLUGINS for name in names]
    assert sorted(shown) == sorted(zoo.__all__)
    assert "ganzoo train" in pages["reference/commands.md"]


def test_links_lead_from_page_to_page(monkeypatch):
    pytest.importorskip("mkdocs", reason="the extra docs is not installed")
    monkeypatch.syspath_prepend(str(REPOSITORY / "scripts"))
    import documentation_site as site

    def linked(text: str, uri: str) -> str:
        return site.LINK.sub(lambda match: site.relinked(match, uri), text)

    assert linked("[a](../CONTRIBUTING.md#x)", "plugins.md") == "[a](contributing.md#x)"
    assert linked("[a](docs/data.md)", "contributing.md") == "[a](data.md)"
    assert linked("[a](../../model_cards/dcgan/emoji.md)", "architectures/dcgan.md") == "[a](../weights/dcgan/emoji.md)"
    assert linked("![a](emoji/samples.png)", "weights/dcgan/emoji.md") == "![a](emoji/samples.png)"
    assert linked("[a](https://x.org/b.md) [c](#d)", "data.md") == "[a](https://x.org/b.md) [c](#d)"
