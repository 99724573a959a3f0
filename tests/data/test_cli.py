import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from zoo.cli.data import app
from zoo.data.prepared import open_prepared
from zoo.errors import ZooError

Fill = Callable[..., Path]


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_prepare_writes_and_says_what_comes_next(fill: Fill, tmp_path: Path) -> None:
    text = run("prepare", fill(3), "--size", 4, "--channels", 1, "--crop", "none", "--out", tmp_path / "out")
    assert f"--data {tmp_path / 'out'}" in text
    prepared = open_prepared(tmp_path / "out")
    assert (len(prepared), prepared.spec.channels, prepared.crop, prepared.mode) == (3, 1, "none", "raw")


def test_inspect_as_text_and_json(fill: Fill) -> None:
    folder = fill(3)
    assert "3 items" in run("inspect", folder)
    assert json.loads(run("inspect", folder, "--json"))["sizes"] == {"8x8": 3}
    assert "split       test of train, test" in run("inspect", "emoji:items=2", "--split", "test")


@pytest.mark.parametrize("arguments", [("--crop", "left"), ("--cache", "much"), ("--channels", 2)])
def test_bad_options_are_zoo_errors(fill: Fill, arguments: tuple[str, object]) -> None:
    with pytest.raises(ZooError, match="are known"):
        run("prepare", fill(1), "--size", 4, *arguments)
