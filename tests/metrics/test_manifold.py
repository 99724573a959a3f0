"""Precision, recall, density, coverage and neighbours against few-line references."""

import numpy as np
import pytest

from zoo import ZooError
from zoo.metrics import density_coverage, memorisation, nearest, precision_recall
from zoo.metrics.neighbours import radii


def rows(n, d=6, seed=0, scale=1.0):
    return (np.random.default_rng(seed).normal(size=(n, d)) * scale).astype(np.float32)


def apart(a, b):
    return np.sqrt(((a[:, None].astype(float) - b[None].astype(float)) ** 2).sum(-1))


def reference(real, fake, k):
    """prdc's definitions on whole matrices; Kynkäänniemi's closed balls for precision and recall."""
    reach = np.sort(apart(real, real), 1)[:, k]
    between = apart(real, fake)
    return (between < reach[:, None]).sum(0).mean() / k, (between.min(1) < reach).mean()


@pytest.mark.parametrize("k", [1, 5])
def test_density_and_coverage_are_those_of_the_definition(k):
    real, fake = rows(700), rows(650, seed=1, scale=0.8)  # more than a block
    assert density_coverage(real, fake, k=k) == pytest.approx(reference(real, fake, k), rel=1e-9)


@pytest.mark.filterwarnings("ignore")
def test_density_and_coverage_are_those_of_prdc():
    prdc = pytest.importorskip("prdc")
    real, fake = rows(300).astype(np.float64), rows(280, seed=1, scale=0.8).astype(np.float64)
    theirs = prdc.compute_prdc(real, fake, nearest_k=5)
    assert density_coverage(real, fake) == pytest.approx((theirs["density"], theirs["coverage"]), rel=1e-9)
    # without ties, closed and open balls agree
    ours = precision_recall(real, fake, k=5)
    assert ours == pytest.approx((theirs["precision"], theirs["recall"]), rel=1e-6)


def test_fakes_within_a_part_of_the_data_are_precise_and_recall_little():
    real = np.concatenate([rows(200), rows(200, seed=1) + 20])
    precision, recall = precision_recall(real, rows(200, seed=2))
    assert precision > 0.8
    assert recall < 0.55
    assert density_coverage(real, rows(200, seed=2))[1] < 0.55


def test_nearest_neighbours_and_radii():
    a, b = rows(600), rows(550, seed=1)
    distance, index = nearest(a, b)
    np.testing.assert_allclose(distance, apart(a, b).min(1), rtol=1e-9)
    np.testing.assert_array_equal(index, apart(a, b).argmin(1))
    np.testing.assert_allclose(radii(a, 3), np.sort(apart(a, a), 1)[:, 3], rtol=1e-9)
    doubled = np.concatenate([a, a])
    np.testing.assert_allclose(radii(doubled, 1), 0, atol=1e-6)


def test_too_few_pictures_for_a_neighbour():
    with pytest.raises(ZooError, match="more than 5 pictures"):
        density_coverage(rows(5), rows(9))


def test_copies_of_the_training_images_are_noticed():
    train, held_out = rows(300), rows(200, seed=1)
    fresh = memorisation(train, held_out, rows(200, seed=2))
    assert fresh["closer"] == pytest.approx(0.5, abs=0.1)
    assert fresh["copies"] < 0.05
    copied = memorisation(train, held_out, train[:100] + rows(100, seed=3, scale=1e-3))
    assert copied["closer"] == 1
    assert copied["copies"] == 1
    assert copied["distance"] < 0.01
    assert memorisation(train, held_out, held_out)["closer"] == pytest.approx(0.5)
