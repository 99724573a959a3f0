"""`ganzoo train`, `sample` and `interpolate` as they are typed."""

import json

import numpy as np
import pytest
from PIL import Image

import zoo

SMALL = ("--preset", "tiny", "--resolution", "16", "--precision", "fp32", "--snapshot-kimg", "0.08")


@pytest.fixture
def trained(run, pictures, tmp_path):
    out = tmp_path / "run"
    code, _, errors = run("train", "dcgan", "--data", str(pictures), "--out", str(out), "--kimg", "0.08", *SMALL)
    assert code == 0, errors
    return out, errors


def test_train_says_where_everything_is_and_what_to_do_next(trained):
    out, told = trained
    for part in ("24 images", "parameters: generator", str(out / "report.html"), f"ganzoo sample {out}"):
        assert part in told, part
    assert json.loads((out / "environment.json").read_text())["packages"]["torch"]


def test_options_reach_the_run(run, pictures, tmp_path):
    out = tmp_path / "run"
    arguments = [
        "--loss",
        "hinge",
        "--augment",
        "flip:p=0.25",
        "--regularize",
        "spectral-norm",
        "--batch",
        "4",
        "--mirror",
    ]
    arguments += ["-s", "z_dim=5", "-s", "g_lr=1e-3", "--seed", "3", "--microbatches", "2", "--channels", "1"]
    code, _, errors = run(
        "train", "dcgan", "--data", str(pictures), "--out", str(out), "--kimg", "0.008", *SMALL, *arguments
    )
    assert code == 0, errors
    config = json.loads((out / "config.json").read_text())
    assert config["parts"]["loss"] == "hinge"
    assert config["parts"]["augment"] == "flip:p=0.25"
    assert config["parts"]["regularizers"] == ["spectral-norm"]
    assert (config["config"]["z_dim"], config["config"]["g_lr"], config["config"]["batch"]) == (5, 1e-3, 4)
    assert (config["settings"]["seed"], config["settings"]["microbatches"]) == (3, 2)
    assert config["data"]["channels"] == 1
    assert config["source"]["mirror"] is True


def test_resume_to_a_new_total(run, trained):
    out, _ = trained
    code, _, errors = run("train", "--resume", str(out), "--kimg", "0.16")
    assert code == 0, errors
    assert "Resuming" in errors
    assert json.loads((out / "checkpoints" / "last.json").read_text())["images"] == 160


def test_a_finished_run_says_so(run, trained):
    out, _ = trained
    code, _, errors = run("train", "--resume", str(out))
    assert code == 0
    assert "at its planned end" in errors
    assert "--kimg N" in errors


def test_resume_takes_no_settings_of_a_new_run(run, trained):
    out, _ = trained
    code, _, errors = run("train", "--resume", str(out), "--loss", "hinge", "--dry-run", "-s", "z_dim=4")
    assert code == 1
    for name in ("loss", "dry-run", "option"):
        assert name in errors


def test_a_dry_run_prints_everything_and_writes_nothing(run, pictures, tmp_path):
    out = tmp_path / "run"
    code, told, _ = run("train", "dcgan", "--data", str(pictures), "--out", str(out), "--dry-run", *SMALL)
    assert code == 0
    for part in (
        "config.z_dim = 8",
        "parts.loss = non-saturating",
        "parameters of generator:",
        "GFLOPs per image",
        "s per thousand images",
    ):
        assert part in told, part
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "clues"),
    [
        ([], ["no architecture given", "no data given"]),
        (["dcgan"], ["no data given", "--data emoji"]),
        (["dcgam", "--data", "emojy"], ["dcgan", "emoji"]),
        (["dcgan", "--data", "emoji", "--batch", "0"], ["--batch is 0", "at least 1"]),
        (["dcgan", "--data", "emoji", "--resolution", "48"], ["48 px", "32 or 64"]),
        (["dcgan", "--data", "emoji", "-s", "g_lr=-1"], ["g_lr", "-1"]),
        (["dcgan", "--data", "emoji", "-s", "g_lr"], ["key=value"]),
        (["dcgan", "--data", "emoji", "--loss", "hinje"], ["hinge"]),
        (["dcgan", "--data", "emoji", "--augment", "ada:p=2"], ["ada", "p", "2"]),
        (["dcgan", "--data", "emoji", "--augment", "flip", "--augment", "ada"], ["flip and ada"]),
        (["dcgan", "--data", "emoji", "--discriminator", "patch"], ["patch"]),
        (["dcgan", "--data", "emoji", "--backbone", "vgg"], ["vgg"]),
        (["dcgan", "--data", "emoji", "--condition", "label"], ["--condition label", "unconditional"]),
        (["dcgan", "--data", "emoji", "--metrics", "fidd"], ["fidd"]),
        (["dcgan", "--data", "emoji", "--device", "tpu"], ["tpu"]),
        (["dcgan", "--data", "emoji", "--precision", "fp8"], ["fp8", "bf16"]),
        (["dcgan", "--data", "emoji", "--sync-batch-norm"], ["--sync-batch-norm", "CUDA"]),
        (["dcgan", "--data", "/no/such/folder"], ["/no/such/folder"]),
        (["dcgan", "--data", "emoji", "--regularize", "r1:gamma=-1"], ["gamma"]),
        (["--resume", "/no/such/run"], ["/no/such/run"]),
        (["dcgan", "--resume", "/no/such/run"], ["--from"]),
    ],
)
def test_bad_input_gets_one_message_and_leaves_nothing(run, tmp_path, monkeypatch, arguments, clues):
    monkeypatch.chdir(tmp_path)
    code, _, errors = run("train", *arguments)
    assert code == 1
    assert "Traceback" not in errors
    for clue in clues:
        assert clue in errors, clue
    assert list(tmp_path.iterdir()) == []


