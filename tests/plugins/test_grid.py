"""Sampling that can be differentiated twice, on the oldest torch too."""

import torch
from torch.nn.functional import grid_sample

from ganzoo_augment.grid import sample


def case(dtype=torch.float64):
    rng = torch.Generator().manual_seed(0)
    images = torch.randn(2, 3, 5, 6, generator=rng, dtype=dtype)
    grid = torch.rand(2, 4, 7, 2, generator=rng, dtype=dtype) * 2.6 - 1.3  # some places lie outside
    return images.requires_grad_(), grid


def test_values_and_gradients_are_torchs():
    images, grid = case()
    expected = grid_sample(images, grid, align_corners=False)
    torch.testing.assert_close(sample(images, grid), expected)
    weights = torch.linspace(-1, 2, expected.numel(), dtype=torch.float64).view_as(expected)
    (gradient,) = torch.autograd.grad((sample(images, grid) * weights).sum(), images)
    (theirs,) = torch.autograd.grad((expected * weights).sum(), images)
    torch.testing.assert_close(gradient, theirs)


def test_the_gradient_has_a_gradient():
    images, grid = case()
    assert torch.autograd.gradcheck(lambda x: sample(x, grid), images)
    assert torch.autograd.gradgradcheck(lambda x: sample(x, grid).square(), images)


def test_a_penalty_on_the_gradient_reaches_the_weights_behind_it():
    """d/dw of |d(w·f(x))/dx|², as R1 takes it: closed form 2 w |f'|²."""
    images, grid = case()
    weight = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(weight * sample(images, grid).sum(), images, create_graph=True)
    gradient.square().sum().backward()
    torch.testing.assert_close(weight.grad, 2 * gradient.square().sum().detach() / weight.detach())
