"""Running commands, plugins of others, a Hub, and a run to share."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import huggingface_hub.file_download
import pytest
from huggingface_hub.utils import _http

import zoo
from tests.cli.conftest import run
from tests.fake_plugins import fakes
from tests.hub.server import Hub

__all__ = ["fakes", "run"]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Path:
    """A run of two steps, with critics and optimisers."""
    folder = tmp_path_factory.mktemp("trained") / "00001-dcgan-pictures"
    zoo.train("dcgan", pictures, out=folder, preset="tiny", resolution=16, kimg=0.032, quiet=True, device="cpu")
    return folder


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A Hub with caches of its own and a token that may write; the client's pauses between attempts are left out."""
    with Hub() as server:
        surroundings = {
            "HF_ENDPOINT": server.url,
            "HF_TOKEN": "hf_writer",
            "HF_HOME": str(tmp_path / "hf"),
            "HF_HUB_CACHE": str(tmp_path / "hf" / "hub"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "GANZOO_CACHE": str(tmp_path / "ganzoo"),
        }
        for name, value in surroundings.items():
            monkeypatch.setenv(name, value)
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
            monkeypatch.delenv(name, raising=False)
        constants = huggingface_hub.constants  # the client reads the environment when it is imported
        monkeypatch.setattr(constants, "HF_HUB_CACHE", surroundings["HF_HUB_CACHE"])
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        hurried = SimpleNamespace(**{**vars(time), "sleep": lambda seconds: None})
        monkeypatch.setattr(_http, "time", hurried, raising=False)
        monkeypatch.setattr(huggingface_hub.file_download, "time", hurried, raising=False)
        yield server
