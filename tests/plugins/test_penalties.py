"""R1 against closed forms."""

import pytest
import torch
from torch import Tensor, nn

from ganzoo_losses.penalties import R1, R2, Dragan, GradientPenalty, squared_gradient
from tests.toys import Logistic
from zoo import Critic


class Linear(nn.Module):
    """D(x) = w·x + b, whose gradient is w everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(12, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.layer(images.flatten(1))


def test_a_linear_discriminator_has_gamma_half_times_its_squared_norm():
    torch.manual_seed(0)
    critic = Critic(Linear(), Logistic())
    penalty = R1(gamma=3.0)(critic, torch.randn(5, 3, 2, 2), torch.randn(5, 3, 2, 2), {})
    torch.testing.assert_close(penalty, 1.5 * critic.network.layer.weight.square().sum())


def test_its_gradient_is_gamma_times_the_weight():
    critic = Critic(Linear(), Logistic())
    R1(gamma=3.0)(critic, torch.randn(5, 3, 2, 2), torch.empty(0), {}).backward()
    weight = critic.network.layer.weight
    torch.testing.assert_close(weight.grad, 3.0 * weight.detach())


def test_against_finite_differences_on_a_convolution():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Softplus(), nn.Conv2d(2, 1, 2), nn.Flatten()).double()
    critic = Critic(network, Logistic())
    critic.logits = lambda images, **_: [network(images)]  # float64 throughout
    x = torch.randn(2, 1, 4, 4, dtype=torch.float64)
    found = squared_gradient(critic, x, {})
    step = 1e-6
    for i in range(2):
        total = 0.0
        for place in range(16):
            moved = [x.clone(), x.clone()]
            moved[0][i].view(-1)[place] += step
            moved[1][i].view(-1)[place] -= step
            total += ((network(moved[0])[i] - network(moved[1])[i]) / (2 * step)).item() ** 2
        assert found[i].item() == pytest.approx(total, rel=1e-6)


def test_lazily_it_counts_as_often_as_it_waits():
    critic = Critic(Linear(), Logistic(), penalties={"r1": R1(gamma=2.0, every=4)})
    real, fake = torch.randn(4, 3, 2, 2), torch.randn(4, 3, 2, 2)
    norms = critic.network.layer.weight.square().sum().detach()
    from zoo.model import Progress

    for step in range(9):
        critic.begin_step(Progress(step, step * 4))
        terms = critic.d_loss(real, fake)
        assert ("r1" in terms) == (step % 4 == 0)
        if "r1" in terms:
            torch.testing.assert_close(terms["r1"].detach(), 4 * norms)


def test_a_part_of_the_batch_estimates_the_whole():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 2, 2), nn.Tanh(), nn.Flatten(), nn.Linear(2, 1))
    critic = Critic(network, Logistic())
    real = torch.randn(8, 3, 2, 2)
    whole = squared_gradient(critic, real, {})
    torch.testing.assert_close(R1(gamma=2.0, part=2)(critic, real, real, {}), whole[:4].mean())


def test_penalties_run_in_float32_under_autocast():
    critic = Critic(nn.Sequential(nn.Conv2d(3, 1, 2), nn.Flatten()), Logistic(), penalties={"r1": R1(every=1)})
    real = torch.randn(4, 3, 2, 2)
    exact = critic.d_loss(real, real)["r1"]
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(critic.d_loss(real, real)["r1"], exact, rtol=0, atol=0)


@pytest.mark.parametrize(("target", "one_sided"), [(1.0, False), (0.0, False), (1.0, True)])
def test_the_gradient_penalty_of_a_linear_discriminator_in_closed_form(target, one_sided):
    torch.manual_seed(0)
    critic = Critic(Linear(), Logistic())
    real, fake = torch.randn(5, 3, 2, 2), torch.randn(5, 3, 2, 2)
    found = GradientPenalty(weight=3.0, target=target, one_sided=one_sided)(critic, real, fake, {})
    norm = critic.network.layer.weight.norm()
    excess = (norm - target).clamp(min=0) if one_sided else norm - target
    torch.testing.assert_close(found, 3 * excess.square())


def test_the_gradient_penalty_looks_between_reals_and_fakes():
    seen = []

    class Watching(Linear):
        def forward(self, images: Tensor) -> Tensor:
            seen.append(images.detach())
            return super().forward(images)

    critic = Critic(Watching(), Logistic())
    real, fake = torch.zeros(64, 3, 2, 2), torch.ones(64, 3, 2, 2)
    GradientPenalty()(critic, real, fake, {})
    (images,) = seen
    share = images.flatten(1)
    assert (share == share[:, :1]).all()
    assert 0 <= share.min() < 0.1
    assert 0.9 < share.max() <= 1


def test_the_gradient_penalty_is_finite_where_the_gradient_vanishes():
    network = Linear()
    torch.nn.init.zeros_(network.layer.weight)
    penalty = GradientPenalty()(Critic(network, Logistic()), torch.randn(2, 3, 2, 2), torch.randn(2, 3, 2, 2), {})
    penalty.backward()
    assert network.layer.weight.grad.isfinite().all()


def test_r2_is_r1_at_the_fakes_and_leaves_the_generator_alone():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 2, 2), nn.Tanh(), nn.Flatten(), nn.Linear(2, 1))
    critic = Critic(network, Logistic())
    real, fake = torch.randn(4, 3, 2, 2), torch.randn(4, 3, 2, 2, requires_grad=True)
    found = R2(gamma=3.0)(critic, real, fake, {})
    torch.testing.assert_close(found, R1(gamma=3.0)(critic, fake, real, {}))
    found.backward()
    assert fake.grad is None


def test_dragan_of_a_linear_discriminator_in_closed_form():
    torch.manual_seed(0)
    critic = Critic(Linear(), Logistic())
    found = Dragan(weight=3.0, target=2.0)(critic, torch.randn(5, 3, 2, 2), torch.empty(0), {})
    torch.testing.assert_close(found, 3 * (critic.network.layer.weight.norm() - 2).square())


@pytest.mark.parametrize(("noise", "low", "high"), [("uniform", 0.0, 1.0), ("normal", -6.0, 6.0)])
def test_dragan_looks_half_a_deviation_around_the_reals(noise, low, high):
    seen = []

    class Watching(Linear):
        def forward(self, images: Tensor) -> Tensor:
            seen.append(images.detach())
            return super().forward(images)

    real = 2 * torch.randn(256, 3, 2, 2)
    Dragan(noise=noise)(Critic(Watching(), Logistic()), real, real, {})
    moved = (seen[0] - real) / (0.5 * real.std())
    assert low <= moved.min() < low + 0.05 or noise == "normal"
    assert moved.max() <= high
    second_moment = moved.square().mean().item()
    expected = 1 / 3 * (1 / 3 if noise == "uniform" else 1)  # E u² times the noise's second moment
    assert second_moment == pytest.approx(expected, rel=0.2)
