"""StyleGAN2 against its published form: counts, closed forms, derivatives, what it can be asked for."""

import os

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

import zoo
from ganzoo_stylegan2.discriminator import Discriminator
from ganzoo_stylegan2.layers import Conv, Dense, modulated_conv2d
from ganzoo_stylegan2.model import StyleGAN2
from ganzoo_stylegan2.networks import Generator, truncated
from ganzoo_stylegan2.path_length import PathLength, path_lengths
from tests.training.test_distributed import launch
from zoo import DataSpec, InvalidOptions
from zoo.backbones import perceptual
from zoo.model import Progress
from zoo.nn import fir
from zoo.training import checkpoint
from zoo.training.engine import Training


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def tiny(**options: object) -> StyleGAN2:
    torch.manual_seed(0)
    return zoo.create("stylegan2", preset="tiny", resolution=16, training=True, **options)


@pytest.mark.parametrize(
    ("preset", "size", "mapping", "synthesis", "d", "styles"),
    [
        ("stylegan2", 1024, 2_101_248, 28_268_812, 29_012_513, 18),
        ("paper1024", 1024, 2_101_248, 28_268_812, 29_012_513, 18),
        ("paper512", 512, 2_101_248, 28_175_335, 28_982_849, 16),
        ("stylegan2", 256, 2_101_248, 27_933_090, 28_864_129, 14),
        ("paper256", 256, 2_101_248, 22_666_210, 24_001_089, 14),
        ("auto", 128, 525_312, 22_423_965, 23_882_369, 12),
        ("auto", 256, 525_312, 22_666_210, 24_001_089, 14),
        ("auto", 512, 525_312, 28_175_335, 28_982_849, 16),
        ("auto", 1024, 525_312, 28_268_812, 29_012_513, 18),
        ("cifar", 32, 525_312, 19_422_227, 20_720_641, 8),
    ],
)
def test_measured_counts(preset, size, mapping, synthesis, d, styles):
    chosen = StyleGAN2.presets[preset](DataSpec(size))
    with torch.device("meta"):
        model = StyleGAN2(chosen.config, DataSpec(size))
        judge = model.discriminator()
    assert (count(model.generator.mapping), count(model.generator.synthesis)) == (mapping, synthesis)
    assert count(judge) == d
    assert model.layers == styles
    if size == 1024:
        buffers = [sum(b.numel() for b in network.buffers()) for network in (model.generator, judge)]
        assert buffers == [2_797_104, 544]


def test_measured_counts_with_labels():
    data = DataSpec(32, classes=10)
    config = StyleGAN2.presets["cifar"](data).config
    with torch.device("meta"):
        model = StyleGAN2(zoo.options.changed(config, {"condition": "label"}), data)
        judge = model.discriminator()
    assert (count(model.generator.mapping), count(judge)) == (793_088, 23_089_664)


def test_auto_follows_resolution_and_processes(monkeypatch):
    monkeypatch.delitem(os.environ, "WORLD_SIZE", raising=False)
    expected = {64: (32, 4, 0.0025, 0.0256), 256: (16, 4, 0.0025, 0.8192), 1024: (4, 4, 0.002, 52.4288)}
    for size, (batch, group, lr, gamma) in expected.items():
        chosen = StyleGAN2.presets["auto"](DataSpec(size))
        c = chosen.config
        assert (c.batch, c.mbstd_group, c.g_lr, c.ema_kimg, c.ema_ramp) == (batch, group, lr, batch * 10 / 32, 0.05)
        assert f"r1:gamma={gamma:.6g},every=16" in chosen.parts.regularizers
    monkeypatch.setitem(os.environ, "WORLD_SIZE", "8")
    c = StyleGAN2.presets["auto"](DataSpec(1024)).config
    assert (c.batch, c.mbstd_group) == (32, 4)


