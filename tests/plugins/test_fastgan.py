"""FastGAN against its published form: counts, names, layers, training."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as f

import zoo
from ganzoo_fastgan.critic import ReconstructingCritic
from ganzoo_fastgan.distance import FeatureDistance, PixelDistance, unit
from ganzoo_fastgan.game import SoftHinge
from ganzoo_fastgan.layers import ConditionalUpBlock, Excitation, TwoPathDownBlock, UpBlock, cut
from ganzoo_fastgan.model import FastGAN
from ganzoo_fastgan.networks import Discriminator, Generator, small_size
from zoo import Averaging, DataSpec, InvalidOptions, Parts, Progress, ZooError
from zoo.training.engine import Training


def count(network):
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("resolution", "g", "d"),
    [(256, 29_127_846, 11_526_160), (512, 29_174_392, 11_526_496), (1024, 29_176_512, 11_528_192)],
)
def test_measured_counts(resolution, g, d):
    with torch.device("meta"):
        made = Discriminator(resolution, 3, 64)
        assert count(Generator(resolution, 3, 256, 64)) == g
    assert count(made) == d
    assert sum(map(count, (made.decoder_big, made.decoder_part, made.decoder_small))) == 3_139_488


@pytest.mark.parametrize(
    ("form", "resolution", "classes", "g"),
    [
        ("projected", 256, 0, 105_684_175),
        ("projected", 512, 0, 105_870_961),
        ("projected", 1024, 0, 105_884_483),
        ("projected-lite", 256, 0, 79_354_307),
        ("projected-lite", 512, 0, 79_522_531),
        ("projected-lite", 1024, 0, 79_531_379),
        ("projected", 256, 1000, 110_527_689),
        ("projected-lite", 256, 1000, 81_904_067),
    ],
)
def test_measured_counts_of_projected_gans_forms(form, resolution, classes, g):
    with torch.device("meta"):
        assert count(Generator(resolution, 3, 256, 128, form, classes)) == g


def test_at_128_px_the_blocks_above_are_left_out():
    """The published count, 105,685,903, holds feat_256 and se_256, which nothing uses at 128 px."""
    with torch.device("meta"):
        unused = count(UpBlock(128, 64, deep=True)) + count(Excitation(512, 64))
        assert count(Generator(128, 3, 256, 128, "projected")) == 105_685_903 - unused


def test_names_are_those_of_the_published_code():
    with torch.device("meta"):
        g, d = Generator(1024, 3, 256, 64).state_dict(), Discriminator(1024, 3, 64).state_dict()
    triple = ("weight_orig", "weight_u", "weight_v")
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")

    def named(convs, norms, others=()):
        return {f"{c}.{t}" for c in convs for t in triple} | {f"{b}.{t}" for b in norms for t in norm} | set(others)

    plain, deep = (16, 64, 256, 1024), (8, 32, 128, 512)
    convs = {"init.init.0", "to_128", "to_big", *(f"feat_{i}.1" for i in plain + deep), *(f"feat_{i}.5" for i in deep)}
    convs |= {f"se_{i}.main.{j}" for i in (64, 128, 256, 512) for j in (1, 3)}
    norms = {"init.init.1", *(f"feat_{i}.2" for i in plain), *(f"feat_{i}.{j}" for i in deep for j in (3, 7))}
    assert set(g) == named(convs, norms, (f"feat_{i}.{j}.weight" for i in deep for j in (2, 6)))
    assert g["init.init.0.weight_u"].shape == (2048,)
    downs, decoders = [f"down_{i}" for i in (4, 8, 16, 32, 64)], [f"decoder_{i}.main" for i in ("big", "part", "small")]
    convs = {"down_from_big.0", "down_from_big.2", "rf_big.0", "rf_big.3", "rf_small", "down_from_small.0"}
    convs |= {f"{i}.{j}" for i in downs for j in ("main.0", "main.3", "direct.1")}
    convs |= {f"se_{i}.main.{j}" for i in ("2_16", "4_32", "8_64") for j in (1, 3)}
    convs |= {f"down_from_small.{i}.main.0" for i in (2, 3, 4)} | {f"{i}.5" for i in decoders}
    convs |= {f"{i}.{j}.1" for i in decoders for j in (1, 2, 3, 4)}
    norms = {"down_from_big.3", "rf_big.1", *(f"down_from_small.{i}.main.1" for i in (2, 3, 4))}
    norms |= {f"{i}.{j}" for i in downs for j in ("main.1", "main.4", "direct.2")}
    norms |= {f"{i}.{j}.2" for i in decoders for j in (1, 2, 3, 4)}
    assert set(d) == named(convs, norms)


def weight(state, name):
    """A layer's weight in eval mode, spelt out."""
    w, u, v = (state[f"{name}.weight_{part}"] for part in ("orig", "u", "v"))
    matrix = w.transpose(0, 1).flatten(1) if name.startswith("init") else w.flatten(1)
    return w / (u @ matrix @ v)


