"""GAN-CLS and StackGAN against their published forms: counts, networks, losses, stages, and official files."""

import dataclasses
import io
from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch.nn import functional as f

import zoo
from ganzoo_stackgan.conditioning import Conditioning, divergence, truncated
from ganzoo_stackgan.critic import MatchingCritic
from ganzoo_stackgan.gan_cls import between
from ganzoo_stackgan.importing import from_official, to_official
from ganzoo_stackgan.layers import Residual
from ganzoo_stackgan.networks import Discriminator, Generator, StageOne, StageOneTensorFlow, StageTwo
from ganzoo_stackgan.text_networks import TextDiscriminator, TextGenerator
from zoo import DataSpec, InvalidOptions, Parts, Progress, ZooError
from zoo.composition import augmentation, referred
from zoo.training import checkpoint
from zoo.training.averages import sampling
from zoo.training.engine import Training

TEXT, CODE = 12, 4
DATA = DataSpec(resolution=16, items=40, text_dim=TEXT)


def count(*networks: nn.Module) -> int:
    return sum(p.numel() for network in networks for p in network.parameters())


def randomised(network: nn.Module) -> nn.Module:
    torch.manual_seed(1)
    for p in network.parameters():
        nn.init.normal_(p, 0.0, 0.3)
    return network


# Networks


@pytest.mark.parametrize(
    ("g", "d", "blocks", "measured"),
    [
        (192, 96, 2, (20_020_832, 12_407_425, 37_130_480, 57_151_312, 159_889_538)),
        (128, 64, 4, (10_301_248, 5_715_713, 26_290_080, 36_591_328, 71_269_122)),
    ],
)
def test_measured_counts(g, d, blocks, measured):
    with torch.device("meta"):
        first, second = StageOne(64, 3, 1024, width=g), StageTwo(3, 1024, width=g, blocks=blocks)
        judges = Discriminator(64, 3, d), Discriminator(256, 3, d, alone=True)
    found = (count(first), count(judges[0]), count(second), count(first, second), count(judges[1]))
    assert found == measured


def test_the_presets_are_of_these_sizes():
    with torch.device("meta"):
        model = zoo.create("stackgan", preset="coco", data=DataSpec(256, text_dim=1024, items=80_000), training=True)
    assert count(model.generator) == 57_151_312
    assert count(model.first_critic) + count(model.second_critic) == 12_407_425 + 159_889_538
    progress = [Progress(images=1000 * kimg) for kimg in (0, 9_599, 9_600)]
    assert [model.resolution(each) for each in progress] == [64, 64, 256]
    assert [model.batch_size(each) for each in progress] == [128, 128, 40]
    assert model.config.kimg == 17_600
    assert model.load_size == 304


def test_the_first_stage_of_the_tensorflow_code():
    """Added up by hand from the TensorFlow code, whose convolutions have no biases."""
    with torch.device("meta"):
        first = StageOneTensorFlow(64, 3, 1024, width=128)
        judge = TextDiscriminator(64, 3, 1024, code_dim=128, quiet=True)
    wide = 1024 * 16
    dense = 1024 * 256 + 256 + 228 * wide + wide + 2 * wide
    convolutions = 9 * (1024 * 512 + 512 * 256 + 256 * 128 + 128 * 3) + 2 * (512 + 256 + 128)
    assert count(first) == dense + bottleneck(1024) + bottleneck(512) + convolutions
    assert count(judge) == count(TextDiscriminator(64, 3, 1024, code_dim=128))


def bottleneck(channels: int) -> int:
    """Weights of a residual bottleneck with three normalisations."""
    inner = channels // 4
    return 2 * channels * inner + 9 * inner * inner + 8 * channels * inner + 4 * inner + 2 * channels


def test_counts_of_reeds_pair():
    """Added up by hand from the Lua code, whose biases of convolutions stay zero."""
    g = TextGenerator(64, 3, 1024, code_dim=128)
    blocks = bottleneck(1024) + bottleneck(512)
    norms = 2 * (1024 + 512 + 256 + 128)
    ups = 16 * (228 * 1024 + 1024 * 512 + 512 * 256 + 256 * 128 + 128 * 3)
    assert count(g) == 1024 * 128 + 128 + ups + norms + blocks
    doubled = TextGenerator(64, 3, 1024, code_dim=128, residuals=2)
    assert count(doubled) == count(g) + blocks
    d = TextDiscriminator(64, 3, 1024, code_dim=128)
    downs = 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512)
    last = (512 + 128) * 512 + 2 * 512 + 512 * 16
    assert count(d) == downs + 2 * (128 + 256 + 512) + bottleneck(512) + 1024 * 128 + 128 + last
    assert count(TextDiscriminator(64, 3, 1024, code_dim=128, quiet=True, text_norm=True)) == count(d) + 256