@pytest.mark.parametrize("up", [1, 2])
def test_modulation_fused_unfused_and_by_definition(up):
    torch.manual_seed(0)
    x = torch.randn(3, 4, 5, 5, dtype=torch.float64)
    weight, styles = torch.randn(6, 4, 3, 3).double(), torch.randn(3, 4).double()
    bias, kernel = torch.randn(6).double(), fir([1, 3, 3, 1]).double()
    forms = [
        modulated_conv2d(x, weight, styles, bias, up=up, kernel=kernel, gain=1.5, fused=fused)
        for fused in (False, True)
    ]
    torch.testing.assert_close(*forms)
    if up == 1:
        for i in range(3):
            own = weight * styles[i][None, :, None, None]
            own = own / (own.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
            expected = 1.5 * nn.functional.conv2d(x[i : i + 1], own, padding=1) + bias[:, None, None]
            torch.testing.assert_close(forms[0][i : i + 1], expected)


@pytest.mark.parametrize("fused", [False, True])
def test_first_and_second_derivatives_of_modulation(fused):
    torch.manual_seed(0)
    inputs = [
        torch.randn(s, dtype=torch.float64, requires_grad=True) for s in ((2, 2, 3, 3), (2, 2, 3, 3), (2, 2), (2,))
    ]

    def f(*given: torch.Tensor) -> torch.Tensor:
        return modulated_conv2d(*given, up=2, kernel=fir([1, 3, 3, 1]).double(), fused=fused)

    assert torch.autograd.gradcheck(f, inputs)
    assert torch.autograd.gradgradcheck(f, inputs)


def test_equalised_layers_scale_at_run_time():
    torch.manual_seed(0)
    dense, x = Dense(16, 3, linear=True, lr=0.01, bias=2.0), torch.randn(5, 16)
    torch.testing.assert_close(dense(x), x @ (dense.weight * 0.01 / 4).t() + 0.02)
    assert dense.weight.std().item() == pytest.approx(100, rel=0.3)
    conv, image = Conv(4, 6, 3, clamp=0.7), torch.randn(2, 4, 8, 8)
    plain = nn.functional.leaky_relu(nn.functional.conv2d(image, conv.weight / 6, padding=1), 0.2) * 2**0.5
    torch.testing.assert_close(conv(image), plain.clamp(-0.7, 0.7))
    torch.testing.assert_close(conv(image, gain=0.5), plain.clamp(-0.7, 0.7) * 0.5)


def test_truncation_and_its_cutoff():
    ws, average = torch.randn(3, 5, 4), torch.randn(4)
    torch.testing.assert_close(truncated(ws, average, 0.0), average.expand(3, 5, 4))
    half = truncated(ws, average, 0.5, 2)
    torch.testing.assert_close(half[:, :2], average + 0.5 * (ws[:, :2] - average))
    torch.testing.assert_close(half[:, 2:], ws[:, 2:])
    each = truncated(ws, average, torch.tensor([1.0, 0.0, 1.0]), torch.tensor([5, 1, 0]))
    torch.testing.assert_close(each[[0, 2]], ws[[0, 2]])
    torch.testing.assert_close(each[1, 0], average)
    torch.testing.assert_close(each[1, 1:], ws[1, 1:])


def test_the_average_style_follows_the_batch_means_in_training_alone():
    network = Generator(8, 3, z_dim=4, w_dim=4, base=32, most=4, mapping_layers=2)
    z = torch.randn(6, 4)
    mean = network.mapping(z, follow=False)[:, 0].mean(0)
    assert not network.mapping.w_avg.any()
    network.mapping(z)
    torch.testing.assert_close(network.mapping.w_avg, 0.005 * mean)
    network.eval()
    network.mapping(z)
    torch.testing.assert_close(network.mapping.w_avg, 0.005 * mean)


@pytest.mark.parametrize("form", ["skip", "resnet", "orig"])
@pytest.mark.parametrize(("size", "channels", "classes"), [(8, 1, 0), (16, 3, 5), (64, 3, 0)])
def test_every_form_and_size(form, size, channels, classes):
    torch.manual_seed(0)
    shape = {"base": 64, "most": 8, "form": form, "classes": classes, "clamp": 256.0}
    g = Generator(size, channels, z_dim=4, w_dim=6, mapping_layers=2, **shape).eval()
    d = Discriminator(size, channels, mapping_layers=2, **shape)
    label = torch.arange(4) % classes if classes else None
    z = torch.randn(4, 4)
    images = {noise: g(z, label, noise=noise) for noise in ("random", "const", "none")}
    assert all(image.shape == (4, channels, size, size) for image in images.values())
    torch.testing.assert_close(images["const"], images["none"])  # strengths begin at zero
    maps = {name: torch.randn(4, *shape) for name, shape in g.synthesis.noise_shapes().items()}
    for name, parameter in g.named_parameters():
        if name.endswith("noise_strength"):
            parameter.data.fill_(0.5)
    assert not torch.allclose(g(z, label, noise=maps), images["none"])
    assert d(images["const"], label).shape == (4, 1)
    both = torch.cat([images["const"], images["random"]])
    twice = d(both, None if label is None else label.repeat(2), batches=2)
    torch.testing.assert_close(twice[:4], d(images["const"], label))


def test_path_lengths_of_a_linear_generator():
    """Images A·w of one layer: the gradient is Aᵀy whatever w is."""
    torch.manual_seed(0)
    a, ws = torch.randn(12, 5).double(), torch.randn(3, 1, 5).double().requires_grad_()
    images = (ws[:, 0] @ a.t()).reshape(3, 3, 2, 2)
    direction = torch.randn(3, 3, 2, 2).double()
    expected = (direction.flatten(1) / 2 @ a).norm(dim=1)
    torch.testing.assert_close(path_lengths(images, ws, direction), expected)


def test_the_path_penalty_in_closed_form_with_its_gradient_through_the_mean():
    lengths = torch.tensor([1.0, 3.0], dtype=torch.float64, requires_grad=True)
    rule, mean = PathLength(weight=2.0, decay=0.1), torch.tensor(4.0, dtype=torch.float64)
    assert rule.penalty(lengths, mean).item() == pytest.approx(2 * ((1 - 3.8) ** 2 + (3 - 3.8) ** 2) / 2)
    assert torch.autograd.gradcheck(lambda x: rule.penalty(x, mean), lengths)


@pytest.mark.parametrize("what", ["R1", "path"])
def test_penalties_differentiate_as_finite_differences_say(what):
    torch.manual_seed(0)
    shape = {"base": 16, "most": 3}
    if what == "R1":
        network = Discriminator(8, 1, group=0, **shape).double()
        image = torch.randn(2, 1, 8, 8).double()

        def penalty() -> torch.Tensor:
            x = image.clone().requires_grad_()
            (gradient,) = torch.autograd.grad(network(x).sum(), x, create_graph=True)
            return gradient.square().sum()
    else:
        network = Generator(8, 1, z_dim=3, w_dim=3, mapping_layers=1, **shape).double().eval()
        z, direction = torch.randn(2, 3).double(), torch.randn(2, 1, 8, 8).double()

        def penalty() -> torch.Tensor:
            ws = network.mapping(z)
            return path_lengths(network.synthesis(ws, "const"), ws, direction).square().sum()

    penalty().backward()
    for name, parameter in network.named_parameters():
        found = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        place, step, values = parameter.numel() // 2, 1e-6, []
        flat = parameter.data.view(-1)
        for sign in (1, -1):
            flat[place] += sign * step
            values.append(penalty().item())
            flat[place] -= sign * step
        estimate = (values[0] - values[1]) / (2 * step)
        assert found.flatten()[place].item() == pytest.approx(estimate, rel=1e-4, abs=1e-6), name


def test_phases_and_corrected_adam():
    model = zoo.create("stylegan2", preset="tiny", resolution=16, training=True, g_lr=0.01, d_lr=0.02)
    phases = {phase.name: phase for phase in Training(model).phases}
    assert {name: phase.every for name, phase in phases.items()} == {"G": 1, "G_path": 2, "D": 1, "D_r1": 4}
    assert phases["G"].optimizer is phases["G_path"].optimizer
    assert not phases["G_path"].autocast
    group = phases["D"].optimizer.param_groups[0]
    assert group["lr"] == pytest.approx(0.02 * 4 / 5)
    assert group["betas"] == pytest.approx((0.0, 0.99 ** (4 / 5)))
    assert phases["G"].optimizer.param_groups[0]["lr"] == pytest.approx(0.01 * 2 / 3)


def test_cifar_has_no_path_phase_but_keeps_the_correction():
    data = DataSpec(16)
    chosen = StyleGAN2.presets["cifar"](data)
    model = StyleGAN2(zoo.options.changed(chosen.config, {"channel_max": 4}), data)
    model.build_critics(chosen.parts)
    phases = {phase.name: phase for phase in model.phases()}
    assert list(phases) == ["G", "D", "D_r1"]
    assert phases["G"].optimizer.param_groups[0]["lr"] == pytest.approx(0.0025 * 4 / 5)


def test_the_running_length_moves_once_per_step_by_the_mean_over_microbatches():
    model = tiny()
    engine = Training(model, microbatches=2)
    engine.step({"image": torch.rand(8, 3, 16, 16)})
    total, count = model.path_seen.tolist()
    assert count == 2 * 2  # of each microbatch of four, half
    assert model.path_mean == 0
    engine.step({"image": torch.rand(8, 3, 16, 16)})  # path lengths are not due in this one
    assert model.path_mean.item() == pytest.approx(0.01 * total / count)
    assert not model.path_seen.any()
    engine.step({"image": torch.rand(8, 3, 16, 16)})
    assert model.path_mean.item() == pytest.approx(0.01 * total / count)
    assert {"path_mean", "path_seen"} <= model.state_dict().keys()


RUNNING = """
import sys, torch
from safetensors.torch import save_file
from tests.plugins.test_stylegan2 import running_length
from zoo.training.distributed import processes, rank

with processes(torch.device("cpu")):
    save_file(running_length(rank() + 1), f"{sys.argv[1]}/{rank()}.safetensors")
"""


def running_length(*ranks: int) -> dict[str, torch.Tensor]:
    """The running mean after some steps, in each of which these ranks saw lengths of their own."""
    model = tiny()
    for step in range(5):
        model.begin_step(Progress(step))
        for rank in ranks:
            model.path_seen += torch.tensor([float(step * rank), 2.0])
    return {"path_mean": model.path_mean}


def test_the_running_length_moves_by_what_all_processes_saw(tmp_path):
    launch(RUNNING, str(tmp_path))
    expected = running_length(1, 2)["path_mean"]
    assert expected > 0
    for rank in range(2):
        torch.testing.assert_close(load_file(tmp_path / f"{rank}.safetensors")["path_mean"], expected)


def test_other_regularisers_and_none():
    from zoo.composition import compose
    from zoo.model import Parts

    chosen = StyleGAN2.presets["tiny"](DataSpec(16))
    model = StyleGAN2(chosen.config, DataSpec(16))
    model.build_critics(Parts("hinge", regularizers=("spectral-norm",)))
    assert [phase.name for phase in model.phases()] == ["G", "D"]
    assert model.phases()[0].optimizer.param_groups[0]["lr"] == chosen.config.g_lr
    with pytest.raises(InvalidOptions, match="path-length"):
        compose(Parts("hinge", regularizers=("path-length",)), DataSpec(16), model.discriminator)


def test_frozen_layers_of_d_stay():
    model = tiny(freeze_d=4)
    frozen = [name for name, p in model.critic.network.named_parameters() if not p.requires_grad]
    assert {name.rpartition(".")[0] for name in frozen} == {"b16.fromrgb", "b16.conv0", "b16.conv1", "b16.skip"}
    before = {name: p.clone() for name, p in model.critic.network.named_parameters()}
    Training(model).step({"image": torch.rand(8, 3, 16, 16)})
    after = dict(model.critic.network.named_parameters())
    assert all(torch.equal(before[name], after[name]) for name in frozen)
    assert not torch.equal(before["b8.conv0.weight"], after["b8.conv0.weight"])


def test_labels_reach_both_players():
    data = DataSpec(16, classes=3, class_names=("cat", "dog", "owl"))
    torch.manual_seed(0)
    model = zoo.create("stylegan2", preset="tiny", data=data, training=True, condition="label")
    assert model.needs == ("image", "label")
    engine = Training(model)
    for _ in range(2):
        log = engine.step({"image": torch.rand(8, 3, 16, 16), "label": torch.arange(8) % 3})
        assert all(value.isfinite() for value in log.values())
    dogs = model.sample(2, seed=4, class_="dog")
    torch.testing.assert_close(dogs, model.sample(2, seed=4, class_=1))
    assert not torch.equal(dogs, model.sample(2, seed=4, class_="owl"))
    with pytest.raises(InvalidOptions, match="cat, dog, owl"):
        model.sample(1, class_="cow")
    with pytest.raises(InvalidOptions, match="without labels"):
        tiny().sample(1, class_=0)


def test_what_samples_can_be_asked_for():
    model = tiny().ready()
    for name, parameter in model.named_parameters():
        if name.endswith("noise_strength"):
            parameter.fill_(0.2)
    plain = model.sample(3, seed=7)
    z = np.stack([np.random.RandomState(seed).randn(8) for seed in (7, 8, 9)]).astype(np.float32)
    torch.testing.assert_close(model.generate({"z": torch.from_numpy(z)}).clamp(-1, 1), plain)
    torch.testing.assert_close(model.sample(3, seed=7, truncation="1.0"), plain)
    average = model.sample(3, seed=7, truncation=0)
    torch.testing.assert_close(average[0], average[2])
    torch.testing.assert_close(model.sample(3, seed=7, truncation=0.3, cutoff=0), plain)
    grainy = model.sample(3, seed=7, noise="random")
    assert not torch.equal(grainy, plain)
    torch.testing.assert_close(grainy, model.sample(3, seed=7, noise="random", batch=2))
    assert not torch.equal(model.sample(3, seed=7, noise="none"), plain)
    ws = model.styles(model.inputs(3, 7))
    torch.testing.assert_close(model.generate({"ws": ws}).clamp(-1, 1), plain)
    torch.testing.assert_close(model.generate({"w": ws[:, 0]}).clamp(-1, 1), plain)
    with pytest.raises(InvalidOptions, match="truncation"):
        model.sample(1, truncations=0.5)


@pytest.mark.parametrize(("size", "near"), [(48, "32 or 64"), (100, "64 or 128")])
def test_a_size_that_is_no_power_of_two_names_its_neighbours(size, near):
    assert near in StyleGAN2.problems(StyleGAN2.Config(), DataSpec(size))[0]


def test_condition_without_labels_is_refused():
    assert "no labels" in StyleGAN2.problems(StyleGAN2.Config(condition="label"), DataSpec(16))[0]


def test_its_average_ramps_up():
    averaging = tiny().averaging()
    assert averaging.keep(0, 8) == pytest.approx(0.0)
    assert averaging.keep(10**6, 8) == pytest.approx(0.5 ** (8 / 50))
    assert Progress() == Progress(0, 0)


def test_the_default_follows_the_device_that_trains(monkeypatch, pictures):
    from zoo.training.request import Asked, resolve

    presets, data = StyleGAN2.presets, DataSpec(64)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)  # a GPU that `--device cpu` leaves alone
    assert presets["default"](data) == presets["small"](data)
    with monkeypatch.context() as on_gpu:
        on_gpu.setattr(torch, "get_default_device", lambda: torch.device("cuda", 0))
        assert presets["default"](data) == presets["auto"](data)
    asked: list[str] = []

    def noted(data: DataSpec) -> zoo.Preset:
        asked.append(torch.get_default_device().type)
        return presets["tiny"](data)

    monkeypatch.setitem(presets, "noted", noted)
    for device in ("cpu", "meta"):
        resolve("stylegan2", str(pictures), Asked(preset="noted", resolution=16), torch.device(device))
    assert asked == ["cpu", "meta"]


