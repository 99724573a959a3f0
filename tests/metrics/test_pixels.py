"""Measures on pixels and labels against closed forms and few-line references."""

import numpy as np
import pytest
import torch

from zoo import ZooError
from zoo.metrics import (
    classify,
    inception_score,
    l1,
    l2,
    mode_count,
    ms_ssim,
    path_length,
    perceptual_distance,
    psnr,
    sliced_wasserstein,
    ssim,
)
from zoo.metrics.latents import without_tails
from zoo.metrics.wasserstein import patches, pyramid


def pictures(n=4, size=32, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, size, size, channels), dtype=np.uint8)


def test_errors_of_pairs_have_closed_forms():
    black, grey = np.zeros((2, 4, 4, 3), np.uint8), np.full((2, 4, 4, 3), 51, np.uint8)
    np.testing.assert_allclose(l1(black, grey), 0.2)
    np.testing.assert_allclose(l2(black, grey), 0.04)
    np.testing.assert_allclose(psnr(black, grey), 10 * np.log10(1 / 0.04))
    np.testing.assert_allclose(psnr(black, black), 100)


def test_ssim_is_one_for_copies_and_a_closed_form_for_flat_pictures():
    np.testing.assert_allclose(ssim(pictures(), pictures()), 1)
    dark, light = np.full((1, 16, 16, 1), 51, np.uint8), np.full((1, 16, 16, 1), 102, np.uint8)
    a, b, c1 = 0.2, 0.4, 1e-4
    np.testing.assert_allclose(ssim(dark, light), (2 * a * b + c1) / (a * a + b * b + c1))


def test_ssim_of_one_window_by_hand():
    one, other = pictures(1, 11, 1), pictures(1, 11, 1, seed=1)
    place = np.arange(11) - 5
    weights = np.exp(-(place**2) / (2 * 1.5**2))
    weights = np.outer(weights, weights) / np.outer(weights, weights).sum()
    a, b = one[0, :, :, 0] / 255, other[0, :, :, 0] / 255
    ma, mb = (weights * a).sum(), (weights * b).sum()
    va, vb = (weights * a * a).sum() - ma**2, (weights * b * b).sum() - mb**2
    cov = (weights * a * b).sum() - ma * mb
    expected = (2 * ma * mb + 1e-4) * (2 * cov + 9e-4) / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4))
    np.testing.assert_allclose(ssim(one, other), expected)


def test_ms_ssim_is_one_for_copies_and_falls_with_noise():
    real = np.repeat(np.repeat(pictures(3, 8), 8, axis=1), 8, axis=2)
    noisy = np.clip(real.astype(int) + np.random.default_rng(0).integers(-60, 60, real.shape), 0, 255).astype(np.uint8)
    np.testing.assert_allclose(ms_ssim(real, real), 1)
    assert (ms_ssim(real, noisy) < 0.99).all()
    with pytest.raises(ZooError, match="too small"):
        ms_ssim(pictures(1, 8), pictures(1, 8))


def test_the_pyramid_adds_up_again():
    image = pictures(2, 64)
    levels = pyramid(image)
    assert [tuple(level.shape[2:]) for level in levels] == [(64, 64), (32, 32), (16, 16)]
    flat = pyramid(np.full((1, 32, 32, 3), 77, np.uint8))
    torch.testing.assert_close(flat[1], torch.full((1, 3, 16, 16), 77.0))
    assert flat[0][:, :, 4:-4, 4:-4].abs().max() < 1e-3


def test_sliced_wasserstein_is_zero_for_itself_and_sees_blur():
    smooth = lambda seed: np.repeat(np.repeat(pictures(16, 4, seed=seed), 8, axis=1), 8, axis=2)  # noqa: E731
    real = patches(smooth(0), 0)
    assert set(real) == {32, 16}
    assert real[32].shape == (16 * 128, 3 * 49)
    assert sliced_wasserstein(real[32], real[32]) == 0
    alike, noise = patches(smooth(1), 1), patches(pictures(16, 32), 2)
    assert sliced_wasserstein(real[32], noise[32]) > 1.5 * sliced_wasserstein(real[32], alike[32])


def test_the_inception_score_lies_between_one_and_the_classes():
    torch.manual_seed(0)
    assert inception_score(torch.zeros(100, 10)) == pytest.approx((1, 0))
    sure = 1000 * torch.eye(10).repeat(100, 1)
    assert inception_score(sure, seed=None)[0] == pytest.approx(10)
    logits = torch.randn(60, 5)
    p = logits.double().softmax(1).chunk(3)
    by_hand = [float((q * (q / q.mean(0)).log()).sum(1).mean().exp()) for q in p]
    assert inception_score(logits, splits=3, seed=None) == pytest.approx((np.mean(by_hand), np.std(by_hand)))
    with pytest.raises(ZooError, match="10 splits"):
        inception_score(logits[:5])


def test_modes_are_counted_by_the_nearest_real():
    real, labels = np.array([[0.0], [10.0], [20.0], [30.0]]), np.array([0, 1, 2, 2])
    found = classify(np.array([[1.0], [9.0], [11.0]]), real, labels)
    assert found.tolist() == [0, 1, 1]
    modes, kl = mode_count(found, labels)
    assert modes == 2
    assert kl == pytest.approx(1 / 3 * np.log((1 / 3) / 0.25) + 2 / 3 * np.log((2 / 3) / 0.25))
    assert mode_count(labels, labels) == (3, 0)


def test_perceptual_distance_of_orthogonal_and_equal_features():
    one, other = torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 4, 4)
    one[:, 0], other[:, 1] = 5, 0.1
    torch.testing.assert_close(perceptual_distance([one], [other]), torch.full((2,), 2.0, dtype=torch.float64))
    assert perceptual_distance([one, one], [3 * one, one]).abs().max() < 1e-9


def test_path_length_drops_its_tails():
    values = np.arange(1000.0)
    kept = without_tails(values)
    assert (kept.min(), kept.max()) == (9, 990)
    assert path_length(np.full(100, 2.0), 0.5) == pytest.approx(8)
