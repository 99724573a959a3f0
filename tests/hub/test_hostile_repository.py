"""A stranger's repository can run nothing: pickles, code, names that leave the folder, names of modules."""

import hashlib
import json
import pickle
from pathlib import Path

import pytest

import zoo
from ganzoo_hub.manifest import signed
from ganzoo_hub.pull import pull
from ganzoo_hub.push import push
from tests.hub.server import Repository
from zoo import ZooError

ID = "writer/emoji"


class Bomb:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.fixture
def mark(tmp_path):
    """The file that must not appear."""
    path = tmp_path / "executed"
    yield path
    assert not path.exists()


def test_the_bomb_works(tmp_path):
    pickle.loads(pickle.dumps(Bomb(tmp_path / "executed")))
    assert (tmp_path / "executed").exists()


def traps(mark: Path) -> dict[str, bytes]:
    code = f"import pathlib; pathlib.Path({str(mark)!r}).touch()\n".encode()
    bomb = pickle.dumps(Bomb(mark))
    return {
        **dict.fromkeys(("pytorch_model.bin", "model.pkl", "model.pt", "generator.pth", "checkpoints/last.pkl"), bomb),
        **dict.fromkeys(("__init__.py", "model.py", "dcgan.py", "sitecustomize.py", "conftest.py"), code),
    }


def altered(hub, change) -> str:
    """The repository with its config.json changed, whole by its own sha256; the new commit."""
    repository = hub.repositories[ID]
    content = json.loads(repository.head.files["config.json"])
    change(content)
    files = {**repository.head.files, "config.json": json.dumps(signed(content)).encode()}
    return repository.commit("main", files, "altered")


@pytest.fixture
def shared(hub, trained):
    """A model as we push it."""
    push(trained, ID, licence="mit", private=False, with_discriminator=True, quiet=True)


def test_a_repository_of_pickles_and_code_alone(hub, mark):
    repository = hub.repositories["evil/gan"] = Repository("evil/gan")
    repository.commit("main", traps(mark), "traps")
    with hub.counted() as requests, pytest.raises(ZooError, match=r"lacks a file .*config\.json"):
        zoo.load("hf:evil/gan")
    assert all(line.endswith("/config.json") for line in requests)
    config = {"auto_map": {"AutoModel": "model.Bomb"}, "architecture": "model.py", "trust_remote_code": True}
    repository.put(config__json=json.dumps(config).encode())
    with hub.counted() as requests, pytest.raises(ZooError, match="no pickles, no code"):
        pull("evil/gan")
    assert all(line.endswith("/config.json") for line in requests)


def test_what_lies_beside_a_model_is_never_asked_for(hub, shared, mark, tmp_path):
    repository = hub.repositories[ID]
    repository.commit("main", {**repository.head.files, **traps(mark)}, "traps")
    with hub.counted() as requests:
        found = pull(ID, tmp_path / "copy")
        zoo.load(tmp_path / "copy", training=True)
        zoo.load(f"hf:{ID}", training=True)
    names = {line.rpartition("/")[2] for line in requests if "/resolve/" in line}
    assert names == {
        *("README.md", "config.json", "discriminator.safetensors", "generator.safetensors", "samples.png"),
    }
    for folder in (found.folder, tmp_path / "copy"):
        assert {path.suffix for path in folder.rglob("*") if path.is_file()} == {".json", ".md", ".png", ".safetensors"}


@pytest.mark.parametrize(
    "name", ["../../outside.json", "/tmp/outside.json", "checkpoints/../../outside.json", "model.py"]
)
def test_names_that_leave_the_folder(hub, shared, mark, tmp_path, name):
    content = b"{}"
    record = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    altered(hub, lambda config: config["repository"]["files"].update({name: record}))
    before = set(tmp_path.rglob("outside*"))
    with hub.counted() as requests, pytest.raises(ZooError, match="which no model repository holds"):
        pull(ID, tmp_path / "copy")
    assert all(line.endswith("/config.json") for line in requests)
    assert set(tmp_path.rglob("outside*")) == before
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(architecture="os.path:join"),
        lambda c: c.update(architecture="ganzoo_dcgan.model:DCGAN"),
        lambda c: c.update(architecture={"name": "dcgan"}),
        lambda c: c.update(architecture="../dcgan"),
        lambda c: c["config"].update(__class__="os.system"),
        lambda c: c["config"].update(batch={"__reduce__": "os.system"}),
        lambda c: c["data"].update(resolution="__import__('os').system('touch x')"),
        lambda c: c["parts"].update(loss="os:system"),
        lambda c: c["parts"].update(discriminator="subprocess:run"),
        lambda c: c["parts"].update(allies=["builtins:exec"]),
        lambda c: c.update(parts=["os.system"]),
    ],
)
def test_a_config_that_names_modules(hub, shared, mark, change):
    altered(hub, change)
    folder = pull(ID).folder
    with pytest.raises(ZooError):
        zoo.load(folder, training=True)


def test_weights_that_are_a_pickle_by_another_name(hub, shared, mark):
    bomb = pickle.dumps(Bomb(mark)) * 64
    record = {"size": len(bomb), "sha256": hashlib.sha256(bomb).hexdigest()}
    altered(hub, lambda config: config["repository"]["files"].update({"generator.safetensors": record}))
    hub.repositories[ID].put(generator__safetensors=bomb)
    pull(ID)
    with pytest.raises(ZooError, match="is not a whole safetensors file"):
        zoo.load(f"hf:{ID}")