def settled(network, *inputs):
    """The network in eval mode after some passes in training mode, its noise weights away from zero."""
    for value in network.parameters():
        if value.shape == (1,):
            value.data.fill_(0.5)
    with torch.no_grad():
        for _ in range(5):
            network.train()(*inputs)
    return network.eval().requires_grad_(False)


def test_the_generator_computes_what_the_sheet_says():
    torch.manual_seed(0)
    g = Generator(64, 3, 12, 4)
    z, noise = torch.randn(3, 12), torch.randn(3, g.noise_dim)
    assert g.noise_dim == 2 * 8**2 + 2 * 32**2
    s = settled(g, z, noise).state_dict()
    norm = lambda x, n: f.batch_norm(x, s[f"{n}.running_mean"], s[f"{n}.running_var"], s[f"{n}.weight"], s[f"{n}.bias"])  # noqa: E731
    gate = lambda x: x[:, : x.shape[1] // 2] * x[:, x.shape[1] // 2 :].sigmoid()  # noqa: E731
    flat = noise.split([64, 64, 1024, 1024], dim=1)
    maps = iter([flat[0].view(3, 1, 8, 8), flat[1].view(3, 1, 8, 8), *(m.view(3, 1, 32, 32) for m in flat[2:])])

    def up(x, name, deep):
        x = f.interpolate(x, scale_factor=2)
        for conv in (1, 5) if deep else (1,):
            x = f.conv2d(x, weight(s, f"{name}.{conv}"), padding=1)
            x = x + 0.5 * next(maps) if deep else x
            x = gate(norm(x, f"{name}.{conv + 2 if deep else conv + 1}"))
        return x

    feat_4 = gate(norm(f.conv_transpose2d(z[:, :, None, None], weight(s, "init.init.0")), "init.init.1"))
    feat_8 = up(feat_4, "feat_8", True)
    feat_32 = up(up(feat_8, "feat_16", False), "feat_32", True)
    excited = f.conv2d(f.adaptive_avg_pool2d(feat_4, 4), weight(s, "se_64.main.1"))
    excited = f.conv2d(excited * excited.sigmoid(), weight(s, "se_64.main.3")).sigmoid()
    feat_64 = up(feat_32, "feat_64", False) * excited
    big, small = g(z, noise)
    torch.testing.assert_close(big, f.conv2d(feat_64, weight(s, "to_big"), padding=1))
    torch.testing.assert_close(small, f.conv2d(feat_32, weight(s, "to_32")))


def test_projected_gans_form_has_one_image_and_ignores_the_length_of_z():
    g = settled(Generator(32, 3, 12, 4, "projected"), torch.randn(4, 12))
    z, noise = torch.randn(2, 12), torch.randn(2, g.noise_dim)
    (image,) = g(z, noise)
    torch.testing.assert_close(image, g(3 * z, noise)[0], rtol=1e-4, atol=1e-5)
    assert not torch.equal(image, g(z, -noise)[0])
    assert Generator(32, 3, 12, 4, "projected-lite").noise_dim == 0


def test_labels_move_gain_and_shift_of_every_normalisation():
    torch.manual_seed(0)
    block = ConditionalUpBlock(4, 5, 6, deep=True)
    x, e = torch.randn(3, 4, 8, 8), torch.randn(3, 6)
    layer = settled(block, x, None, e).bn1
    h = torch.randn(3, 10, 4, 4)
    plain = f.batch_norm(h, layer.norm.running_mean, layer.norm.running_var)
    gain, shift = layer.gain(e)[:, :, None, None], layer.bias(e)[:, :, None, None]
    torch.testing.assert_close(layer(h, e), plain * (1 + gain) + shift)
    assert count(block.noise) == 1  # shared by both convolutions


def test_the_two_paths_of_a_down_block_are_averaged():
    block = settled(TwoPathDownBlock(3, 5), torch.randn(4, 3, 8, 8))
    x = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(block(x), (block.main(x) + block.direct(x)) / 2)


@pytest.mark.parametrize("resolution", [16, 32, 64, 128, 256])
@pytest.mark.parametrize("channels", [1, 3])
def test_sizes(resolution, channels):
    torch.manual_seed(0)
    g, d = Generator(resolution, channels, 6, 1), Discriminator(resolution, channels, 1)
    big, small = g(torch.randn(2, 6))
    assert big.shape == (2, channels, resolution, resolution)
    assert small.shape[2] == small_size(resolution) == {16: 16, 32: 16, 64: 32, 128: 64, 256: 128}[resolution]
    assert d(big, small).shape == (2, 50)
    logits, rebuilt = d.rebuild(big, 2)
    assert logits.shape == (2, 50)
    assert {tuple(image.shape) for image in rebuilt.values()} == {(2, channels, *[min(resolution, 128)] * 2)}


def test_reals_are_seen_at_both_sizes_without_smoothing():
    d = settled(Discriminator(64, 3, 2), torch.randn(4, 3, 64, 64))
    x = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(d(x), d(x, x[:, :, ::2, ::2]))
    torch.testing.assert_close(d.rebuild(x, 0)[0], d(x))


def test_quarters():
    x = torch.arange(16.0).view(1, 1, 4, 4)
    assert [cut(x, i)[0, 0, 0, 0].item() for i in range(4)] == [0, 2, 8, 10]


def test_initialisation():
    torch.manual_seed(0)
    for network in (Generator(64, 3, 64, 16), Discriminator(64, 3, 16)):
        for layer in network.modules():
            if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
                n = layer.weight_orig.numel()
                assert layer.weight_orig.std().item() == pytest.approx(0.02, rel=0.05 + 3 / math.sqrt(n))
            elif isinstance(layer, nn.BatchNorm2d):
                assert layer.weight.mean().item() == pytest.approx(1, abs=0.08 / math.sqrt(len(layer.weight)))
                assert (layer.bias == 0).all()


def test_soft_hinge():
    real, fake = torch.randn(4, 5), torch.randn(4, 5)
    low = [part.item() for part in SoftHinge(low=1.0).d(real, fake)]
    assert low == pytest.approx([f.relu(1 - real).mean().item(), f.relu(1 + fake).mean().item()])
    torch.manual_seed(3)
    soft = SoftHinge().d(real, fake)
    torch.manual_seed(3)
    margins = 0.8 + 0.2 * torch.rand(2, 4, 5)
    torch.testing.assert_close(soft[0], f.relu(margins[0] - real).mean())
    torch.testing.assert_close(soft[1], f.relu(margins[1] + fake).mean())
    assert SoftHinge().g(fake) == -fake.mean()


def test_the_critic_rebuilds_reals_and_judges_both_fakes():
    torch.manual_seed(0)
    model = zoo.create("fastgan", preset="tiny", resolution=32, training=True)
    critic = model.critic.eval()
    assert isinstance(critic, ReconstructingCritic)
    critic.augment = zoo.Augment()
    critic.game = SoftHinge(low=1.0)
    real, fake, small = torch.rand(3, 3, 32, 32), torch.rand(3, 3, 32, 32), torch.rand(3, 3, 16, 16)
    torch.manual_seed(5)
    terms = critic.d_loss(real, fake, small=small)
    torch.manual_seed(5)
    quarter = int(torch.randint(4, ()))
    logits, rebuilt = critic.network.rebuild(real, quarter)
    part = f.interpolate(cut(real, quarter), 32)
    for name, target in {"big": real, "small": real, "part": part}.items():
        expected = (rebuilt[name] - target).abs().mean((1, 2, 3)).sum()
        torch.testing.assert_close(terms[f"rebuilt_{name}"], expected)
    torch.testing.assert_close(terms["real"], f.relu(1 - logits).mean())
    torch.testing.assert_close(terms["fake"], f.relu(1 + critic.network(fake, small)).mean())
    torch.testing.assert_close(critic.g_loss(fake, real, small=small)["adv"], -critic.network(fake, small).mean())


def test_the_small_view_teaches_the_generator_and_decoders_learn():
    torch.manual_seed(0)
    model = zoo.create("fastgan", preset="tiny", resolution=32, training=True)
    engine = Training(model)
    before = copy.deepcopy(model.state_dict())
    engine.step({"image": torch.rand(8, 3, 32, 32)})
    moved = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert "generator.to_16.weight_orig" in moved
    assert {f"critic.network.decoder_{name}.main.1.1.weight_orig" for name in ("big", "small", "part")} <= moved


@pytest.mark.parametrize(("order", "passes"), [("D-G", 1), ("G-D", 2)])
def test_fakes_are_shared_or_drawn_twice(order, passes):
    model = zoo.create("fastgan", preset="tiny", resolution=16, order=order, training=True)
    Training(model).step({"image": torch.rand(8, 3, 16, 16)})
    assert model.generator.init.init[1].num_batches_tracked == passes


def test_optimisers_of_projected_gans_loop():
    model = zoo.create("fastgan", preset="tiny", resolution=16, d_share=16 / 17, beta1=0.0, beta2=0.99, training=True)
    d, g = (phase.optimizer.param_groups[0] for phase in model.phases())
    assert d["lr"] == pytest.approx(2e-4 * 16 / 17)
    assert d["betas"] == (0.0, pytest.approx(0.99 ** (16 / 17)))
    assert (g["lr"], g["betas"]) == (2e-4, (0.0, 0.99))


def test_averages():
    paper = FastGAN.presets["paper"](DataSpec(1024)).config
    assert FastGAN(FastGAN.Config(z_dim=2, g_width=1), DataSpec(16)).averaging() == Averaging(decay=0.999)
    assert (paper.batch, paper.kimg, paper.g_width, paper.z_dim, paper.distance) == (8, 400, 64, 256, "lpips")
    half = FastGAN(FastGAN.Config(z_dim=2, g_width=1, ema_decay=0, ema_kimg=20), DataSpec(16)).averaging()
    assert half == Averaging(half_life=20_000, ramp=0.05)


def test_the_latent_is_that_of_the_published_sampling_and_the_noise_follows():
    import numpy as np

    model = zoo.create("fastgan", preset="tiny", resolution=32, form="projected")
    drawn = np.random.RandomState(7).randn(8 + model.generator.noise_dim).astype(np.float32)
    inputs = model.prior(3, 5)
    assert np.array_equal(inputs["z"][2], drawn[:8])
    assert np.array_equal(inputs["noise"][2], drawn[8:])


def test_conditional_training_with_another_discriminator():
    data = DataSpec(16, classes=4)
    parts = Parts("hinge", discriminator="projected:size=64,width=4", backbones=("test-8ch",))
    config = zoo.configuration("fastgan", "tiny", data, form="projected", condition="label")
    torch.manual_seed(0)
    model = FastGAN(config, data)
    model.build_critics(parts)
    assert model.needs == ("image", "label")
    assert model.critic.network.conditions == ("label",)
    log = Training(model).step({"image": torch.rand(8, 3, 16, 16), "label": torch.arange(8) % 4})
    assert all(value.isfinite() for value in log.values())
    label = model.prior(200, 0)["label"]
    assert set(label.tolist()) == {0, 1, 2, 3}
    with pytest.raises(InvalidOptions, match="--discriminator projected"):
        FastGAN(config, data).build_critics(Parts("hinge"))


def test_what_it_cannot_do_is_told():
    labelled = DataSpec(64, classes=3)
    config = FastGAN.Config
    assert "take 64 or 128" in FastGAN.problems(config(), DataSpec(100))[0]
    assert "take 16 or 32" in FastGAN.problems(config(), DataSpec(8))[0]
    assert "take 512 or 1024" in FastGAN.problems(config(), DataSpec(2048))[0]
    assert "original form" in FastGAN.problems(config(condition="label"), labelled)[0]
    assert "one folder" in FastGAN.problems(config(condition="label", form="projected"), DataSpec(64))[0]
    rows = config(condition="label", form="projected", label_rows=2)
    assert "less than" in FastGAN.problems(rows, labelled)[0]
    assert FastGAN.problems(config(condition="label", form="projected-lite", label_rows=1000), labelled) == []


def test_its_discriminator_rebuilds_for_other_models_too():
    model = zoo.create("dcgan", preset="tiny", resolution=32)
    model.build_critics(Parts("soft-hinge", discriminator="fastgan:width=2"))
    terms = model.critic.d_loss(torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32))
    assert {"real", "fake", "rebuilt_big", "rebuilt_small", "rebuilt_part"} == set(terms)


