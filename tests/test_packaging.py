"""The wheel works outside the checkout."""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

BUILD = """
import sys
from hatchling.build import build_sdist, build_wheel
print(build_wheel(sys.argv[1]), build_sdist(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, Path]:
    """The wheel and the source archive."""
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run([sys.executable, "-c", BUILD, folder], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    wheel, archive = done.stdout.split()[-2:]
    return folder / wheel, folder / archive


def test_the_wheel_holds_the_data_and_the_types_and_nothing_of_the_tests(built):
    with zipfile.ZipFile(built[0]) as wheel:
        names = wheel.namelist()
    cards = ("index.json", "dcgan/emoji.md", "dcgan/emoji/config.json", "stylegan2/ffhq.md")
    for part in ("zoo/py.typed", "ganzoo_dcgan/model.py", "ganzoo_datasets/emoji/emoji.zip"):
        assert part in names
    assert {f"ganzoo_hub/model_cards/{card}" for card in cards} <= set(names)
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "plugins/"))]
    assert any("LICENSE" in name for name in names)


def test_the_source_archive_holds_what_it_takes_to_build_and_test(built):
    with tarfile.open(built[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for part in (
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "zoo/model.py",
        "plugins/ganzoo_dcgan/model.py",
        "tests/toys.py",
        "model_cards/dcgan/emoji.md",
    ):
        assert part in names, part


def test_a_wheel_built_from_the_source_archive_is_the_same(built, tmp_path):
    with tarfile.open(built[1]) as archive:
        archive.extractall(tmp_path, filter="data")
    (root,) = tmp_path.iterdir()
    subprocess.run([sys.executable, "-c", BUILD, tmp_path], cwd=root, check=True, capture_output=True)
    (again,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(again) as one, zipfile.ZipFile(built[0]) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())


def environment(folder: Path) -> Path:
    """A fresh environment that sees this one's packages behind its own."""
    venv.create(folder, with_pip=True, symlinks=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    query = "import sysconfig; print(sysconfig.get_path('purelib'))"
    inner = Path(subprocess.check_output([python, "-c", query], text=True).strip())
    # a plain path line: the outer environment's own .pth files, such as an editable install's, are not read
    (inner / "outer.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_the_wheel_works_outside_the_checkout(built, tmp_path):
    python = environment(tmp_path / "venv")
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", built[0]], check=True)
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    surroundings["GANZOO_CACHE"] = str(tmp_path / "cache")

    def run(*command: str) -> str:
        done = subprocess.run(
            [python, *command], cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = run("-c", "import zoo, ganzoo_dcgan; print(zoo.__file__); print(ganzoo_dcgan.__file__)").split()
    assert all(Path(path).is_relative_to(tmp_path) for path in where)
    listed = json.loads(run("-m", "zoo.cli", "list", "--json"))
    assert "dcgan" in json.dumps(listed)
    assert run("-c", "import zoo; print(zoo.load('dcgan/emoji').sample(2).shape)") == "torch.Size([2, 3, 64, 64])\n"
    assert "comes with the card" in run("-m", "zoo.cli", "info", "dcgan/emoji")
    run(
        *("-m", "zoo.cli", "train", "dcgan", "--data", "emoji:items=16", "--preset", "tiny"),
        *("--resolution", "16", "--kimg", "0.016", "--out", "run", "--quiet"),
    )
    run("-m", "zoo.cli", "sample", "run", "--n", "4", "--out", "grid.png")
    assert (tmp_path / "grid.png").stat().st_size > 100


@pytest.mark.slow
def test_the_readmes_commands_on_a_fresh_environment(tmp_path):
    """Installs everything, then trains as the README says."""
    venv.create(tmp_path / "venv", with_pip=True, symlinks=True)
    scripts = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    block = (ROOT / "README.md").read_text().split("```sh\n")[1].split("```")[0].strip()
    assert block == "pip install -e . && ganzoo train dcgan --data emoji"
    surroundings = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    copy = tmp_path / "checkout"
    subprocess.run(["git", "clone", "-q", ROOT, copy], check=True)
    done = subprocess.run(block, shell=True, cwd=copy, env=surroundings, timeout=1800, check=False)
    assert done.returncode == 0
    (run,) = (copy / "runs").iterdir()
    assert (run / "report.html").exists()
