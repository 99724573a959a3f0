"""Spectral normalisation against singular values and torch's own."""

import copy

import pytest
import torch
from torch import nn

from ganzoo_losses.spectral import SpectralNorm, normalise
from zoo import Critic, DataSpec, network
from zoo.plugins import registry


def used(layer: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    """The weight that the layer's forward pass computes with."""
    seen = []
    handle = layer.register_forward_pre_hook(lambda module, _: seen.append(module.weight))
    layer(inputs)
    handle.remove()
    return seen[0]


def test_the_largest_singular_value_becomes_one():
    torch.manual_seed(0)
    layer = nn.Linear(7, 5)
    normalise(layer)
    for _ in range(200):
        layer(torch.randn(2, 7))
    assert torch.linalg.matrix_norm(used(layer, torch.randn(2, 7)), 2).item() == pytest.approx(1, abs=1e-4)


def test_names_stay_and_two_buffers_join():
    layer = nn.Conv2d(3, 4, 3)
    normalise(layer)
    assert set(layer.state_dict()) == {"weight", "bias", "weight_u", "weight_v"}
    assert isinstance(layer.weight, nn.Parameter)
    layer(torch.randn(1, 3, 5, 5))
    assert isinstance(layer.weight, nn.Parameter)


@pytest.mark.parametrize("layer", [nn.Linear(6, 4), nn.Conv2d(3, 4, 3), nn.ConvTranspose2d(3, 4, 3)])
@pytest.mark.filterwarnings("ignore::FutureWarning")  # torch's first form, which the official codes use
def test_as_torchs_spectral_norm(layer):
    torch.manual_seed(0)
    theirs, mine = copy.deepcopy(layer), layer
    theirs = nn.utils.spectral_norm(theirs)
    normalise(mine)
    mine.weight_u.copy_(theirs.weight_u)
    mine.weight_v.copy_(theirs.weight_v)
    x = torch.randn(2, 6) if isinstance(layer, nn.Linear) else torch.randn(2, 3, 5, 5)
    for _ in range(3):
        a, b = mine(x), theirs(x)
        torch.testing.assert_close(a, b)
    a.square().sum().backward()
    b.square().sum().backward()
    torch.testing.assert_close(mine.weight.grad, theirs.weight_orig.grad)
    mine.eval(), theirs.eval()
    torch.testing.assert_close(mine(x), theirs(x))
    torch.testing.assert_close(mine.weight_u, theirs.weight_u)


def test_two_forwards_then_one_backward():
    layer = nn.Linear(4, 4)
    normalise(layer)
    (layer(torch.randn(2, 4)).sum() + layer(torch.randn(2, 4)).sum()).backward()
    assert layer.weight.grad is not None


def test_every_learned_matrix_of_a_network_and_nothing_frozen():
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3).requires_grad_(False), nn.Linear(2, 2)
    )
    SpectralNorm().apply(network)
    assert [hasattr(layer, "weight_u") for layer in network] == [True, False, False, True]


def test_a_failing_forward_leaves_the_parameter_in_place():
    layer = nn.Linear(4, 4)
    normalise(layer)
    with pytest.raises(RuntimeError):
        layer(torch.randn(2, 5))
    assert isinstance(layer.weight, nn.Parameter)


@pytest.mark.parametrize("name", registry().names("discriminator"))
@torch.no_grad()
def test_on_any_discriminator_every_layer_computes_with_norm_one(name):
    entry = registry().find("discriminator", name).entry
    if entry.traits.get("backbone") == "needed":
        pytest.skip("its frozen network is not there")
    torch.manual_seed(0)
    options = dict(pair.split("=") for pair in entry.traits.get("tiny", "").split(",") if pair)
    judge = network(name, data=DataSpec(resolution=16), **options)
    judge = judge.network if isinstance(judge, Critic) else judge
    SpectralNorm(iterations=30).apply(judge)
    names = {key: value for key, value in judge.named_parameters() if value.ndim >= 2 and key.endswith("weight")}
    own = [module for module in judge.modules() if "weight_orig" in module._parameters]  # normalised by the network
    layers = [module for module in judge.modules() if hasattr(module, "weight_u") and module not in own]
    assert len(layers) == sum(value.requires_grad for value in names.values())
    norms: list[float] = []

    def measure(layer: nn.Module, _: object) -> None:
        matrix = layer.weight.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else layer.weight
        scale = getattr(layer, "weight_scale", 1.0)
        norms.append((torch.linalg.matrix_norm(matrix.flatten(1), 2) * scale).item())

    for layer in layers:
        layer.register_forward_pre_hook(measure)
    judge(torch.randn(4, 3, 16, 16))
    assert norms == pytest.approx([1.0] * len(norms), abs=0.02)
