"""Spectral normalisation against torch's own first form, step by step."""

import copy
import warnings

import pytest
import torch
from torch import nn

from zoo.nn.spectral import spectral_norm


def pair(make):
    torch.manual_seed(0)
    ours = make()
    theirs = copy.deepcopy(ours)
    spectral_norm(ours)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nn.utils.spectral_norm(theirs)
    theirs.load_state_dict(ours.state_dict())  # the same names and shapes
    return ours, theirs


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: nn.Conv2d(3, 5, 3), (2, 3, 6, 6)),
        (lambda: nn.ConvTranspose2d(3, 5, 4), (2, 3, 2, 2)),
        (lambda: nn.Linear(4, 6), (2, 4)),
    ],
)
def test_it_is_torchs(make, shape):
    ours, theirs = pair(make)
    x = torch.randn(shape)
    for training in (True, True, False, True):
        ours.train(training)
        theirs.train(training)
        a, b = ours(x), theirs(x)
        torch.testing.assert_close(a, b)
        ours.weight_orig.grad = theirs.weight_orig.grad = None
        a.square().sum().backward()
        b.square().sum().backward()
        torch.testing.assert_close(ours.weight_orig.grad, theirs.weight_orig.grad)
    for name, value in ours.state_dict().items():
        torch.testing.assert_close(value, theirs.state_dict()[name])


def test_a_layer_in_use_can_be_copied_and_forgets_its_quotient():
    layer = spectral_norm(nn.Conv2d(3, 4, 3))
    layer(torch.randn(1, 3, 5, 5)).sum().backward()
    assert not hasattr(layer, "weight")
    x = torch.randn(1, 3, 5, 5)
    torch.testing.assert_close(copy.deepcopy(layer).eval()(x), layer.eval()(x))


def test_sigma_is_taken_in_float32_under_autocast():
    layer = spectral_norm(nn.Linear(64, 64)).eval()
    seen = []
    layer.register_forward_pre_hook(lambda module, _: seen.append(module.weight.detach().clone()))
    x = torch.randn(2, 64)
    with torch.autocast("cpu", torch.bfloat16):
        layer(x)
    layer(x)
    assert torch.equal(seen[0], seen[1])
