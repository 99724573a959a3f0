import json
import platform
import re
from collections.abc import Callable

import pytest

from tests.fake_plugins import FakePlugins

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def selected(fakes: FakePlugins, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.add_loss("fake-one", "one", "fake-loss")
    fakes.add("fake-bad", {"bad": "fake_bad"}, {"fake_bad": "import absent_thing\n"}, requires=["absent-thing"])
    fakes.add_loss("fake-left", "left", "fake-left-loss")
    monkeypatch.setenv("GANZOO_PLUGINS", "one,bad")


def test_each_plugin_is_a_line_and_a_broken_one_has_its_remedy(run: Run) -> None:
    code, output, errors = run("plugins")
    assert (code, errors) == (0, "")
    lines = re.sub(r"\d+ ms", "0 ms", re.sub(" +", " ", output)).splitlines()
    assert "one loaded fake-one 1.0 0 ms 1 entry" in lines
    assert "left unselected fake-left 1.0" in lines
    at = lines.index("bad broken fake-bad 1.0")
    assert lines[at + 1 : at + 3] == [
        " ModuleNotFoundError: No module named 'absent_thing'",
        " mend it: pip install absent-thing",
    ]


def test_plugins_as_json(run: Run) -> None:
    states = {state["name"]: state for state in json.loads(run("plugins", "--json")[1])}
    assert states["one"]["status"] == "loaded"
    assert states["one"]["entries"] == [{"kind": "loss", "name": "fake-loss"}]
    assert states["one"]["seconds"] > 0
    assert states["bad"]["mend"] == "pip install absent-thing"
    assert "Traceback" in states["bad"]["trace"]


def test_env_tells_versions_devices_and_plugins(run: Run) -> None:
    import torch

    code, output, errors = run("env", "--json")
    found = json.loads(output)
    assert (code, errors) == (0, "")
    assert found["python"] == platform.python_version()
    assert found["packages"]["torch"] == torch.__version__.partition("+")[0]
    assert found["processor"]["cores"] >= found["processor"]["usable"] >= 1
    assert found["devices"]["cpu"] == torch.backends.cpu.get_cpu_capability()
    assert found["plugins"]["fake-bad::bad"] == "broken 1.0"


def test_env_as_text(run: Run) -> None:
    code, output, _ = run("env")
    assert code == 0
    lines = [re.sub(" +", " ", line) for line in output.splitlines()]
    assert f"python {platform.python_version()}" in lines
    assert "plugins: fake-one::one loaded 1.0" in lines
