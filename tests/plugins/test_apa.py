"""Pseudo augmentation and instance noise: who is shown what, and how often."""

import pytest
import torch

from ganzoo_augment.ada import Ada
from ganzoo_augment.apa import Apa
from ganzoo_augment.instance_noise import InstanceNoise
from tests.toys import Logistic, judge
from zoo import Critic, InvalidOptions, Parts, Progress, compose
from zoo.model import DataSpec


class Recorder(torch.nn.Module):
    """Keeps what it was shown."""

    def __init__(self):
        super().__init__()
        self.shown = []

    def forward(self, images):
        self.shown.append(images)
        return images.flatten(1).mean(1, keepdim=True)


REAL, FAKE = torch.ones(2000, 1, 2, 2), torch.zeros(2000, 1, 2, 2)


def test_a_share_of_the_reals_is_replaced_by_the_fakes_of_their_rows():
    rows = torch.arange(2000.0)[:, None, None, None].expand(2000, 1, 2, 2)
    torch.manual_seed(0)
    shown = Apa(p=0.3).reals(rows, -rows - 1)
    deceived = (shown == -rows - 1).flatten(1).all(1)
    assert ((shown == rows).flatten(1).all(1) | deceived).all()
    assert abs(deceived.double().mean() - 0.3) < 0.04
    assert Apa().reals(rows, -rows) is rows  # p starts at 0


def test_only_the_discriminators_step_is_deceived_and_no_gradient_passes():
    critic = Critic(Recorder(), Logistic(), augment=Apa(p=1.0))
    critic.allies["other"] = Critic(Recorder(), Logistic())
    fake = FAKE.clone().requires_grad_()
    critic.d_loss(REAL, fake)
    assert [images.mean().item() for images in critic.network.shown] == [0, 0]
    assert not critic.network.shown[0].requires_grad
    ally = critic.allies["other"].network
    assert [images.mean().item() for images in ally.shown] == [1, 0]
    assert critic.observed[0]["augment_p"] == 1
    critic.g_loss(fake, REAL)
    assert critic.network.shown[-1] is fake


def test_pseudo_augmentation_adapts_as_ada_does():
    ours, theirs = Apa(kimg=1.0), Ada(kimg=1.0)
    for step in range(13):
        for augment in (ours, theirs):
            augment.controller.begin_step(Progress(step, step * 16))
            augment.watch(torch.full((5,), 2.0))
    assert ours.controller.level() == theirs.controller.level() == pytest.approx(192 / 1000)


def test_instance_noise_fades_along_a_line():
    augment = InstanceNoise(sigma=0.2, kimg=2.0)
    for images, sigma in [(0, 0.2), (500, 0.15), (2000, 0.0), (9000, 0.0)]:
        augment.begin_step(Progress(1, images))
        found, spatial = augment(REAL, {"mask": FAKE})
        assert (found - REAL).std() == pytest.approx(sigma, rel=0.05)
        assert spatial["mask"] is FAKE
    constant = InstanceNoise(kimg=0)
    constant.begin_step(Progress(1, 10**9))
    assert constant.now == 0.1


def test_an_augmentation_that_adapts_needs_a_boundary():
    data = DataSpec(resolution=8)
    with pytest.raises(InvalidOptions, match=r"adapts to the sign.*wasserstein.*ada:p=0\.2"):
        compose(Parts("wasserstein", augment="ada:kimg=20"), data, judge)
    assert compose(Parts("wasserstein", augment="ada:p=0.2"), data, judge).augment.controller.level() == pytest.approx(
        0.2
    )
