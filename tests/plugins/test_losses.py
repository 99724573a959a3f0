"""Games against worked values in double precision and against independent references."""

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from ganzoo_losses.losses import Hinge, LeastSquares, Minimax, NonSaturating, Wasserstein, WassersteinGP

R = torch.tensor([2, 0.5, -1], dtype=torch.float64)
F = torch.tensor([-1.5, 0, 1], dtype=torch.float64)


@pytest.mark.parametrize(
    ("game", "d", "g"),
    [
        (NonSaturating(), 1.374030, 0.902607),
        (Minimax(), 1.374030, -0.735941),
        (Hinge(), 1.833333, 0.166667),
        (LeastSquares(scale=1), 2.833333, 2.416667),
        (LeastSquares(a=-1, b=1, c=0), 1.750000, 0.541667),
        (Wasserstein(), -0.666667, 0.166667),
        (WassersteinGP(), -0.666667, 0.166667),
        (WassersteinGP(drift=0.1), -0.666667 + 0.1 * 5.25 / 3, 0.166667),
    ],
)
def test_worked_values(game, d, g):
    assert sum(game.d(R, F)).item() == pytest.approx(d, abs=1e-6)
    assert game.g(F).item() == pytest.approx(g, abs=1e-6)


def test_one_sided_smoothing_is_cross_entropy_with_a_softer_target():
    real, fake = NonSaturating(smooth=0.1).d(R, F)
    assert real.item() == pytest.approx(0.688089, abs=1e-6)
    expected = binary_cross_entropy_with_logits(R, torch.full_like(R, 0.9))
    torch.testing.assert_close(real, expected)
    torch.testing.assert_close(fake, NonSaturating().d(R, F)[1])


def test_minimax_is_zero_sum():
    f = F.clone().requires_grad_()
    game = Minimax()
    (d,) = torch.autograd.grad(sum(game.d(R, f)), f)
    (g,) = torch.autograd.grad(game.g(f), f)
    torch.testing.assert_close(g, -d)


def test_means_run_over_items_and_places_alike():
    patches = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    for game in (NonSaturating(), Hinge(), LeastSquares(), Wasserstein()):
        torch.testing.assert_close(game.g(patches), game.g(patches.flatten()))


def test_the_boundary_of_least_squares_lies_between_its_targets():
    assert LeastSquares().boundary == 0.5
    assert LeastSquares(a=-1, b=1, c=0).boundary == 0
    assert Wasserstein().boundary is None


def test_wasserstein_clips_learned_weights_only():
    network = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1))
    network[2].requires_grad_(False)
    frozen = network[2].weight.clone()
    Wasserstein(clip=0.01).constrain(network)
    assert network[0].weight.abs().max() <= 0.01
    assert (network[1].weight == 0.01).all()
    assert torch.equal(network[2].weight, frozen)
    Wasserstein(clip=0).constrain(network[2])
    assert torch.equal(network[2].weight, frozen)
