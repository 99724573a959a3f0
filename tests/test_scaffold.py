"""`ganzoo plugins new`: what it writes passes its own tests, ruff and mypy, and is found once installed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fake_plugins import REPOSITORY, run_ganzoo
from zoo.errors import InvalidOptions, ZooError
from zoo.scaffold import SCAFFOLDS, scaffold

QUICK = ("architecture", "loss")


def run(*command: object, cwd: Path, site: Path | None = None) -> str:
    places = [*([site] if site else []), REPOSITORY, REPOSITORY / "plugins", REPOSITORY / "hub"]
    surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places)), "MYPYPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=cwd,
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def types_cache(tmp_path_factory):
    """What mypy learns of torch and ganzoo, once for all kinds."""
    return tmp_path_factory.mktemp("mypy")


@pytest.mark.parametrize(
    "kind", [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in SCAFFOLDS]
)
def test_what_is_written_passes_its_own_gates(tmp_path, types_cache, kind):
    folder, site = scaffold("sparkle-thing", kind, tmp_path / "made"), tmp_path / "site"
    run("ruff", "check", ".", cwd=folder)
    run("ruff", "format", "--check", ".", cwd=folder)
    if kind not in QUICK:
        run("mypy", "--cache-dir", types_cache, cwd=folder)
    pip = ("pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index", "--target", site, ".")
    run(*pip, cwd=folder)
    run("pytest", "-q", "-p", "no:cacheprovider", cwd=folder, site=site)
    listed = json.loads(run_ganzoo("list", "sparkle-thing", "--json", path=site).stdout)
    assert [(one["kind"], one["distribution"]) for one in listed] == [(kind, "ganzoo-sparkle-thing")]


def test_bad_names_and_kinds_are_refused_all_at_once(tmp_path):
    with pytest.raises(InvalidOptions) as refused:
        scaffold("Sparkle Thing", "archetecture", tmp_path / "made")
    assert "lower case" in str(refused.value)
    assert "'architecture'" in str(refused.value)
    with pytest.raises(InvalidOptions, match="installed already"):
        scaffold("dcgan", "loss", tmp_path / "made")
    with pytest.raises(InvalidOptions, match="losses is called 'hinge'"):
        scaffold("hinge", "loss", tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "made").mkdir()
    with pytest.raises(ZooError, match="exists already"):
        scaffold("sparkle", "loss", tmp_path / "made")


def test_the_command_says_what_comes_next(tmp_path):
    done = run_ganzoo("plugins", "new", "sparkle", "--kind", "loss", "--out", str(tmp_path / "made"))
    assert done.returncode == 0, done.stderr
    assert "--loss sparkle" in done.stdout
    assert (tmp_path / "made" / "ganzoo_sparkle" / "loss.py").is_file()
