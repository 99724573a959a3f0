"""Commands that steer styles."""

import pytest
from PIL import Image

import zoo


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of StyleGAN2 that has hardly begun, and one of DCGAN."""
    place = tmp_path_factory.mktemp("runs")
    for name in ("stylegan2", "dcgan"):
        zoo.train(name, "emoji", out=place / name, preset="tiny", resolution=16, kimg=0.008, quiet=True)
    return place


def test_sample_passes_the_models_own_options(run, folder, tmp_path):
    given = ("sample", str(folder / "stylegan2"), "--n", "4", "--device", "cpu")
    code, _, _ = run(*given, "--out", str(tmp_path / "a.png"), "-s", "truncation=0", "-s", "noise=none")
    assert code == 0
    code, _, err = run(*given, "--out", str(tmp_path / "b.png"), "-s", "truncatoin=0")
    assert code == 1
    assert "truncation" in err


def test_interpolate_passes_the_models_own_options(run, folder, tmp_path):
    given = ("interpolate", str(folder / "stylegan2"), "--seeds", "0,5", "--frames", "2", "--device", "cpu", "--out")
    sheets = {}
    for name, words in {"plain": (), "average": ("truncation=0", "noise=none"), "grain": ("noise=random",)}.items():
        out = tmp_path / f"{name}.png"
        assert run(*given, str(out), *(part for word in words for part in ("-s", word)))[0] == 0
        with Image.open(out) as sheet:
            sheets[name] = sheet.convert("RGB").copy()
    assert sheets["average"].size == (2 * 18 + 2, 2 * 18 + 2)
    frames = [sheets["average"].crop((x, 2, x + 16, 18)).tobytes() for x in (2, 20)]
    assert frames[0] == frames[1]
    assert sheets["grain"].size == sheets["plain"].size
    assert sheets["plain"].tobytes() != sheets["average"].tobytes()
    code, _, err = run(*given, str(tmp_path / "x.png"), "-s", "truncatoin=0")
    assert code == 1
    assert "truncation" in err


def test_mix(run, folder, tmp_path):
    out = tmp_path / "mix.png"
    words = ("--rows", "0-1", "--columns", "3,5", "--layers", "0-1", "--out", str(out), "--device", "cpu")
    code, said, _ = run("mix", str(folder / "stylegan2"), *words)
    assert code == 0
    assert str(out) in said
    with Image.open(out) as sheet:
        assert sheet.size == (3 * 18 + 2, 3 * 18 + 2)
    code, _, _ = run("mix", str(folder / "stylegan2"), *words, "-s", "truncation=0")
    assert code == 0
    with Image.open(out) as sheet:  # every style is the mean: nothing to lend
        assert sheet.crop((18, 0, 36, 18)).tobytes() == sheet.crop((36, 36, 54, 54)).tobytes()
    code, _, err = run("mix", str(folder / "stylegan2"), *words, "-s", "truncashun=0")
    assert code == 1
    assert "truncation" in err
    code, _, err = run("mix", str(folder / "dcgan"), *words)
    assert code == 1
    assert "no styles" in err


def test_project(run, folder, tmp_path):
    picture, out, styles = tmp_path / "x.png", tmp_path / "found.png", tmp_path / "found.safetensors"
    Image.new("RGB", (40, 30), (200, 30, 30)).save(picture)
    words = (str(picture), "--steps", "3", "--out", str(out), "--device", "cpu")
    code, said, _ = run("project", str(folder / "stylegan2"), *words, "--space", "w+", "--styles", str(styles))
    assert code == 0
    assert "mean squared error" in said
    assert out.is_file()
    from safetensors.torch import load_file

    assert load_file(styles)["ws"].shape == (1, 6, 8)
    Image.new("RGB", (16, 16), (200, 30, 30)).save(picture)  # of the model's size, so nothing is copied on the way
    features = (*words, "--backbone", "test-8ch")
    code, said, _ = run("project", str(folder / "stylegan2"), *features)
    assert code == 0
    assert "by test-8ch" in said
    for wrong in (("--backbone", "test-9ch"), ("--space", "z"), ("--steps", "0"), ("--out", "x.gif")):
        assert run("project", str(folder / "stylegan2"), *words, *wrong)[0] == 1
    assert run("project", str(folder / "dcgan"), *words)[0] == 1
    assert run("project", str(folder / "stylegan2"), str(tmp_path / "none.png"))[0] != 0
    (tmp_path / "broken.png").write_bytes(b"no picture")
    code, _, why = run("project", str(folder / "stylegan2"), str(tmp_path / "broken.png"))
    assert (code, "broken.png cannot be read: it is no readable picture" in why) == (1, True)
