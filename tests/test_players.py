"""Games of two whose players are moved together: the phases that take the place of a model's own."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganzoo_losses.consensus import Consensus
from ganzoo_losses.unrolled import Step, Unrolled
from tests.toys import Logistic, batch, toy
from zoo import Batch, Critic, DataSpec, Game, InvalidOptions, Model, Parts, Phase, Terms, attached
from zoo.players import pair
from zoo.testing import toy_data
from zoo.training.engine import Training
from zoo.training.plan import model_class


class Difference(Game):
    """D: f·, G: -f: with D(x) = phi·x and G(z) = theta, L_D = -L_G = theta·phi."""

    def d(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        return 0 * real.mean(), fake.mean()

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return -fake.mean()


class Slope(nn.Module):
    def __init__(self, phi: float) -> None:
        super().__init__()
        self.phi = nn.Parameter(torch.tensor(phi))

    def forward(self, images: Tensor) -> Tensor:
        return self.phi * images.flatten(1)


class Bilinear(Model):
    """The smallest game there is: one number each."""

    optimizer = torch.optim.SGD

    def __init__(self, theta: float, phi: float, rate: float, game: Game, rule: object = None) -> None:
        super().__init__(None, DataSpec(resolution=1, channels=1))
        self.generator = nn.ParameterList([nn.Parameter(torch.tensor(theta))])
        self.critic = Critic(Slope(phi), game, players=[rule] if rule else [])
        self.rate = rate

    def phases(self) -> list[Phase]:
        d = self.optimizer(self.critic.parameters(), self.rate)
        g = self.optimizer(self.generator.parameters(), self.rate)
        return [Phase("D", self.d_loss, d), Phase("G", self.g_loss, g)]

    def d_loss(self, batch: Batch) -> Terms:
        return self.critic.d_loss(batch["image"], self.generate(batch))

    def g_loss(self, batch: Batch) -> Terms:
        return self.critic.g_loss(self.generate(batch), batch["image"])

    def generate(self, inputs: Batch) -> Tensor:
        return self.generator[0].expand(len(inputs["image"]), 1, 1, 1)


REAL = {"image": torch.zeros(2, 1, 1, 1)}


def path(model: Bilinear, steps: int) -> np.ndarray:
    engine = Training(model)
    places = []
    for _ in range(steps):
        engine.step(dict(REAL))
        places.append([model.generator[0].item(), model.critic.network.phi.item()])
    return np.array(places)


def test_consensus_on_the_bilinear_game_follows_its_closed_form_inwards():
    found = path(Bilinear(1.0, 0.5, 0.1, Difference(), Consensus(strength=0.5)), 30)
    theta, phi = 1.0, 0.5
    for place in found:
        theta, phi = theta - 0.1 * (-phi + 0.5 * theta), phi - 0.1 * (theta + 0.5 * phi)
        assert place == pytest.approx([theta, phi], abs=1e-5)
    assert np.linalg.norm(found[-1]) < 0.5


def test_without_strength_it_is_simultaneous_descent_which_spirals_outwards():
    found = path(Bilinear(1.0, 0.0, 0.1, Difference(), Consensus(strength=0.0)), 30)
    turn = np.array([[1, 0.1], [-0.1, 1]])
    expected = np.array([1.0, 0.0])
    for place in found:
        expected = turn @ expected
        assert place == pytest.approx(expected, abs=1e-5)
    assert np.linalg.norm(found[-1]) > 1.1


def test_without_a_rule_the_players_alternate():
    found = path(Bilinear(1.0, 0.0, 0.1, Difference()), 3)
    theta, phi = 1.0, 0.0
    for place in found:
        phi -= 0.1 * theta
        theta += 0.1 * phi
        assert place == pytest.approx([theta, phi], abs=1e-6)


class Square(Difference):
    """L_D = f + f², so that D's steps are worth unrolling."""

    def d(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        return 0 * real.mean(), fake.mean() + fake.square().mean()


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_unrolled_descent_against_finite_differences(steps):
    def ahead(theta: float, phi: float) -> float:
        """L_D at phi^K."""
        for _ in range(steps):
            phi = phi - 0.1 * (theta + 2 * phi * theta**2)
        return theta * phi + (theta * phi) ** 2

    found = path(Bilinear(0.7, 0.5, 0.1, Square(), Unrolled(steps=steps)), 5)
    theta, phi, step = 0.7, 0.5, 1e-6
    for place in found:
        phi = phi - 0.1 * (theta + 2 * phi * theta**2)  # D moves as ever
        theta += 0.1 * (ahead(theta + step, phi) - ahead(theta - step, phi)) / (2 * step)
        assert place == pytest.approx([theta, phi], abs=1e-5)


def test_unrolling_zero_steps_of_minimax_is_the_ordinary_game():
    plain = path(Bilinear(1.0, 0.5, 0.1, Difference()), 10)
    zero = path(Bilinear(1.0, 0.5, 0.1, Difference(), Unrolled(steps=0)), 10)
    assert zero == pytest.approx(plain, abs=1e-6)


def test_unrolled_steps_of_adam_are_those_that_its_optimizer_would_take():
    rule, model = Unrolled(steps=3), toy()
    model.critic.network.register_parameter("unused", nn.Parameter(torch.ones(2)))  # as in levels not yet grown
    model.critic.players = (rule,)
    engine = Training(model)
    for i in range(3):
        engine.step(batch(i))
    d, _ = engine.phases
    names = {id(p): name for name, p in model.named_parameters()}
    held = [p for group in d.optimizer.param_groups for p in group["params"]]
    foreseen = rule.ahead(model, d, batch(3))
    for _ in range(3):
        engine.update(d, [batch(3)])
    for p in held:
        torch.testing.assert_close(foreseen[names[id(p)]], p, rtol=1e-4, atol=1e-6)


def test_unrolling_leaves_state_and_signals_to_the_steps_that_are_taken():
    model = toy()
    model.critic.network = nn.Sequential(nn.Conv2d(3, 6, 4, 2, 1), nn.BatchNorm2d(6), nn.Conv2d(6, 1, 4), nn.Flatten())
    model.critic.players = (Unrolled(steps=4),)
    engine = Training(model)
    engine.step(batch(0))
    assert model.critic.network[1].num_batches_tracked == 2  # reals and fakes of D's own step


def test_consensus_moves_both_players_and_logs_the_terms_of_both():
    model = toy()
    model.critic.players = (Consensus(strength=1.0),)
    before = {name: p.clone() for name, p in model.named_parameters()}
    engine = Training(model)
    log = engine.step(batch(0))
    assert {"players/D.real", "players/D.fake", "players/G.adv", "players/consensus"} <= log.keys()
    assert all(not torch.equal(p, before[name]) for name, p in model.named_parameters())
    assert list(engine.optimizers) == ["players"]


def test_each_player_keeps_the_settings_of_its_own_optimizer():
    model = toy()
    d, g = model.phases()
    g.optimizer.param_groups[0]["lr"] = 0.5
    (joint,) = Consensus().play(model, d, g)
    assert [group["lr"] for group in joint.optimizer.param_groups] == [d.optimizer.param_groups[0]["lr"], 0.5]


def test_attached_lets_the_discriminators_loss_reach_the_generator():
    critic, fake = Critic(nn.Flatten(), Logistic()), torch.ones(2, 1, 1, 1, requires_grad=True)
    assert not critic.d_loss(fake.detach(), fake)["fake"].requires_grad
    with attached(critic):
        assert critic.d_loss(fake.detach(), fake)["fake"].requires_grad
    assert not critic.attached


def test_other_games_than_pairs_are_refused():
    model = toy()
    d, g = model.phases()
    with pytest.raises(InvalidOptions, match="Toy has D, G, G"):
        pair(model, [d, g, g])
    with pytest.raises(InvalidOptions, match="less often"):
        Consensus().play(model, d, Phase("G", g.loss, g.optimizer, every=2))


@pytest.mark.parametrize(("decay", "adam"), [(0.0, True), (0.5, True), (0.5, False)])
def test_a_step_ahead_is_that_of_the_optimizer_with_weight_decay(decay, adam):
    weight = nn.Parameter(torch.tensor([1.0, -2.0]))
    kind = torch.optim.Adam if adam else torch.optim.SGD
    optimizer = kind([weight], 0.1, weight_decay=decay)
    before, gradient = weight.detach().clone(), torch.tensor([0.3, 0.4])
    ahead = Step(weight, optimizer.param_groups[0], {}, adam)(gradient, before)
    weight.grad = gradient
    optimizer.step()
    torch.testing.assert_close(before + ahead, weight.detach())


@pytest.mark.parametrize("name", ["pix2pix", "context-encoder"])
def test_unrolling_keeps_what_the_generator_learns_beside_the_game(name):
    kind = model_class(name)
    model = kind(kind.presets["tiny"](toy_data.DATA).config, toy_data.DATA)
    model.build_critics(Parts("minimax", regularizers=("unrolled:steps=1", "lecam")))
    log = Training(model).step(toy_data.batch(model, 0))
    beside = {"pix2pix": "l1", "context-encoder": "rec"}[name]
    assert {key for key in log if key.startswith("G/unrolled.")} == {
        f"G/unrolled.{k}" for k in ("real", "fake", beside)
    }
