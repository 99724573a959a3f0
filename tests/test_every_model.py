"""What every registered architecture owes: built, stepped, resumed, sampled, saved, loaded, by its tiny preset."""

import dataclasses

import pytest
import torch

import zoo
from zoo import Critic, DataSpec, critics_of
from zoo.compatibility import combine
from zoo.options import describe
from zoo.plugins import registry
from zoo.training import checkpoint
from zoo.training.averages import sampling
from zoo.training.engine import Training
from zoo.training.plan import model_class, usual_parts

DATA = DataSpec(resolution=16, channels=3, classes=4, items=40, text_dim=12, source_channels=3)
ARCHITECTURES = zoo.list_models()


@pytest.fixture(params=ARCHITECTURES)
def name(request):
    return request.param


def build(name: str, seed: int = 0) -> zoo.Model:
    torch.manual_seed(seed)
    return zoo.create(name, preset="tiny", data=DATA, training=True)


def batch(model: zoo.Model, i: int, n: int = 8) -> dict[str, torch.Tensor]:
    rng = torch.Generator().manual_seed(i)
    image, source = torch.rand(2, n, DATA.channels, DATA.resolution, DATA.resolution, generator=rng) * 2 - 1
    known = {
        "image": image,
        "source": source,
        "label": torch.randint(DATA.classes, (n,), generator=rng),
        "index": torch.randperm(DATA.items, generator=rng)[:n],
        "text": torch.randn(n, DATA.text_dim, generator=rng),
        "wrong_text": torch.randn(n, DATA.text_dim, generator=rng),
        "wrong_image": image.flip(0),
    }
    return {field: known[field] for field in model.needs}


def drawn(model: zoo.Model, n: int, seed: int = 0, **options: int) -> torch.Tensor:
    """Samples of seeds from `seed` on; a model that reads pictures is given those of the same numbers."""
    given = {name: value[seed : seed + n] for name, value in batch(model, 0, 16).items()}
    return model.sample(n, seed, given=given, **options)


def run(engine: Training, start: int, end: int) -> None:
    torch.manual_seed(100 + start)
    for i in range(start, end):
        log = engine.step(batch(engine.model, i))
        assert all(value.isfinite().all() for value in log.values())


def test_presets_and_entry_agree_and_are_documented(name):
    found = registry().find("architecture", name)
    entry = found.entry
    model = model_class(name)
    assert set(entry.presets) == set(model.presets)
    assert {"default", "tiny"} <= set(model.presets)
    assert entry.paper
    assert tuple(entry.needs) == tuple(model.needs)
    assert all(option.meaning for option in describe(registry().options_target(found)))


@pytest.mark.parametrize("preset", ["default", "paper", "theano", "tiny"])
def test_every_preset_is_a_whole_configuration(name, preset):
    model = model_class(name)
    if preset not in model.presets:
        pytest.skip(f"{name} has no preset {preset}")
    chosen = model.presets[preset](DATA)
    assert dataclasses.is_dataclass(chosen.config)
    assert model.problems(chosen.config, DATA) == []


def test_every_phase_moves_something_and_all_stays_finite(name):
    engine = Training(build(name))
    before = {key: value.clone() for key, value in engine.model.named_parameters()}
    run(engine, 0, 4)
    moved = {key for key, value in engine.model.named_parameters() if not torch.equal(value, before[key])}
    for phase in engine.phases:
        held = {id(p) for group in phase.optimizer.param_groups for p in group["params"]}
        names = {key for key, value in engine.model.named_parameters() if id(value) in held}
        assert names & moved, phase.name


def test_save_and_resume_equals_going_straight_on(name, tmp_path):
    straight, first = Training(build(name)), Training(build(name))
    run(straight, 0, 3)
    run(first, 0, 3)
    where = checkpoint.save(tmp_path, first, {})
    again = Training(build(name, seed=7))
    checkpoint.restore(again, where)
    run(straight, 3, 6)
    run(again, 3, 6)
    for (key, a), b in zip(straight.model.state_dict().items(), again.model.state_dict().values(), strict=True):
        assert torch.equal(a, b), key


def test_samples_are_pictures_and_each_is_its_seeds(name):
    engine = Training(build(name))
    run(engine, 0, 2)
    with sampling(engine.model, engine.averages) as model:
        whole = drawn(model, 5, seed=3)
        assert whole.shape == (5, 3, 16, 16)
        assert whole.dtype == torch.float32
        assert whole.abs().max() <= 1
        torch.testing.assert_close(drawn(model, 5, seed=3, batch=2), whole)
        torch.testing.assert_close(drawn(model, 2, seed=5), whole[2:4])
        assert not torch.equal(whole[0], whole[1])


def test_the_saved_sampler_loads_strictly_into_a_plain_model(name, tmp_path):
    engine = Training(build(name))
    run(engine, 0, 2)
    where = checkpoint.save(tmp_path, engine, {})
    plain = zoo.create(name, preset="tiny", data=DATA)
    checkpoint.load_strictly(plain, checkpoint.read_tensors(where / "model.safetensors"), where)
    with sampling(engine.model, engine.averages) as model:
        torch.testing.assert_close(drawn(plain, 2), drawn(model, 2))


def test_sampling_draws_no_random_numbers(name):
    model = zoo.create(name, preset="tiny", data=DATA)
    before = torch.get_rng_state()
    drawn(model, 2)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_plain_model_has_no_critic_and_asks_for_no_gradients(name):
    model = zoo.create(name, preset="tiny", data=DATA)
    assert critics_of(model) == {}
    assert not any(isinstance(module, Critic) for module in model.modules())
    assert not any(p.requires_grad for p in model.parameters())
    assert not model.training


@pytest.mark.parametrize("augment", [*registry().names("augmentation"), "ada:p=0.9,pipe=bgcfnc", "apa:p=0.5"])
def test_every_augmentation_trains_every_game(name, augment):
    plan = model_class(name).presets["tiny"](DATA)
    parts = plan.parts or usual_parts(model_class(name), plan.config)
    if parts is None:
        pytest.skip(f"{name} plays no game")
    if combine(name, parts.loss, augment=augment):
        parts = dataclasses.replace(parts, loss="non-saturating")
    model = model_class(name)(plan.config, DATA)
    model.build_critics(dataclasses.replace(parts, augment=augment))
    run(Training(model), 0, 2)
