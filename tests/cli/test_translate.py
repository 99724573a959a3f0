"""`ganzoo translate`, and `model.translate` on pictures of every kind."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import zoo
from tests.fake_plugins import FakePlugins, fakes
from tests.toys import TRANSLATORS, Painter
from zoo import DataSpec, ZooError
from zoo.any_pictures import recoloured
from zoo.nn import at_any_size
from zoo.nn.padding import reflected
from zoo.pictures import to_uint8

__all__ = ["fakes"]

SIZES = [(16, 16), (30, 21), (7, 40), (1, 1)]  # width, height


@pytest.fixture(autouse=True)
def translators(fakes: FakePlugins) -> None:
    fakes.add("toy-translators", {"translators": "toy_translators"}, {"toy_translators": TRANSLATORS})


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    data = "emoji:items=8,pair=twemoji+noto"
    return zoo.train("painter", data, out=tmp_path / "painter", resolution=16, kimg=0.008, quiet=True).folder


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Pictures of several sizes and kinds, two of the same name."""
    folder = tmp_path / "inputs"
    (folder / "deep").mkdir(parents=True)
    rng = np.random.RandomState(0)
    for i, (width, height) in enumerate(SIZES):
        Image.fromarray(rng.randint(0, 256, (height, width, 3)).astype(np.uint8)).save(folder / f"{i}.png")
    Image.new("L", (9, 9), 90).save(folder / "deep" / "grey.jpg")
    Image.new("RGBA", (12, 10), (255, 0, 0, 0)).save(folder / "clear.webp")
    Image.new("I;16", (6, 6), 40000).save(folder / "wide.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


def painter(seed: int = 0, **spec: int) -> Painter:
    torch.manual_seed(seed)
    return Painter(Painter.Config(), DataSpec(16, **{"source_channels": 3, **spec})).ready()


def test_a_folder_comes_out_with_its_names_and_sizes(run, run_folder, inputs, tmp_path):
    code, told, problems = run("translate", str(run_folder), str(inputs), "--out", str(tmp_path / "out"))
    assert (code, problems) == (0, "")
    assert "7 pictures" in told
    names = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png")}
    assert names == {"0.png", "1.png", "2.png", "3.png", "clear.png", "wide.png", "deep/grey.png"}
    model = zoo.load(run_folder)
    for i, size in enumerate(SIZES):
        written = Image.open(tmp_path / "out" / f"{i}.png")
        assert written.size == size
        expected = model.translate(Image.open(inputs / f"{i}.png"))
        assert np.array_equal(np.asarray(written), np.asarray(expected))


def test_files_and_globs_beside_each_other(run, run_folder, inputs, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    Image.new("RGB", (8, 8)).save(other / "0.jpg")
    arguments = (str(inputs / "0.png"), str(other / "0.jpg"), str(inputs / "[12].png"), "--out", str(tmp_path / "out"))
    assert run("translate", str(run_folder), *arguments)[0] == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0-2.png", "0.png", "1.png", "2.png"]


def test_what_is_no_picture_is_named_after_the_rest(run, run_folder, inputs, tmp_path):
    (inputs / "bad.png").write_bytes(b"no picture")
    (inputs / "cut.png").write_bytes((inputs / "1.png").read_bytes()[:60])
    code, told, problems = run("translate", str(run_folder), str(inputs), "--out", str(tmp_path / "out"))
    assert code == 1
    assert "7 pictures" in told
    assert "2 of 9 pictures could not be read" in problems
    assert "bad.png" in problems
    assert "cut.png" in problems


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("missing.png",), "missing.png is no file and no folder"),
        (("*.nothing",), "as a pattern it finds nothing"),
        ((".", "--to", "c"), "--to is c; b and a are known"),
        ((".", "--seed", "-1"), "--seed is -1"),
    ],
)
def test_bad_requests(run, run_folder, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, problems = run("translate", str(run_folder), *arguments, "--out", "out")
    assert code == 1
    assert message in problems


def test_a_folder_without_pictures(run, run_folder, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "holds no pictures" in run("translate", str(run_folder), str(tmp_path / "empty"), "--out", "out")[2]
    (tmp_path / "file").write_text("")
    assert "is a file" in run("translate", str(run_folder), str(tmp_path), "--out", str(tmp_path / "file"))[2]


def test_the_way_back_is_the_models_to_refuse(run, run_folder, inputs, tmp_path):
    code, _, problems = run("translate", str(run_folder), str(inputs), "--out", str(tmp_path / "out"), "--to", "a")
    assert code == 1
    assert "from A to B alone" in problems


def test_a_model_that_translates_nothing(run, pictures, tmp_path):
    options = {"preset": "tiny", "resolution": 16, "kimg": 0.016, "quiet": True}
    drawn = zoo.train("dcgan", pictures, out=tmp_path / "dcgan", **options).folder
    code, _, problems = run("translate", str(drawn), str(pictures), "--out", str(tmp_path / "out"))
    assert code == 1
    assert "DCGAN translates no pictures; `ganzoo list --tag translation`" in problems


def test_sampling_says_what_to_do_instead(run, run_folder, tmp_path):
    for command in ("sample", "interpolate"):
        out = tmp_path / ("x.png" if command == "sample" else "x.gif")
        code, _, problems = run(command, str(run_folder), "--out", str(out))
        assert code == 1
        assert "makes pictures out of pictures (source)" in problems


def test_pairs_are_looked_at_prepared_and_trained_on(run, inputs, tmp_path):
    code, told, _ = run("data", "inspect", str(inputs), "--pair", "edges")
    assert code == 0
    assert "pairs       7 of source and image; 0 differ in size" in told
    options = ("--pair", "edges", "--size", "16", "--source-channels", "1", "--out", str(tmp_path / "kept"))
    code, told, _ = run("data", "prepare", str(inputs), *options)
    assert code == 0
    assert "ganzoo train pix2pix --data" in told
    arguments = (
        "--data",
        str(tmp_path / "kept"),
        "--resolution",
        "16",
        "--kimg",
        "0.004",
        "--out",
        str(tmp_path / "run"),
    )
    assert run("train", "painter", *arguments, "--quiet")[0] == 0
    assert zoo.load(tmp_path / "run").data.source_channels == 1
    code, told, problems = run("eval", str(tmp_path / "run"), "--metrics", "l1", "--baseline", "identity")
    assert (code, "l1" in told) == (0, True)
    assert "has no test split" in problems


def test_tensors_arrays_and_pictures_alike():
    model = painter()
    rng = np.random.RandomState(0)
    pixels = rng.randint(0, 256, (2, 10, 14, 3)).astype(np.uint8)
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    out = model.translate(images)
    assert (out.shape, out.dtype, out.requires_grad) == ((2, 3, 10, 14), torch.float32, False)
    torch.testing.assert_close(out, model.generator(images).clamp(-1, 1))
    torch.testing.assert_close(model.translate(images[1]), out[1])
    assert np.array_equal(model.translate(pixels), to_uint8(out))
    assert np.array_equal(model.translate(pixels[0]), to_uint8(out)[0])
    picture = model.translate(Image.fromarray(pixels[0]))
    assert isinstance(picture, Image.Image)
    assert np.array_equal(np.asarray(picture), to_uint8(out)[0])


def test_channels_are_brought_to_what_the_model_takes():
    model, grey = painter(), painter(source_channels=1)
    pixels = np.random.RandomState(0).randint(0, 256, (6, 6)).astype(np.uint8)
    colour = np.repeat(pixels[:, :, None], 3, axis=2)
    assert np.array_equal(model.translate(pixels), model.translate(colour))
    assert np.array_equal(grey.translate(Image.fromarray(colour)), grey.translate(Image.fromarray(pixels)))
    clear = np.dstack([colour, np.zeros((6, 6), np.uint8)])
    assert np.array_equal(model.translate(clear), model.translate(np.full((6, 6, 3), 255, np.uint8)))
    images = torch.rand(1, 3, 6, 6) * 2 - 1
    luma = 0.299 * images[:, 0] + 0.587 * images[:, 1] + 0.114 * images[:, 2]
    torch.testing.assert_close(recoloured(images, 1)[:, 0], luma)
    torch.testing.assert_close(grey.translate(images), grey.translate(luma[None]))


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        ("a.png", "A str was given"),
        (torch.zeros(2, 6, 6), r"torch.float32 \[2, 6, 6\]"),
        (torch.zeros(3, 6, 6, dtype=torch.uint8), "torch.uint8"),
        (torch.full((3, 6, 6), 200.0), "values up to 200"),
        (torch.full((3, 6, 6), float("nan")), "values up to nan"),
        (np.zeros((6, 6, 3)), "float64"),
        (np.zeros((6, 6, 5), np.uint8), r"\[6, 6, 5\]"),
        (Image.new("F", (4, 4)), "no known range"),
    ],
)
def test_what_is_no_picture(picture, message):
    with pytest.raises(ZooError, match=message):
        painter().translate(picture)


def test_a_training_model_trains_on_afterwards():
    model = painter().train()
    model.translate(torch.zeros(3, 6, 6))
    assert model.training


@pytest.mark.parametrize(("length", "more"), [(5, 3), (5, 0), (4, 12), (2, 7), (1, 4), (300, 212)])
def test_reflection_is_numpys(length, more):
    row = np.arange(length)
    expected = np.pad(row, (more // 2, more - more // 2), mode="reflect") if length > 1 else np.zeros(1 + more, int)
    assert reflected(length, more).tolist() == expected.tolist()


@pytest.mark.parametrize("size", [(8, 8), (9, 13), (3, 21), (1, 1)])
def test_padding_is_cut_back(size):
    images = torch.rand(2, 3, *size)
    seen: list[torch.Size] = []

    def network(padded: torch.Tensor) -> torch.Tensor:
        seen.append(padded.shape)
        return 2 * padded

    assert torch.equal(at_any_size(images, 8, network), 2 * images)
    assert all(side % 8 == 0 for side in seen[0][-2:])
