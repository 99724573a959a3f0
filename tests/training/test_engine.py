"""One step: who learns, from what, in which order."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ganzoo_losses.penalties import R1
from tests.toys import batch, toy
from zoo import Critic, add_ally
from zoo.training.dry_run import mean_step
from zoo.training.engine import Training, split, unique_optimizers


def weights(module: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in module.parameters()]


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_a_step_equals_the_loop_written_out_by_hand():
    engine = Training(toy(ema_kimg=0.0))
    by_hand = toy(ema_kimg=0.0)
    d = torch.optim.Adam(by_hand.critic.parameters(), 1e-2, (0.5, 0.9))
    g = torch.optim.Adam(by_hand.generator.parameters(), 1e-2, (0.5, 0.9))
    for i in range(5):
        engine.step(batch(i))
        data = batch(i)
        network = by_hand.critic.network
        fake = by_hand.generator(data["z"])
        d.zero_grad()
        (softplus(-network(data["image"])).mean() + softplus(network(fake.detach())).mean()).backward()
        d.step()
        g.zero_grad()
        softplus(-network(fake)).mean().backward()
        g.step()
    for mine, theirs in zip(engine.model.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)


def test_each_phase_moves_its_own_parameters_alone():
    engine = Training(toy())
    d_phase, g_phase = engine.phases
    g_before, d_before = weights(engine.model.generator), weights(engine.model.critic)
    parts = [batch(0)]
    engine.update(d_phase, parts)
    assert same(g_before, weights(engine.model.generator))
    assert not same(d_before, weights(engine.model.critic))
    d_after = weights(engine.model.critic)
    engine.update(g_phase, parts)
    assert same(d_after, weights(engine.model.critic))
    assert not same(g_before, weights(engine.model.generator))
    assert not any(p.requires_grad for p in engine.model.parameters())


def test_a_phase_runs_every_so_many_steps_beginning_with_the_first():
    engine = Training(toy(every=3))
    ran = [any(name.startswith("G/") for name in engine.step(batch(i))) for i in range(7)]
    assert ran == [True, False, False, True, False, False, True]


def test_the_clock_reaches_the_model_before_its_phases():
    engine = Training(toy())
    for i in range(3):
        engine.step(batch(i))
    assert engine.progress.step == 3
    assert engine.progress.images == 12
    assert engine.model.clock.item() == 8


@pytest.mark.parametrize("parts", [2, 4])
def test_microbatches_give_the_gradient_of_one_batch(parts):
    one, several = Training(toy()), Training(toy(), microbatches=parts)
    for i in range(4):
        one.step(batch(i))
        several.step(batch(i))
    for a, b in zip(one.model.parameters(), several.model.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_logs_are_means_over_microbatches():
    one, two = Training(toy()), Training(toy(), microbatches=2)
    a, b = one.step(batch(0)), two.step(batch(0))
    assert a.keys() == b.keys()
    torch.testing.assert_close(a["D/real"], b["D/real"], rtol=1e-5, atol=1e-6)


def test_gradient_norm_is_the_norm_of_the_gradient():
    engine = Training(toy())
    log = engine.step(batch(0))
    reference = toy()
    data = batch(0)
    network = reference.critic.network
    loss = softplus(-network(data["image"])).mean() + softplus(network(reference.generate(data).detach())).mean()
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    expected = sum(g.square().sum() for g in gradients).sqrt()
    torch.testing.assert_close(log["D/gradient_norm"], expected, rtol=1e-4, atol=1e-6)


def test_health_signals_are_what_they_say():
    model = toy()
    data = batch(0)
    real = model.critic.network(data["image"])
    log = Training(model).step(data)
    torch.testing.assert_close(log["critic/d_real"], real.mean().detach(), rtol=1e-5, atol=1e-6)
    assert log["critic/r_real"] == real.sign().mean()


def test_the_average_follows_with_its_half_life():
    engine = Training(toy(ema_kimg=0.008))  # 8 images: two steps of 4
    start = weights(engine.model.generator)
    engine.step(batch(0))
    keep = 0.5 ** (4 / 8)
    ((_, copy),) = engine.averages.named()
    for mean, first, live in zip(copy.parameters(), start, engine.model.generator.parameters(), strict=True):
        torch.testing.assert_close(mean, keep * first + (1 - keep) * live)


def test_a_frozen_part_of_a_discriminator_stays_and_the_rest_of_it_learns():
    class Frozen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.features = nn.Conv2d(3, 4, 3).requires_grad_(False)
            self.head = nn.Conv2d(4, 1, 6)

        def forward(self, images: Tensor) -> Tensor:
            return self.head(self.features(images).relu()).flatten(1)

    model = toy()
    add_ally(model, "frozen", lambda: Critic(Frozen(), model.critic.game))
    ally = model.critic.allies["frozen"].network
    features, head = weights(ally.features), weights(ally.head)
    engine = Training(model)
    log = engine.step(batch(0))
    assert same(features, weights(ally.features))
    assert not same(head, weights(ally.head))
    assert {"D/frozen.real", "D/frozen.fake", "G/frozen.adv"} <= log.keys()


def test_bf16_steps_stay_near_float32_and_keep_float32_weights():
    full, half = Training(toy()), Training(toy(), precision="bf16")
    a, b = full.step(batch(0)), half.step(batch(0))
    assert abs(a["D/real"] - b["D/real"]) < 0.02
    assert all(p.dtype == torch.float32 for p in half.model.parameters())


def test_split_cuts_every_field_alike():
    parts = split({"image": torch.arange(6.0), "label": torch.arange(6)}, 3)
    assert [part["label"].tolist() for part in parts] == [[0, 1], [2, 3], [4, 5]]
    assert [part["image"].tolist() for part in parts] == [[0, 1], [2, 3], [4, 5]]


def test_an_optimizer_shared_by_two_phases_is_saved_once():
    engine = Training(toy())
    d, g = engine.phases
    assert list(unique_optimizers([d, g, d])) == ["D", "G"]


def test_a_measured_step_weighs_lazy_phases_and_penalties_by_how_often_they_come():
    def flops(phase: int, penalty: int) -> float:
        model = toy(every=phase)
        model.critic.penalties = {"r1": R1(every=penalty)}
        return mean_step(Training(model), batch(0))[0]

    plain, generator, slope = flops(4, 4), flops(2, 4) - flops(4, 4), flops(4, 2) - flops(4, 4)
    assert flops(1, 4) - plain == pytest.approx(3 * generator)
    assert flops(4, 1) - plain == pytest.approx(3 * slope)
    assert flops(1, 2) - plain == pytest.approx(3 * generator + slope)
    assert generator > 0
    assert slope > 0
