"""Critics on frozen features: the published heads and losses, beside any model, exact through a resume."""

import dataclasses

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

import zoo
from ganzoo_vision_aided.critic import Eye, Hinge, Sigmoid, VisionAided, coarsest, inner_blocks, vision_aided
from ganzoo_vision_aided.networks import Blur, MapHead, head_for
from zoo import DataSpec, Features, InvalidOptions, Parts, Progress, ZooError
from zoo.training import checkpoint
from zoo.training.engine import Training
from zoo.training.plan import model_class

DATA = DataSpec(resolution=16, channels=3, classes=4, items=40)
SMALL = "vision-aided:width=4"


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def tokens(channels: int, side: int, dim: int) -> Features:
    return Features(tokens=(torch.zeros(1, channels, side, side),) * 2, vector=torch.zeros(1, dim))


@pytest.mark.parametrize(
    ("seen", "parameters"),
    [
        (tokens(768, 7, 512), 3_671_555),  # CLIP
        (tokens(768, 14, 768), 1_868_547),  # DINO
        (Features(maps=(torch.zeros(1, 768, 7, 7),)), 2_360_065),  # Swin
        (Features(maps=(torch.zeros(1, 512, 7, 7),)), 1_770_241),  # VGG
        (Features(maps=(torch.zeros(1, 768, 8, 8),)), 2_818_817),  # detection, segmentation
        (Features(maps=(torch.zeros(1, 256, 8, 8),)), 1_639_169),  # faces' segmentation
        (Features(maps=(torch.zeros(1, 512, 8, 8),)), 2_228_993),  # faces' normals
        (Features(vector=torch.zeros(1, 512)), 131_585),  # CLIP's embedding
        (Features(vector=torch.zeros(1, 768)), 197_121),  # DINO's
    ],
)
def test_heads_have_the_published_sizes(seen, parameters):
    head = head_for(seen)
    assert count(head) == parameters
    heads = head(seen)
    assert [tuple(logits.shape) for logits in heads] == [(1, 9), (1, 9), (1, 1)][-len(heads) :]
    with_classes = count(head_for(seen, classes=10)) - parameters
    assert with_classes == 10 * (128 if parameters == 1_868_547 else 256)


def test_every_learned_layer_of_a_head_is_under_spectral_normalisation():
    head = head_for(tokens(8, 14, 8), width=4)
    layers = [layer for layer in head.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    assert len(layers) == 6
    for _ in range(30):
        head(tokens(8, 14, 8))
    for layer in layers:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.05)


def test_blur_is_the_published_filter_on_every_channel():
    point = torch.zeros(1, 2, 5, 5)
    point[0, 1, 2, 2] = 64
    seen = Blur(pad=1)(point)
    assert seen.shape == (1, 2, 4, 4)
    row = torch.tensor([1.0, 3.0, 3.0, 1.0])
    assert torch.equal(seen[0, 1], torch.outer(row, row))
    assert seen[0, 0].abs().max() == 0
    assert Blur(pad=2)(point).shape == (1, 2, 6, 6)


def test_the_class_is_projected_on_the_hidden_layer():
    head = MapHead(8, 7, width=4, classes=3)
    seen = Features(maps=(torch.randn(2, 8, 7, 7),))
    label = torch.tensor([2, 0])
    head.eval()  # no power iteration
    hidden = head.hidden(seen.maps[0])
    by_hand = head.out(hidden)[:, 0] + (head.embed.weight[[2, 0]] * hidden).sum(1)
    torch.testing.assert_close(head(seen, label)[0][:, 0], by_hand)
    with pytest.raises(ZooError, match="conditional=true needs a model that shows labels"):
        head(seen)


@pytest.mark.parametrize("smooth", [0.0, 0.2])
def test_sigmoid_is_cross_entropy_with_one_sided_smoothing_for_both_players(smooth):
    r, f = torch.randn(2, 8, 9)
    game = Sigmoid(smooth)
    real, fake = game.d(r, f)
    torch.testing.assert_close(real, cross_entropy(r, torch.full_like(r, 1 - smooth)))
    torch.testing.assert_close(fake, cross_entropy(f, torch.zeros_like(f)))
    torch.testing.assert_close(game.g(f), cross_entropy(f, torch.full_like(f, 1 - smooth)))


def test_hinge():
    real, fake = Hinge().d(torch.tensor([2.0, 0.5]), torch.tensor([-3.0, 1.0]))
    assert (real.item(), fake.item(), Hinge().g(torch.tensor([1.0, 3.0])).item()) == (0.25, 1.0, -2.0)


