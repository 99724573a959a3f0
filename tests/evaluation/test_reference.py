"""The cache of reference features: used, renewed when the reference changes, mended when it is damaged."""

import os
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from zoo.data.prepare import prepare
from zoo.evaluation.eye import Eye, brought_to
from zoo.evaluation.reference import Reference
from zoo.metric import View

EYE = View("test-8ch", 32)


@pytest.fixture
def folder(tmp_path, request):
    (tmp_path / "real").mkdir()
    rng = np.random.default_rng(list(request.node.name.encode()))  # equal pictures would share their features
    for i in range(70):
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(tmp_path / "real" / f"{i}.png")
    return tmp_path / "real"


def reference(folder, said):
    return Reference(prepare(folder, size=16, say=lambda line: None), str(folder), said.append)


def look(folder, said, rows=True):
    ticks = []
    seen = reference(folder, said).seen(Eye(EYE, torch.device("cpu")), rows, ticks.append)
    return seen, sum(ticks)


def test_features_are_computed_once(folder):
    said = []
    first, seen_now = look(folder, said)
    again, seen_later = look(folder, said)
    assert (seen_now, seen_later) == (70, 0)
    np.testing.assert_array_equal(first.rows, again.rows)
    np.testing.assert_allclose(again.moments.covariance, np.cov(np.asarray(again.rows, np.float64).T), rtol=1e-9)
    assert said == []


def test_a_changed_reference_is_noticed_and_computed_anew(folder):
    said = []
    first, _ = look(folder, said)
    before = reference(folder, said).content
    Image.new("RGB", (16, 16), (255, 0, 0)).save(folder / "0.png")
    second, ticks = look(folder, said)
    assert ticks == 70
    assert any("has changed" in line for line in said)
    assert not np.array_equal(first.moments.mean, second.moments.mean)
    assert reference(folder, said).content != before


def test_an_edit_that_keeps_size_and_time_is_noticed(folder):
    said = []
    path = folder / "0.png"
    content, status = path.read_bytes(), path.stat()
    first, _ = look(folder, said)
    altered = content[:33] + (folder / "1.png").read_bytes()[33:]
    path.write_bytes(altered.ljust(len(content), b"\0")[: len(content)])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    second, ticks = look(folder, said)
    assert ticks == len(second.rows)
    assert any("has changed" in line for line in said)
    assert not np.array_equal(first.moments.mean, second.moments.mean)


def test_an_edit_of_prepared_records_is_noticed(folder, tmp_path):
    said = []
    prepared = prepare(folder, size=16, folder=tmp_path / "prepared", say=said.append)
    assert prepared.mode == "raw"
    eye = Eye(EYE, torch.device("cpu"))
    before = Reference(prepared, "prepared", said.append)
    before.seen(eye, True, lambda n: None)
    (records,) = (tmp_path / "prepared").glob("image*.npy")
    pixels = np.load(records, mmap_mode="r+")
    pixels[3] = 255 - pixels[3]
    pixels.flush()
    after, ticks = Reference(prepare(tmp_path / "prepared", size=16, say=said.append), "prepared", said.append), []
    after.seen(eye, True, ticks.append)
    assert sum(ticks) == 70
    assert after.content != before.content
    assert any("has changed" in line for line in said)


def test_equal_pictures_elsewhere_share_their_features(folder, tmp_path):
    said = []
    look(folder, said)
    _, ticks = look(shutil.copytree(folder, tmp_path / "copy"), said)
    assert (ticks, said) == (0, [])


def test_damaged_features_are_mended(folder):
    said = []
    look(folder, said)
    (target,) = [path.parent for path in reference(folder, said).folder.glob("*/rows.npy") if mine(path, folder)]
    (target / "moments.npz").write_bytes(b"cut")
    seen, ticks = look(folder, said)
    assert ticks == 70
    assert any("damaged" in line for line in said)
    assert seen.moments.n == 70


def mine(path, folder):
    return str(folder) in (path.parent / "facts.json").read_text()


def test_pictures_are_resized_as_pillow_does_without_rounding():
    pixels = np.random.default_rng(0).integers(0, 256, (1, 40, 40, 3), dtype=np.uint8)
    ours = brought_to(torch.from_numpy(pixels).permute(0, 3, 1, 2).float(), 25, "bicubic")
    channel = Image.fromarray(pixels[0, :, :, 1].astype(np.float32)).resize((25, 25), Image.Resampling.BICUBIC)
    np.testing.assert_allclose(ours[0, 1].numpy(), np.asarray(channel).clip(0, 255), atol=1e-2)
