"""pix2pix: counts, networks and losses against independent references, import, any size, the learning rate."""

import dataclasses

import pytest
import torch
from torch.nn import functional as f

import zoo
from ganzoo_hub.importing import read_file
from ganzoo_pix2pix.halving import Doubling, Halving
from ganzoo_pix2pix.importing import renamed
from ganzoo_pix2pix.layers import BatchNorm, InstanceNorm
from ganzoo_pix2pix.model import Pix2Pix
from ganzoo_pix2pix.patchgan import PatchGAN, PixelGAN, discriminator, too_small
from ganzoo_pix2pix.resnet import ResNet
from ganzoo_pix2pix.schedule import rate
from ganzoo_pix2pix.unet import UNet
from zoo import DataSpec, InvalidOptions, Parts
from zoo.model import Progress
from zoo.training.engine import Training

DATA = DataSpec(16, items=40, source_channels=3)


def count(network):
    return sum(p.numel() for p in network.parameters()), sum(b.numel() for b in network.buffers())


def pairs(n=2, size=16, seed=0):
    rng = torch.Generator().manual_seed(seed)
    image, source = (torch.rand(n, 3, size, size, generator=rng) * 2 - 1 for _ in range(2))
    return {"image": image, "source": source}


def model(**options):
    torch.manual_seed(0)
    return zoo.create("pix2pix", preset="tiny", data=DATA, training=True, **options)


@pytest.mark.parametrize(
    ("make", "parameters", "buffers"),
    [
        (lambda: UNet(3, 3), 54_413_955, 9_869),
        (lambda: UNet(3, 3, norm="instance"), 54_409_603, 0),
        (lambda: UNet(3, 3, levels=7), 41_828_995, 7_819),
        (lambda: UNet(1, 2), 54_409_858, 9_869),
        (lambda: ResNet(3, 3), 11_378_179, 0),
        (lambda: ResNet(3, 3, blocks=6), 7_837_699, 0),
        (lambda: ResNet(3, 3, norm="batch"), 11_383_427, None),
        (lambda: PatchGAN(6), 2_768_705, None),
        (lambda: PatchGAN(6, norm="instance"), 2_767_809, 0),
        (lambda: PatchGAN(3, norm="instance"), 2_764_737, 0),
        (lambda: PatchGAN(6, layers=1), 139_585, None),
        (lambda: PatchGAN(6, layers=5), 11_159_361, None),
        (lambda: PixelGAN(6), 9_024, None),
    ],
)
def test_measured_counts(make, parameters, buffers):
    with torch.device("meta"):
        found = count(make())
    assert found[0] == parameters
    assert buffers in (None, found[1])


