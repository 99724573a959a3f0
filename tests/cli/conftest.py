"""Running commands inside the test's process."""

from collections.abc import Callable, Iterator

import pytest

from tests.fake_plugins import fakes
from zoo import plugins
from zoo.cli import main

__all__ = ["fakes", "run"]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """`run("list", "--json")` gives exit code, output and errors."""

    def invoke(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(arguments)
        captured = capsys.readouterr()
        return int(end.value.code or 0), captured.out, captured.err

    yield invoke
    plugins.reset()