def kinds(network: nn.Module) -> list[str]:
    """What a chain consists of."""
    return [type(layer).__name__ for layer in network.children()]


def test_where_the_two_forms_of_reeds_discriminator_differ():
    cls, older = TextDiscriminator(64, 3, TEXT, 4), TextDiscriminator(64, 3, TEXT, 4, quiet=True, text_norm=True)
    step = ["Conv2d", "BatchNorm2d", "LeakyReLU"]
    assert kinds(cls.body) == ["Conv2d", "LeakyReLU", *step, *step, "Conv2d", "BatchNorm2d", "Residual", "LeakyReLU"]
    assert kinds(older.body) == [
        *("Conv2d", "LeakyReLU", *step, "Conv2d", "BatchNorm2d"),
        *("Conv2d", "BatchNorm2d", "Residual", "LeakyReLU"),
    ]
    assert kinds(cls.dense) == ["Linear", "LeakyReLU"]
    assert kinds(older.dense) == ["Linear", "BatchNorm1d", "LeakyReLU"]


def test_the_discriminator_of_the_tensorflow_code_at_256_px_squeezes_by_1x1():
    network = TextDiscriminator(256, 3, TEXT, 2, code_dim=CODE)
    convolutions = [(m.in_channels, m.out_channels, m.kernel_size[0]) for m in network.body if isinstance(m, nn.Conv2d)]
    assert convolutions[-3:] == [(32, 64, 4), (64, 32, 1), (32, 16, 1)]
    assert isinstance(network.body[-2], Residual)


def normed(x: torch.Tensor) -> torch.Tensor:
    """Batch normalisation of a fresh layer."""
    dims = [0] if x.ndim == 2 else [0, 2, 3]
    return (x - x.mean(dims, keepdim=True)) / (x.var(dims, unbiased=False, keepdim=True) + 1e-5).sqrt()


