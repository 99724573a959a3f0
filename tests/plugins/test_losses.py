"""Games against worked values in double precision and against independent references."""

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from ganzoo_ebgan.games import BEGAN, EBGAN
from ganzoo_losses.f_gan import FGAN
from ganzoo_losses.losses import Hinge, LeastSquares, Minimax, NonSaturating, Wasserstein, WassersteinGP
from ganzoo_losses.relativistic import Relativistic, RelativisticAverage
from zoo import Critic
from zoo.model import Progress

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
        (Relativistic(), 0.876918, 1.543585),
        (RelativisticAverage(), 0.548688, 1.215355),
        (RelativisticAverage("least-squares"), 1.388889, 4.055556),
        (RelativisticAverage("hinge"), 0.694444, 1.666667),
        (WassersteinGP(), -0.666667, 0.166667),
        (WassersteinGP(drift=0.1), -0.666667 + 0.1 * 5.25 / 3, 0.166667),
    ],
)
def test_worked_values(game, d, g):
    assert sum(game.d(R, F)).item() == pytest.approx(d, abs=1e-6)
    assert game.g(F, R).item() == pytest.approx(g, abs=1e-6)


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


ALL = [
    NonSaturating(smooth=0.1),
    Minimax(),
    Hinge(),
    LeastSquares(a=-1, b=1, c=0),
    Wasserstein(),
    WassersteinGP(drift=0.01),
    Relativistic(),
    RelativisticAverage(),
    RelativisticAverage("least-squares"),
    RelativisticAverage("hinge"),
    EBGAN(margin=0.7),
]


def named(game):
    return f"{type(game).__name__}{getattr(game, 'form', '')}"


