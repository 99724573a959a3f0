"""Scores of runs and of pictures, their protocol, and what bad input is told."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

import zoo
from zoo import ZooError
from zoo.evaluation.score import differences, read_scores
from zoo.metrics import Moments, frechet_distance


@pytest.fixture(scope="module")
def run(pictures, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    options = {"preset": "tiny", "resolution": 16, "kimg": 0.04, "batch": 8, "quiet": True}
    return zoo.train("dcgan", pictures, out=out, **options).folder


@pytest.fixture
def data(pictures, tmp_path):
    return shutil.copytree(pictures, tmp_path / "data")


def noise(folder, n=20, size=16, mode="RGB", suffix=".png"):
    folder.mkdir()
    rng = np.random.default_rng(3)
    shape = (n, size, size) if mode == "L" else (n, size, size, 3)
    for i, pixels in enumerate(rng.integers(0, 256, shape, dtype=np.uint8)):
        Image.fromarray(pixels).save(folder / f"{i:02}{suffix}")
    return folder


def value(*arguments, **options):
    (score,) = zoo.evaluate(*arguments, quiet=True, **options)
    return score


def test_a_run_is_scored_against_its_own_data_and_keeps_the_score(run):
    metrics = "fd-test-8ch,kid-test-8ch:subsets=3,pr-test-8ch,dc-test-8ch,pixel-frechet:samples=30"
    scores = zoo.evaluate(run, metrics=metrics, n=40, quiet=True)
    names = ["fd-test-8ch", "kid-test-8ch", "pr-test-8ch", "dc-test-8ch", "pixel-frechet"]
    assert [score.name for score in scores] == names
    assert list(scores[1].values) == ["value", "std"]
    assert list(scores[2].values) == ["precision", "recall"]
    kept = {score.name: score for score in read_scores(run)}
    assert kept["fd-test-8ch"].value == scores[0].value
    zoo.evaluate(run, metrics=metrics, n=40, quiet=True)
    assert len(read_scores(run)) == 5  # the same measurement is kept once


def test_the_number_is_that_of_the_definition(run):
    from zoo.backbones import backbone

    def features(pictures):
        return backbone("test-8ch")(torch.from_numpy(pictures).permute(0, 3, 1, 2) / 127.5 - 1).vector

    model = zoo.load(run)
    fake = ((model.sample(70, seed=5) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    data = json.loads((run / "config.json").read_text())["source"]["source"]
    real = zoo_pixels(data)
    expected = frechet_distance(Moments.of(features(real)), Moments.of(features(fake)))
    assert value(run, metrics="fd-test-8ch:size=16", n=70, seed=5).value == pytest.approx(expected, rel=1e-4)


def zoo_pixels(data):
    from zoo.data.prepare import prepare

    prepared = prepare(data, size=16, say=lambda line: None)
    return prepared.images(np.arange(len(prepared)))


def test_the_protocol_says_all_that_the_number_depends_on(run):
    protocol = value(run, metrics="fd-test-8ch:size=24", n=30, seed=2).protocol
    assert protocol["network"]["name"] == "test-8ch"
    assert len(protocol["network"]["sha256"]) == 64
    assert protocol["resize"]["size"] == 24
    assert protocol["reference"]["n"] == 24
    assert len(protocol["reference"]["sha256"]) == 64
    assert protocol["samples"] == {"n": 30, "seed": 2, "truncation": None, "rounding": "clipped, to nearest byte"}
    assert protocol["precision"] == "fp32"
    assert protocol["library"].startswith("ganzoo ")
    other = value(run, metrics="fd-test-8ch:size=24", n=20, seed=7).protocol
    assert differences(protocol, other) == ["samples.n is 20, not 30"]
    bf16 = value(run, metrics="fd-test-8ch:size=24", n=30, precision="bf16").protocol
    assert differences(protocol, bf16) == ["precision is bf16, not fp32"]


def test_pictures_are_scored_against_pictures_whatever_holds_them(pictures, data, tmp_path):
    same = value(data, pictures, "fd-test-8ch")
    assert same.value == pytest.approx(0, abs=1e-9)
    worse = value(noise(tmp_path / "noise"), pictures, "fd-test-8ch").value
    assert worse > 1e-4
    arrays = np.stack([np.asarray(Image.open(path)) for path in sorted((tmp_path / "noise").glob("*.png"))])
    np.savez(tmp_path / "noise.npz", images=arrays)
    assert value(tmp_path / "noise.npz", pictures, "fd-test-8ch").value == pytest.approx(worse)
    shutil.make_archive(str(tmp_path / "noise"), "zip", tmp_path / "noise")
    assert value(tmp_path / "noise.zip", pictures, "fd-test-8ch").value == pytest.approx(worse)


def test_pairs_are_found_by_name(pictures, data):
    assert value(data, pictures, "l1").value == 0
    (data / "00.png").rename(data / "zz.png")
    with pytest.raises(ZooError, match="names of the reference's"):
        zoo.evaluate(data, pictures, "l1", quiet=True)


def test_memorisation_and_path_length(run, tmp_path):
    held_out = noise(tmp_path / "held", 12)
    score = value(run, metrics="memorisation-test-8ch", n=20, held_out=held_out)
    assert set(score.values) == {"closer", "copies", "distance"}
    assert score.protocol["held_out"]["n"] == 12
    lengths = value(run, metrics="path-length-test-8ch:paths=40")
    assert lengths.value > 0
    diversity = value(run, metrics="diversity-test-8ch:pairs=20", n=12)
    assert set(diversity.values) == {"value", "real"}


def test_one_picture_and_no_picture(pictures, tmp_path):
    with pytest.raises(ZooError, match="at least two"):
        zoo.evaluate(noise(tmp_path / "one", 1), pictures, "fd-test-8ch", quiet=True)
    with pytest.raises(ZooError, match="at least two"):
        zoo.evaluate(pictures, tmp_path / "one", "fd-test-8ch", quiet=True)


def test_fewer_samples_than_features_are_told(pictures, tmp_path):
    (score,) = zoo.evaluate(noise(tmp_path / "few", 6), pictures, "fd-test-8ch", quiet=True)
    assert any("biased" in note and "the samples are 6" in note for note in score.notes)


def test_different_channels_are_refused(pictures, tmp_path):
    with pytest.raises(ZooError, match=r"grey and the reference .* is coloured"):
        zoo.evaluate(noise(tmp_path / "grey", mode="L"), pictures, "fd-test-8ch", quiet=True)


def test_jpeg_on_one_side_is_noticed(pictures, tmp_path):
    (score,) = zoo.evaluate(noise(tmp_path / "jpeg", suffix=".jpg"), pictures, "fd-test-8ch", quiet=True)
    assert any("samples were stored as JPEG" in note for note in score.notes)


def test_samples_that_are_no_numbers(run, tmp_path):
    broken = zoo.load(run)
    with torch.no_grad():
        next(broken.parameters()).fill_(float("nan"))
    from zoo.evaluation.samples import ModelSamples

    with pytest.raises(ZooError, match="NaN or infinity"):
        list(ModelSamples(broken, 4).batches(4))
    np.savez(tmp_path / "nan.npz", images=np.full((3, 8, 8, 3), np.nan))
    with pytest.raises(ZooError, match="NaN"):
        zoo.evaluate(tmp_path / "nan.npz", tmp_path, "fd-test-8ch", quiet=True)


def test_missing_weights_name_what_to_do(run, tmp_path):
    (tmp_path / "weights.pth").write_bytes(b"nothing")
    with pytest.raises(ZooError, match="holds no weights of Inception"):
        zoo.evaluate(run, metrics=f"fid:weights={tmp_path / 'weights.pth'}", n=4, quiet=True)
    from ganzoo_metrics.inception import INSTEAD, fetched

    def unreachable():
        raise OSError("no route to host")

    with pytest.raises(ZooError, match="fd-efficientnet-lite2"):
        fetched("Inception's", unreachable, INSTEAD)


def test_a_model_of_the_catalogue_is_scored_and_a_model_without_data_asks_for_some(tmp_path, pictures):
    one = value("dcgan/emoji", "emoji:items=32", metrics="pixel-frechet:samples=16", n=16)
    assert (one.subject["run"], one.protocol["reference"]["source"]) == ("dcgan/emoji", "emoji:items=32")
    with pytest.raises(ZooError, match="--resolution is 32, and the model draws pictures of 64 px"):
        value("dcgan/emoji", metrics="pixel-frechet", resolution=32)
    with pytest.raises(ZooError, match="one set of weights and no checkpoint 'best'"):
        value("dcgan/emoji", "emoji:items=32", metrics="pixel-frechet", which="best")
    with pytest.raises(ZooError, match="Did you mean 'dcgan/emoji'"):
        value("dcgan/emojo", metrics="pixel-frechet")
    with pytest.raises(ZooError, match=r"no real pictures to hold .*--data FOLDER"):
        value(pictures, metrics="pixel-frechet")


def test_bad_options_are_told_together(run):
    with pytest.raises(zoo.InvalidOptions) as error:
        zoo.evaluate(run, metrics="fd-test-8ch", n=1, seed=-1, precision="fp8", quiet=True)
    assert len(error.value.problems) == 3
    with pytest.raises(zoo.InvalidOptions, match="fd:backbone=timm:resnet50"):
        zoo.evaluate(run, metrics="fd-nothing", quiet=True)


def test_a_network_of_the_discriminators_family_is_flagged(run, tmp_path):
    from zoo.data.prepare import prepare
    from zoo.evaluation.judge import Judge
    from zoo.evaluation.naming import find_metrics
    from zoo.evaluation.reference import Reference
    from zoo.evaluation.samples import PictureSamples

    prepared = prepare(noise(tmp_path / "real"), size=16, say=lambda line: None)
    judge = Judge(find_metrics(["fd-test-8ch"]), Reference(prepared, "real", print))
    (score,) = judge.score(PictureSamples(prepared), {"run": "x", "judges": [("other-8ch", "test")]})
    assert score.flagged
    assert any("flatters" in note for note in score.notes)
    (fair,) = judge.score(PictureSamples(prepared), {"run": "x", "judges": [("clip", "clip")]})
    assert not fair.flagged
