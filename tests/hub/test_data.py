"""Datasets of the Hub through the real client against a Hub of our own: listed, agreed to, fetched, pinned."""

import io
import json
import time
from types import SimpleNamespace

import huggingface_hub
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub.utils import _http
from PIL import Image

import zoo
from ganzoo_hub.data import parse, tables_of
from tests.hub.datasets import Dataset, Datasets
from zoo import UnknownName, ZooError
from zoo.data import open_source

NAMES = ["circle", "square"]
CARD = """---
license: cc-by-4.0
configs:
- config_name: small
  data_files:
  - split: train
    path: small/train-*
  - split: test
    path: small/test-*
- config_name: large
  data_files:
  - split: train
    path: large/*.parquet
---
"""


def table(start: int, n: int) -> bytes:
    """A parquet file as `datasets` writes it: pictures of noise, so that they are not small."""
    rng = np.random.default_rng(start)
    rows = []
    for i in range(n):
        buffer = io.BytesIO()
        Image.fromarray(rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(buffer, "PNG")
        rows.append({"bytes": buffer.getvalue(), "path": f"{start + i}.png"})
    about = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": NAMES}}
    made = pa.table({"image": rows, "label": [i % 2 for i in range(n)]})
    made = made.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": about}})})
    buffer = io.BytesIO()
    pq.write_table(made, buffer)
    return buffer.getvalue()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A Hub with caches of its own; the client reads most of its environment when it is imported."""
    with Datasets() as found:
        monkeypatch.setenv("HF_ENDPOINT", found.url)
        monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "ganzoo"))
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        for name, value in {"HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_DISABLE_XET": True}.items():
            monkeypatch.setattr(huggingface_hub.constants, name, value)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
        hurried = SimpleNamespace(**{**vars(time), "sleep": lambda seconds: None})
        monkeypatch.setattr(_http, "time", hurried)
        yield found


@pytest.fixture
def shapes(hub, monkeypatch):
    """The dataset me/shapes with two configs on a Hub, and nobody at the terminal."""
    monkeypatch.delenv("GANZOO_YES", raising=False)
    monkeypatch.delenv("GANZOO_DATA", raising=False)
    found = Dataset()
    files = {
        "README.md": CARD.encode(),
        "small/train-00000-of-00002.parquet": table(0, 6),
        "small/train-00001-of-00002.parquet": table(6, 4),
        "small/test-00000-of-00001.parquet": table(50, 3),
        "large/a.parquet": table(100, 8),
    }
    found.commit("main", files)
    hub.datasets["me/shapes"] = found
    return found


def test_nothing_is_downloaded_before_size_and_licence_were_agreed_to(shapes, hub, capsys):
    with pytest.raises(ZooError, match=r"nobody is here to agree[\s\S]*ganzoo data fetch 'hf:me/shapes#small' --yes"):
        open_source("hf:me/shapes#small")
    told = capsys.readouterr().err
    assert "2 files" in told
    assert "licence: cc-by-4.0" in told
    assert not [line for line in hub.requests if ".parquet" in line]


def test_what_is_agreed_to_is_fetched_once_and_pinned(shapes, hub, monkeypatch):
    monkeypatch.setenv("GANZOO_YES", "1")
    source = open_source("hf:me/shapes#small")
    assert (len(source), source.split, source.splits, source.classes) == (10, "train", ("train", "test"), tuple(NAMES))
    assert (source.licence, source.name) == ("cc-by-4.0", "shapes")
    assert source.reference == f"hf:me/shapes@{shapes.head}#small/train"
    assert Image.open(io.BytesIO(source.read(9))).size == (16, 16)
    monkeypatch.delenv("GANZOO_YES")
    with hub.counted() as made:
        again = open_source(source.reference)
    assert made == []
    assert again.fingerprint() == source.fingerprint()
    assert again.read(3) == source.read(3)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with hub.counted() as made:
        assert len(open_source("hf:me/shapes#small")) == 10
    assert made == []


def test_a_run_keeps_the_commit_and_resumes_on_it_after_the_data_changed(shapes, monkeypatch, tmp_path):
    monkeypatch.setenv("GANZOO_YES", "1")
    folder, oid = tmp_path / "run", shapes.head
    settings = {"preset": "tiny", "resolution": 16, "quiet": True, "device": "cpu"}
    zoo.train("dcgan", "hf:me/shapes#small", out=folder, kimg=0.016, **settings)
    assert json.loads((folder / "config.json").read_text())["source"]["source"] == f"hf:me/shapes@{oid}#small/train"
    files = shapes.commits[shapes.head]
    shapes.commit("main", {**files, "small/train-00001-of-00002.parquet": table(60, 9)})
    zoo.resume(folder, kimg=0.032, quiet=True, device="cpu")
    assert len(open_source("hf:me/shapes#small")) == 15


def test_configs_and_splits_are_chosen_and_told(shapes, monkeypatch):
    monkeypatch.setenv("GANZOO_YES", "1")
    assert len(open_source("hf:me/shapes#small/test")) == 3
    assert len(open_source("hf:me/shapes#large")) == 8
    assert len(open_source("hf:me/shapes#small", "all")) == 13
    with pytest.raises(ZooError, match=r"configs small, large; say which: hf:me/shapes#small"):
        open_source("hf:me/shapes")
    with pytest.raises(UnknownName, match=r"no config 'smal'.*small"):
        open_source("hf:me/shapes#smal/train")
    with pytest.raises(UnknownName, match=r"no split 'val'"):
        open_source("hf:me/shapes#large/val")


def test_what_the_hub_has_converted_is_taken_where_there_is_no_parquet(shapes, hub, monkeypatch):
    monkeypatch.setenv("GANZOO_YES", "1")
    hub.datasets["me/zipped"] = found = Dataset()
    found.commit("main", {"README.md": b"---\nlicense: mit\n---\n", "images.zip": b"PK" * 999})
    found.commit("refs/convert/parquet", {"default/partial-train/0000.parquet": table(0, 5)})
    source = open_source("hf:me/zipped")
    assert (len(source), source.licence) == (5, "mit")
    assert "converted only part" in source.notice
    hub.datasets["me/bare"] = bare = Dataset()
    bare.commit("main", {"README.md": b""})
    with pytest.raises(ZooError, match=r"no parquet files.*hf download me/bare --repo-type dataset"):
        open_source("hf:me/bare")


def test_faults_are_told_with_the_next_step(shapes, hub, monkeypatch):
    monkeypatch.setenv("GANZOO_YES", "1")
    with pytest.raises(ZooError, match=r"datasets/me/none is not found"):
        open_source("hf:me/none")
    hub.broken.append("train-00001")
    with pytest.raises(ZooError, match=r"Downloading small/train-00001\S+ failed.*503"):
        open_source("hf:me/shapes#small")
    hub.broken.clear()
    assert len(open_source("hf:me/shapes#small")) == 10
    for text in ("hf:shapes", "hf:me/shapes@ x"):
        with pytest.raises(ZooError, match="no dataset of the Hub"):
            open_source(text)


def test_the_command_and_the_switch(shapes, run, monkeypatch):
    monkeypatch.setenv("GANZOO_YES", "")
    code, _, errors = run("data", "fetch", "hf:me/shapes#large")
    assert code == 1
    assert "--yes" in errors
    code, output, errors = run("data", "fetch", "hf:me/shapes#large", "--yes")
    assert code == 0, errors
    assert "8 pictures are here; licence: cc-by-4.0" in output


def test_a_registered_name_has_a_copy_on_the_hub(shapes, hub, monkeypatch):
    with pytest.raises(ZooError, match=r"--data hf:uoft-cs/cifar10"):
        open_source("cifar10")
    files = {
        "plain_text/train-00000-of-00001.parquet": table(0, 4),
        "plain_text/test-00000-of-00001.parquet": table(9, 2),
    }
    for name in ("uoft-cs/cifar10", "merkol/ffhq-256"):
        hub.datasets[name] = copy = Dataset()
        copy.commit("main", files)
    monkeypatch.setenv("GANZOO_YES", "1")
    source = open_source("cifar10:split=test")
    assert len(source) == 2
    assert source.reference.startswith("hf:uoft-cs/cifar10@")
    assert "not compared with the official files" in source.notice
    assert "CC BY-NC-SA" in open_source("ffhq").licence


def test_references_and_file_names():
    assert str(parse("hf:me/shapes@v1#small/train")) == "hf:me/shapes@v1#small/train"
    assert parse("hf://datasets/me/shapes").repository == "me/shapes"
    files = dict.fromkeys(("data/train-0.parquet", "en/validation/0000.parquet", "x.parquet", "a.txt"), 1)
    told = {one.path: (one.config, one.split) for one in tables_of(files, {})}
    assert told == {
        "data/train-0.parquet": ("default", "train"),
        "en/validation/0000.parquet": ("en", "val"),
        "x.parquet": ("default", "train"),
    }
