"""Hostile and broken files: each is refused with its reason, nothing in it runs, and memory stays bounded."""

import json
import random
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from ganzoo_hub.foreign import open_foreign
from tests.fake_plugins import python
from tests.hub import hostile
from tests.hub.layouts import persistent, tensorflow, write_facebook, write_tensorflow_pickle, write_torch_pickle
from zoo import ZooError

MEGABYTES = 400

READ = """
import json, resource, sys, time
from pathlib import Path
from ganzoo_hub.foreign import open_foreign
from zoo import ZooError

found, before = {}, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sorted(Path(sys.argv[1]).iterdir()):
    start = time.monotonic()
    try:
        said = f"no refusal: {open_foreign(path, ('torch.nn.*',))}"
    except ZooError as error:
        said = str(error)
    except BaseException as error:
        said = f"no ZooError: {type(error).__name__}: {error}"
    found[path.name] = said, time.monotonic() - start
print(json.dumps({"found": found, "grown": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before}))
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """What reading each file in a process of its own said, how long it took, and by how much the process grew."""
    pytest.importorskip("resource")
    folder = tmp_path_factory.mktemp("hostile")
    touched = folder / "touched"
    files = hostile.files(touched)
    (folder / "files").mkdir()
    for number, (content, _) in enumerate(files.values()):
        (folder / "files" / f"{number:03}.pkl").write_bytes(content)
    done = python("-c", READ, str(folder / "files"))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    said = dict(zip(files, told["found"].values(), strict=True))
    return {"files": files, "said": said, "grown": told["grown"], "touched": touched}


@pytest.mark.parametrize("name", hostile.files(Path("touched")))
def test_a_hostile_file_is_refused_with_its_reason(corpus, name):
    said, _ = corpus["said"][name]
    assert "is not read: " in said
    assert corpus["files"][name][1] in said
    assert len(said) < 1000


def test_nothing_was_executed_and_time_and_memory_stayed_bounded(corpus):
    assert not corpus["touched"].exists()
    assert max(seconds for _, seconds in corpus["said"].values()) < 30
    kilobytes = corpus["grown"] / (1024 if sys.platform == "darwin" else 1)
    assert kilobytes < MEGABYTES * 1024


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> dict[str, Path]:
    """A small healthy file of every layout."""
    folder = tmp_path_factory.mktemp("good")
    tensors = {"synthesis.b4.const": torch.randn(2, 4, 4), "mapping.w_avg": torch.randn(3)}
    state = {"formatLayer.module.weight": torch.randn(3, 2)}
    nets = {name: persistent("Generator", tensors, {"z_dim": 2}, {"z_dim": 2}) for name in ("G", "D", "G_ema")}
    old = tuple(tensorflow("G_main", {"a": torch.randn(2)}, {"resolution": 8}) for _ in range(3))
    torch.save(state, folder / "state.pth")
    return {
        "pickle": write_torch_pickle(folder / "torch.pkl", nets),
        "protocol 2": write_torch_pickle(folder / "torch2.pkl", nets, 2),
        "tensorflow": write_tensorflow_pickle(folder / "tensorflow.pkl", old),
        "state dict": folder / "state.pth",
        "zip": write_facebook(folder / "zip.pth", {"netG": state}, {"alpha": 0}, zipped=True),
        "legacy": write_facebook(folder / "legacy.pth", {"netG": state}, {"alpha": 0}),
    }


LAYOUTS = ("pickle", "protocol 2", "tensorflow", "state dict", "zip", "legacy")
CLASSES = ("models.utils.config.BaseConfig",)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_truncated_file_is_refused(good, layout, tmp_path):
    content = good[layout].read_bytes()
    for end in range(1, len(content), max(len(content) // 60, 1)):
        cut = tmp_path / "cut"
        cut.write_bytes(content[:end])
        with pytest.raises(ZooError, match="is not read"):
            open_foreign(cut, CLASSES)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_damaged_file_is_read_or_refused_but_breaks_nothing(good, layout, tmp_path):
    content, draw = good[layout].read_bytes(), random.Random(0)
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(draw.choice((1, 3))):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        path = tmp_path / "damaged"
        path.write_bytes(damaged)
        with suppress(ZooError):
            open_foreign(path, CLASSES)


def test_source_text_in_a_file_stays_text(good, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert set(open_foreign(good["pickle"]).networks) == {"G", "D", "G_ema"}
    assert set(open_foreign(good["tensorflow"]).networks) == {"G", "D", "G_ema"}
    assert list(tmp_path.iterdir()) == []


def test_a_class_must_be_known_to_become_a_stand_in(good):
    with pytest.raises(ZooError, match=r"asks for models\.utils\.config\.BaseConfig"):
        open_foreign(good["legacy"])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ZooError, match=r"There is no file .*gone\.pkl"):
        open_foreign(tmp_path / "gone.pkl")
