"""ProGAN against its published form: counts, growth, schedule, and a resume across a change of level."""

import dataclasses
from itertools import pairwise
from math import sqrt

import pytest
import torch
from torch.nn import functional as f

import zoo
from ganzoo_progan.model import ProGAN
from ganzoo_progan.networks import Discriminator, EqualConv, Generator, discriminator, neighbours_spread, widths
from ganzoo_progan.schedule import growth
from zoo import DataSpec, InvalidOptions, Progress
from zoo.training.averages import sampling
from zoo.training.checkpoint import find, read_tensors
from zoo.training.engine import Training
from zoo.training.request import Asked, resolve
from zoo.training.run import resume

NARROW = [6, 5, 4]  # channels at 4, 8 and 16 px


def count(network):
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("resolution", "classes", "g", "d"),
    [
        (1024, 0, 23_079_115, 23_087_249),
        (512, 0, 23_072_120, 23_080_225),
        (256, 0, 23_044_309, 23_052_353),
        (128, 0, 22_933_394, 22_941_313),
        (32, 0, 20_719_628, 20_726_785),
        (32, 10, 20_801_548, 20_731_915),
    ],
)
def test_measured_counts(resolution, classes, g, d):
    wide = widths(resolution, 8192, 512)
    with torch.device("meta"):
        assert count(Generator(wide, classes=classes)) == g
        assert count(Discriminator(wide, classes=classes)) == d


@pytest.mark.parametrize(("resolution", "g"), [(256, 23_051_989), (512, 23_079_800), (1024, 23_086_795)])
def test_counts_of_pytorch_gan_zoo(resolution, g):
    with torch.device("meta"):
        assert count(Generator(widths(resolution, 8192, 512), first_bias="position")) == g


def test_channels_of_the_table():
    assert widths(1024, 8192, 512) == [512, 512, 512, 512, 256, 128, 64, 32, 16]


@pytest.mark.parametrize("layer", ["to_rgb.0", "blocks.0.dense", "blocks.1.conv0"])
def test_weights_are_normal_and_scaled_at_run_time(layer):
    torch.manual_seed(0)
    found = Generator([64, 64], z_dim=64).get_submodule(layer)
    gain = {"to_rgb.0": 1, "blocks.0.dense": sqrt(2) / 4}.get(layer, sqrt(2))
    assert found.weight_scale == pytest.approx(gain / sqrt(found.weight[0].numel()))
    assert found.weight.std().item() == pytest.approx(1, abs=0.2)
    assert found.bias is None or not found.bias.any()


def test_the_fused_convolutions_are_the_plain_ones():
    torch.manual_seed(0)
    up, down = EqualConv(3, 4, resample="up"), EqualConv(3, 4, resample="down")
    for layer in (up, down):
        torch.nn.init.normal_(layer.bias)
    x = torch.randn(2, 3, 6, 6)
    plain = f.conv2d(f.interpolate(x, scale_factor=2), up.weight * up.weight_scale, up.bias, padding=1)
    torch.testing.assert_close(up(x), plain)
    plain = f.avg_pool2d(f.conv2d(x, down.weight * down.weight_scale, padding=1), 2) + down.bias[:, None, None]
    torch.testing.assert_close(down(x), plain)


def normed(x):
    x = f.leaky_relu(x, 0.2)
    return x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()


def convolved(network, name, x):
    layer = network.get_submodule(name)
    gain = 1 if "to_rgb" in name else sqrt(2)
    return f.conv2d(x, layer.weight * gain / sqrt(layer.weight[0].numel()), layer.bias, padding="same")


def randomise(network):
    torch.manual_seed(1)
    for p in network.parameters():
        torch.nn.init.normal_(p)
    return network