def test_feature_distance():
    distance = FeatureDistance(zoo.backbone("test-8ch"))
    a, b = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    maps = [
        (unit(x) - unit(y)).square().sum(1).mean((1, 2)) for x, y in zip(*map(maps_of(distance), (a, b)), strict=True)
    ]
    torch.testing.assert_close(distance(a, b), torch.stack(maps).sum(0))
    assert (distance(a, a) == 0).all()
    assert distance.state_dict() == {}
    a.requires_grad_()
    distance(a, b).sum().backward()
    assert a.grad.abs().sum() > 0
    assert PixelDistance()(b, b + 0.5).tolist() == pytest.approx([0.5, 0.5])


def maps_of(distance):
    return lambda images: distance.network(images).maps


def test_training_with_a_feature_distance_saves_nothing_frozen():
    model = zoo.create("fastgan", preset="tiny", resolution=16, distance="test-8ch", training=True)
    log = Training(model).step({"image": torch.rand(8, 3, 16, 16)})
    assert log["D/rebuilt_big"] > 0
    assert not any("distance" in name for name in model.state_dict())


def test_lpips_without_its_package_says_what_to_do(monkeypatch):
    monkeypatch.setattr("ganzoo_fastgan.distance.find_spec", lambda name: None)
    with pytest.raises(ZooError, match="pip install lpips"):
        zoo.create("fastgan", preset="tiny", resolution=16, distance="lpips", training=True)


def test_bf16_is_near_float32():
    torch.manual_seed(0)
    model = zoo.create("fastgan", preset="tiny", resolution=32, training=True)
    engine = Training(model, precision="bf16")
    for i in range(3):
        log = engine.step({"image": torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(i))})
    assert all(value.isfinite() for value in log.values())
    assert engine.progress == Progress(3, 24)
    model.eval()
    z, noise = torch.randn(2, 8), torch.randn(2, model.generator.noise_dim)
    plain = model.generate({"z": z, "noise": noise})
    with torch.autocast("cpu", torch.bfloat16):
        rounded = model.generate({"z": z, "noise": noise})
    assert (plain - rounded).abs().max() < 0.05 * plain.abs().max()
