"""DCGAN against its published form: counts, names, initialisation, sizes."""

import pytest
import torch

import zoo
from ganzoo_dcgan.model import DCGAN
from ganzoo_dcgan.networks import Discriminator, Generator, discriminator
from zoo import DataSpec, InvalidOptions
from zoo.training.engine import Training


def count(network):
    return sum(p.numel() for p in network.parameters()), sum(b.numel() for b in network.buffers())


@pytest.mark.parametrize(("channels", "g", "d"), [(3, 3_576_704, 2_765_568), (1, 3_574_656, 2_763_520)])
def test_measured_counts_at_64_px(channels, g, d):
    model = zoo.create("dcgan", preset="paper", channels=channels, training=True)
    assert count(model.generator) == (g, 1_924)
    assert count(model.critic.network) == (d, 1_795)


def test_the_wgan_generator_without_normalisation():
    assert count(Generator(64, 3, 100, 64, norm="none")) == (3_574_784, 0)


def test_names_are_those_of_pytorch_examples():
    g = set(Generator(64, 3, 100, 64).state_dict())
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    expected = {f"main.{i}.weight" for i in (0, 3, 6, 9, 12)} | {f"main.{i}.{n}" for i in (1, 4, 7, 10) for n in norm}
    assert g == expected
    d = set(Discriminator(64, 3, 64).state_dict())
    assert d == {f"main.{i}.weight" for i in (0, 2, 5, 8, 11)} | {f"main.{i}.{n}" for i in (3, 6, 9) for n in norm}


def test_the_networks_compute_what_the_table_says():
    """The table's layers, applied one by one with torch's functions."""
    from torch.nn import functional as f

    torch.manual_seed(0)
    g, d = Generator(64, 3, 100, 8), Discriminator(64, 3, 8)
    z = torch.randn(4, 100)
    s, x = g.state_dict(), z[:, :, None, None]
    for i, (conv, norm) in enumerate([(0, 1), (3, 4), (6, 7), (9, 10)]):
        x = f.conv_transpose2d(x, s[f"main.{conv}.weight"], stride=1 if i == 0 else 2, padding=0 if i == 0 else 1)
        x = f.batch_norm(
            x, None, None, s[f"main.{norm}.weight"], s[f"main.{norm}.bias"], training=True, eps=1e-5
        ).relu()
    x = f.conv_transpose2d(x, s["main.12.weight"], stride=2, padding=1).tanh()
    torch.testing.assert_close(g(z), x)
    s = d.state_dict()
    y = f.leaky_relu(f.conv2d(x, s["main.0.weight"], stride=2, padding=1), 0.2)
    for conv, norm in [(2, 3), (5, 6), (8, 9)]:
        y = f.conv2d(y, s[f"main.{conv}.weight"], stride=2, padding=1)
        y = f.batch_norm(y, None, None, s[f"main.{norm}.weight"], s[f"main.{norm}.bias"], training=True, eps=1e-5)
        y = f.leaky_relu(y, 0.2)
    torch.testing.assert_close(d(x), f.conv2d(y, s["main.11.weight"]).flatten(1))


@pytest.mark.parametrize("form", ["torch", "theano"])
def test_initialisation(form):
    torch.manual_seed(0)
    for network in (Generator(64, 3, 100, 32, form), Discriminator(64, 3, 32, form)):
        for layer in network.main:
            weight = getattr(layer, "weight", None)
            if weight is None:
                continue
            centre = 1 if isinstance(layer, (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)) else 0
            error = 4 * 0.02 / weight.numel() ** 0.5
            assert weight.mean().item() == pytest.approx(centre, abs=error)
            assert weight.std().item() == pytest.approx(0.02, rel=0.05 + 3 / weight.numel() ** 0.5)
            if layer.bias is not None:
                assert (layer.bias == 0).all()


def test_the_authors_own_form():
    model = zoo.create("dcgan", preset="theano", training=True)
    shapes = [tuple(p.shape) for p in model.generator.parameters()]
    assert shapes[:3] == [(16384, 100), (16384,), (16384,)]  # normalised over every one of 8·128·4·4 features
    assert shapes[3] == (1024, 512, 5, 5)
    last = model.critic.network.main[-1]
    assert (last.in_features, last.out_features, last.bias) == (16384, 1, None)
    assert {m.eps for m in model.modules() if "BatchNorm" in type(m).__name__} == {1e-8}
    assert model.config.weight_decay == 1e-5
    z = model.prior(200, 0)["z"]
    assert z.min() >= -1
    assert z.max() < 1


@pytest.mark.parametrize("form", ["torch", "theano"])
@pytest.mark.parametrize("norm", ["batch", "none"])
@pytest.mark.parametrize(("resolution", "channels"), [(8, 3), (32, 1), (64, 3), (128, 3), (256, 1)])
def test_sizes(resolution, channels, form, norm):
    g = Generator(resolution, channels, 6, 2, form, norm).eval()
    d = Discriminator(resolution, channels, 2, form, norm).eval()
    images = g(torch.randn(2, 6))
    assert images.shape == (2, channels, resolution, resolution)
    assert images.abs().max() <= 1
    assert d(images).shape == (2, 1)


def test_probability_is_the_sigmoid_of_the_logit():
    d = Discriminator(16, 3, 4).eval()
    x = torch.randn(3, 3, 16, 16)
    torch.testing.assert_close(d.probability(x), torch.sigmoid(d(x)).flatten())


def test_features_follow_every_activation():
    d = Discriminator(64, 3, 4).eval()
    maps = d.features(torch.randn(2, 3, 64, 64))
    assert [tuple(m.shape[1:]) for m in maps] == [(4, 32, 32), (8, 16, 16), (16, 8, 8), (32, 4, 4)]
    assert all((m < 0).any() for m in maps)


def test_a_larger_latent_makes_a_larger_picture():
    g = Generator(64, 3, 10, 4)
    assert g(torch.randn(2, 10, 3, 3)).shape == (2, 3, 96, 96)


def test_a_d_step_lowers_the_d_loss_on_its_batch():
    torch.manual_seed(0)
    model = zoo.create("dcgan", preset="tiny", resolution=16, d_lr=1e-3, training=True)
    engine = Training(model)
    images = torch.rand(8, 3, 16, 16)
    data = {"image": images}
    before = engine.update(engine.phases[0], [data])
    fake = data["fake"].detach()
    with torch.no_grad():
        after = model.critic.d_loss(images, fake)
    assert sum(after.values()) < before["D/real"] + before["D/fake"]


def test_the_generator_learns_from_the_fakes_of_the_d_step():
    torch.manual_seed(0)
    model = zoo.create("dcgan", preset="tiny", resolution=16, training=True)
    engine = Training(model)
    data = {"image": torch.rand(8, 3, 16, 16)}
    engine.update(engine.phases[0], [data])
    statistics = model.generator.main[1].num_batches_tracked.item()
    engine.update(engine.phases[1], [data])
    assert model.generator.main[1].num_batches_tracked.item() == statistics == 1


@pytest.mark.parametrize(("size", "near"), [(48, "32 or 64"), (100, "64 or 128"), (7, "8 or 16")])
def test_a_size_that_is_no_power_of_two_names_its_neighbours(size, near):
    assert near in DCGAN.problems(DCGAN.Config(), DataSpec(size))[0]
    with pytest.raises(InvalidOptions, match=near):
        zoo.create("dcgan", resolution=size)


def test_as_a_part_of_other_models():
    assert discriminator(DataSpec(32, channels=1), width=4)(torch.zeros(2, 1, 32, 32)).shape == (2, 1)