TINY = {"preset": "tiny", "resolution": 16, "precision": "fp32", "snapshot_kimg": 1, "quiet": True}


def test_training_from_weights_needs_no_ramp_also_after_a_resume(tmp_path, pictures):
    from zoo.training.run import resume

    first = zoo.train("stylegan2", pictures, out=tmp_path / "first", kimg=0.016, **TINY)
    given = {**TINY, "origin": str(first.folder)}
    whole = zoo.train("stylegan2", pictures, out=tmp_path / "whole", kimg=0.032, **given)
    halted = zoo.train("stylegan2", pictures, out=tmp_path / "halted", kimg=0.016, **given)
    resume(halted.folder, kimg=0.032, quiet=True)
    average, again = (
        checkpoint.read_tensors(checkpoint.find(run.folder / "checkpoints") / checkpoint.TRAINING)
        for run in (whole, halted)
    )
    assert all(torch.equal(value, again[name]) for name, value in average.items())
    live = [name for name in average if name.startswith("model/generator.") and name.endswith("weight")]
    averaged = ["averages/copies." + name.removeprefix("model/") for name in live]
    assert not any(torch.equal(average[a], average[b]) for a, b in zip(live, averaged, strict=True))
    begun = checkpoint.read_tensors(checkpoint.find(first.folder / "checkpoints") / checkpoint.TRAINING)
    keep = 0.5 ** (8 / 50)  # of tiny's half-life of 50 images, though only the first few were seen
    one = zoo.train("stylegan2", pictures, out=tmp_path / "one", kimg=0.008, **given)
    after = checkpoint.read_tensors(checkpoint.find(one.folder / "checkpoints") / checkpoint.TRAINING)
    for a, b in zip(live, averaged, strict=True):
        torch.testing.assert_close(after[b], keep * begun[b] + (1 - keep) * after[a])


