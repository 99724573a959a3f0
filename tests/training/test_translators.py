"""Runs of models that read pictures: crops, previews of held-out pairs, scores, exact resume, what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import zoo
from tests.fake_plugins import FakePlugins, fakes
from tests.toys import TRANSLATORS
from zoo import InvalidOptions
from zoo.data.prepare import prepare
from zoo.data.source import open_source
from zoo.evaluation.figures import save_logits
from zoo.training.averages import refresh_statistics
from zoo.training.run import resume
from zoo.training.snapshot import held_batch, rows_grid

__all__ = ["fakes"]

SHORT = {"resolution": 16, "kimg": 0.032, "snapshot_kimg": 0.016, "precision": "fp32", "quiet": True}


@pytest.fixture(autouse=True)
def translators(fakes: FakePlugins) -> None:
    fakes.add("toy-translators", {"translators": "toy_translators"}, {"toy_translators": TRANSLATORS})


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 pairs to learn from and 5 to test: B is A, darker."""
    folder = tmp_path_factory.mktemp("pairs")
    rng = np.random.RandomState(0)
    for split, count in (("train", 12), ("test", 5)):
        for i in range(count):
            pixels = rng.randint(100, 256, (16, 16, 3)).astype(np.uint8)
            for domain, picture in (("A", pixels), ("B", pixels // 2)):
                (folder / split / domain).mkdir(parents=True, exist_ok=True)
                Image.fromarray(picture).save(folder / split / domain / f"{i}.png")
    return folder


def picture(path: Path) -> np.ndarray:
    with Image.open(path) as opened:
        return np.asarray(opened)


def weights(run: Path) -> dict[str, torch.Tensor]:
    return zoo.load(run, training=True).state_dict()


def test_a_run_shows_and_scores_held_out_pairs(pairs, tmp_path):
    run = zoo.train("painter", pairs, out=tmp_path / "run", pair="ab", metrics="l1,psnr,pixel-frechet", **SHORT).folder
    model = zoo.load(run)
    test = prepare(open_source(pairs, "test", pair="ab"), size=16, say=print)
    batch = held_batch(model, test, 32)
    assert batch["source"].shape == (5, 3, 16, 16)
    preview = model.preview(batch)
    assert preview.shape == (5, 3, 3, 16, 16)
    torch.testing.assert_close(preview[:, 0], batch["source"])
    torch.testing.assert_close(preview[:, 2], batch["image"])
    torch.testing.assert_close(preview[:, 1], model.generate(batch))
    assert np.array_equal(picture(run / "samples" / "000000032.png"), np.asarray(rows_grid(preview)))
    scored = [
        line["score"] for line in map(json.loads, (run / "metrics.jsonl").read_text().splitlines()) if "score" in line
    ]
    expected = (preview[:, 1] - preview[:, 2]).abs().mean() / 2
    assert scored[-1]["l1"] == pytest.approx(float(expected), abs=0.002)
    (l1,) = zoo.evaluate(run, metrics="l1", quiet=True)
    assert l1.value == pytest.approx(scored[-1]["l1"])
    assert l1.protocol["reference"]["split"] == "test"
    assert not any("papers use" in note for note in l1.notes)
    assert "critic" in json.loads((run / "logits.json").read_text())["32"]
    assert "samples at 32 images: in each row input, output, target" in (run / "report.html").read_text()


def test_other_pairs_are_read_as_the_runs_were(pairs, tmp_path):
    run = zoo.train("painter", pairs, out=tmp_path / "run", pair="ba", **SHORT).folder
    (whole,) = zoo.evaluate(run, metrics="l1", quiet=True)
    (again,) = zoo.evaluate(run, pairs / "test", metrics="l1", quiet=True)
    assert again.value == pytest.approx(whole.value)
    (turned,) = zoo.evaluate(run, pairs / "test", metrics="l1", pair="ab", quiet=True)
    assert turned.value != pytest.approx(whole.value)


def test_the_identity_is_a_baseline(pairs, tmp_path):
    run = zoo.train("painter", pairs, out=tmp_path / "run", pair="ab", **SHORT).folder
    test = prepare(open_source(pairs, "test", pair="ab"), size=16, say=print)
    (score,) = zoo.evaluate(run, metrics="l1", baseline="identity", quiet=True)
    source, image = (test.images(np.arange(5), field).astype(float) for field in ("source", "image"))
    assert score.value == pytest.approx(np.abs(source - image).mean() / 255)
    assert not (run / "scores.json").exists()
    with pytest.raises(InvalidOptions, match="none and identity are known"):
        zoo.evaluate(run, metrics="l1", baseline="mean", quiet=True)


def test_a_crop_comes_out_of_larger_pictures(pairs, tmp_path):
    run = zoo.train("painter", pairs, out=tmp_path / "run", pair="ab", load=20, mirror=True, **SHORT).folder
    plan = json.loads((run / "config.json").read_text())
    assert (plan["data"]["resolution"], plan["data"]["source_channels"], plan["source"]["pair"]) == (16, 3, "ab")
    assert picture(run / "samples" / "000000032.png").shape[0] == 5 * (16 + 6) + 6


@pytest.mark.parametrize(("name", "options"), [("painter", {"load": 20, "mirror": True}), ("stranger", {})])
def test_resumed_is_as_uninterrupted(name, options, pairs, tmp_path):
    options = {**SHORT, "pair": "ab", "metrics": "l1", **options}
    straight = zoo.train(name, pairs, out=tmp_path / "straight", **options).folder
    halved = zoo.train(name, pairs, out=tmp_path / "halved", **{**options, "kimg": 0.016}).folder
    resume(halved, kimg=0.032, quiet=True)
    one, other = weights(straight), weights(halved)
    assert all(torch.equal(one[key], other[key]) for key in one)
    grids = [picture(run / "samples" / "000000032.png") for run in (straight, halved)]
    assert np.array_equal(*grids)


def test_without_a_test_split_training_pictures_are_shown(tmp_path):
    run = zoo.train("painter", "emoji:items=12,split=all,pair=twemoji+noto", out=tmp_path / "run", **SHORT).folder
    assert picture(run / "samples" / "000000032.png").shape[1] > 3 * 16


def test_edges_are_grey_by_themselves(pairs, tmp_path):
    run = zoo.train("painter", pairs / "train" / "B", out=tmp_path / "run", pair="edges", **SHORT).folder
    assert zoo.load(run).data.source_channels == 1
    assert picture(run / "samples" / "000000032.png").shape[2] == 3


def test_domains_that_are_no_pairs(pairs, tmp_path):
    run = zoo.train(
        "stranger", pairs, out=tmp_path / "run", pair="ab:match=none", metrics="pixel-frechet", **SHORT
    ).folder
    assert not zoo.load(run).data.paired
    with pytest.raises(zoo.ZooError, match="compares each picture with its target"):
        zoo.evaluate(run, metrics="l1", quiet=True)
    with pytest.raises(InvalidOptions, match=r"painter learns from pairs, and the domains of .* are none"):
        zoo.train("painter", pairs, pair="ab:match=none", **SHORT)


def test_a_model_of_single_pictures_knows_of_none_other(tmp_path):
    options = {"preset": "tiny", "resolution": 16, "kimg": 0.016, "quiet": True}
    run = zoo.train("dcgan", "emoji:items=16,pair=twemoji+noto", out=tmp_path / "run", **options).folder
    assert zoo.load(run).data.source_channels == 0
    assert "input" not in (run / "report.html").read_text()


def test_what_has_no_second_picture(pairs):
    with pytest.raises(InvalidOptions, match=r"painter needs source, .* --pair ab, ba or edges"):
        zoo.train("painter", pairs / "train" / "B", **SHORT)
    with pytest.raises(InvalidOptions, match="dcgan reads no second picture"):
        zoo.train("dcgan", pairs, preset="tiny", pair="ab", **SHORT)


def test_a_critic_of_the_other_domain_is_not_shown_images(pairs, tmp_path):
    prepared = prepare(open_source(pairs, pair="ab"), size=16, say=print)
    model = zoo.create("painter", data=prepared.spec, training=True)
    model.other = zoo.Critic(model.critic.network, model.critic.game)
    model.other.judges = "source"
    save_logits(tmp_path, model, prepared, 0)
    assert list(json.loads((tmp_path / "logits.json").read_text())["0"]) == ["critic"]


def test_a_dry_run_measures_a_translator(pairs):
    told = zoo.dry_run("painter", pairs, pair="ab", resolution=16)
    assert "GFLOPs per image" in told


def test_a_model_that_reads_pictures_draws_none_alone():
    model = zoo.create("painter", data=zoo.DataSpec(16, source_channels=3))
    for ask in (lambda: model.sample(2), lambda: model.grid(4), lambda: zoo.use.walk(model, [0, 1], 2)):
        with pytest.raises(
            InvalidOptions, match=r"Painter makes pictures out of pictures \(source\).*ganzoo translate MODEL"
        ):
            ask()
    given = {"source": torch.zeros(3, 3, 16, 16)}
    assert model.sample(3, given=given).shape == (3, 3, 16, 16)
    with pytest.raises(InvalidOptions, match="4 images were asked for and source has 3"):
        model.sample(4, given=given)
    refresh_statistics(model, [model])
