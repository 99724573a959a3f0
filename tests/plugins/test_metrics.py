"""Scores of the first-party plugin, on small sets in memory."""

import numpy as np
import pytest
import torch
from PIL import Image

import zoo
from ganzoo_metrics.classes import ClassAccuracy, ClassMsSsim
from ganzoo_metrics.perceptual import pairs_within
from ganzoo_metrics.pixel import MsSsim, PixelFrechet, SlicedWasserstein, thumbnails
from zoo import Case, Seen, ZooError
from zoo.evaluation.naming import find_metric
from zoo.metrics import Moments


def pictures(n=300, size=16, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.uniform(size=(n, 1, 1, 3)) * np.ones((1, size, size, 1)) * 255).astype(np.uint8)


def case(real, fake, **more):
    return Case(Seen(real, Moments()), Seen(fake, Moments()), **more)


def test_thumbnails_are_block_means():
    some = np.arange(2 * 4 * 4 * 1, dtype=np.uint8).reshape(2, 4, 4, 1)
    expected = [[some[k, i : i + 2, j : j + 2].mean() / 255 for i in (0, 2) for j in (0, 2)] for k in range(2)]
    np.testing.assert_allclose(thumbnails(some, 2), expected)


def test_samples_of_the_data_score_better_than_noise():
    real = pictures()
    noise = np.random.default_rng(1).integers(0, 256, size=(150, 16, 16, 3), dtype=np.uint8)
    metric = PixelFrechet()
    good, bad = (metric.measure(case(real, fake))["value"] for fake in (real[::2], noise))
    assert good < 0.1 * bad


def test_the_sliced_distance_has_a_value_for_each_scale():
    real, other = (np.random.default_rng(i).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8) for i in (0, 1))
    found = SlicedWasserstein().measure(case(real, other))
    assert list(found) == ["mean", "32", "16"]
    assert found["mean"] == pytest.approx((found["32"] + found["16"]) / 2)
    flat = SlicedWasserstein().measure(case(real, pictures(40, 32)))
    assert flat["32"] > 3 * found["32"]


def test_ms_ssim_of_a_collapsed_model_is_near_one():
    varied = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)
    found = MsSsim().measure(case(varied, np.repeat(varied[:1], 20, axis=0)))
    assert found["value"] == pytest.approx(1)
    assert found["real"] < 0.5


@pytest.mark.parametrize(("name", "copy"), [("l1", 0), ("l2", 0), ("psnr", 100), ("ssim", 1)])
def test_errors_of_pairs_follow_the_targets(name, copy):
    real = pictures(20)
    order = np.arange(20)[::-1].copy()
    metric = find_metric(name)
    assert metric.measure(case(real, real[order], target=order))["value"] == pytest.approx(copy)
    with pytest.raises(ZooError, match="target"):
        metric.measure(case(real, real))


def test_pairs_are_of_one_group_and_never_of_one_sample():
    groups = np.array([0, 0, 1, 2, 2, 2])
    found = pairs_within(groups, 100)
    assert len(found) == 2  # a group of one has no pairs
    for ours, theirs in found:
        assert (groups[ours] == groups[theirs]).all()
        assert (ours != theirs).all()


def test_held_out_pictures_and_labels_are_asked_for():
    rows = np.zeros((9, 4), np.float32)
    with pytest.raises(ZooError, match="--held-out"):
        find_metric("memorisation-test-8ch").measure(case(rows, rows))
    with pytest.raises(ZooError, match="labelled"):
        find_metric("modes-test-8ch").measure(case(rows, rows))
    with pytest.raises(ZooError, match="latents"):
        find_metric("path-length-test-8ch").measure(Case(Seen(rows, Moments()), Seen(rows, Moments()), eye=torch))


def squares(labels, noise=20, seed=0):
    """Pictures [n,16,16,1] with a square at a place that their class has, under noise."""
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, noise, (len(labels), 16, 16, 1))
    for picture, label in zip(pictures, labels, strict=True):
        picture[4 * label : 4 * label + 4, 4:8] += 200
    return pictures.astype(np.uint8)


