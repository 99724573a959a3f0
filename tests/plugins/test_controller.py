"""The probability of an augmentation: what moves it, when, and by how much."""

import math

import pytest
import torch
from safetensors.torch import load_file

from ganzoo_augment.ada import Ada
from ganzoo_augment.controller import Controller
from tests.training.test_distributed import launch
from zoo import Critic, Progress


def stepped(controller, steps, batch=32, logits=(1.0, 1.0), first=0):
    """Each step: the clock, then logits; returns p as every step saw it."""
    seen = []
    for step in range(first, first + steps):
        controller.begin_step(Progress(step, step * batch))
        seen.append(controller.level())
        for value in logits:
            controller.watch(torch.full((4,), value))
    return seen


def test_p_moves_every_four_steps_by_the_images_since():
    up = 4 * 32 / 2000
    assert stepped(Controller(None, 0.6, 2.0), 13) == pytest.approx([0.0] * 4 + [up] * 4 + [2 * up] * 4 + [3 * up])


def test_p_follows_the_mean_sign_over_microbatches():
    mixed = Controller(None, 0.25, 2.0)  # signs +1, +1, -1: their mean is a third
    assert stepped(mixed, 5, logits=(0.1, 7.0, -30.0))[-1] == pytest.approx(4 * 32 / 2000)
    mixed = Controller(None, 0.4, 2.0)
    mixed.p.fill_(0.5)
    assert stepped(mixed, 4, logits=(0.1, 7.0, -30.0), first=1)[-1] == pytest.approx(0.5 - 4 * 32 / 2000)
    exactly = Controller(None, 0.0, 2.0)
    assert stepped(exactly, 9, logits=(1.0, -1.0))[-1] == 0


def test_p_stays_above_zero_and_has_no_upper_limit():
    assert stepped(Controller(None, 0.6, 2.0), 9, logits=(-1.0,))[-1] == 0
    assert stepped(Controller(None, 0.6, 0.05), 13)[-1] > 1


def test_without_logits_p_rests():
    controller = Controller(None, 0.6, 2.0)
    assert stepped(controller, 9, logits=())[-1] == 0


def test_batches_of_any_size_count_as_the_images_they_are():
    controller = Controller(None, 0.6, 2.0)
    for step, images in enumerate([0, 10, 30, 60, 100, 150]):
        controller.begin_step(Progress(step, images))
        controller.watch(torch.ones(3))
    assert controller.level() == pytest.approx(100 / 2000)


def test_a_run_that_begins_with_anothers_weights_begins_anew():
    controller = Controller(None, 0.6, 2.0)
    stepped(controller, 9)
    assert controller.level() > 0
    assert stepped(controller, 6)[:5] == pytest.approx([0.0] * 4 + [4 * 32 / 2000])


def test_state_goes_on_where_it_was_saved():
    straight, first, second = (Controller(None, 0.6, 2.0) for _ in range(3))
    whole = stepped(straight, 11)
    half = stepped(first, 6)
    second.load_state_dict(first.state_dict())
    assert half + stepped(second, 5, first=6) == whole


def test_a_number_read_before_follows_every_later_change():
    controller = Controller(None, 0.6, 2.0)
    assert controller.level() == 0
    controller.p.fill_(0.25)
    assert controller.level() == 0.25
    controller.load_state_dict({**controller.state_dict(), "p": torch.tensor(0.75)})
    assert controller.level() == 0.75


def test_a_fixed_p_stays_or_rises_along_a_cosine():
    fixed = Controller(0.3, 0.6, 2.0)
    assert stepped(fixed, 9) == pytest.approx([0.3] * 9)
    rising = Controller(0.3, 0.6, 2.0, warmup_kimg=1.0)
    for images, expected in [(0, 0.0), (250, 0.15 * (1 - math.sqrt(0.5))), (500, 0.15), (1000, 0.3), (9000, 0.3)]:
        rising.begin_step(Progress(images // 10, images))
        assert rising.level() == pytest.approx(expected)


def test_a_critic_shows_its_augmentation_the_logits_above_the_boundary_and_logs_p():
    class Judge(torch.nn.Module):
        def forward(self, images):
            return images.flatten(1).mean(1, keepdim=True)

    from tests.toys import Logistic

    class Shifted(Logistic):
        boundary = 0.5

    critic = Critic(Judge(), Shifted(), augment=Ada(kimg=0.1))
    real, fake = torch.full((6, 3, 8, 8), 0.4), torch.zeros(6, 3, 8, 8)
    critic.d_loss(real, fake)
    assert critic.augment.controller.signs.tolist() == [-6.0, 6.0]
    assert critic.observed[0]["augment_p"] == 0


WORKER = """
import sys, torch
from safetensors.torch import save_file
from ganzoo_augment.controller import Controller
from zoo import Progress
from zoo.training.distributed import processes, rank

with processes(torch.device("cpu")):
    controller = Controller(None, 0.6, 1.0)
    for step in range(9):
        controller.begin_step(Progress(step, step * 8))
        controller.watch(torch.ones(9) if rank() == 0 else -torch.ones(1))  # the mean is 0.8, a mean of means 0
    save_file(controller.state_dict(), f"{sys.argv[1]}/{rank()}.safetensors")
"""


def test_two_processes_move_together_by_the_signs_of_both(tmp_path):
    launch(WORKER, str(tmp_path))
    first, second = (load_file(tmp_path / f"{rank}.safetensors") for rank in range(2))
    assert first["p"] == second["p"]
    assert first["p"] == pytest.approx(64 / 1000)


def test_a_fixed_p_can_be_drafted_without_memory():
    with torch.device("meta"):  # as a run does before it prepares its data
        assert Controller(0.3, 0.6, 500.0).level() == pytest.approx(0.3)