def test_r1_on_batch_normalisation_is_refused_before_anything_is_made(run, pictures, tmp_path):
    out = tmp_path / "run"
    code, _, errors = run("train", "dcgan", "--data", str(pictures), "--out", str(out), "--regularize", "r1", *SMALL)
    assert code == 1
    assert "d_norm=none" in errors
    assert not out.exists()


def test_sample_writes_a_grid_arrays_or_files(run, trained, tmp_path):
    out, _ = trained
    grid, arrays, folder = tmp_path / "g.png", tmp_path / "a.npz", tmp_path / "files"
    for target in (grid, arrays, folder):
        assert run("sample", str(out), "--n", "4", "--seed", "5", "--out", str(target))[0] == 0
    expected = zoo.load(out).sample(4, seed=5)
    with Image.open(grid) as picture:
        assert picture.tobytes() == zoo.grid(expected).tobytes()
    with np.load(arrays) as file:
        assert file["images"].shape == (4, 16, 16, 3)
        assert file["seeds"].tolist() == [5, 6, 7, 8]
    assert sorted(path.name for path in folder.iterdir()) == [f"seed{i:06d}.png" for i in range(5, 9)]
    with Image.open(folder / "seed000006.png") as picture:
        assert np.array_equal(np.asarray(picture), np.asarray(zoo.to_pil(expected)[1]))


@pytest.mark.parametrize(
    ("arguments", "clue"),
    [
        (["sample", "RUN", "--n", "0"], "--n is 0"),
        (["sample", "RUN", "--out", "x.tiff"], "x.tiff"),
        (["sample", "RUN", "--which", "best"], "there is: last"),
        (["sample", "/no/such/run"], "/no/such/run"),
        (["interpolate", "RUN", "--seeds", "3"], "at least two"),
        (["interpolate", "RUN", "--seeds", "a-b"], "0-7"),
        (["interpolate", "RUN", "--out", "walk.mp4"], ".gif"),
    ],
)
def test_bad_input_to_sample_and_interpolate(run, trained, arguments, clue):
    out, _ = trained
    code, _, errors = run(*[str(out) if word == "RUN" else word for word in arguments])
    assert code == 1
    assert clue in errors


def test_interpolate_makes_an_endless_gif_or_a_sheet(run, trained, tmp_path):
    out, _ = trained
    gif, sheet = tmp_path / "walk.gif", tmp_path / "walk.png"
    assert run("interpolate", str(out), "--seeds", "0-1", "--frames", "3", "--out", str(gif))[0] == 0
    with Image.open(gif) as picture:
        assert picture.n_frames == 6
        assert picture.size == (32, 32)
        assert picture.info["loop"] == 0
    assert run("interpolate", str(out), "--seeds", "0,5", "--frames", "4", "--out", str(sheet))[0] == 0
    with Image.open(sheet) as picture:
        assert picture.size == (4 * 18 + 2, 2 * 18 + 2)


def test_truncated_weights_are_named(run, trained):
    out, _ = trained
    (file,) = (out / "checkpoints").glob("step-*/model.safetensors")
    file.write_bytes(file.read_bytes()[:200])
    code, _, errors = run("sample", str(out))
    assert code == 1
    assert "model.safetensors has 200 bytes instead of" in errors


def test_sample_refuses_a_suffix_before_it_loads_anything(run, tmp_path):
    code, _, errors = run("sample", str(tmp_path / "no-run"), "--out", "x.tiff")
    assert code == 1
    assert "x.tiff" in errors
    assert ".npz" in errors
