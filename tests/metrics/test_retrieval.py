"""Ridge regression and R-precision against closed forms."""

import numpy as np
import pytest

from zoo.metrics import Ridge, retrieved


def test_ridge_is_the_closed_form_of_its_penalty():
    rng = np.random.default_rng(0)
    x, y = rng.normal(3, 2, (60, 5)), rng.normal(1, 1, (60, 3))
    fitted = Ridge(x, y)
    scaled = (x - x.mean(0)) / x.std(0)
    weight = np.linalg.solve(scaled.T @ scaled + fitted.penalty * np.eye(5), scaled.T @ (y - y.mean(0)))
    np.testing.assert_allclose(fitted(x), scaled @ weight, atol=1e-6)


def test_ridge_finds_a_linear_map_and_shrinks_noise_away():
    rng = np.random.default_rng(0)
    x, far = rng.normal(size=(200, 40)), rng.normal(size=(50, 40))
    y = x[:, :3] @ rng.normal(size=(3, 4))
    exact = Ridge(x, y)
    np.testing.assert_allclose(exact(x) + exact.mean, y, atol=1e-2)
    noise = Ridge(x, rng.normal(size=(200, 4)))
    assert noise.penalty > 100 * exact.penalty
    assert noise(far).std() < 0.3


def test_ridge_takes_more_columns_than_rows():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 200))
    assert np.isfinite(Ridge(x, x[:, :2])(x)).all()


def test_right_rows_find_their_captions_and_random_ones_find_them_by_chance():
    rng = np.random.default_rng(0)
    captions = rng.normal(size=(150, 16))
    own = rng.integers(0, 150, 4000)
    assert retrieved(captions[own] * 7, captions, own) == 1
    assert retrieved(-captions[own], captions, own) == 0
    assert retrieved(rng.normal(size=(4000, 16)), captions, own) == pytest.approx(0.01, abs=0.005)
    assert retrieved(rng.normal(size=(4000, 16)), captions, own, among=2) == pytest.approx(0.5, abs=0.03)


def test_equal_captions_are_no_find():
    captions = np.ones((10, 4))
    assert retrieved(captions, captions, np.arange(10), among=2) == 0


def test_fewer_captions_than_to_choose_from_are_refused():
    with pytest.raises(ValueError, match="among 100 of 5"):
        retrieved(np.ones((5, 2)), np.ones((5, 2)), np.arange(5))