def plain(network: nn.Module) -> nn.Module:
    """Normalisation as it starts without noise."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.ones_(layer.weight)
            nn.init.zeros_(layer.bias)
    return network


def test_stage_one_computes_what_the_table_says():
    network = plain(randomised(StageOne(16, 3, TEXT, z_dim=5, code_dim=CODE, width=8)))
    text, z, epsilon = torch.randn(6, TEXT), torch.randn(6, 5), torch.randn(6, CODE)
    half = f.relu(text @ network.conditioning.dense.weight.T + network.conditioning.dense.bias)
    code = half[:, :CODE] + torch.exp(0.5 * half[:, CODE:]) * epsilon
    x = f.relu(normed(torch.cat([z, code], 1) @ network.first[0].weight.T)).view(6, 16, 4, 4)
    for i in range(2):
        x = f.interpolate(x, scale_factor=2)
        x = f.relu(normed(f.conv2d(x, network.up[i][1].weight, padding=1)))
    expected = torch.tanh(f.conv2d(x, network.image[0].weight, padding=1))
    torch.testing.assert_close(network(text, z, epsilon), expected, rtol=1e-4, atol=1e-5)


def test_stage_two_computes_what_the_table_says():
    network = plain(randomised(StageTwo(3, TEXT, code_dim=CODE, width=4, blocks=1)))
    images, text, epsilon = torch.randn(4, 3, 8, 8), torch.randn(4, TEXT), torch.randn(4, CODE)
    encoder = network.encoder
    x = f.relu(f.conv2d(images, encoder[0].weight, padding=1))
    for i in (2, 5):
        x = f.relu(normed(f.conv2d(x, encoder[i].weight, stride=2, padding=1)))
    code = network.conditioning(text, epsilon)[:, :, None, None].expand(-1, -1, 2, 2)
    x = f.relu(normed(f.conv2d(torch.cat([x, code], 1), network.joint[0].weight, padding=1)))
    body = network.residual[0][0].body
    y = f.relu(normed(f.conv2d(x, body[0].weight, padding=1)))
    x = f.relu(x + normed(f.conv2d(y, body[3].weight, padding=1)))
    for i in range(4):
        x = f.relu(normed(f.conv2d(f.interpolate(x, scale_factor=2), network.up[i][1].weight, padding=1)))
    expected = torch.tanh(f.conv2d(x, network.image[0].weight, padding=1))
    assert expected.shape == (4, 3, 32, 32)
    torch.testing.assert_close(network(images, text, epsilon), expected, rtol=1e-4, atol=1e-5)


def test_the_discriminator_computes_what_the_table_says():
    network = plain(randomised(Discriminator(8, 3, 4, CODE, alone=True)))
    images, code = torch.randn(5, 3, 8, 8), torch.randn(5, CODE)
    x = f.leaky_relu(f.conv2d(images, network.body[0].weight, stride=2, padding=1), 0.2)
    joined = torch.cat([x, code[:, :, None, None].expand(-1, -1, 4, 4)], 1)
    hidden = f.leaky_relu(normed(f.conv2d(joined, network.matching[0].weight, padding=1)), 0.2)
    matched = f.conv2d(hidden, network.matching[3].weight, network.matching[3].bias).flatten(1)
    alone = f.conv2d(x, network.alone.weight, network.alone.bias).flatten(1)
    for found, expected in zip(network(images, code), (matched, alone), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("resolution", [4, 8, 16, 32, 128])
def test_every_size_ends_with_the_widths_of_the_published_one(resolution):
    network = StageOne(resolution, 3, TEXT, width=8)
    assert network.image[0].in_channels == 4
    out = network(torch.randn(2, TEXT), torch.randn(2, 100), torch.randn(2, 128))
    assert out.shape == (2, 3, resolution, resolution)
    d = Discriminator(resolution, 3, 4, 128)
    assert [each.shape for each in d(out, torch.randn(2, 128))] == [(2, 1)]
    assert d.matching[3].in_channels == min(4 << max(resolution.bit_length() - 4, 0), 32)


def test_how_networks_start():
    torch.manual_seed(0)
    for network in (StageOne(64, 3, 64, width=32), StageOneTensorFlow(64, 3, 64, width=32), TextGenerator(64, 3, 64)):
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and layer.weight.numel() > 2000:
                cut = isinstance(network, StageOneTensorFlow)
                assert layer.weight.std().item() == pytest.approx(0.0176 if cut else 0.02, rel=0.1)
                assert (layer.weight.abs().max() <= 0.04) == cut
                assert layer.bias is None
            elif isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d):
                assert layer.weight.mean().item() == pytest.approx(1, abs=0.05)
                assert not layer.bias.any()
    assert TextGenerator(64, 3, 64).dense[0].weight.abs().max() <= 1 / 8  # torch's own start: U(-1/sqrt(in), ...)


# Conditioning augmentation


def normal_divergence(mean: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
    """KL(N(mean, variance) || N(0, 1)) by torch.distributions."""
    one = torch.distributions.Normal(mean, variance.sqrt())
    return torch.distributions.kl_divergence(one, torch.distributions.Normal(0.0, 1.0))


@pytest.mark.parametrize("variant", ["pytorch", "tensorflow"])
def test_the_conditioning_of_both_codes(variant):
    network = randomised(Conditioning(TEXT, CODE, variant))
    text, epsilon = torch.randn(5, TEXT), torch.randn(5, CODE)
    x = text @ network.dense.weight.T + network.dense.bias
    if variant == "pytorch":
        mean, second = x.clamp(min=0).split(CODE, 1)
        expected, variance = mean + epsilon * torch.exp(0.5 * second), second.exp()
        official = -0.5 * (1 + second - mean**2 - second.exp()).mean()
    else:
        mean, second = torch.maximum(x, 0.2 * x).split(CODE, 1)
        expected, variance = mean + truncated(epsilon) * torch.exp(second), torch.exp(2 * second)
        official = (-second + 0.5 * (-1 + torch.exp(2 * second) + mean**2)).mean()
    torch.testing.assert_close(network(text, epsilon), expected)
    found = divergence(*network.moments(text))
    torch.testing.assert_close(found, official)
    torch.testing.assert_close(found, normal_divergence(mean, variance).mean())


def test_the_truncated_draw_keeps_order_and_has_the_truncated_moments():
    from scipy.stats import truncnorm

    x = torch.randn(200_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    cut = truncated(x)
    assert cut.abs().max() <= 2
    assert cut.std().item() == pytest.approx(truncnorm(-2, 2).std(), abs=0.005)
    assert torch.equal(cut.argsort(), x.argsort())


# The matching-aware game


def bce(logits: torch.Tensor, target: float) -> torch.Tensor:
    """Of probabilities, as in the official codes; in double precision, where these do not round to 0 or 1."""
    probability = torch.sigmoid(logits.double())
    return f.binary_cross_entropy(probability, torch.full_like(probability, target)).float()


def judged(alone: bool) -> tuple[Discriminator, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Without normalisation each row stands for itself."""
    network = randomised(Discriminator(8, 3, 4, CODE, alone=alone, norm="none"))
    real, fake = torch.randn(2, 6, 3, 8, 8)
    return network, real, fake, torch.randn(6, CODE)