def labelled(real, fake, asked, held_out=None):
    seen = [None if labels is None else Seen(squares(labels), Moments(), labels) for labels in (real, held_out)]
    return Case(seen[0], Seen(squares(fake, seed=1), Moments(), asked), held_out=seen[1])


def test_the_accuracy_is_the_share_of_samples_that_show_their_class():
    pytest.importorskip("sklearn")
    real = np.arange(90) % 3
    asked = np.array([0] * 20 + [1] * 10 + [2] * 40)
    shown = asked.copy()
    shown[:5], shown[20:30] = 1, 2  # of class 0 a quarter is wrong, of class 1 everything
    found = ClassAccuracy().measure(labelled(real, shown, asked))
    assert found == {"value": pytest.approx((0.75 + 0 + 1) / 3), "real": 1, "worst": 0}
    held_out = np.array([2, 1, 0, 2])
    assert ClassAccuracy(learn=30).measure(labelled(real, asked, asked, held_out)) == {
        "value": 1,
        "real": 1,
        "worst": 1,
    }


def test_the_accuracy_through_a_backbone(pictures_by_class, tmp_path):
    pytest.importorskip("sklearn")
    run = zoo.train(
        "cgan", pictures_by_class, out=tmp_path / "run", preset="tiny", resolution=16, kimg=0.008, quiet=True
    )
    metrics = "class-accuracy-test-8ch,class-accuracy,class-ms-ssim:pairs=5"
    scores = zoo.evaluate(run.folder, metrics=metrics, n=40, quiet=True)
    assert [score.name for score in scores] == ["class-accuracy-test-8ch", "class-accuracy", "class-ms-ssim"]
    assert scores[1].values["real"] == 1
    assert all(0 <= score.value <= 1 for score in scores)
    (held,) = zoo.evaluate(run.folder, metrics="class-accuracy", n=40, held_out=pictures_by_class, quiet=True)
    assert held.protocol["held_out"]["n"] == 40


@pytest.fixture
def pictures_by_class(tmp_path):
    for i in range(40):
        (tmp_path / "data" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), (5 * i, 200, 255 * (i % 2))).save(tmp_path / "data" / "ab"[i % 2] / f"{i}.png")
    return tmp_path / "data"


def test_one_picture_for_each_class_is_seen_by_its_ms_ssim():
    labels = np.arange(60) % 3
    one_each = np.stack([squares(np.arange(3), noise=250)[label] for label in labels])
    real = Seen(squares(labels, noise=250, seed=2), Moments(), labels)
    found = ClassMsSsim(pairs=20).measure(Case(real, Seen(one_each, Moments(), labels)))
    assert found["value"] == pytest.approx(1)
    assert found["highest"] == pytest.approx(1)
    assert found["real"] < 0.7


def test_scores_of_classes_need_labels():
    plain = Case(Seen(squares(np.zeros(20, int)), Moments()), Seen(squares(np.zeros(20, int)), Moments()))
    for name in ("class-accuracy", "class-ms-ssim"):
        with pytest.raises(ZooError, match="samples have none"):
            find_metric(name).measure(plain)
    pytest.importorskip("sklearn")
    one = np.zeros(20, np.int64)
    with pytest.raises(ZooError, match="two classes"):
        find_metric("class-accuracy").measure(labelled(one, one, one))
    with pytest.raises(ZooError, match="no class of the samples has two"):
        find_metric("class-ms-ssim").measure(labelled(one, np.arange(3), np.arange(3)))


def test_recall_on_pixels_sees_what_is_missing_and_precision_what_is_wrong():
    real = pictures(200)
    noise = np.random.default_rng(1).integers(0, 256, size=(200, 16, 16, 3), dtype=np.uint8)
    metric = find_metric("pixel-pr")
    same, narrow, wrong = (metric.measure(case(real, fake)) for fake in (pictures(200, seed=1), real // 4, noise))
    assert same["recall"] > 0.8 < same["precision"]
    assert narrow["precision"] > 0.8 > 0.1 > narrow["recall"]
    assert wrong["recall"] < 0.1
