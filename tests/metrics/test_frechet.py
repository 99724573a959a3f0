"""The Fréchet distance against closed forms, against itself, and against what others use."""

import numpy as np
import pytest
import torch

from zoo import ZooError
from zoo.metrics import Moments, frechet_distance


def features(n, d, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) / d**0.5 + rng.normal(size=d)


def gaussian(mean, variances):
    return Moments(2, mean, np.diag(np.asarray(variances, float)))  # n - 1 is 1: the scatter is the covariance


def test_diagonal_gaussians_have_a_closed_form():
    a, b = gaussian([0, 1, 2], [1, 4, 9]), gaussian([1, 1, 0], [4, 1, 9])
    assert frechet_distance(a, b) == pytest.approx(1 + 4 + (1 - 2) ** 2 + (2 - 1) ** 2)


def test_zero_for_itself_symmetric_and_translation_adds_its_square():
    x, y = features(50, 4), features(60, 4, 1)
    assert frechet_distance(Moments.of(x), Moments.of(x)) == pytest.approx(0, abs=1e-9)
    there, back = frechet_distance(Moments.of(x), Moments.of(y)), frechet_distance(Moments.of(y), Moments.of(x))
    assert there == pytest.approx(back)
    assert frechet_distance(Moments.of(x), Moments.of(x + np.array([3.0, 0, 4, 0]))) == pytest.approx(25)


def test_a_rotation_of_both_changes_nothing():
    x, y = features(80, 6), features(90, 6, 1)
    turn, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(6, 6)))
    turned = frechet_distance(Moments.of(x @ turn), Moments.of(y @ turn))
    assert turned == pytest.approx(frechet_distance(Moments.of(x), Moments.of(y)))


def test_fewer_rows_than_features_are_stable():
    x = features(40, 200)
    assert abs(frechet_distance(Moments.of(x), Moments.of(x))) < 1e-9 * np.trace(Moments.of(x).covariance)
    scaled = frechet_distance(Moments.of(x), Moments.of(2 * x))  # commuting: tr C (2 - 1)² + ‖m‖²
    expected = np.trace(Moments.of(x).covariance) + (x.mean(0) ** 2).sum()
    assert scaled == pytest.approx(expected, rel=1e-9)


def test_moments_gathered_in_batches_are_those_of_the_whole_far_from_zero_too():
    x = features(1000, 5) + 1e6
    moments = Moments()
    for part in np.array_split(x, 7):
        moments.add(part)
    np.testing.assert_allclose(moments.mean, x.mean(0), rtol=1e-14)
    np.testing.assert_allclose(moments.covariance, np.cov(x.T), rtol=1e-7)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::SyntaxWarning")
def test_equal_to_torch_fidelity_and_clean_fid():
    fidelity, clean = pytest.importorskip("torch_fidelity.metric_fid"), pytest.importorskip("cleanfid.fid")
    x, y = features(400, 32), features(300, 32, 1)
    ours = frechet_distance(Moments.of(x), Moments.of(y))
    stats = [fidelity.fid_features_to_statistics(torch.from_numpy(one)) for one in (x, y)]
    theirs = fidelity.fid_statistics_to_metric(*stats, verbose=False)["frechet_inception_distance"]
    assert ours == pytest.approx(theirs, rel=1e-6)
    try:
        clean_fid = clean.frechet_distance(x.mean(0), np.cov(x.T), y.mean(0), np.cov(y.T))
    except TypeError:  # scipy 1.18 takes away an argument that clean-fid 0.1.35 gives
        pytest.skip("clean-fid does not run on this scipy")
    assert ours == pytest.approx(clean_fid, rel=1e-6)


def test_one_picture_has_no_gaussian():
    with pytest.raises(ZooError, match="at least two pictures; 1"):
        _ = Moments.of(np.zeros((1, 3))).covariance