@pytest.mark.parametrize("alone", [False, True])
def test_losses_of_the_pytorch_code(alone):
    network, real, fake, code = judged(alone)
    shares = {"reals": 1 / 2, "fakes": 1 / 3, "wrongs": 1 / 3} if alone else {}
    critic = MatchingCritic(network, referred("loss", "non-saturating"), wrong="neighbour", **shares)
    of_real, of_fake = network(real, code), network(fake, code)
    wrong = bce(network(real[:5], code[1:])[0], 0)
    reals, fakes = [bce(head, 1) for head in of_real], [bce(head, 0) for head in of_fake]
    if alone:
        expected = sum(reals) / 2 + (fakes[0] + wrong + fakes[1]) / 3
    else:
        expected = reals[0] + 0.5 * (fakes[0] + wrong)
    terms = critic.d_loss(real, fake, code=code, text=torch.randn(6, TEXT))
    torch.testing.assert_close(sum(terms.values()), expected)
    g = critic.g_loss(fake, real, code=code)
    torch.testing.assert_close(g["adv"], sum(bce(head, 1) for head in of_fake))


@pytest.mark.parametrize("weight", [0.5, 0.2])
def test_the_loss_of_the_lua_code(weight):
    torch.manual_seed(0)
    model = zoo.create("gan-cls", preset="tiny", data=DATA, training=True, cls_weight=weight, d_norm="none")
    network = randomised(model.critic.network)
    real, wrong, fake = torch.randn(3, 4, 3, 16, 16)
    text = torch.randn(4, TEXT)
    terms = model.critic.d_loss(real, fake, text=text, wrong_image=wrong)
    (r,), (w,), (x,) = (network(images, text) for images in (real, wrong, fake))
    expected = bce(r, 1) + weight * bce(w, 0) + (1 - weight) * bce(x, 0)
    torch.testing.assert_close(sum(terms.values()), expected)


def test_wrong_pairs_are_normalised_as_a_batch_of_their_own():
    network = randomised(Discriminator(8, 3, 4, CODE)).train()
    real, code = torch.randn(6, 3, 8, 8), torch.randn(6, CODE)
    critic = MatchingCritic(network, referred("loss", "hinge"), wrong="neighbour")
    terms = critic.d_loss(real, torch.randn(6, 3, 8, 8), code=code)
    wrong = network.match(network.encode(real)[:5], code[1:])
    torch.testing.assert_close(terms["wrong"], 0.5 * f.relu(1 + wrong).mean())


@pytest.mark.parametrize("loss", ["hinge", "least-squares", "wgan-gp", "relativistic", "relativistic-average"])
def test_other_games_take_wrong_pairs_as_fakes(loss):
    game = referred("loss", loss)
    network, real, fake, code = judged(alone=False)
    terms = MatchingCritic(network, game, wrong="neighbour").d_loss(real, fake, code=code)
    paired = network(real, code)[0][:5]
    torch.testing.assert_close(terms["wrong"], 0.5 * game.d(paired, network(real[:5], code[1:])[0])[1])
    torch.testing.assert_close(terms["real"], game.d(network(real, code)[0], network(fake, code)[0])[0])


def test_wrong_pictures_are_augmented_and_a_single_picture_has_no_neighbour():
    network, real, fake, code = judged(alone=False)
    game = referred("loss", "hinge")
    critic = MatchingCritic(network, game, augment=augmentation("diffaugment:policy=cutout"))
    seen = []
    network.body.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    critic.d_loss(real, fake, code=code, wrong_image=torch.ones_like(real))
    assert (seen[1] == 0).any()
    with pytest.raises(ZooError, match="one picture"):
        MatchingCritic(network, game, wrong="neighbour").d_loss(real[:1], fake[:1], code=code[:1])


