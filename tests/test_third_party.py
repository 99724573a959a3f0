"""A plugin of somebody else, from its wheel: listed, checked, trained, pushed, loaded; what is said once it is gone."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hub.server import Hub
from tests.test_packaging import BUILD, ROOT, environment

FOREIGN = Path(__file__).with_name("foreign")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def wheel(project: Path, folder: Path) -> Path:
    """The wheel of a project."""
    line = [sys.executable, "-c", BUILD, folder]
    done = subprocess.run(line, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.split()[-2]


@pytest.fixture(scope="module")
def nested(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An environment with the wheels of ganzoo and of the foreign plugin, and a folder to work in."""
    folder = tmp_path_factory.mktemp("third-party")
    wheels = [wheel(project, folder) for project in (ROOT, FOREIGN)]
    python = environment(folder / "venv")
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", *wheels], check=True)
    return python, folder


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with Hub() as server:
        yield server


@pytest.fixture
def run(nested: tuple[Path, Path], hub: Hub) -> Run:
    """Run Python in that environment, its Hub being ours."""
    python, folder = nested
    surroundings = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "HF_HUB_OFFLINE")}
    surroundings |= {
        "GANZOO_CACHE": str(folder / "cache"),
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": "hf_writer",
        "HF_HOME": str(folder / "hf"),
        "HF_HUB_DISABLE_XET": "1",
    }

    def run(*command: object, good: bool = True) -> "subprocess.CompletedProcess[str]":
        line = [str(python), *map(str, command)]
        done = subprocess.run(line, cwd=folder, env=surroundings, capture_output=True, text=True, check=False)
        assert (done.returncode == 0) is good, done.stdout + done.stderr
        return done

    return run


def ganzoo(run: Run, *command: object, good: bool = True) -> str:
    done = run("-m", "zoo.cli", *command, good=good)
    return done.stdout if good else done.stderr


SHA = """
import hashlib, sys, zoo
images = zoo.load(sys.argv[1]).sample(4, seed=7)
print(hashlib.sha256(images.numpy().tobytes()).hexdigest())
"""


def test_a_foreign_plugin_from_its_wheel_to_the_hub_and_back(run, nested, pictures):
    listed = json.loads(ganzoo(run, "list", "--json"))
    found = {(one["kind"], one["name"]) for one in listed if one["distribution"] == "ganzoo-foreign"}
    kinds = {"architecture": "gan", "loss": "loss", "augmentation": "view", "backbone": "eyes"}
    assert found == {(kind, f"foreign-{name}") for kind, name in kinds.items()}
    assert "margin" in ganzoo(run, "info", "foreign-loss")
    assert " 0 failed" in ganzoo(run, "plugins", "check", "foreign")

    parts = ("--loss", "foreign-loss", "--augment", "foreign-view")
    judge = ("--discriminator", "vision-aided:width=4,size=32", "--backbone", "foreign-eyes")
    size = ("--preset", "tiny", "--resolution", 16, "--kimg", 0.016, "--quiet")
    ganzoo(run, "train", "foreign-gan", "--data", pictures, *parts, *judge, *size, "--out", "run")
    here = run("-c", SHA, "./run").stdout

    told = ganzoo(run, "push", "run", "writer/foreign", "--licence", "cc0-1.0", "--public")
    assert "writer/foreign" in told
    assert run("-c", SHA, "hf:writer/foreign").stdout == here

    subprocess.run([nested[0], "-m", "pip", "uninstall", "-q", "-y", "ganzoo-foreign"], check=True)
    for where in ("./run", "hf:writer/foreign"):
        missed = run("-c", SHA, where, good=False).stderr
        assert "pip install ganzoo-foreign" in missed.replace('"', ""), missed
        assert "0.3.1" in missed
    assert "foreign" not in ganzoo(run, "list")