def test_training_on_ffhq_in_its_official_layout(tmp_path, monkeypatch):
    """A stand-in: the folders and names of the data set, pictures of noise."""
    rng = np.random.default_rng(0)
    for i in (0, 1, 1000, 69999):
        folder = tmp_path / "sets" / "ffhq" / "images1024x1024" / f"{i // 1000 * 1000:05}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)).save(folder / f"{i:05}.png")
    monkeypatch.setenv("GANZOO_DATA", str(tmp_path / "sets"))
    run = zoo.train("stylegan2", "ffhq", out=tmp_path / "run", kimg=0.016, augment="ada", **TINY)
    model = zoo.load(run.folder)
    assert (model.data.items, model.data.resolution) == (4, 16)
    assert model.sample(2).isfinite().all()


def test_styles_are_mixed_by_layer():
    from zoo.styles import mixed, styles_of

    model = tiny().ready()
    sheet = mixed(model, [0, 1], [5, 6, 7], [0, 1])
    assert sheet.shape == (3 * 4, 3, 16, 16)
    torch.testing.assert_close(sheet[1], model.sample(1, seed=5)[0])
    torch.testing.assert_close(sheet[4], model.sample(1, seed=0)[0])
    ws = styles_of(model, [0, 6])
    crossed = torch.cat([ws[1:, :2], ws[:1, 2:]], 1)
    torch.testing.assert_close(sheet[6], model.generate({"ws": crossed}).clamp(-1, 1)[0])
    with pytest.raises(InvalidOptions, match="0 to 5"):
        mixed(model, [0], [1], [40])
    with pytest.raises(InvalidOptions, match="no styles"):
        styles_of(zoo.create("dcgan", preset="tiny", resolution=16), [0])


@pytest.mark.parametrize("space", ["w", "w+"])
def test_projection_comes_nearer_than_the_mean(space):
    model = tiny().ready()
    target = model.sample(2, seed=3)
    assert isinstance(model, zoo.Inverts)
    found = model.invert(target, space=space, steps=60)
    assert found["ws"].shape == (2, model.layers, 8)
    if space == "w":
        torch.testing.assert_close(found["ws"][:, 0], found["ws"][:, -1])
    start = model.generate({"ws": model.invert(target, steps=1)["ws"]})
    near = (model.generate(found) - target).square().mean()
    assert near < 0.5 * (start - target).square().mean()
    features = perceptual(zoo.backbone("test-8ch"))
    alike = [
        (features(model.generate(inputs)) - features(target)).square().sum()
        for inputs in (model.invert(target, space=space, steps=steps, features=features) for steps in (1, 40))
    ]
    assert alike[1] < 0.8 * alike[0]
