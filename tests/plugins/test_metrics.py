"""The Fréchet distance against closed forms."""

import numpy as np
import pytest

from ganzoo_metrics.pixel import PixelFrechet, frechet_distance, moments, thumbnails


def gaussian(mean, variances):
    return np.asarray(mean, float), np.diag(np.asarray(variances, float))


def test_diagonal_gaussians_have_a_closed_form():
    a, b = gaussian([0, 1, 2], [1, 4, 9]), gaussian([1, 1, 0], [4, 1, 9])
    assert frechet_distance(a, b) == pytest.approx(1 + 4 + (1 - 2) ** 2 + (2 - 1) ** 2)


def test_zero_for_itself_symmetric_and_translation_adds_its_square():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 4)) @ rng.normal(size=(4, 4)), rng.normal(size=(60, 4))
    assert frechet_distance(moments(x), moments(x)) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(moments(x), moments(y)) == pytest.approx(frechet_distance(moments(y), moments(x)))
    shifted = moments(x + np.array([3.0, 0, 4, 0]))
    assert frechet_distance(moments(x), shifted) == pytest.approx(25)


def test_thumbnails_are_block_means():
    pictures = np.arange(2 * 4 * 4 * 1, dtype=np.uint8).reshape(2, 4, 4, 1)
    expected = [[pictures[k, i : i + 2, j : j + 2].mean() / 255 for i in (0, 2) for j in (0, 2)] for k in range(2)]
    np.testing.assert_allclose(thumbnails(pictures, 2), expected)


def test_samples_of_the_data_score_better_than_noise():
    rng = np.random.default_rng(1)
    real = (rng.uniform(size=(300, 1, 1, 3)) * np.ones((1, 16, 16, 1)) * 255).astype(np.uint8)
    metric = PixelFrechet()
    metric.fit([real[:100], real[100:]])
    good = metric.score([real[::2]])
    noise = rng.integers(0, 256, size=(150, 16, 16, 3), dtype=np.uint8)
    assert good < 0.1 * metric.score([noise])
