"""The kernel distance against a loop, torch-fidelity and clean-fid."""

import numpy as np
import pytest
import torch

from zoo import ZooError
from zoo.metrics import kernel_distance


def rows(n, d=8, seed=0, shift=0.0):
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


def unbiased(x, y):
    """Squared MMD by loops."""
    k = lambda a, b: (a @ b / len(a) + 1) ** 3  # noqa: E731
    within = lambda z: np.mean([k(a, b) for i, a in enumerate(z) for j, b in enumerate(z) if i != j])  # noqa: E731
    return within(x) + within(y) - 2 * np.mean([k(a, b) for a in x for b in y])


def test_a_subset_of_everything_is_the_loop():
    x, y = rows(12), rows(12, seed=1, shift=0.5)
    mean, std = kernel_distance(x, y, subsets=3, size=12)
    assert mean == pytest.approx(unbiased(x, y), rel=1e-12)
    assert std == pytest.approx(0, abs=1e-12)


def test_equal_to_torch_fidelity_draw_for_draw():
    fidelity = pytest.importorskip("torch_fidelity.metric_kid")
    real, fake = rows(90), rows(80, seed=1, shift=0.3)
    theirs = fidelity.kid_features_to_metric(
        torch.from_numpy(fake), torch.from_numpy(real), kid_subsets=7, kid_subset_size=50, verbose=False
    )
    expected = theirs["kernel_inception_distance_mean"], theirs["kernel_inception_distance_std"]
    assert kernel_distance(real, fake, subsets=7, size=50) == pytest.approx(expected, rel=1e-12)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::SyntaxWarning")
def test_close_to_clean_fid_where_the_subset_is_everything():
    clean = pytest.importorskip("cleanfid.fid")
    real, fake = rows(60), rows(60, seed=1, shift=0.3)
    theirs = clean.kernel_distance(fake, real, num_subsets=1, max_subset_size=60)
    assert kernel_distance(real, fake, subsets=1, size=60)[0] == pytest.approx(theirs, rel=1e-6)


def test_samples_of_the_data_are_near_zero_and_shifted_ones_are_not():
    same, _ = kernel_distance(rows(300), rows(300, seed=1), subsets=20, size=100)
    apart, _ = kernel_distance(rows(300), rows(300, seed=1, shift=1.0), subsets=20, size=100)
    assert abs(same) < 0.05 * apart


def test_one_picture_is_refused():
    with pytest.raises(ZooError, match="at least two pictures"):
        kernel_distance(rows(1), rows(5))
