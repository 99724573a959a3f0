"""Real distributions in a folder, so that plugins are found the way installed ones are."""

import importlib
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from zoo import option_source, plugins

REPOSITORY = Path(__file__).parents[1]

LOSS = """
    from zoo.registry import Entry

    def ganzoo_losses():
        yield Entry("{name}", "{module}_model:Thing", "a loss for tests", paper="1406.2661", tags=("test",))
"""


class FakePlugins:
    """A folder on sys.path that distributions are written to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules: set[str] = set()

    def add(
        self,
        distribution: str,
        entry_points: Mapping[str, str],
        modules: Mapping[str, str],
        version: str = "1.0",
        requires: Iterable[str] = (),
    ) -> None:
        """Install a distribution: entry-point name -> module, and module name -> source."""
        for name, source in modules.items():
            (self.folder / f"{name}.py").write_text(dedent(source))
            self.modules.add(name)
        information = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        information.mkdir()
        lines = [f"Name: {distribution}", f"Version: {version}", *(f"Requires-Dist: {one}" for one in requires)]
        (information / "METADATA").write_text("\n".join(["Metadata-Version: 2.1", *lines, ""]))
        points = [f"{name} = {module}" for name, module in entry_points.items()]
        (information / "entry_points.txt").write_text("\n".join(["[ganzoo]", *points, ""]))
        importlib.invalidate_caches()
        plugins.reset()

    def add_loss(self, distribution: str, plugin: str, name: str) -> None:
        """A healthy plugin with one loss, whose target imports torch."""
        module = distribution.replace("-", "_")
        model = "import torch\n\ndef Thing(\n    margin: float = 1.0,  # how far\n): ..."
        source = LOSS.format(name=name, module=module)
        self.add(distribution, {plugin: module}, {module: source, f"{module}_model": model})

    def forget(self) -> None:
        """Leave no trace in this process."""
        for name in self.modules:
            sys.modules.pop(name, None)
        option_source.forget()
        plugins.reset()


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePlugins]:
    """A folder for fake plugins, found by this process while the test runs."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    plugins.reset()
    found = FakePlugins(folder)
    yield found
    found.forget()


def run_ganzoo(*arguments: str, path: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, with a folder of fake plugins."""
    return python("-m", "zoo.cli", *arguments, path=path, **environment)


def python(*arguments: str, path: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python on this repository's sources."""
    places = [*([path] if path else []), REPOSITORY, REPOSITORY / "plugins", REPOSITORY / "hub"]
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places)), **environment},
        check=False,
    )
