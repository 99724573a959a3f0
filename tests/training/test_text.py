"""Training by captions: what a run keeps, resumes, samples and refuses."""

import json

import pytest
import torch

import zoo
import zoo.text
from tests.cli.conftest import run
from tests.fake_plugins import fakes
from tests.text_model import captioned, install
from zoo import InvalidOptions, ZooError
from zoo.training import checkpoint

__all__ = ["fakes", "run"]

OPTIONS = {"text_encoder": "hashed:dim=16", "resolution": 8, "mirror": True, "quiet": True}


@pytest.fixture
def painter(fakes, tmp_path):
    install(fakes)
    return captioned(tmp_path / "data")


def weights(folder):
    return checkpoint.read_tensors(checkpoint.find(folder / "checkpoints") / checkpoint.TRAINING)


def test_a_run_keeps_encoder_and_examples_and_samples_by_captions(painter, tmp_path):
    folder = zoo.train("painter", painter, out=tmp_path / "run", **OPTIONS).folder
    data = json.loads((folder / "config.json").read_text())["data"]
    assert (data["text_encoder"], data["text_dim"]) == ("hashed:dim=16@1", 16)
    assert len(data["captions"]) == 48
    model = zoo.load(folder)
    example = data["captions"][0]
    row = zoo.text_encoder("hashed:dim=16").encode([example])
    torch.testing.assert_close(model.inputs(1, 0, text=(example,))["text"], row)
    assert not torch.equal(*model.sample(2, text=["all red 0", "all blue 2"]))
    assert model.sample(3).isfinite().all()


def test_a_resumed_run_ends_bit_for_bit_where_a_straight_one_does(painter, tmp_path):
    straight = zoo.train("painter", painter, out=tmp_path / "straight", kimg=0.096, **OPTIONS).folder
    half = zoo.train("painter", painter, out=tmp_path / "half", kimg=0.048, **OPTIONS).folder
    zoo.resume(half, kimg=0.096, quiet=True)
    ours, theirs = weights(straight), weights(half)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_an_encoder_that_changed_is_refused_with_what_to_do(painter, tmp_path):
    folder = zoo.train("painter", painter, out=tmp_path / "run", **OPTIONS).folder
    content = (folder / "config.json").read_text().replace("hashed:dim=16@1", "hashed:dim=16@0")
    (folder / "config.json").write_text(content)
    with pytest.raises(ZooError, match=r"embedded by hashed:dim=16@0, and the encoder here is hashed:dim=16@1"):
        zoo.load(folder).sample(1, text=["something new"])
    with pytest.raises(ZooError, match="embedded by hashed:dim=16@0"):
        zoo.resume(folder, kimg=0.1, quiet=True)


@pytest.mark.parametrize(
    ("architecture", "options", "message"),
    [
        ("painter", {"text_encoder": "hashd"}, "hashed"),
        ("painter", {"text_encoder": "hashed:dim=2"}, "dim=2 is refused"),
        ("dcgan", {}, "dcgan reads no text, so it takes no --text-encoder"),
    ],
)
def test_bad_encoders_are_told_before_any_work(painter, tmp_path, architecture, options, message):
    with pytest.raises(ZooError, match=message):
        zoo.train(architecture, painter, out=tmp_path / "run", **{**OPTIONS, **options})
    assert not (tmp_path / "run").exists()


def test_data_without_captions_is_told_before_any_work(painter, pictures, tmp_path):
    with pytest.raises(InvalidOptions, match=r"needs captions and .* has none"):
        zoo.train("painter", pictures, out=tmp_path / "run", **OPTIONS)
    (painter / "05.txt").unlink()
    with pytest.raises(InvalidOptions, match=r"1 of 24 items of data have no caption \(05.png\)"):
        zoo.train("painter", painter, out=tmp_path / "run", **OPTIONS)


def test_a_dry_run_measures_text_models(painter):
    assert "s per thousand images" in zoo.dry_run("painter", painter, text_encoder="hashed:dim=16", resolution=8)


def test_rows_of_captions_are_drawn_from_the_command_line(painter, tmp_path, run):
    folder = str(zoo.train("painter", painter, out=tmp_path / "run", **OPTIONS).folder)
    file = tmp_path / "captions.txt"
    file.write_text("\n".join(["תפוח אדום", "🍎 👩‍👩‍👧", "long " * 2000, "", "all red 0"]), encoding="utf-8")
    out = tmp_path / "rows.png"
    code, told, errors = run(
        "sample", folder, "--text", "a red\tapple", "--text-file", str(file), "--n", "3", "--out", str(out)
    )
    assert code == 0, errors
    assert "5 rows of 3 pictures, seeds 0 to 2" in told
    code, told, errors = run("sample", folder, "--text", "all red 0", "--text", "blue", "--out", str(tmp_path / "rows"))
    assert code == 0, errors
    assert len(list((tmp_path / "rows").glob("*.png"))) == 16
    assert json.loads((tmp_path / "rows" / "rows.json").read_text()) == ["all red 0", "blue"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--text", " "], "--text is empty"),
        (["--text", "a", "--class", "b"], "--text and --class each make rows"),
        (["--text", "a", "--columns", "3"], "--columns is for a grid without rows"),
        (["--text-file", "nothing.txt"], "nothing.txt is no UTF-8 text"),
        (["--class", "all"], "trained without labels"),
    ],
)
def test_bad_rows_are_told_in_a_sentence(painter, tmp_path, run, given, message):
    folder = str(zoo.train("painter", painter, out=tmp_path / "run", **OPTIONS).folder)
    code, _, errors = run("sample", folder, *given)
    assert code == 2 or code == 1
    assert message in errors
