"""Scores of the first-party plugin, on small sets in memory."""

import numpy as np
import pytest
import torch

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
