"""Listing and explaining import no model, however many plugins are installed."""

import json
from pathlib import Path

import pytest

from tests import fake_plugins
from tests.fake_plugins import FakePlugins, python

fakes = fake_plugins.fakes

HEAVY = (
    *("torch", "torchvision", "numpy", "scipy", "PIL", "timm", "open_clip", "huggingface_hub", "safetensors"),
    *("rich", "pydantic"),
)

CODE = """
import sys
from zoo.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    code = end.code
heavy = [name for name in {heavy!r} if name in sys.modules]
models = [name for name in sys.modules if name.startswith(("ganzoo_", "fake_")) and "model" in name]
print(code, heavy + models, file=sys.stderr)
"""


def run(path: Path, *arguments: str) -> tuple[str, str]:
    result = python("-c", CODE.format(heavy=HEAVY), *arguments, path=path)
    return result.stdout, result.stderr


def install(fakes: FakePlugins, count: int) -> None:
    for number in range(count):
        fakes.add_loss(f"fake-{number}", f"fake-{number}", f"fake-loss-{number}")


@pytest.mark.parametrize("count", [10, 30])
@pytest.mark.parametrize(
    "arguments",
    [
        ["list"],
        ["list", "--json"],
        ["list", "losses", "fake*", "--tag", "test"],
        ["--help"],
        ["plugins"],
        ["list", "--help"],
    ],
    ids=" ".join,
)
def test_nothing_heavy_is_imported(fakes: FakePlugins, count: int, arguments: list[str]) -> None:
    install(fakes, count)
    output, errors = run(fakes.folder, *arguments)
    assert errors == "0 []\n"
    assert output


@pytest.mark.parametrize("count", [10, 30])
def test_info_reads_options_without_the_model(fakes: FakePlugins, count: int) -> None:
    install(fakes, count)
    output, errors = run(fakes.folder, "info", "fake-loss-3", "--json")
    assert errors == "0 []\n"
    (found,) = json.loads(output)
    assert (found["options"][0]["name"], found["options"][0]["meaning"]) == ("margin", "how far")


def test_every_plugin_is_listed(fakes: FakePlugins) -> None:
    install(fakes, 30)
    output, _ = run(fakes.folder, "list", "loss", "fake-loss-*", "--json")
    assert {one["name"] for one in json.loads(output)} == {f"fake-loss-{number}" for number in range(30)}
