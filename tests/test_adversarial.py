"""The critic: views, conditions, heads, allies, lazy penalties."""

from copy import deepcopy

import pytest
import torch
from torch import nn

import zoo
from ganzoo_losses.penalties import R1, R2
from tests.toys import Logistic, judge, toy
from zoo import Augment, Critic, Game, InvalidOptions, add_ally, critics_of
from zoo.model import Progress


class Recorder(nn.Module):
    """A network that keeps what it was given."""

    def __init__(self, *conditions, heads=1):
        super().__init__()
        self.conditions = conditions
        self.heads = heads
        self.given = []

    def forward(self, images, **condition):
        self.given.append((images, condition))
        logits = [images.flatten(1).mean(1, keepdim=True) * (head + 1) for head in range(self.heads)]
        return logits if self.heads > 1 else logits[0]


class Negative(Augment):
    """Shows the negative; spatial conditions as well."""

    def __init__(self):
        super().__init__()
        self.watched = []

    def forward(self, images, spatial):
        return -images, {name: -value for name, value in spatial.items()}

    def watch(self, real_logits):
        self.watched.append(real_logits)


REAL, FAKE = torch.full((4, 3, 2, 2), 0.5), torch.full((4, 3, 2, 2), -0.25)


def test_a_network_gets_the_conditions_it_declares_and_no_others():
    critic = Critic(Recorder("label"), Logistic())
    critic.d_loss(REAL, FAKE, label=torch.arange(4), text=torch.zeros(4, 2))
    for _, condition in critic.network.given:
        assert condition.keys() == {"label"}


def test_both_players_see_through_the_augmentation_with_what_lies_on_the_pixels():
    critic = Critic(Recorder("source", "label"), Logistic(), augment=Negative())
    label, source = torch.arange(4), torch.ones(4, 3, 2, 2)
    critic.d_loss(REAL, FAKE, label=label, source=source)
    critic.g_loss(FAKE, REAL, label=label, source=source)
    seen = critic.network.given
    assert [images[0, 0, 0, 0].item() for images, _ in seen] == [-0.5, 0.25, 0.25]
    for _, condition in seen:
        assert torch.equal(condition["source"], -source)
        assert torch.equal(condition["label"], label)


def test_watch_sees_every_real_logit_and_no_fake_one():
    critic = Critic(Recorder(), Logistic(), augment=Negative())
    critic.d_loss(REAL, FAKE)
    critic.g_loss(FAKE, REAL)
    (watched,) = critic.augment.watched
    assert watched.tolist() == [-0.5] * 4
    assert not watched.requires_grad


def test_watch_sees_the_reals_of_r1_and_those_of_no_other_penalty():
    critic = Critic(Recorder(), Logistic(), augment=Negative(), penalties={"r1": R1(every=1), "r2": R2()})
    critic.d_loss(REAL, FAKE)
    assert [each.tolist() for each in critic.augment.watched] == [[-0.5] * 4] * 2


def test_one_pass_judges_two_batches_as_two_passes_do():
    torch.manual_seed(0)
    together = zoo.create("dcgan", preset="paper", resolution=16, training=True).critic
    apart = deepcopy(together)
    apart.network.takes_batches = False
    real, fake = torch.randn(2, 8, 3, 16, 16)
    for critic in (together, apart):
        critic.requires_grad_(True)
        sum(critic.d_loss(real, fake).values()).backward()
    for one, two in zip(together.judge(real, fake), apart.judge(real, fake), strict=True):
        torch.testing.assert_close(one, two)
    for (name, one), two in zip(together.state_dict().items(), apart.state_dict().values(), strict=True):
        torch.testing.assert_close(one, two, msg=name)
    for one, two in zip(together.parameters(), apart.parameters(), strict=True):
        torch.testing.assert_close(one.grad, two.grad, rtol=1e-4, atol=1e-6)


def test_heads_are_summed_and_weighted():
    game = Logistic()
    critic = Critic(Recorder(heads=2), game, weight=3.0)
    terms = critic.d_loss(REAL, FAKE)
    expected = 3 * (game.d(torch.tensor(0.5), torch.tensor(0.0))[0] + game.d(torch.tensor(1.0), torch.tensor(0.0))[0])
    torch.testing.assert_close(terms["real"], expected)
    torch.testing.assert_close(
        critic.g_loss(FAKE, REAL)["adv"], 3 * (game.g(torch.tensor(-0.25)) + game.g(torch.tensor(-0.5)))
    )


def test_a_critic_may_weigh_reals_and_fakes():
    class Lenient(Critic):
        def play(self, real, fake):
            real_part, fake_part = super().play(real, fake)
            return real_part, fake_part / 2

    usual, lenient = (
        Critic(Recorder(), Logistic()).d_loss(REAL, FAKE),
        Lenient(Recorder(), Logistic()).d_loss(REAL, FAKE),
    )
    assert lenient["real"] == usual["real"]
    assert lenient["fake"] == usual["fake"] / 2


def test_the_fakes_of_the_discriminators_step_carry_no_gradient_to_the_generator():
    fake = FAKE.clone().requires_grad_()
    critic = Critic(judge_of_two(), Logistic())
    sum(critic.d_loss(REAL, fake).values()).backward()
    assert fake.grad is None
    critic.g_loss(fake, REAL)["adv"].backward()
    assert fake.grad.abs().sum() > 0


def judge_of_two():
    return nn.Sequential(nn.Conv2d(3, 1, 2), nn.Flatten())


def test_reals_are_judged_in_the_generators_step_only_if_the_game_asks():
    class Paired(Logistic):
        needs_real = True

        def g(self, fake, real=None):
            return (fake - real).mean()

    plain, paired = Critic(Recorder(), Logistic()), Critic(Recorder(), Paired())
    plain.g_loss(FAKE, REAL)
    assert len(plain.network.given) == 1
    torch.testing.assert_close(paired.g_loss(FAKE, REAL)["adv"], torch.tensor(-0.75))


def test_logits_are_float32_whatever_the_network_computes_in():
    critic = Critic(judge_of_two(), Logistic())
    with torch.autocast("cpu", torch.bfloat16):
        (logits,) = critic.logits(REAL)
    assert logits.dtype == torch.float32


def test_allies_play_beside_with_names_of_their_own():
    model = toy()
    add_ally(model, "second", lambda: Critic(judge(), Logistic()))
    assert list(critics_of(model)) == ["critic", "critic.allies.second"]
    terms = model.critic.d_loss(torch.zeros(2, 3, 8, 8), torch.zeros(2, 3, 8, 8))
    assert terms.keys() == {"real", "fake", "second.real", "second.fake"}


def test_a_model_without_a_game_takes_no_ally():
    model = toy()
    del model.critic
    with pytest.raises(InvalidOptions, match="plays no adversarial game"):
        add_ally(model, "second", lambda: Critic(judge(), Logistic()))


def test_health_is_measured_every_tenth_step_around_the_games_boundary():
    class Shifted(Logistic):
        boundary = 0.4

    critic = Critic(Recorder(), Shifted())
    for step in range(11):
        critic.begin_step(Progress(step, step))
        critic.d_loss(REAL, FAKE)
    assert len(critic.observed) == 2
    seen = critic.observed[0]
    assert seen["d_real"] == 0.5
    assert seen["r_real"] == 1
    assert seen["r_fake"] == -1
    assert seen["diversity"] == 0


def test_a_game_must_say_what_both_players_minimise():
    with pytest.raises(TypeError, match="abstract"):
        Game()