def test_levels_are_summed_and_places_averaged():
    critic = vision_aided(DATA, ("timm:test_vit;random=true",), augment="none", width=4, size=64)
    critic.eval()
    real, fake = torch.rand(2, 3, 3, 16, 16) * 2 - 1
    with torch.no_grad():
        terms = critic.d_loss(real, fake)
        levels = critic.logits(real)
        assert [tuple(level.shape) for level in levels] == [(3, 4), (3, 4), (3, 1)]  # 4 x 4 tokens
        target = [torch.full_like(level, 0.8) for level in levels]
        by_hand = sum(cross_entropy(level, goal) for level, goal in zip(levels, target, strict=True))
    torch.testing.assert_close(terms["real"], by_hand)


def test_which_blocks_and_maps_are_judged():
    deep = zoo.backbone("timm:test_vit;random=true")
    deep.depth = 12
    assert inner_blocks(deep) == (4, 8)
    deep.family = "dino"
    assert inner_blocks(deep) == (5, 9)
    maps = [torch.zeros(1, 8, side, side) for side in (8, 4, 2, 1)]
    assert coarsest(maps, "x", 16)[0].shape[-1] == 2
    with pytest.raises(InvalidOptions, match="take a larger size"):
        coarsest(maps[3:], "x", 16)


def test_pooled_output_judges_the_vector_alone():
    eye = Eye(zoo.backbone("test-8ch"), output="pool", width=4)
    assert [tuple(head.shape) for head in eye(torch.zeros(2, 1, 16, 16))] == [(2, 1)]


def build(name: str = "dcgan", reference: str = SMALL, backbones: tuple[str, ...] = ("test-8ch",)) -> zoo.Model:
    torch.manual_seed(0)
    model = model_class(name)
    preset = model.presets["tiny"](DATA)
    parts = preset.parts or model.parts(preset.config)
    made = model(preset.config, DATA)
    made.build_critics(dataclasses.replace(parts, allies=(reference,), backbones=backbones))
    return made


def batch(model: zoo.Model, i: int, n: int = 8) -> dict[str, Tensor]:
    rng = torch.Generator().manual_seed(i)
    known = {
        "image": torch.rand(n, 3, 16, 16, generator=rng) * 2 - 1,
        "label": torch.randint(4, (n,), generator=rng),
        "index": torch.randperm(40, generator=rng)[:n],
    }
    return {field: known[field] for field in model.needs}


def ally(model: zoo.Model) -> VisionAided:
    (found,) = [c for name, c in zoo.critics_of(model).items() if name.endswith("allies.vision_aided")]
    assert isinstance(found, VisionAided)
    return found


def plays(name: str) -> bool:
    model = model_class(name)
    try:
        return bool(model.parts(model.presets["tiny"](DATA).config)) and set(model.needs) <= {"image", "label", "index"}
    except NotImplementedError:
        return False


@pytest.mark.parametrize("name", list(filter(plays, zoo.list_models())))
def test_it_joins_every_model(name):
    model = build(name)
    engine = Training(model)
    before = {key: p.clone() for key, p in model.named_parameters()}
    log: dict[str, Tensor] = {}
    for i in range(2):
        log |= engine.step(batch(model, i))
    assert all(value.isfinite().all() for value in log.values())
    heads = [key for key in before if "vision_aided" in key]
    assert heads
    moved = {key for key, p in model.named_parameters() if not torch.equal(p, before[key])}
    assert set(heads) <= moved
    assert any("vision_aided.adv" in key for key in log)


def test_nothing_frozen_is_trained_or_saved(tmp_path):
    model = build()
    engine = Training(model)
    frozen = ally(model).network.backbone
    before = frozen.sha256
    engine.step(batch(model, 0))
    where = checkpoint.save(tmp_path, engine, {})
    names = checkpoint.read_tensors(where / checkpoint.TRAINING)
    assert any("vision_aided.network.head" in name for name in names)
    assert not any("backbone" in name for name in names)
    del frozen.__dict__["sha256"]
    assert frozen.sha256 == before
    assert not any(p.requires_grad for p in frozen.network.parameters())


