"""From names to critics, and what does not fit together."""

import pytest
import torch
from torch import nn

from ganzoo_augment.flip import Flip
from ganzoo_dcgan.networks import Discriminator
from ganzoo_losses.losses import Hinge
from ganzoo_losses.penalties import R1
from zoo import Critic, DataSpec, InvalidOptions, Parts, UnknownName, compose, configuration, network

DATA = DataSpec(resolution=16)


def plain() -> nn.Module:
    return Discriminator(16, 3, 4, norm="none")


def test_every_part_arrives_with_its_options():
    parts = Parts("hinge", regularizers=("r1:gamma=3,every=8", "spectral-norm"), augment="flip:p=0.25")
    critic = compose(parts, DATA, plain)
    assert isinstance(critic.game, Hinge)
    assert critic.penalties == {"r1": R1(gamma=3.0, every=8)}
    assert isinstance(critic.augment, Flip)
    assert critic.augment.p == 0.25
    assert "main.0.weight_u" in critic.network.state_dict()


def test_another_discriminator_replaces_the_own():
    critic = compose(Parts("hinge", discriminator="dcgan:width=6"), DATA, plain)
    assert critic.network.main[0].weight.shape == (6, 3, 4, 4)


def test_an_ally_joins_with_its_own_loss():
    critic = compose(Parts("hinge", allies=("dcgan:width=6,role=join",)), DATA, plain)
    assert critic.network.main[0].weight.shape[0] == 4
    assert critic.allies["dcgan"].network.main[0].weight.shape[0] == 6
    assert type(critic.allies["dcgan"].game).__name__ == "NonSaturating"


def test_a_gradient_per_image_refuses_batch_normalisation_and_says_what_to_do():
    with pytest.raises(InvalidOptions, match=r"r1.*batch normalisation.*d_norm=none"):
        compose(Parts("hinge", regularizers=("r1",)), DATA, lambda: Discriminator(16, 3, 4, norm="batch"))


def test_a_replacement_that_ignores_a_needed_condition_is_refused():
    with pytest.raises(InvalidOptions, match=r"ignores label.*role=join"):
        compose(Parts("hinge", discriminator="dcgan"), DATA, plain, conditions=("label",))


@pytest.mark.parametrize("given", ["projected:label=true,size=64,backbone=test-8ch,width=4", "stylegan2:label=true"])
def test_a_replacement_that_asks_for_a_condition_nobody_shows_is_refused(given):
    with pytest.raises(InvalidOptions, match="judges by label, which this model does not show"):
        compose(Parts("hinge", discriminator=given), DataSpec(16, classes=2), plain)


def test_a_joining_discriminator_that_is_shown_no_label_says_so():
    given = "projected:label=true,size=64,backbone=test-8ch,width=4,role=join"
    critic = compose(Parts("hinge", allies=(given,)), DataSpec(16, classes=2), plain)
    with pytest.raises(InvalidOptions, match="this model shows none"):
        critic.d_loss(torch.zeros(2, 3, 16, 16), torch.zeros(2, 3, 16, 16))


def test_all_misfits_are_told_at_once():
    parts = Parts("hinge", regularizers=("r1",), discriminator="dcgan:norm=batch")
    with pytest.raises(InvalidOptions) as caught:
        compose(parts, DATA, plain, conditions=("label",))
    assert len(caught.value.problems) == 2


def test_another_plugins_network_by_name():
    found = network("dcgan", data=DATA, width=6)
    assert found(torch.zeros(2, 3, 16, 16)).shape == (2, 1)
    generator = network("dcgan", "generator", data=DATA, g_width=4)
    assert generator(torch.zeros(2, 100)).shape == (2, 3, 16, 16)
    with pytest.raises(UnknownName, match="dcgan"):
        network("dcgam", data=DATA)


def test_a_network_may_bring_its_own_kind_of_critic():
    class Doubting(Critic):
        def judge_fake(self, fake, **condition):
            return [2 * head for head in super().judge_fake(fake, **condition)]

        def study(self, real, fake, **condition):
            logits, _, learned = super().study(real, fake, **condition)
            return logits, self.judge_fake(fake, **condition), learned | {"besides": real.mean()}

    def own() -> nn.Module:
        judge = plain()
        judge.critic = Doubting
        return judge

    critic = compose(Parts("hinge"), DATA, own)
    real, fake = torch.rand(4, 3, 16, 16), torch.rand(4, 3, 16, 16)
    with torch.no_grad():
        terms = critic.d_loss(real, fake)
        logits = critic.network(fake)
        assert critic.g_loss(fake, real)["adv"] == -2 * logits.mean()
    assert terms["fake"] == (1 + 2 * logits).relu().mean()
    assert terms["besides"] == real.mean()


def test_another_plugins_configuration_by_name():
    assert configuration("dcgan", "tiny", DATA, z_dim=5).z_dim == 5
    with pytest.raises(InvalidOptions, match="z_dim"):
        configuration("dcgan", "tiny", DATA, zdim=5)