@pytest.mark.parametrize("name", ["gan-cls", "stackgan", "stackgan-stage1"])
def test_the_critic_takes_allies_and_no_replacement(name):
    with pytest.raises(InvalidOptions, match=r"beside: dcgan:role=join"):
        build(name, Parts("non-saturating", discriminator="dcgan"))
    model = build(name, Parts("hinge", augment="diffaugment", allies=("dcgan:width=4",)))
    log = Training(model).step(batch(model, 0))
    assert any("dcgan" in term for term in log)
    assert all(value.isfinite() for value in log.values())


# GAN-INT


def test_texts_between_two():
    text = torch.arange(12.0).view(6, 2)
    assert torch.equal(between(text, "mean"), (text[:3] + text[3:]) / 2)
    torch.manual_seed(0)
    found = between(text, "line")
    torch.manual_seed(0)
    share = torch.rand(3, 1) * 2 - 1
    torch.testing.assert_close(found, (text[:3] + text[3:]) / 2 + share * (text[3:] - text[:3]))


def test_the_generator_alone_learns_on_texts_between_and_on_fresh_noise():
    torch.manual_seed(0)
    model = zoo.create("gan-cls", preset="tiny", data=DATA, training=True, between="mean")
    seen: list[tuple[torch.Tensor, ...]] = []
    model.generator.register_forward_pre_hook(lambda _, given: seen.append(given))
    given = batch(model, 0)
    Training(model).step(dict(given))
    (of_d, z), (of_g, fresh) = seen
    assert torch.equal(of_d, given["text"])
    half = (given["text"][:4] + given["text"][4:]) / 2
    torch.testing.assert_close(of_g, torch.cat([given["text"], half]))
    assert fresh.shape == (12, 4)
    assert not torch.equal(fresh[:8], z)


def test_texts_between_and_games_that_compare_with_reals():
    with pytest.raises(InvalidOptions, match="between=none"):
        build("gan-cls", Parts("relativistic-average"), between="mean")


# Stages


def build(name: str, parts: Parts | None = None, seed: int = 0, data: DataSpec = DATA, **options: object) -> zoo.Model:
    torch.manual_seed(seed)
    model = zoo.create(name, preset="tiny", data=data, **options).requires_grad_(True).train()
    model.build_critics(parts or model.parts(model.config))
    return model


def batch(model: zoo.Model, i: int, n: int = 8) -> dict[str, torch.Tensor]:
    rng = torch.Generator().manual_seed(i)
    shape = (n, 3, DATA.resolution, DATA.resolution)
    known = {"image": torch.rand(shape, generator=rng) * 2 - 1, "text": torch.randn(n, TEXT, generator=rng)}
    known["wrong_image"] = known["image"].flip(0)
    return {field: known[field] for field in model.needs}


def run(engine: Training, start: int, end: int) -> Iterator[set[str]]:
    """The parameters that each step moved."""
    torch.manual_seed(100 + start)
    for i in range(start, end):
        before = {name: p.clone() for name, p in engine.model.named_parameters()}
        engine.step(batch(engine.model, i))
        yield {name for name, p in engine.model.named_parameters() if not torch.equal(p, before[name])}


def test_stage_one_learns_then_is_frozen_while_stage_two_learns():
    model = build("stackgan", stage1_kimg=0.016)
    engine = Training(model)
    for i, moved in enumerate(run(engine, 0, 4)):
        names = {".".join(name.split(".")[: 2 if name.startswith("generator") else 1]) for name in moved}
        assert names == ({"generator.first", "first_critic"} if i < 2 else {"generator.second", "second_critic"})
        assert int(model.generator.stage) == (1 if i < 2 else 2)
    assert [model.resolution(Progress(images=n)) for n in (0, 15, 16)] == [4, 4, 16]
    assert {m.num_batches_tracked.item() for m in model.generator.first.modules() if isinstance(m, nn.BatchNorm1d)} == {
        4
    }