@pytest.mark.parametrize("game", ALL, ids=named)
def test_gradients_are_those_of_finite_differences(game):
    r, f = R.clone().requires_grad_(), (F + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(lambda r, f: sum(game.d(r, f)), (r, f))
    assert torch.autograd.gradcheck(lambda f: game.g(f, R), (f,))


def softplus(x):
    return np.logaddexp(0, x)


@pytest.mark.parametrize("shape", [(5, 1), (5, 3), (4, 1, 2, 2)])
def test_pairs_and_averages_against_numpy(shape):
    rng = np.random.default_rng(0)
    r, f = rng.normal(size=shape), rng.normal(size=shape)
    mine = torch.from_numpy(r), torch.from_numpy(f)
    assert sum(Relativistic().d(*mine)).item() == pytest.approx(softplus(f - r).mean())
    assert Relativistic().g(mine[1], mine[0]).item() == pytest.approx(softplus(r - f).mean())
    average = RelativisticAverage()
    expected = (softplus(-(r - f.mean())).mean() + softplus(f - r.mean()).mean()) / 2
    assert sum(average.d(*mine)).item() == pytest.approx(expected)
    expected = (softplus(-(f - r.mean())).mean() + softplus(r - f.mean()).mean()) / 2
    assert average.g(mine[1], mine[0]).item() == pytest.approx(expected)


def test_the_means_of_relativistic_games_carry_gradients():
    f = F.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(RelativisticAverage("hinge").d(R, f)[0], f)
    assert (gradient != 0).all()


def test_what_both_players_of_a_relativistic_game_want_has_no_boundary_and_needs_reals():
    for game in (Relativistic(), RelativisticAverage()):
        assert game.needs_real
        assert game.boundary is None


class Mean(torch.nn.Module):
    """The image's mean as its logit, twice it as a second head."""

    def forward(self, images):
        mean = images.flatten(1).mean(1, keepdim=True)
        return [mean, 2 * mean]


def test_a_relativistic_generator_meets_the_reals_of_its_own_row_in_every_head():
    real, fake = torch.randn(4, 3, 2, 2), torch.randn(4, 3, 2, 2)
    found = Critic(Mean(), Relativistic()).g_loss(fake, real)["adv"]
    difference = (real.flatten(1).mean(1) - fake.flatten(1).mean(1)).numpy()
    assert found.item() == pytest.approx(softplus(difference).mean() + softplus(2 * difference).mean(), rel=1e-5)


def test_ebgan_pushes_fakes_up_to_the_margin_only():
    game, real, fake = EBGAN(margin=2.0), torch.tensor([[0.5], [1.5]]), torch.tensor([[1.0], [3.0]])
    assert [part.item() for part in game.d(real, fake)] == [1.0, 0.5]
    assert game.g(fake).item() == 2.0


def test_began_moves_its_control_term_once_a_step_by_all_microbatches():
    game = BEGAN(gamma=0.5, rate=0.1)
    k, rng = 0.0, np.random.default_rng(0)
    for step in range(20):
        game.begin_step(Progress(step))
        assert game.k.item() == pytest.approx(k, abs=1e-6)
        batches = [(rng.uniform(1, 2, (3, 1)), rng.uniform(0, 0.6, (3, 1))) for _ in range(2)]
        for real, fake in batches:
            parts = game.d(torch.tensor(real).float(), torch.tensor(fake).float())
            assert parts[0].item() == pytest.approx(real.mean(), rel=1e-5)
            assert parts[1].item() == pytest.approx(-k * fake.mean(), rel=1e-4, abs=1e-7)
        real, fake = (np.concatenate([batch[i] for batch in batches]).mean() for i in range(2))
        k = min(max(k + 0.1 * (0.5 * real - fake), 0), 1)
        convergence = real + abs(0.5 * real - fake)
    game.begin_step(Progress(20))
    assert 0 < game.k < 1
    assert game.convergence.item() == pytest.approx(convergence, rel=1e-5)


def test_began_does_not_move_before_it_has_seen_anything():
    game = BEGAN()
    game.begin_step(Progress())
    assert game.k == 0
    game.k.fill_(0.5)
    again = BEGAN()
    again.load_state_dict(game.state_dict())
    assert again.k == 0.5


CONJUGATES = {
    "kl": (lambda v: v, lambda t: np.exp(t - 1)),
    "reverse-kl": (lambda v: -np.exp(-v), lambda t: -1 - np.log(-t)),
    "pearson": (lambda v: v, lambda t: t**2 / 4 + t),
    "hellinger": (lambda v: 1 - np.exp(-v), lambda t: t / (1 - t)),
    "jensen-shannon": (lambda v: np.log(2) - softplus(-v), lambda t: -np.log(2 - np.exp(t))),
    "gan": (lambda v: -softplus(-v), lambda t: -np.log(1 - np.exp(t))),
    "total-variation": (lambda v: np.tanh(v) / 2, lambda t: t),
}
BOUNDS = {
    "kl": 0.016679,
    "reverse-kl": 0.013284,
    "pearson": 0.395833,
    "hellinger": -0.467187,
    "jensen-shannon": 0.012265,
    "gan": -1.374030,
}


@pytest.mark.parametrize("divergence", CONJUGATES)
def test_f_divergences_by_their_conjugates(divergence):
    activation, conjugate = CONJUGATES[divergence]
    r, f = R.numpy(), F.numpy()
    game = FGAN(divergence)
    bound = -sum(game.d(R, F)).item()
    assert bound == pytest.approx(activation(r).mean() - conjugate(activation(f)).mean())
    assert bound == pytest.approx(BOUNDS.get(divergence, bound), abs=1e-6)
    assert game.g(F).item() == pytest.approx(-activation(f).mean())
    assert FGAN(divergence, saturating=True).g(F).item() == pytest.approx(-conjugate(activation(f)).mean())


@pytest.mark.parametrize("divergence", CONJUGATES)
def test_at_the_boundary_of_an_f_divergence_equal_laws_hold_still(divergence):
    game = FGAN(divergence)
    v = torch.tensor([game.boundary], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(sum(game.d(v, v)), v)
    assert slope.item() == pytest.approx(0, abs=1e-12)
