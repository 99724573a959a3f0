"""`ganzoo inpaint` as it is typed."""

import shutil

import numpy as np
import pytest
from PIL import Image

import zoo
from tests.cli.conftest import run

__all__ = ["run"]


@pytest.fixture(scope="module")
def model(tmp_path_factory, pictures):
    out = tmp_path_factory.mktemp("runs") / "filler"
    zoo.train("context-encoder", pictures, out=out, preset="tiny", resolution=16, kimg=0.016, quiet=True)
    return str(out)


def test_one_picture_with_its_mask(run, model, tmp_path):
    pixels = np.random.RandomState(0).randint(0, 256, (30, 20, 3)).astype(np.uint8)
    mask = np.zeros((30, 20), np.uint8)
    mask[5:12, 4:9] = 255
    Image.fromarray(pixels).save(tmp_path / "x.png")
    Image.fromarray(mask).save(tmp_path / "m.png")
    out = tmp_path / "new" / "filled.png"
    words = (model, str(tmp_path / "x.png"), "--mask", str(tmp_path / "m.png"), "--device", "cpu")
    code, said, _ = run("inpaint", *words, "--out", str(out))
    assert code == 0
    assert str(out) in said
    filled = np.asarray(Image.open(out))
    assert (filled[mask == 0] == pixels[mask == 0]).all()
    assert (filled[mask > 0] != pixels[mask > 0]).any()
    Image.fromarray(mask[:20]).save(tmp_path / "m.png")
    code, _, error = run("inpaint", *words, "--out", str(out))
    assert code == 1
    assert "20x20 pixels" in error


def test_folders_and_what_is_refused(run, model, pictures, tmp_path):
    code, said, _ = run("inpaint", model, str(pictures), "--out", str(tmp_path / "all"), "--device", "cpu")
    assert code == 0
    assert len(said.splitlines()) == 24
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == sorted(p.name for p in pictures.iterdir())
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_bytes(b"no picture")
    shutil.copy(pictures / "00.png", tmp_path / "broken" / "b.png")
    code, said, why = run(
        "inpaint", model, str(tmp_path / "broken"), "--out", str(tmp_path / "rest"), "--device", "cpu"
    )
    assert (code, said.strip()) == (1, str(tmp_path / "rest" / "b.png"))
    assert "1 of 2 pictures could not be filled" in why
    assert "a.png: it is no readable picture" in why
    for wrong in (
        (model, str(pictures), "--out", "x.png"),  # one file for many
        (model, str(pictures / "00.png"), "--out", "x.jpg"),
        (model, str(tmp_path / "none.png"), "--out", "x"),
        (model, str(tmp_path / "empty"), "--out", "x"),
    ):
        assert run("inpaint", *wrong, "--device", "cpu")[0] == 1