def test_save_and_resume_equals_going_straight_on(tmp_path):
    straight, first, again = Training(build()), Training(build()), Training(build())
    for engine in (straight, first):
        torch.manual_seed(1)
        for i in range(2):
            engine.step(batch(engine.model, i))
    where = checkpoint.save(tmp_path, first, {})
    again.step(batch(again.model, 9))
    checkpoint.restore(again, where)
    for engine in (straight, again):
        torch.manual_seed(2)
        for i in range(2, 4):
            engine.step(batch(engine.model, i))
    for (key, a), b in zip(straight.model.state_dict().items(), again.model.state_dict().values(), strict=True):
        assert torch.equal(a, b), key


def test_it_waits_for_its_start():
    model = build(reference=f"{SMALL},start=0.016")  # two batches of eight
    engine = Training(model)
    head = ally(model).network.head
    before = [p.clone() for p in head.parameters()]
    for i in range(2):
        log = engine.step(batch(model, i))
        assert not any("vision_aided" in key for key in log)
    assert all(torch.equal(p, was) for p, was in zip(head.parameters(), before, strict=True))
    assert any("vision_aided.real" in key for key in engine.step(batch(model, 2)))
    assert not any(torch.equal(p, was) for p, was in zip(head.parameters(), before, strict=True) if p.dim() > 1)


def test_several_backbones_are_several_critics_whose_losses_add():
    model = build(backbones=("test-8ch", "timm:test_resnet;random=true"), reference=f"{SMALL},size=64")
    first = ally(model)
    assert list(first.allies) == ["timm_test_resnet_random_true"]
    log = Training(model).step(batch(model, 0))
    assert {"D/vision_aided.real", "D/vision_aided.timm_test_resnet_random_true.real"} <= log.keys()
    named = build(backbones=(), reference=f"{SMALL},size=64,backbone=test-8ch+timm:test_resnet;random=true")
    assert named.state_dict().keys() == model.state_dict().keys()


def test_the_generator_learns_from_it_alone():
    model = build()
    critic = ally(model)
    critic.begin_step(Progress(step=1))
    fake = model.generate(model.prior(4, 0))
    model.requires_grad_(True)
    fake = model.generate(model.prior(4, 0))
    sum(critic.g_loss(fake, fake.detach()).values()).backward()
    assert model.generator.get_parameter(next(iter(dict(model.generator.named_parameters())))).grad.abs().max() > 0


def test_bfloat16_keeps_the_heads_in_float32():
    log = Training(build(), precision="bf16").step(batch(build(), 0))
    assert all(value.isfinite().all() for value in log.values())


def test_what_does_not_fit_is_told():
    with pytest.raises(InvalidOptions, match="can only join"):
        build_with(Parts("hinge", discriminator="vision-aided", backbones=("test-8ch",)))
    with pytest.raises(InvalidOptions, match="no discriminator here wants a --backbone"):
        build_with(Parts("hinge", backbones=("test-8ch",)))
    with pytest.raises(InvalidOptions, match="conditional=true needs labelled data"):
        zoo.compose(
            Parts("hinge", allies=("vision-aided:conditional=true",)), zoo.DataSpec(16), lambda: nn.Conv2d(3, 1, 16)
        )
    with pytest.raises(ZooError, match="No backbone is named"):
        build_with(Parts("hinge", allies=("vision-aided",), backbones=("test-9ch",)))


def build_with(parts: Parts) -> None:
    zoo.compose(parts, DATA, lambda: nn.Conv2d(3, 1, 16))


def test_a_run_records_its_backbones_and_a_resume_checks_them(pictures, tmp_path):
    from zoo.files import read_json, write_json
    from zoo.training.run import resume

    out = tmp_path / "run"
    options = {"preset": "tiny", "resolution": 16, "kimg": 0.016, "quiet": True, "out": out, "device": "cpu"}
    zoo.train("dcgan", pictures, discriminator=SMALL, backbone="test-8ch", **options)
    config = read_json(out / "config.json")
    about = config["backbones"]["test-8ch"]
    assert about == {"family": "test", "weights": "random", "sha256": zoo.backbone("test-8ch").sha256}
    resume(out, kimg=0.024, quiet=True, device="cpu")
    assert zoo.load(out, training=True).critic.allies["vision_aided"].network.backbone.name == "test-8ch"
    assert zoo.load(out).sample(1).shape == (1, 3, 16, 16)
    write_json(out / "config.json", config | {"backbones": {"test-8ch": about | {"sha256": "0" * 64}}})
    with pytest.raises(ZooError, match="'test-8ch' are not those that the run began with"):
        resume(out, kimg=0.032, quiet=True, device="cpu")
