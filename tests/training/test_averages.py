"""Averages: their pace, and batch statistics that belong to them."""

import pytest
import torch

import zoo
from tests.toys import batch, toy
from zoo.model import Averaging
from zoo.training.averages import REFRESH_BATCHES, REFRESH_SEED, REFRESH_SIZE, sampling
from zoo.training.engine import Training


def test_half_life_halves_after_that_many_images():
    averaging = Averaging(half_life=1000)
    assert averaging.keep(0, 1000) == pytest.approx(0.5)
    assert averaging.keep(0, 10) ** 100 == pytest.approx(0.5)


def test_ramp_shortens_the_half_life_early_on():
    averaging = Averaging(half_life=10_000, ramp=0.05)
    assert averaging.keep(0, 64) == 0.0
    assert averaging.keep(2_000, 100) == pytest.approx(0.5)
    assert averaging.keep(1_000_000, 10_000) == pytest.approx(0.5)


def test_a_decay_is_taken_per_step():
    assert Averaging(decay=0.999).keep(5, 64) == 0.999


def test_sampling_leaves_training_as_it_was_bit_for_bit():
    def train(look: bool) -> list[torch.Tensor]:
        torch.manual_seed(3)
        model = zoo.create("dcgan", preset="tiny", resolution=16, training=True).requires_grad_(True)
        engine = Training(model)
        for i in range(4):
            rng = torch.Generator().manual_seed(i)
            engine.step({"image": torch.rand(8, 3, 16, 16, generator=rng)})
            if look:
                with sampling(model, engine.averages) as sampler:
                    sampler.sample(3)
        return [*model.state_dict().values(), *engine.averages.state_dict().values()]

    for a, b in zip(train(False), train(True), strict=True):
        assert torch.equal(a, b)


def test_statistics_are_estimated_anew_under_the_averaged_weights():
    torch.manual_seed(0)
    model = zoo.create("dcgan", preset="tiny", resolution=16, training=True).requires_grad_(True)
    engine = Training(model)
    engine.step({"image": torch.rand(8, 3, 16, 16)})
    with sampling(model, engine.averages) as sampler, torch.no_grad():
        first = sampler.generator.main[0]
        z = torch.cat(
            [sampler.prior(REFRESH_SIZE, REFRESH_SEED + i * REFRESH_SIZE)["z"] for i in range(REFRESH_BATCHES)]
        )
        expected = first(z[:, :, None, None]).mean(dim=(0, 2, 3))
        torch.testing.assert_close(sampler.generator.main[1].running_mean, expected, rtol=1e-4, atol=1e-5)


def test_without_averages_the_live_weights_are_sampled():
    model = toy(ema_kimg=0.0)
    engine = Training(model)
    engine.step(batch(0))
    with sampling(model, engine.averages) as sampler:
        assert not sampler.training
        assert sampler.generator is model.generator
    assert model.training
