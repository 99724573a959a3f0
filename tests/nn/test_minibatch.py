"""Batch-comparing layers against plain loops."""

import numpy as np
import pytest
import torch

from zoo.nn import MinibatchDiscrimination, MinibatchStddev, minibatch_stddev


@pytest.mark.parametrize(("n", "group", "features", "size"), [(8, 4, 1, 4), (6, 4, 2, 3), (3, 4, 1, 3), (5, 4, 1, 1)])
def test_stddev_is_that_of_images_so_far_apart(n, group, features, size):
    x = torch.randn(n, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    found = minibatch_stddev(x, group, features)
    assert torch.equal(found[:, :4], x)
    values, step, share = x.double().numpy(), n // size, 4 // features
    for i in range(n):
        members = values[i % step :: step]
        assert len(members) == size
        deviation = np.sqrt(members.var(axis=0) + 1e-8)
        for f in range(features):
            expected = deviation[f * share : (f + 1) * share].mean()
            assert np.allclose(found[i, 4 + f].numpy(), expected, atol=1e-6)


def test_stddev_has_finite_gradients_where_images_are_equal():
    x = torch.ones(4, 2, 2, 2, requires_grad=True)
    MinibatchStddev()(x)[:, -1].sum().backward()
    assert x.grad.isfinite().all()


def test_discrimination_is_the_papers_sum_over_the_others():
    torch.manual_seed(0)
    layer, h = MinibatchDiscrimination(6, kernels=3, dims=2), torch.randn(4, 6)
    torch.nn.init.normal_(layer.scale)
    found = layer(h).detach().numpy()
    theta, scale = layer.theta.detach().numpy(), layer.scale.detach().numpy()
    weight = theta * np.exp(scale) / np.sqrt((theta**2).sum(axis=0))
    for i in range(4):
        for b in range(3):
            mi = h[i].numpy() @ weight[:, b]
            others = [np.exp(-np.abs(mi - h[j].numpy() @ weight[:, b]).sum()) for j in range(4) if j != i]
            assert found[i, 6 + b] == pytest.approx(sum(others) - 1, abs=1e-5)
    assert np.array_equal(found[:, :6], h.numpy())


def test_discrimination_tells_a_collapsed_batch():
    layer = MinibatchDiscrimination(6, kernels=3, dims=2)
    same, different = torch.ones(4, 6), 50 * torch.randn(4, 6)
    torch.testing.assert_close(layer(same)[:, 6:], torch.full((4, 3), 2.0))
    assert layer(different)[:, 6:].mean() < 0