def test_the_generator_computes_what_the_table_says():
    g = randomise(Generator(NARROW, z_dim=7))
    z = torch.randn(3, 7)
    x = z / (z.square().mean(1, keepdim=True) + 1e-8).sqrt()
    x = (x @ g.blocks[0].dense.weight.T * sqrt(2) / 4 / sqrt(7)).view(3, 6, 4, 4) + g.blocks[0].bias[:, None, None]
    x = normed(convolved(g, "blocks.0.conv", normed(x)))
    for level in (1, 2):
        x = f.interpolate(x, scale_factor=2)
        x = normed(convolved(g, f"blocks.{level}.conv0", x))
        x = normed(convolved(g, f"blocks.{level}.conv1", x))
    torch.testing.assert_close(g(z), convolved(g, "to_rgb.2", x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("fused", [True, False])
def test_the_discriminator_computes_what_the_table_says(fused):
    d = randomise(Discriminator(NARROW, dense=8, fused=fused))
    images = torch.randn(4, 3, 16, 16)
    x = f.leaky_relu(convolved(d, "from_rgb.2", images), 0.2)
    for level in (2, 1):
        x = f.leaky_relu(convolved(d, f"blocks.{level}.conv0", x), 0.2)
        x = convolved(d, f"blocks.{level}.conv1", x)
        x = f.leaky_relu(f.avg_pool2d(x, 2), 0.2) if fused else f.avg_pool2d(f.leaky_relu(x, 0.2), 2)
    spread = (x.var(0, unbiased=False) + 1e-8).sqrt().mean().expand(4, 1, 4, 4)
    x = f.leaky_relu(convolved(d, "blocks.0.conv", torch.cat([x, spread], 1)), 0.2).flatten(1)
    x = f.leaky_relu(x @ d.blocks[0].dense.weight.T * sqrt(2) / sqrt(6 * 16) + d.blocks[0].dense.bias, 0.2)
    score = x @ d.blocks[0].score.weight.T / sqrt(8) + d.blocks[0].score.bias
    torch.testing.assert_close(d(images), score, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_the_fade_of_the_generator(alpha):
    g = randomise(Generator(NARROW, z_dim=7))
    z = torch.randn(3, 7)
    at = {}
    for level in (1, 2):
        g.grow(level, 1.0)
        at[level] = g(z)
    g.grow(2, alpha)
    torch.testing.assert_close(g(z), (1 - alpha) * at[1] + alpha * at[2])


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_the_fade_of_the_discriminator(alpha):
    d = randomise(Discriminator(NARROW, dense=8))
    images = torch.randn(4, 3, 16, 16)
    d.grow(1, 1.0)
    coarse = d.features(images)[0]
    d.grow(2, 1.0)
    fine = d.features(images)[1]
    d.grow(2, alpha)
    torch.testing.assert_close(d.features(images)[1], (1 - alpha) * coarse + alpha * fine)


def test_a_half_grown_network_repeats_its_pixels():
    g, d = randomise(Generator(NARROW, z_dim=7)), randomise(Discriminator(NARROW, dense=8))
    g.grow(0, 1.0)
    d.grow(0, 1.0)
    images = g(torch.randn(4, 7))
    assert images.shape == (4, 3, 16, 16)
    small = images[:, :, ::4, ::4]
    assert torch.equal(images, small.repeat_interleave(4, 2).repeat_interleave(4, 3))
    noise = torch.randn(4, 3, 16, 16)
    means = f.avg_pool2d(noise, 4).repeat_interleave(4, 2).repeat_interleave(4, 3)
    torch.testing.assert_close(d(noise), d(means))


@pytest.mark.parametrize("n", [8, 4, 3, 1, 6])
def test_the_spread_among_neighbours(n):
    torch.manual_seed(0)
    x = torch.randn(n, 3, 2, 2)
    size = 4 if n % 4 == 0 else n
    maps = [x[i : i + size].std(0).mean() if n > 1 else torch.zeros(()) for i in range(0, n, size)]
    expected = torch.stack(maps).repeat_interleave(size)
    out = neighbours_spread(x)
    assert torch.equal(out[:, :3], x)
    torch.testing.assert_close(out[:, 3], expected[:, None, None].expand(n, 2, 2), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("spread", ["strided", "neighbours"])
def test_batches_in_one_pass_are_batches_of_their_own(spread):
    d = randomise(Discriminator(NARROW, dense=8, spread=spread))
    a, b = torch.randn(2, 8, 3, 16, 16)
    torch.testing.assert_close(d(torch.cat([a, b]), batches=2), torch.cat([d(a), d(b)]), rtol=1e-4, atol=1e-4)


def test_the_papers_schedule():
    """lod = log2(R / 4) - i - max(kimg in phase - T, 0) / F, with T = F = 800 for v1."""
    for kimg in [0, 799, 800, 801, 1200, 1600, 2400, 3333, 11_999, 12_000, 12_400, 12_799, 12_800, 12_801, 19_000]:
        phase, rest = divmod(kimg, 1600)
        lod = max(8 - phase - max(rest - 800, 0) / 800, 0)
        level, alpha = growth(kimg * 1000, 800_000, 800_000, 0, 8)
        assert 8 - level == int(lod)
        assert (1 - alpha) == pytest.approx(lod % 1)


def test_the_papers_batches_and_rates():
    data = DataSpec(1024, items=30_000)
    with torch.device("meta"):
        paper = ProGAN(ProGAN.presets["celeba-hq"](data).config, data)
        later = ProGAN(ProGAN.presets["v2"](data).config, data)
    assert (paper.config.kimg, later.config.kimg) == (19_000, 12_000)
    held = [Progress(images=1_600_000 * level) for level in range(9)]
    assert [paper.resolution(progress) for progress in held] == [4 << level for level in range(9)]
    assert [paper.batch_size(progress) for progress in held] == [16] * 6 + [14, 6, 3]
    held = [Progress(images=1_200_000 * level) for level in range(9)]
    assert [later.batch_size(progress) for progress in held] == [128, 128, 128, 64, 32, 16, 8, 4, 4]
    assert paper.resolution(Progress(images=800_000)) == 4
    assert paper.resolution(Progress(images=800_001)) == 8


def test_no_growing_and_a_later_start():
    assert growth(0, 0, 0, 0, 4) == (4, 1.0)
    assert growth(0, 10, 10, 2, 4) == (2, 1.0)
    assert growth(15, 10, 10, 2, 4) == (3, 0.5)
    assert growth(9, 10, 0, 0, 4) == (0, 1.0)
    assert growth(10, 10, 0, 0, 4) == (1, 1.0)
    assert growth(5, 0, 10, 0, 4) == (1, 0.5)


def tiny(resolution=16, **options):
    torch.manual_seed(0)
    return zoo.create("progan", preset="tiny", resolution=resolution, training=True, **options)


def test_the_reals_fade_as_the_fakes_do():
    model = tiny()
    images = torch.randn(2, 3, 16, 16)
    model.grow(Progress(images=24))  # half-way from 4 to 8 px
    eight = f.avg_pool2d(images, 2)
    coarse = f.avg_pool2d(images, 4).repeat_interleave(2, 2).repeat_interleave(2, 3)
    expected = ((coarse + eight) / 2).repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(model.seen(images), expected)
    torch.testing.assert_close(model.seen(eight), expected)  # whatever size the reals come in


def test_growth_resets_moments_and_sets_the_rate():
    model = tiny(rate_factors=(1.0, 0.5))
    engine = Training(model)
    seen = []
    for _ in range(9):
        size = model.resolution(engine.progress)
        engine.step({"image": torch.rand(8, 3, size, size)})
        moments = engine.optimizers["G"].state
        seen.append((*model.generator.grown(), int(max(state["step"] for state in moments.values()))))
    assert [row[:2] for row in seen] == [(0, 1), (0, 1), (0, 1), (1, 0.5), (1, 1), (1, 1), (1, 1), (2, 0.5), (2, 1)]
    assert [row[2] for row in seen] == [1, 2, 3, 1, 1, 2, 3, 1, 1]
    assert engine.optimizers["D"].param_groups[0]["lr"] == 1e-3
    model.begin_step(Progress(images=40))
    assert engine.optimizers["D"].param_groups[0]["lr"] == 5e-4


def test_averages_follow_level_and_alpha():
    model = tiny()
    engine = Training(model)
    for _ in range(4):
        engine.step({"image": torch.rand(8, 3, 16, 16)})
        assert engine.averages is not None
        average = engine.averages.copies["generator"]
        assert average.grown() == model.generator.grown() == model.critic.network.grown()
    assert average.grown() == (1, 0.5)
    with sampling(model, engine.averages) as sampler:
        small = sampler.sample(2)[:, :, ::2, ::2]
    assert not torch.equal(small[:, :, ::2, ::2], small[:, :, 1::2, 1::2])  # 8 px by now


def test_what_has_not_grown_in_does_not_move():
    model = tiny()
    before = {name: value.clone() for name, value in model.named_parameters()}
    engine = Training(model)
    engine.step({"image": torch.rand(8, 3, 4, 4)})
    moved = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    parts = {".".join(name.replace("critic.network", "critic").split(".")[:3]) for name in moved}
    assert parts == {"generator.blocks.0", "generator.to_rgb.0", "critic.blocks.0", "critic.from_rgb.0"}


def test_the_penalty_in_float64_by_hand():
    """Value and gradient of 10·(‖∇D‖ - 1)², by central differences alone."""
    model = tiny(resolution=8, base=8, limit=3)
    model.grow(Progress(images=24))
    critic, network = model.critic, randomise(model.critic.network).double()
    real, fake = torch.randn(2, 3, 8, 8), torch.randn(2, 3, 8, 8)

    def by_hand(between):
        squares = torch.zeros(len(between), dtype=torch.float64)
        for place in range(between[0].numel()):
            step = torch.zeros_like(between[0]).flatten()
            step[place] = 1e-5
            step = step.view(between[0].shape)
            for i in range(len(between)):
                up, down = between.clone(), between.clone()
                up[i] += step
                down[i] -= step
                with torch.no_grad():
                    slope = (network(up).sum() - network(down).sum()) / 2e-5
                squares[i] += slope**2
        return 10 * (squares.sqrt() - 1).square().mean()

    torch.manual_seed(5)
    share = torch.rand(2, 1, 1, 1)
    between = torch.lerp(real, fake, share).double()
    torch.manual_seed(5)
    penalty = critic.penalties["gradient-penalty"]
    network.float()
    value = penalty(critic, real, fake, {})
    weight = network.blocks[1].conv1.weight
    (slope,) = torch.autograd.grad(value, weight)
    network.double()
    assert value.item() == pytest.approx(by_hand(between).item(), rel=1e-4)
    place = tuple(int(i) for i in torch.unravel_index(slope.abs().argmax(), slope.shape))
    with torch.no_grad():
        network.blocks[1].conv1.weight[place] += 1e-4
        up = by_hand(between)
        network.blocks[1].conv1.weight[place] -= 2e-4
        down = by_hand(between)
    assert slope[place].item() == pytest.approx(((up - down) / 2e-4).item(), rel=1e-3)


def test_the_critic_is_twice_differentiable_in_float64():
    d = Discriminator([2, 2], dense=2).double()
    d.grow(1, 0.5)
    images = torch.randn(2, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: d(x).sum(), (images,))


def test_a_slope_is_measured_at_full_size():
    """An image's gradient at level l is 1 / 2^(top - l) of that at its own size, as in the official code."""
    d = randomise(Discriminator(NARROW, dense=8))
    small = randomise(Discriminator(NARROW[:1], dense=8))
    d.grow(0, 1.0)
    small.load_state_dict({name: d.state_dict()[name] for name in small.state_dict()})
    image = torch.randn(1, 3, 4, 4)
    norms = []
    for network, view in [(d, image.repeat_interleave(4, 2).repeat_interleave(4, 3)), (small, image)]:
        view.requires_grad_()
        norms.append(torch.autograd.grad(network(view).sum(), view)[0].norm())
    torch.testing.assert_close(norms[0] * 4, norms[1])


@pytest.mark.parametrize("resolution", [4, 8, 64, 256, 1024])
def test_presets_fit_every_size(resolution):
    data = DataSpec(resolution, items=100)
    for preset in ProGAN.presets.values():
        config = preset(data).config
        assert ProGAN.problems(config, data) == []
        top = growth(round(config.kimg * 1000), *(round(1000 * k) for k in (config.hold_kimg, config.fade_kimg)), 0, 9)
        assert 4 << top[0] >= resolution  # all of it has grown in by the end


@pytest.mark.parametrize(("size", "near"), [(48, "32 or 64"), (100, "64 or 128"), (3, "4 or 8")])
def test_a_size_that_is_no_power_of_two_names_its_neighbours(size, near):
    with pytest.raises(InvalidOptions, match=near):
        zoo.create("progan", resolution=size)


def test_options_beyond_the_data():
    with pytest.raises(InvalidOptions, match="first=64 px is beyond the data's 32 px"):
        zoo.create("progan", resolution=32, first=64)
    with pytest.raises(InvalidOptions, match="take 16 or more"):
        zoo.create("progan", resolution=32, base=4)


@pytest.mark.parametrize("extra", [{"discriminator": "dcgan"}, {"discriminator": "dcgan:role=join"}])
def test_foreign_critics_judge_full_size_at_any_age(extra, pictures):
    asked = Asked(
        preset="tiny",
        loss="non-saturating",
        regularize=("none",),
        augment="diffaugment",
        **{key: (value,) for key, value in extra.items()},
    )
    plan, _ = resolve("progan", str(pictures), asked, torch.device("cpu"))
    model = plan.model_class()(plan.config, plan.data)
    model.build_critics(plan.parts)
    engine = Training(model)
    for _ in range(5):
        size = model.resolution(engine.progress)
        log = engine.step({"image": torch.rand(8, 3, size, size)})
        assert all(value.isfinite() for value in log.values())


def test_as_a_part_of_other_models():
    data = DataSpec(16, channels=1)
    network = discriminator(data, base=32, limit=4)
    assert network(torch.zeros(4, 1, 16, 16)).shape == (4, 1)
    maps = network.features(torch.zeros(2, 1, 16, 16))
    assert [tuple(m.shape[1:]) for m in maps] == [(4, 16, 16), (4, 8, 8), (4, 4, 4)]


def labelled():
    torch.manual_seed(0)
    data = DataSpec(16, classes=3)
    return zoo.create("progan", preset="tiny", data=data, condition="label", training=True)


def test_labels_are_an_input_of_g_and_a_task_of_d():
    model = labelled()
    assert model.needs == ("image", "label")
    label = torch.tensor([0, 1, 2, 0])
    z = model.prior(1, 0)["z"].expand(3, -1)
    images = model.generate({"z": z, "label": label[:3]})
    assert not torch.equal(images[0], images[1])
    real, fake = torch.randn(2, 4, 3, 16, 16)
    with torch.no_grad():
        of_real, of_fake = model.critic.network(real), model.critic.network(fake)
        assert of_real.shape == (4, 4)
    terms = model.critic.d_loss(real, fake, label=label)
    torch.testing.assert_close(terms["real_class"], -of_real[:, 1:].log_softmax(1)[range(4), label].mean())
    torch.testing.assert_close(terms["fake_class"], -of_fake[:, 1:].log_softmax(1)[range(4), label].mean())
    torch.testing.assert_close(terms["fake"], of_fake[:, 0].mean())
    terms = model.critic.g_loss(fake, real, label=label)
    torch.testing.assert_close(terms["class"], -of_fake[:, 1:].log_softmax(1)[range(4), label].mean())
    torch.testing.assert_close(terms["adv"], -of_fake[:, 0].mean())


def test_labelled_training():
    model = labelled()
    engine = Training(model)
    for _ in range(4):
        log = engine.step({"image": torch.rand(8, 3, 8, 8), "label": torch.randint(3, (8,))})
    assert {"D/real_class", "D/fake_class", "G/class"} <= log.keys()
    drawn = model.prior(3000, 0)
    assert drawn["label"].bincount(minlength=3).tolist() == pytest.approx([1000] * 3, abs=100)
    assert torch.equal(drawn["z"], ProGAN.prior(tiny(), 3000, 0)["z"])
    assert torch.equal(model.prior(1, 7)["label"], drawn["label"][7:8])


def test_labels_need_labels_and_the_own_critic():
    with pytest.raises(InvalidOptions, match="no labels"):
        zoo.create("progan", resolution=16, condition="label")
    model = labelled()
    with pytest.raises(InvalidOptions, match="dcgan:role=join"):
        model.build_critics(dataclasses.replace(ProGAN.parts(model.config), discriminator="dcgan"))


def test_resuming_across_a_change_of_level_is_exact(tmp_path, pictures):
    """Ten steps of 4, 8 and 16 px, fading included, against three runs that stop within a hold and within a fade."""
    options = {"preset": "tiny", "device": "cpu", "quiet": True, "precision": "fp32", "batch_limits": (8, 6, 4)}
    straight = zoo.train("progan", pictures, out=tmp_path / "a", kimg=0.08, **options)
    stopped = zoo.train("progan", pictures, out=tmp_path / "b", kimg=0.014, **options)
    model = stopped.load()
    assert model.generator.grown() == (0, 1.0)
    assert model.sample(1).shape == (1, 3, 16, 16)
    stopped = resume(tmp_path / "b", kimg=0.03, device="cpu", quiet=True)
    level, alpha = stopped.load().generator.grown()
    assert level == 1
    assert 0 < alpha < 1
    again = resume(tmp_path / "b", kimg=0.08, device="cpu", quiet=True)
    assert (straight.images, straight.load().generator.grown()[0]) == (again.images, 2)
    for file in ("training.safetensors", "model.safetensors"):
        a, b = (read_tensors(find(run.folder / "checkpoints") / file) for run in (straight, again))
        assert a.keys() == b.keys()
        assert all(torch.equal(a[name], b[name]) for name in a)


def test_the_loop_hands_over_the_running_size(tmp_path, pictures, monkeypatch):
    sizes = []
    plain = ProGAN.d_loss

    def noting(self, batch):
        sizes.append(tuple(batch["image"].shape))
        return plain(self, batch)

    monkeypatch.setattr(ProGAN, "d_loss", noting)
    limits = {"batch_limits": (8, 6, 4)}
    zoo.train("progan", pictures, out=tmp_path / "a", kimg=0.08, preset="tiny", device="cpu", quiet=True, **limits)
    assert {size[2:] for size in sizes} == {(4, 4), (8, 8), (16, 16)}
    assert all(n == {4: 8, 8: 6, 16: 4}[side] for n, _, side, _ in sizes)
    assert all(a[2] <= b[2] for a, b in pairwise(sizes))


def test_the_preset_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ProGAN.Config().batch = 3


def test_a_dry_run_measures_full_size(pictures):
    told = zoo.dry_run("progan", pictures, preset="tiny", device="cpu")
    assert "s per thousand images at 16 px" in told
    assert "so at most" in told
    assert " kimg, so" not in told
