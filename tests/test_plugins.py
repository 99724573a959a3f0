from collections.abc import Callable

import pytest

from tests import fake_plugins
from tests.fake_plugins import FakePlugins
from zoo import hookspecs, plugins
from zoo.errors import UnknownName, ZooError
from zoo.hookspecs import API, HOOKS
from zoo.plugins import PluginState, block, registry, run_loggers
from zoo.registry import KINDS

fakes = fake_plugins.fakes

HEALTHY = """
    from zoo.registry import Entry
    {marker}
    def ganzoo_losses():
        yield Entry("{name}", "json:dumps", "a loss for tests")
"""


def healthy(name: str, marked: bool = False) -> str:
    marker = "from zoo.hookspecs import hookimpl\n\n    @hookimpl" if marked else ""
    return HEALTHY.format(name=name, marker=marker)


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Select plugins by name, so that those of this repository stay out of the way."""

    def select(names: str) -> None:
        monkeypatch.setenv("GANZOO_PLUGINS", names)
        plugins.reset()

    return select


def states() -> dict[str, PluginState]:
    return {state.name: state for state in plugins.plugins()}


def test_every_kind_has_a_hook() -> None:
    assert set(KINDS) == set(HOOKS.values()) - {"command", "run-logger"}
    assert all(hasattr(hookspecs, name) for name in HOOKS)


@pytest.mark.parametrize("marked", [False, True])
def test_a_plugin_is_found_and_its_entries_registered(fakes: FakePlugins, marked: bool) -> None:
    fakes.add("fake-one", {"fake": "fake_one"}, {"fake_one": healthy("fake-loss", marked)}, version="2.3")
    state = states()["fake"]
    assert (state.status, state.distribution, state.version, state.module) == ("loaded", "fake-one", "2.3", "fake_one")
    assert 0 < state.seconds < 10
    assert not state.trouble
    found = registry().find("loss", "fake-loss")
    assert (found.plugin, found.qualified) == ("fake", "fake-one::fake-loss")


@pytest.mark.parametrize(
    ("source", "error", "mend"),
    [
        ("import absent_thing", "ModuleNotFoundError: No module named 'absent_thing'", "pip install absent-thing"),
        ("1 / 0", "ZeroDivisionError: division by zero", "pip install --upgrade fake-bad"),
        ("import sys; sys.exit('no')", "SystemExit: no", "pip install --upgrade fake-bad"),
        ("def (", "SyntaxError: ", "pip install --upgrade fake-bad"),
        ("def ganzoo_losses():\n        raise KeyError('x')", "KeyError: 'x'", "pip install --upgrade fake-bad"),
        ("def ganzoo_losses():\n        yield 1", "ganzoo_losses yields 1, which is no zoo.Entry", "--upgrade"),
        ("def ganzoo_losses():\n        pass", "TypeError: 'NoneType' object is not iterable", "--upgrade"),
        ("def ganzoo_losses(x):\n        yield", "PluginValidationError: ", "pip install --upgrade fake-bad"),
        ("def ganzoo_loses(): ...", "ganzoo_loses is no hook. Did you mean 'ganzoo_losses'", "--upgrade"),
        ("def ganzoo_commands():\n        yield 'run'", "ganzoo_commands yields 'run', not (name, ", "--upgrade"),
        ("ganzoo_api = 99", f"built for plugin API 99, this ganzoo offers {API}", "git pull && pip install -e ."),
        ("ganzoo_api = 'x'", "ganzoo_api is 'x', not a number", "pip install --upgrade fake-bad"),
        (
            "from zoo.registry import Entry\n    def ganzoo_losses():\n        return [Entry('BAD', 'a:b', 'c')]",
            "ValueError: entry 'BAD': a name is lower case",
            "pip install --upgrade fake-bad",
        ),
        (
            "from zoo.registry import Entry\n    def ganzoo_losses():\n        return 2 * [Entry('twice', 'a:b', 'c')]",
            "loss 'fake-bad::twice' is registered twice",
            "pip install --upgrade fake-bad",
        ),
    ],
)
def test_a_broken_plugin_is_isolated_and_told_with_its_remedy(
    fakes: FakePlugins, source: str, error: str, mend: str
) -> None:
    fakes.add("fake-bad", {"bad": "fake_bad"}, {"fake_bad": f"    {source}\n"}, requires=["absent-thing>=1", "pluggy"])
    fakes.add("fake-good", {"good": "fake_good"}, {"fake_good": healthy("fake-loss")})
    bad = states()["bad"]
    assert bad.status == "broken"
    assert error in bad.error
    assert mend in bad.mend
    assert bad.registered == ()
    assert "Traceback" in bad.trace
    assert registry().find("loss", "fake-loss").plugin == "good"
    with pytest.raises(UnknownName) as caught:
        registry().find("loss", "wanted")
    assert f"Plugin 'bad' of fake-bad is broken: {bad.error}. Mend it: {bad.mend}" in str(caught.value)


def test_a_failing_hook_takes_back_what_the_plugin_had_yielded(fakes: FakePlugins) -> None:
    source = healthy("fake-loss") + "\n    def ganzoo_metrics():\n        yield 1\n"
    fakes.add("fake-bad", {"bad": "fake_bad"}, {"fake_bad": source})
    assert "fake-loss" not in registry().names("loss")


def test_a_distribution_whose_description_is_gone(fakes: FakePlugins) -> None:
    fakes.add("fake-one", {"one": "fake_one"}, {"fake_one": healthy("fake-loss")})
    (fakes.folder / "fake_one-1.0.dist-info" / "METADATA").write_text("\n")
    assert (states()["one"].status, states()["one"].qualified) == ("loaded", "unknown::one")


def test_equal_plugin_names_both_load(fakes: FakePlugins) -> None:
    for name in ("one", "two"):
        fakes.add(f"fake-{name}", {"same": f"fake_{name}"}, {f"fake_{name}": healthy(f"fake-{name}-loss")})
    found = [state.qualified for state in plugins.plugins() if state.name == "same"]
    assert found == ["fake-one::same", "fake-two::same"]
    assert {"fake-one-loss", "fake-two-loss"} <= set(registry().names("loss"))


def test_equal_entry_names_clash_loudly(fakes: FakePlugins) -> None:
    for name in ("one", "two"):
        fakes.add(f"fake-{name}", {name: f"fake_{name}"}, {f"fake_{name}": healthy("fake-loss")})
    with pytest.raises(ZooError, match="'fake-one::fake-loss' or 'fake-two::fake-loss'"):
        registry().find("loss", "fake-loss")
    assert registry().find("loss", "fake-two::fake-loss").plugin == "two"


def test_one_distribution_registers_a_name_once(fakes: FakePlugins) -> None:
    sources = {"fake_a": healthy("fake-loss"), "fake_b": healthy("fake-loss")}
    fakes.add("fake-both", {"a": "fake_a", "b": "fake_b"}, sources)
    assert (states()["a"].status, states()["b"].status) == ("loaded", "broken")


def test_the_environment_selects(fakes: FakePlugins, only: Callable[[str], None]) -> None:
    for name in ("one", "two", "three"):
        fakes.add(f"fake-{name}", {name: f"fake_{name}"}, {f"fake_{name}": healthy(f"fake-{name}")})
    only("one, fake-two::two")
    assert registry().names("loss") == ["fake-one", "fake-two"]
    assert states()["three"].status == "unselected"
    only("")
    assert registry().select() == []


def test_selecting_or_blocking_an_unknown_plugin_is_an_error(fakes: FakePlugins, only: Callable[[str], None]) -> None:
    fakes.add("fake-one", {"alpha": "fake_one"}, {"fake_one": healthy("fake-loss")})
    only("alpa")
    with pytest.raises(UnknownName, match=r"GANZOO_PLUGINS: no plugin is named 'alpa'\. Did you mean 'alpha'"):
        registry()
    only("alpha")
    block(["beta"])
    with pytest.raises(UnknownName, match="--no-plugin: no plugin is named 'beta'"):
        registry()


def test_block_leaves_a_plugin_out_without_importing_it(fakes: FakePlugins) -> None:
    fakes.add("fake-one", {"one": "fake_one"}, {"fake_one": "    raise RuntimeError('imported')\n"})
    block(["fake-one::one"])
    assert states()["one"].status == "blocked"
    plugins.reset()
    assert states()["one"].status == "broken"


def test_what_is_found_is_kept_until_reset() -> None:
    assert plugins.plugins() is plugins.plugins()
    before = registry()
    assert registry() is before
    plugins.reset()
    assert registry() is not before


def test_run_loggers_are_apart_from_the_registry(fakes: FakePlugins) -> None:
    source = healthy("board").replace("ganzoo_losses", "ganzoo_run_loggers")
    fakes.add("fake-log", {"log": "fake_log"}, {"fake_log": source})
    assert [one.qualified for one in run_loggers()] == ["fake-log::board"]
    assert "board" not in {one.name for one in registry().select()}


def test_missing_requirements_of_a_distribution_and_of_its_extras(fakes: FakePlugins) -> None:
    from importlib.metadata import distribution

    requires = ["pluggy>=1", "absent-a[x]>=2", 'absent-b; extra == "fast"', 'absent-c; sys_platform == "win32"']
    fakes.add("fake-one", {}, {}, requires=requires)
    source = distribution("fake-one")
    assert plugins.missing_requirements(source) == ["absent-a"]
    assert plugins.missing_requirements(source, "fast") == ["absent-b"]
    assert plugins.missing_requirements(source, "other") == []
    assert plugins.missing_requirements(None) == []


def test_the_plugins_of_this_repository_are_sound() -> None:
    assert [state.trouble for state in plugins.plugins() if state.distribution == "ganzoo" and state.trouble] == []