@pytest.mark.parametrize("form", ["pytorch", "tensorflow"])
@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_run_resumes_exactly_across_the_change_of_stage(stop, form, tmp_path):
    options = {"g_form": form, "d_form": form, "stage1_kimg": 0.016}
    straight, first, again = (Training(build("stackgan", seed=seed, **options)) for seed in (0, 0, 7))
    for engine in (straight, first):
        list(run(engine, 0, stop))
    checkpoint.restore(again, checkpoint.save(tmp_path, first, {}))
    for engine in (straight, again):
        list(run(engine, stop, 4))
    for (name, a), b in zip(straight.model.state_dict().items(), again.model.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    with sampling(straight.model, straight.averages) as one, sampling(again.model, again.averages) as other:
        assert torch.equal(one.sample(2), other.sample(2))


def test_samples_of_a_half_way_run_are_those_of_stage_one_enlarged():
    model = build("stackgan", stage1_kimg=0.1)
    engine = Training(model)
    list(run(engine, 0, 2))
    with sampling(engine.model, engine.averages) as sampler:
        images = sampler.sample(3)
        drawn = sampler.prior(3, 0)
        small = sampler.generator.first(drawn["text"], drawn["z"], drawn["epsilon"][:, 0])
    assert images.shape == (3, 3, 16, 16)
    torch.testing.assert_close(images, small.repeat_interleave(4, 2).repeat_interleave(4, 3))


def test_stage_two_learns_on_a_stage_one_that_is_shut_off_from_its_loss():
    model = build("stackgan", stage1_kimg=0)
    for p in model.parameters():
        p.requires_grad_(True)
    terms = model.g_loss(2, batch(model, 0))
    sum(terms.values()).backward()
    assert all(p.grad is None for p in model.generator.first.parameters())
    assert model.generator.second.conditioning.dense.weight.grad.any()


def test_the_condition_of_the_discriminator_carries_no_gradient_and_the_divergence_does():
    model = build("stackgan-stage1", kl=3.0)
    given = batch(model, 0)
    assert not model.condition(1, given)["code"].requires_grad
    terms = model.g_loss(1, given)
    torch.testing.assert_close(terms["kl"], 3 * divergence(*model.generator.first.conditioning.moments(given["text"])))


def test_learning_rates_halve_within_each_stage():
    model = build("stackgan", lr=8.0, stage1_kimg=10, halve_kimg=4, halve2_kimg=1)
    assert [phase.name for phase in model.phases()] == ["D1", "G1", "D2", "G2"]
    for images, stage, rate in [(0, 1, 8), (3999, 1, 8), (4000, 1, 4), (9999, 1, 2), (10_000, 2, 8), (12_500, 2, 2)]:
        first, second = (model.optimizers[number][0] for number in (1, 2))
        model.begin_step(Progress(images=images))
        assert (first if stage == 1 else second).param_groups[0]["lr"] == rate


def test_stage_one_alone_is_of_full_size_and_starts_a_later_stackgan():
    whole = dataclasses.replace(DATA, resolution=64)
    alone, stacked = build("stackgan-stage1"), build("stackgan", data=whole)
    assert alone.resolution(Progress()) == 16
    assert [phase.name for phase in alone.phases()] == ["D1", "G1"]
    own = {name: value.shape for name, value in alone.generator.state_dict().items() if name != "stage"}
    assert own == {name: stacked.generator.state_dict()[name].shape for name in own}


def test_the_form_of_the_first_code_trains():
    model = build(
        "stackgan", g_form="tensorflow", d_form="tensorflow", conditioning="tensorflow", wrong="picture", captions=4
    )
    assert model.needs == ("image", "text", "wrong_image")
    assert model.captions_averaged == 4
    assert isinstance(model.generator.first, StageOneTensorFlow)
    assert len(list(run(Training(model), 0, 3))) == 3


def test_bad_sizes_and_data_without_captions():
    for name, least in (("gan-cls", 8), ("stackgan", 16), ("stackgan-stage1", 4)):
        with pytest.raises(InvalidOptions, match="data comes without"):
            zoo.create(name, preset="tiny", data=DataSpec(64))
        with pytest.raises(InvalidOptions, match=f"doubles to {least} px.* take 32 or 64"):
            zoo.create(name, preset="tiny", data=dataclasses.replace(DATA, resolution=48))


# Official files


def official_file(tmp_path, content: object) -> str:
    """As PyTorch wrote it before it zipped."""
    path = tmp_path / "netG_epoch_90.pth"
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=False)
    path.write_bytes(buffer.getvalue())
    return str(path)


def published() -> tuple[Generator, Discriminator]:
    """A narrow pair in the published layout, with statistics as after a training."""
    first = StageOne(64, 3, 20, z_dim=6, code_dim=CODE, width=8)
    pair = (
        Generator(first, StageTwo(3, 20, code_dim=CODE, width=8, blocks=2)),
        Discriminator(256, 3, 4, CODE, alone=True),
    )
    for network in pair:
        randomised(network)
        for name, buffer in network.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                buffer.uniform_(0.5, 1.5)
    return pair


