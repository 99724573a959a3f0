import json
from collections.abc import Callable

import pytest

from tests.fake_plugins import FakePlugins

Run = Callable[..., tuple[int, str, str]]

PLUGIN = """
    from zoo.registry import Entry

    def ganzoo_architectures():
        yield Entry("alpha", "json:dumps", "the first", paper="1511.06434", tags=("small", "old"))
        yield Entry("beta-two", "json:dumps", "the second", tags=("small",))

    def ganzoo_losses():
        yield Entry("alpha", "json:dumps", "a loss of the same name", extras=("x",), traits=dict(scope="critic"))
"""


@pytest.fixture(autouse=True)
def plugin(fakes: FakePlugins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZOO_PLUGINS", "one,two")
    fakes.add("fake-one", {"one": "fake_one"}, {"fake_one": PLUGIN})
    fakes.add("fake-two", {"two": "fake_two"}, {"fake_two": "\n"})


def test_all_kinds_in_groups(run: Run) -> None:
    assert run("list") == (
        0,
        "architectures\n"
        "  alpha     the first                1511.06434  one\n"
        "  beta-two  the second                           one\n"
        "\n"
        "losses\n"
        "  alpha     a loss of the same name              one\n",
        "",
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["architectures"], ["architecture alpha", "architecture beta-two"]),
        (["architecture"], ["architecture alpha", "architecture beta-two"]),
        (["architectures", "b*"], ["architecture beta-two"]),
        (["alph"], ["architecture alpha", "loss alpha"]),
        (["*two"], ["architecture beta-two"]),
        (["fake-one::be*"], ["architecture beta-two"]),
        (["--tag", "small"], ["architecture alpha", "architecture beta-two"]),
        (["--tag", "small", "--tag", "old"], ["architecture alpha"]),
        (["loss", "alpha"], ["loss alpha"]),
    ],
)
def test_selection(run: Run, arguments: list[str], expected: list[str]) -> None:
    code, output, errors = run("list", *arguments, "--json")
    assert (code, errors) == (0, "")
    assert [f"{one['kind']} {one['name']}" for one in json.loads(output)] == expected


def test_json_holds_the_whole_entry(run: Run) -> None:
    (found,) = json.loads(run("list", "losses", "--json")[1])
    assert found == {
        "kind": "loss",
        "name": "alpha",
        "qualified": "fake-one::alpha",
        "summary": "a loss of the same name",
        "paper": "",
        "target": "json:dumps",
        "base": "",
        "tags": [],
        "needs": [],
        "extras": ["x"],
        "traits": {"scope": "critic"},
        "presets": {},
        "plugin": "one",
        "distribution": "fake-one",
        "version": "1.0",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["architecure"], "Nothing matches 'architecure'. Did you mean 'architecture' or 'architectures'?\n"),
        (["losses", "alfa"], "Nothing matches 'alfa'. Did you mean 'alpha'?\n"),
        (["--tag", "none"], "Nothing matches tag 'none'.\n"),
        (["metrics"], "Nothing matches metrics.\n"),
    ],
)
def test_nothing_found(run: Run, arguments: list[str], message: str) -> None:
    assert run("list", *arguments) == (1, "", message)
    assert run("list", *arguments, "--json") == (1, "[]\n", message)


def test_an_unknown_kind_before_a_pattern(run: Run) -> None:
    code, _, errors = run("list", "loses", "alpha")
    assert code == 1
    assert "'loses' is no kind. Did you mean 'losses'" in errors


def test_a_clash_is_listed_by_full_names(run: Run, fakes: FakePlugins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZOO_PLUGINS", "one,again")
    fakes.add("fake-again", {"again": "fake_again"}, {"fake_again": PLUGIN})
    output = run("list", "losses")[1]
    assert [line.split()[0] for line in output.splitlines()[1:]] == ["fake-again::alpha", "fake-one::alpha"]


def test_broken_plugins_are_one_line(run: Run, fakes: FakePlugins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GANZOO_PLUGINS")
    for name in ("bad", "worse"):
        fakes.add(f"fake-{name}", {name: f"fake_{name}"}, {f"fake_{name}": "import absent_thing\n"})
    code, output, errors = run("list", "losses", "--json")
    assert code == 0
    assert json.loads(output)
    assert errors == "Warning: 2 plugins are broken (fake-bad::bad, fake-worse::worse). See: ganzoo plugins\n"


def test_a_narrow_terminal_cuts_summaries_only(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo.cli.table import columns

    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "40")
    lines = columns([("name", "a summary that is too long for it", "plugin")], indent="  ", flexible=1)
    assert lines == ["  name  a summary that is too l…  plugin"]
    assert columns([("name", "a summary that is too long for it", "plugin")])[0].endswith("for it  plugin")


def test_a_list_of_everything_counts_the_catalogue_and_a_list_of_weights_shows_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANZOO_PLUGINS", "one,hub")
    lines = run("list")[1].splitlines()
    assert lines[-2] == "weights"
    assert lines[-1].endswith("architectures: ganzoo list weights")
    assert int(lines[-1].split()[0]) == len(run("list", "weights")[1].splitlines()) - 1
    assert len(json.loads(run("list", "--json")[1])) > 80