@pytest.mark.parametrize(("layers", "sees"), [(0, 1), (1, 16), (2, 34), (3, 70), (4, 142), (5, 286)])
def test_each_logit_sees_a_patch(layers, sees):
    """The rows that one logit of a sum without padding effects depends on, from its gradient."""
    size = 320 if layers == 5 else 160
    made = discriminator(DataSpec(size), layers=layers, width=1, norm="none").double()
    for parameter in made.parameters():
        parameter.data.fill_(0.1)
    image = torch.zeros(1, 3, size, size, dtype=torch.float64, requires_grad=True)
    logits = made(image)
    side = int(logits.shape[1] ** 0.5)
    logits[0, (side // 2) * side + side // 2].backward()
    rows = image.grad.abs().sum((0, 1, 3)).nonzero()
    assert int(rows.max() - rows.min()) + 1 == sees


def test_a_30_by_30_answer_at_256_px():
    with torch.device("meta"):
        made = PatchGAN(6, source=True)
        out = made(torch.empty(1, 3, 256, 256), source=torch.empty(1, 3, 256, 256))
    assert out.shape == (1, 30 * 30)


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_the_unet_computes_what_the_table_says(norm):
    """Its layers applied one by one with torch's functions."""
    torch.manual_seed(0)
    net = UNet(3, 2, levels=5, width=4, norm=norm, dropout=False)
    x = torch.rand(2, 3, 64, 64) * 2 - 1
    s = {name: value + 0.05 if name.endswith("bias") else value for name, value in net.state_dict().items()}
    net.load_state_dict(s)

    def normal(y, name):
        if norm == "instance":
            return f.instance_norm(y)
        return f.batch_norm(y, None, None, s[f"{name}.weight"], s[f"{name}.bias"], training=True)

    downs, y = [], x
    for i in range(5):
        y = f.leaky_relu(y, 0.2) if i else y
        y = f.conv2d(y, s[f"downs.{i}.conv.weight"], s.get(f"downs.{i}.conv.bias"), 2, 1)
        y = normal(y, f"downs.{i}.norm.0") if 0 < i < 4 else y
        downs.append(y)
    for i in range(5):
        y = downs[4] if i == 0 else torch.cat([downs[4 - i], y], dim=1)
        y = f.conv_transpose2d(y.relu(), s[f"ups.{i}.conv.weight"], s.get(f"ups.{i}.conv.bias"), 2, 1)
        y = normal(y, f"ups.{i}.norm.0") if i < 4 else y.tanh()
    torch.testing.assert_close(net(x), y, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("size", [2, 8, 64])
def test_halving_and_doubling_few_pixels_is_the_same_convolution(size):
    torch.manual_seed(0)
    x = torch.randn(2, 3, size, 2 * size, requires_grad=True)
    for layer, plain in ((Halving(3, 5, bias=True), f.conv2d), (Doubling(3, 5, bias=True), f.conv_transpose2d)):
        layer.to(memory_format=torch.channels_last)
        given = (x, layer.weight, layer.bias)
        ours, theirs = layer(x), plain(x, layer.weight, layer.bias, stride=2, padding=1)
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)
        push = torch.randn_like(theirs)
        for a, b in zip(torch.autograd.grad(ours, given, push), torch.autograd.grad(theirs, given, push), strict=True):
            torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)


def test_normalisation_by_picture():
    x = torch.randn(3, 4, 5, 5) + 2
    torch.testing.assert_close(InstanceNorm()(x), f.instance_norm(x), atol=1e-5, rtol=1e-5)
    norm = BatchNorm(4)
    one = torch.cat([norm(row) for row in x.split(1)])  # training mode, one picture at a time: the published test
    torch.testing.assert_close(norm.eval()(x), one)
    assert not torch.allclose(BatchNorm(4, "running").eval()(x), one)


@pytest.mark.parametrize("init", ["normal", "xavier", "kaiming", "orthogonal"])
def test_initialisation(init):
    torch.manual_seed(0)
    net = ResNet(3, 3, blocks=1, width=32, norm="batch", init=init)
    weight = net.model[4].weight  # 32 to 64, 3x3
    fan_in, fan_out = 32 * 9, 64 * 9
    if init == "orthogonal":
        rows = weight.flatten(1)
        torch.testing.assert_close(rows @ rows.T, 0.02**2 * torch.eye(64), atol=1e-6, rtol=0)
    else:
        spread = {"normal": 0.02, "xavier": 0.02 * (2 / (fan_in + fan_out)) ** 0.5, "kaiming": (2 / fan_in) ** 0.5}
        assert weight.std().item() == pytest.approx(spread[init], rel=0.03)
    assert net.model[5].weight.std().item() == pytest.approx(0.02, rel=0.3)
    assert net.model[5].weight.mean().item() == pytest.approx(1, abs=0.02)
    assert all((p == 0).all() for name, p in net.named_parameters() if name.endswith("bias"))


def test_losses_are_those_of_the_paper():
    made = model(l1=100.0)
    batch = pairs()
    d = made.d_loss(batch)
    fake = batch["fake"]
    real_logits, fake_logits = (
        made.critic.network(images, source=batch["source"]) for images in (batch["image"], fake)
    )
    cross = f.binary_cross_entropy_with_logits
    torch.testing.assert_close(d["real"], 0.5 * cross(real_logits, torch.ones_like(real_logits)))
    torch.testing.assert_close(d["fake"], 0.5 * cross(fake_logits, torch.zeros_like(fake_logits)))
    g = made.g_loss(batch)
    torch.testing.assert_close(g["l1"], 100 * f.l1_loss(fake, batch["image"]))
    assert set(g) == {"adv", "l1"}
    torch.testing.assert_close(g["adv"], cross(fake_logits, torch.ones_like(fake_logits)))


def test_least_squares_as_released():
    made = model()
    made.build_critics(Parts("least-squares:scale=1,d_scale=0.5"))
    batch = pairs()
    d, g = made.d_loss(batch), made.g_loss(batch)
    with torch.no_grad():
        real, fake = (made.critic.network(x, source=batch["source"]) for x in (batch["image"], batch["fake"]))
    assert d["real"].item() == pytest.approx(0.5 * (real - 1).square().mean().item(), rel=1e-5)
    assert d["fake"].item() == pytest.approx(0.5 * fake.square().mean().item(), rel=1e-5)
    assert g["adv"].item() == pytest.approx((fake - 1).square().mean().item(), rel=1e-5)


def test_the_discriminator_sees_the_source_first():
    seen = []
    made = model()
    made.critic.network.model[0].register_forward_pre_hook(lambda _, x: seen.append(x[0]))
    batch = pairs()
    made.d_loss(batch)
    torch.testing.assert_close(seen[0][:2], torch.cat([batch["source"], batch["image"]], dim=1))
    torch.testing.assert_close(seen[0][2:], torch.cat([batch["source"], batch["fake"].detach()], dim=1))


def test_dropout_follows_its_masks_and_nothing_else():
    data = DataSpec(64, source_channels=3)
    torch.manual_seed(0)
    made = zoo.create("pix2pix", preset="tiny", data=data)
    masks = made.prior(3, seed=5)["dropout"]
    assert masks.shape == (3, made.generator.noise(64, 64)) == (3, 32 * 4 * 4)
    assert torch.equal(made.prior(1, seed=6)["dropout"], masks[1:2])
    assert masks.float().mean().item() == pytest.approx(0.5, abs=0.05)
    source = pairs(3, 64)["source"]
    first = made.generate({"source": source, "dropout": masks})
    assert torch.equal(made.generate({"source": source, "dropout": masks}), first)
    assert not torch.equal(made.generate({"source": source, "dropout": ~masks}), first)
    torch.testing.assert_close(made.generate({"source": source[1:2], "dropout": masks[1:2]}), first[1:2])
    off = zoo.create("pix2pix", preset="tiny", data=data, dropout="training")
    assert off.prior(3, seed=5) == {}


def test_dropout_by_mask_is_that_of_training_given_the_mask():
    torch.manual_seed(0)
    net = UNet(3, 3, levels=6, width=4, norm="none")
    drawn = []
    keep = (torch.rand(2, net.noise(64, 64)) < 0.5).clone()
    net.ups[1].register_forward_hook(lambda _, x, y: drawn.append(y))
    net.eval()(pairs(2, 64)["source"], keep)
    net(pairs(2, 64)["source"])
    assert torch.equal(drawn[0] != 0, keep.view(drawn[0].shape) & (drawn[1] != 0))
    torch.testing.assert_close(drawn[0], drawn[1] * 2 * keep.view(drawn[0].shape))


@pytest.mark.parametrize(
    ("generator", "size"), [("unet", (21, 37)), ("resnet", (5, 90)), ("unet", (16, 16)), ("resnet", (3, 1))]
)
def test_pictures_of_any_size(generator, size):
    made = model(generator=generator, blocks=1).ready()
    pictures = torch.rand(2, 3, *size) * 2 - 1
    out = made.translate(pictures)
    assert out.shape == pictures.shape
    torch.testing.assert_close(made.translate(pictures[1:], seed=1), out[1:], atol=1e-5, rtol=1e-4)
    if size == (16, 16):
        torch.testing.assert_close(out, made.generate({"source": pictures}))
    with pytest.raises(InvalidOptions, match="direction"):
        made.translate(pictures, to="a")


def test_the_learning_rate_as_released():
    """Pass k (from 1) of ten images each; 100 passes held, 100 falling."""
    ends = {1: 2e-4, 100: 2e-4, 101: 1.98020e-4, 199: 3.9604e-6, 200: 1.9802e-6}
    starts = {1: 2e-4, 99: 2e-4, 100: 1.98020e-4, 199: 1.9802e-6, 200: 0.0}
    for at, known in (("end", ends), ("start", starts)):
        for k, lr in known.items():
            assert 2e-4 * rate(10 * (k - 1), 10, 100, 100, at) == pytest.approx(lr, rel=1e-4, abs=1e-12)
            assert rate(10 * k - 1, 10, 100, 100, at) == rate(10 * (k - 1), 10, 100, 100, at)
    assert rate(10**9, 10, 100, 100) == 0
    assert rate(10**9, 10, 100, 0) == 1


def test_the_learning_rate_follows_the_images():
    made = model(hold_epochs=1, decay_epochs=1)
    engine = Training(made)
    for images, factor in ((0, 1), (39, 1), (40, 0.5), (80, 0)):
        made.begin_step(Progress(images=images))
        rates = {group["lr"] for phase in engine.phases for group in phase.optimizer.param_groups}
        assert rates == {made.config.lr * factor}


@pytest.mark.parametrize(
    ("options", "size", "said"),
    [
        ({}, 48, "take 32 px, or -s levels=4"),
        ({"levels": 4}, 40, "multiples of 16"),
        ({"generator": "resnet"}, 18, "multiples of 4|multiples of 8"),
        ({"d_layers": 3}, 16, "take at most 2"),
        ({"load": 8}, 16, "nothing to crop"),
    ],
)
def test_what_does_not_fit_is_told(options, size, said):
    data = dataclasses.replace(DATA, resolution=size)
    with pytest.raises(InvalidOptions, match=said):
        zoo.create("pix2pix", preset="tiny", data=data, **({"load": 0} | options))


def test_presets():
    paper = Pix2Pix.presets["paper"](DataSpec(256, items=400, source_channels=3)).config
    assert (paper.load, paper.kimg, paper.batch, paper.d_layers) == (286, 80, 1, 3)
    assert too_small(3, 24) == ""
    assert too_small(3, 23)


def official(state):
    """A U-Net's state under the names of blocks within blocks."""
    levels = sum(name.startswith("downs") and name.endswith("conv.weight") for name in state)
    named = {}
    for name, value in state.items():
        way, i, kind, *rest = name.split(".")
        depth = int(i) if way == "downs" else levels - 1 - int(i)
        inner = "model" + ".model.1" * (depth > 0) + ".model.3" * (depth - 1)
        down, up = {0: ("0", "3"), levels - 1: ("1", "3")}.get(depth, ("1", "5"))
        if kind == "conv":
            named[f"{inner}.model.{down if way == 'downs' else up}.{rest[0]}"] = value
        else:
            place = "2" if way == "downs" else ("4" if depth == levels - 1 else "6")
            named[f"{inner}.model.{place}.{rest[1]}"] = value
    return named


@pytest.mark.parametrize("norm", ["batch", "instance"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_import_of_official_names(tmp_path, norm, prefix):
    torch.manual_seed(0)
    net = UNet(3, 1, levels=5, width=4, norm=norm)
    state = official(net.state_dict())
    assert "model.model.1.model.3.model.3.model.3.model.1.weight" in state
    assert state["model.model.1.model.5.weight"].shape == (4 * 4, 4, 4, 4)
    if norm == "instance":  # files of 2017 kept statistics that nothing used
        state |= {f"model.model.1.model.2.running_{one}": torch.ones(8) for one in ("mean", "var")}
        state["model.model.1.model.2.num_batches_tracked"] = torch.tensor(5)
    torch.save({prefix + name: value for name, value in state.items()}, tmp_path / "latest_net_G.pth")
    loaded = zoo.load(tmp_path / "latest_net_G.pth")
    assert isinstance(loaded, Pix2Pix)
    assert (loaded.data.resolution, loaded.data.channels, loaded.data.source_channels) == (32, 1, 3)
    picture = pairs(1, 64)["source"]
    with torch.no_grad():
        net.eval()
        torch.testing.assert_close(loaded.generate({"source": picture}), net(picture))


def test_import_refuses_what_it_does_not_know(tmp_path):
    state = official(UNet(3, 3, levels=5, width=4).state_dict())
    state["model.model.1.model.2.extra"] = torch.zeros(1)
    del state["model.model.1.model.5.weight"]
    torch.save(state, tmp_path / "latest_net_G.pth")
    with pytest.raises(zoo.ZooError, match=r"(?s)(extra.*ups.3.conv.weight|ups.3.conv.weight.*extra)"):
        read_file(tmp_path / "latest_net_G.pth", "pix2pix")
    assert set(renamed({"odd": torch.zeros(1)}, 5, False)) == {"odd"}


def test_gradients_reach_the_decoders_normalisation_in_one_piece():
    net = UNet(3, 3, levels=5, width=4).to(memory_format=torch.channels_last)
    found = []
    for up in net.ups[:-1]:
        up.norm.register_full_backward_pre_hook(lambda _, gradients: found.append(gradients[0]))
    x = torch.randn(2, 3, 32, 32).to(memory_format=torch.channels_last)
    net(x).square().sum().backward()
    assert len(found) == 4
    assert all(gradient.is_contiguous(memory_format=torch.channels_last) for gradient in found)