def official_state(generator: Generator) -> dict[str, torch.Tensor]:
    """STAGE2_G's, with STAGE1_G's within."""
    assert generator.second is not None
    inner = {f"STAGE1_G.{name}": value for name, value in to_official(generator.first.state_dict()).items()}
    return inner | to_official(generator.second.state_dict())


LAYOUT = {
    "ca_net.fc.bias": (8,),
    "encoder.0.weight": (8, 3, 3, 3),
    "encoder.2.weight": (16, 8, 4, 4),
    "encoder.3.running_var": (16,),
    "encoder.6.bias": (32,),
    "hr_joint.0.weight": (32, 36, 3, 3),
    "hr_joint.1.weight": (32,),
    "residual.1.block.0.weight": (32, 32, 3, 3),
    "residual.1.block.4.running_mean": (32,),
    "upsample4.1.weight": (2, 4, 3, 3),
    "upsample4.2.bias": (2,),
    "img.0.weight": (3, 2, 3, 3),
    "STAGE1_G.ca_net.fc.weight": (8, 20),
    "STAGE1_G.fc.0.weight": (1024, 10),
    "STAGE1_G.fc.1.running_mean": (1024,),
    "STAGE1_G.upsample1.1.weight": (32, 64, 3, 3),
    "STAGE1_G.upsample4.2.weight": (4,),
    "STAGE1_G.img.0.weight": (3, 4, 3, 3),
}
"""Some names and shapes that STAGE2_G of these widths has."""


def test_the_official_layout():
    generator, discriminator = published()
    state = official_state(generator)
    assert {name: tuple(state[name].shape) for name in LAYOUT} == LAYOUT
    assert not any("num_batches" in name for name in state)
    theirs = to_official(discriminator.state_dict())
    numbers = [0, 2, 5, 8, 11, 14, 17, 20]
    assert {f"encode_img.{i}.weight" for i in numbers} <= theirs.keys()
    heads = {
        "get_cond_logits.outlogits.3.bias",
        "get_cond_logits.outlogits.1.weight",
        "get_uncond_logits.outlogits.0.bias",
    }
    assert heads <= theirs.keys()
    assert from_official(theirs).keys() == {n for n in discriminator.state_dict() if "num_batches" not in n}


def test_an_official_stage_two_loads_and_samples(tmp_path):
    generator, discriminator = published()
    path = official_file(tmp_path, official_state(generator))
    model = zoo.load(path)
    assert (model.data.resolution, model.data.text_dim) == (256, 20)
    assert (model.config.g_width, model.config.blocks, model.config.z_dim) == (8, 2, 6)
    drawn = model.prior(2, 3)
    torch.testing.assert_close(model.sample(2, seed=3), generator.eval()(drawn["text"], drawn["z"], drawn["epsilon"]))
    with pytest.raises(ZooError, match="the generator alone"):
        zoo.load(path, training=True)
    both = {"netG": official_state(generator), "netD": to_official(discriminator.state_dict())}
    trained = zoo.load(official_file(tmp_path, both), training=True)
    for name, value in discriminator.state_dict().items():
        if "num_batches" not in name:
            assert torch.equal(trained.second_critic.network.state_dict()[name], value), name


def test_an_official_stage_one_is_an_architecture_of_its_own(tmp_path):
    generator, _ = published()
    model = zoo.load(official_file(tmp_path, to_official(generator.first.state_dict())))
    assert (model.config.stages, model.data.resolution) == (1, 64)
    drawn = model.prior(2, 0)
    expected = generator.first.eval()(drawn["text"], drawn["z"], drawn["epsilon"][:, 0])
    torch.testing.assert_close(model.sample(2), expected)


def test_files_that_are_none_or_not_whole(tmp_path):
    generator, discriminator = published()
    with pytest.raises(ZooError, match="no importer recognises"):
        zoo.load(official_file(tmp_path, to_official(discriminator.state_dict())))
    state = official_state(generator)
    state["hr_joint.2.weight"] = state.pop("upsample2.1.weight")
    with pytest.raises(ZooError, match=r"missing: generator\.second\.up\.1\.1\.weight.*joint\.2\.weight"):
        zoo.load(official_file(tmp_path, state))
