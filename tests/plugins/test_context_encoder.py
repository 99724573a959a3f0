"""Context encoders: counts and names of the released networks, holes, the joint loss, and pixels that stay."""

import numpy as np
import pytest
import torch
from numpy.random import RandomState
from PIL import Image

import zoo
from ganzoo_context_encoder.importing import ContextEncoderImporter
from ganzoo_context_encoder.masks import BlockMask, CentreMask, PatternMask, blobs, hollow
from ganzoo_context_encoder.metric import errors
from ganzoo_context_encoder.model import ContextEncoder
from ganzoo_context_encoder.networks import ChannelWise, Discriminator, Inpainter
from zoo import DataSpec, ForeignFile, ForeignNetwork, InvalidOptions, ZooError
from zoo.training.engine import Training


def count(network):
    return sum(p.numel() for p in network.parameters())


def centre(resolution=32, **options):
    torch.manual_seed(0)
    small = {"width": 2, "units": 8, "d_width": 2, "load": 0, "overlap": 4, **options}
    return zoo.create("context-encoder", preset="paper", resolution=resolution, training=True, **small)


def pictures(n, size=16, seed=0):
    return torch.from_numpy(RandomState(seed).uniform(-1, 1, (n, 3, size, size)).astype(np.float32))


def test_measured_counts_at_128_px():
    with torch.device("meta"):
        assert count(Inpainter(128, 64, 3)) == 71_124_544
        assert count(Discriminator(64, 3)) == 2_765_568


def test_names_are_those_of_the_port():
    with torch.device("meta"):
        names = set(Inpainter(128, 64, 3).state_dict())
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    convolutions = (0, 2, 5, 8, 11, 14, 17, 20, 23, 26, 29)
    norms = (3, 6, 9, 12, 15, 18, 21, 24, 27)
    assert names == {f"main.{i}.weight" for i in convolutions} | {f"main.{i}.{n}" for i in norms for n in norm}
    with torch.device("meta"):
        judge = set(Discriminator(64, 3).state_dict())
    assert {name for name in judge if name.endswith("weight")} == {
        f"main.{i}.weight" for i in (0, 2, 3, 5, 6, 8, 9, 11)
    }


@pytest.mark.parametrize(
    ("resolution", "output", "halved", "doubled"),
    [
        (128, 64, [64, 64, 128, 256, 512], [512, 256, 128, 64, 3]),
        (128, 128, [64, 64, 128, 256, 512], [512, 256, 128, 64, 64, 3]),
        (64, 64, [64, 128, 256, 512], [512, 256, 128, 64, 3]),
    ],
)
def test_maps_of_the_layers(resolution, output, halved, doubled):
    with torch.device("meta"):
        network = Inpainter(resolution, output, 3)
    shapes = [tuple(p.shape) for p in network.main.parameters() if p.ndim == 4]
    n = len(halved)
    assert [shape[0] for shape in shapes[:n]] == halved
    assert shapes[n] == (4000, 512, 4, 4)
    assert [shape[1] for shape in shapes[n + 1 :]] == doubled
    with torch.device("meta"):
        judged = [p.shape[0] for p in Discriminator(output, 3).parameters() if p.ndim == 4]
    assert judged == {64: [64, 128, 256, 512, 1], 128: [64, 64, 128, 256, 512, 1]}[output]


def test_the_networks_compute_what_the_table_says():
    """The centre model at 32 px, layer by layer with torch's functions."""
    from torch.nn import functional as f

    torch.manual_seed(0)
    network = Inpainter(32, 16, 3, width=2, units=5)
    x = images = torch.randn(3, 3, 32, 32)
    s = network.state_dict()

    def norm(x, i):
        return f.batch_norm(x, None, None, s[f"main.{i}.weight"], s[f"main.{i}.bias"], training=True)

    x = f.leaky_relu(f.conv2d(x, s["main.0.weight"], stride=2, padding=1), 0.2)
    x = f.leaky_relu(norm(f.conv2d(x, s["main.2.weight"], stride=2, padding=1), 3), 0.2)
    x = f.leaky_relu(norm(f.conv2d(x, s["main.5.weight"], stride=2, padding=1), 6), 0.2)
    x = f.leaky_relu(norm(f.conv2d(x, s["main.8.weight"]), 9), 0.2)
    assert x.shape == (3, 5, 1, 1)
    x = norm(f.conv_transpose2d(x, s["main.11.weight"]), 12).relu()
    x = norm(f.conv_transpose2d(x, s["main.14.weight"], stride=2, padding=1), 15).relu()
    x = f.conv_transpose2d(x, s["main.17.weight"], stride=2, padding=1).tanh()
    torch.testing.assert_close(network(images), x)


def test_the_channel_wise_layer_is_dense_within_each_map():
    torch.manual_seed(0)
    layer = ChannelWise(3, 4)
    torch.nn.init.normal_(layer.weight)
    assert count(layer) == 3 * 4**4
    x = torch.randn(2, 3, 4, 4)
    expected = torch.stack([x[:, c].flatten(1) @ layer.weight[c] for c in range(3)], 1).view(2, 3, 4, 4)
    torch.testing.assert_close(layer(x), expected)
    network = Inpainter(16, 16, 3, width=2, bottleneck="channelwise")
    assert network(torch.randn(2, 3, 16, 16)).shape == (2, 3, 16, 16)
    assert [p.shape[-1] for p in network.main.parameters() if p.ndim == 3] == [16]


def test_noise_joins_the_units():
    network = Inpainter(16, 8, 3, width=2, units=6, z_dim=4).eval()
    x = torch.randn(1, 3, 16, 16)
    assert network.main[network.encoded].num_features == 10
    assert not torch.equal(network(x, torch.randn(1, 4)), network(x, torch.randn(1, 4)))


def test_the_centre_is_the_middle_half_less_the_overlap():
    mask = CentreMask(128, 4)(2, 0)
    assert mask.shape == (2, 1, 128, 128)
    assert mask.dtype == torch.bool
    rows, columns = mask[1, 0].nonzero().unbind(1)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (36, 91, 36, 91)
    assert mask.sum() == 2 * 56**2


def test_blocks_cover_up_to_a_quarter_each_on_its_own():
    masks = BlockMask(64)(200, 3)
    shares = masks.flatten(1).float().mean(1)
    assert shares.max() <= 0.25
    assert shares.min() > 0
    assert shares.mean() > 0.15
    assert len(torch.unique(masks.flatten(1), dim=0)) == 200
    assert torch.equal(BlockMask(64)(200, 3), masks)
    assert masks.float().mean(0)[0, 32, 32] > 0.1  # the middle is not spared


def test_windows_of_the_pattern_drop_20_to_30_percent_alike_in_a_batch():
    sampler = PatternMask(128, pattern=2000)
    assert blobs(2000).shape == (2000, 2000)
    assert 0.1 < blobs(2000).mean() < 0.3
    for seed in range(10):
        masks = sampler(3, seed)
        assert 0.2 < masks.float().mean() < 0.3
        assert torch.equal(masks[0], masks[2])
    edges = (blobs(2000)[:, 1:] != blobs(2000)[:, :-1]).mean()
    assert edges < 0.05  # blobs, not grains


def test_holes_are_filled_with_the_released_constants():
    images = torch.zeros(1, 3, 4, 4)
    mask = torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    mask[..., 1:3, 1:3] = True
    seen = hollow(images, mask)
    expected = torch.tensor([2 * 117 / 255 - 1, 2 * 104 / 255 - 1, 2 * 123 / 255 - 1])
    torch.testing.assert_close(seen[0, :, 1, 2], expected)
    assert (seen[0, :, 0] == 0).all()
    assert hollow(images[:, :1], mask).shape == (1, 1, 4, 4)


@pytest.mark.parametrize(("rec", "share"), [(0.999, 0.001), (0.0, 1.0), (2.0, 1.0)])
def test_the_joint_loss_of_the_centre(rec, share):
    """0.001 adv + mean(W (F(x) - x)^2), W ten times as large on the band of `overlap` pixels."""
    model = centre(overlap=2, rec=rec, d_norm="none")
    model.eval()
    images = pictures(4, 32)
    batch = {"image": images}
    model.draw(batch)
    terms = model.g_loss(batch)
    context = images.clone()
    context[..., 10:22, 10:22] = torch.tensor([2 * v / 255 - 1 for v in (117, 104, 123)]).view(3, 1, 1)
    fake, real = model.generator(context), images[..., 8:24, 8:24]
    logit = model.critic.network(fake)
    torch.testing.assert_close(terms["adv"], share * torch.log(1 + torch.exp(-logit)).mean())
    weight = torch.full((16, 16), 10 * rec)
    weight[2:-2, 2:-2] = rec
    if rec:
        torch.testing.assert_close(terms["rec"], (weight * (fake - real) ** 2).mean())
    assert ("rec" in terms) == bool(rec)
    expected = {"real": torch.log(1 + torch.exp(-model.critic.network(real))).mean()}
    expected["fake"] = torch.log(1 + torch.exp(logit)).mean()
    found = model.d_loss(batch)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value)


def test_whole_images_are_held_against_whole_images():
    torch.manual_seed(0)
    model = zoo.create(
        "context-encoder", preset="paper-random", resolution=32, training=True, width=2, units=8, d_width=2, pattern=500
    )
    model.eval()
    batch = {"image": pictures(2, 32)}
    model.draw(batch)
    assert 0.2 < batch["hole"].float().mean() < 0.3
    assert batch["fake"].shape == (2, 3, 32, 32)
    torch.testing.assert_close(model.g_loss(batch)["rec"], 0.999 * (batch["fake"] - batch["image"]).square().mean())
    assert model.critic.network(batch["image"]).shape == (2, 1)


def test_learning_rates():
    rates = {
        rec: [phase.optimizer.param_groups[0]["lr"] for phase in centre(rec=rec).phases()] for rec in (0.999, 0.0, 1.0)
    }
    assert rates == {0.999: [2e-4, 2e-3], 0.0: [2e-4, 2e-4], 1.0: [2e-4, 2e-4]}
    paper = ContextEncoder.presets["paper"](DataSpec(128, items=14_900)).config
    assert (paper.units, paper.overlap, paper.load, paper.batch, paper.kimg) == (4000, 4, 350, 64, 7450)


def test_g_learns_from_the_pass_of_the_d_step():
    model = centre()
    engine, data = Training(model), {"image": pictures(4, 32)}
    engine.update(engine.phases[0], [data])
    engine.update(engine.phases[1], [data])
    assert model.generator.main[3].num_batches_tracked == 1


def test_a_step_draws_holes_from_torchs_generator():
    model = zoo.create("context-encoder", preset="tiny", resolution=16, training=True)
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        batch = {"image": pictures(2)}
        model.draw(batch)
        drawn.append(batch["hole"])
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def boxed(height, width):
    mask = np.zeros((height, width), np.uint8)
    mask[height // 3 : height // 2, width // 3 : width // 2] = 255
    return mask


@pytest.mark.parametrize("size", [(16, 16), (40, 23), (9, 70)])
def test_known_pixels_stay_bit_for_bit(size):
    model = zoo.create("context-encoder", preset="tiny", resolution=16)
    random, mask = RandomState(0), boxed(*size)
    pixels = random.randint(0, 256, (*size, 3)).astype(np.uint8)
    images = torch.from_numpy(random.uniform(-1, 1, (2, 3, *size)).astype(np.float32))
    out = model.inpaint(pixels, mask)
    assert out.dtype == np.uint8
    assert (out[mask == 0] == pixels[mask == 0]).all()
    assert (out[mask > 0] != pixels[mask > 0]).any()
    picture = model.inpaint(Image.fromarray(pixels), Image.fromarray(mask))
    np.testing.assert_array_equal(np.asarray(picture), out)
    tensors = model.inpaint(images, torch.from_numpy(mask > 0))
    kept = torch.from_numpy(mask == 0).expand_as(tensors)
    assert torch.equal(tensors[kept], images[kept])
    assert tensors.abs().max() <= 1


@pytest.mark.parametrize("size", [(16, 16), (40, 23)])
def test_what_lies_in_the_hole_is_not_looked_at(size):
    model = zoo.create("context-encoder", preset="tiny", resolution=16)
    mask = torch.from_numpy(boxed(*size) > 0)
    one = pictures(1, 70)[..., : size[0], : size[1]]
    other = torch.where(mask, -one, one)
    assert torch.equal(model.inpaint(one, mask), model.inpaint(other, mask))


def test_a_mask_for_each_or_one_of_the_models_own():
    model = zoo.create("context-encoder", preset="tiny", resolution=16)
    images = pictures(2)
    masks = torch.zeros(2, 16, 16, dtype=torch.int64)
    masks[0, :3], masks[1, 5:8] = 1, 1
    out = model.inpaint(images, masks)
    changed = (out != images).any(1)
    assert torch.equal(changed, masks > 0)
    own = (model.inpaint(images, seed=5) != images).any(1)
    assert torch.equal(own[1:], BlockMask(16)(1, 6)[0])
    assert torch.equal(own[:1], BlockMask(16)(1, 5)[0])


def test_the_centre_model_pastes_what_it_draws_and_refuses_other_holes():
    model = centre().ready()
    images, mask = pictures(2, 32), CentreMask(32, 4)(2, 0)
    out = model.inpaint(images)
    drawn = model.generator(hollow(images, mask))
    torch.testing.assert_close(out[..., 12:20, 12:20], drawn[..., 4:12, 4:12])
    assert torch.equal(out[~mask.expand_as(out)], images[~mask.expand_as(out)])
    corner = torch.zeros(32, 32, dtype=torch.bool)
    corner[:4, :4] = True
    with pytest.raises(ZooError, match="centre alone"):
        model.inpaint(images, corner)


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (np.zeros((16, 17), np.uint8), "17x16 pixels"),
        (np.zeros((16, 16), np.uint8), "nothing is to be filled"),
        (np.full((16, 16), 255, np.uint8), "nothing is known"),
        (np.arange(256, dtype=np.uint8).reshape(16, 16), "256 values"),
        (np.eye(16, dtype=np.uint8) * 128, "black and white"),
        (torch.ones(3, 16, 16, dtype=torch.bool), "3 masks were given for 2"),
        (np.zeros((2, 2, 16, 16, 1), np.uint8), "shape"),
        ("mask.png", "A str was given"),
    ],
)
def test_masks_that_do_not_fit_are_refused(mask, said):
    model = zoo.create("context-encoder", preset="tiny", resolution=16)
    with pytest.raises(ZooError, match=said):
        model.inpaint(pictures(2), mask)


def test_features_are_the_encoders_maps():
    model = zoo.create("context-encoder", preset="tiny", resolution=16)
    maps = model.features(pictures(2, 24))
    assert [tuple(one.shape[1:]) for one in maps] == [(8, 8, 8), (16, 4, 4), (8, 1, 1)]
    assert not any(isinstance(one, torch.Tensor) and one.requires_grad for one in maps)


def test_what_cannot_be_is_refused():
    def refused(match, **options):
        with pytest.raises(InvalidOptions, match=match):
            zoo.create("context-encoder", preset="paper", **{"resolution": 64, "load": 0, **options})

    refused("64 or 128", resolution=96)
    refused("predicts=whole", masks="block")
    refused("at most 15", overlap=16)
    refused("no noise", z_dim=4, bottleneck="channelwise")
    refused("less than the 64 px", load=50)
    refused("too small", masks="pattern", predicts="whole", pattern=100)


def test_errors_are_means_over_the_hole():
    real = np.zeros((1, 2, 2, 3), np.uint8)
    fake = real.copy()
    fake[0, 0, 0] = (51, 0, 0)
    fake[0, 1, 1] = 255  # outside
    mask = np.array([[[True, True], [False, False]]])
    l1, l2, psnr = errors(real, fake, mask)[:, 0]
    assert l1 == pytest.approx(100 * 0.2 / 6)
    assert l2 == pytest.approx(100 * 0.04 / 6)
    assert psnr == pytest.approx(10 * np.log10(6 / 0.04))


def test_the_table_of_holes(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for i in range(12):
        shade = np.full((16, 16, 3), 20 * i, np.uint8)
        Image.fromarray(shade).save(folder / f"{i:02}.png")
    run = zoo.train(
        "context-encoder", folder, out=tmp_path / "run", preset="tiny", resolution=16, kimg=0.08, quiet=True
    )
    (score,) = zoo.evaluate(run.folder, folder, "hole", quiet=True)
    shades = 20 * np.arange(12) / 255
    assert score.values["L1 % of mean fill"] == pytest.approx(100 * np.abs(shades - shades.mean()).mean())
    assert score.values["L2 % of mean fill"] == pytest.approx(100 * shades.var())
    assert score.protocol["samples"]["n"] == 12
    model = run.load()
    images = torch.from_numpy(np.repeat(20 * np.arange(12, dtype=np.uint8), 768).reshape(12, 3, 16, 16)) / 127.5 - 1
    mask = model.prior(12, 0)["mask"]
    apart = (model.sample(12, given={"image": images}) - images).abs() / 2
    expected = [100 * apart[i][mask[i].expand(3, -1, -1)].mean().item() for i in range(12)]
    assert score.values["L1 %"] == pytest.approx(np.mean(expected), abs=0.2)  # rounded to bytes


@pytest.mark.parametrize(("resolution", "output"), [(128, 64), (64, 32), (64, 64)])
def test_the_ports_files_are_taken_over(resolution, output):
    torch.manual_seed(0)
    network = Inpainter(resolution, output, 3, width=2, units=6)
    file = ForeignFile({"state_dict": ForeignNetwork("state-dict", tensors=network.state_dict())}, {"epoch": 5})
    importer = ContextEncoderImporter()
    assert importer.recognises(file)
    imported = importer.convert(file)
    assert (imported.data.resolution, imported.config.units, imported.config.width) == (resolution, 6, 2)
    model = ContextEncoder(imported.config, imported.data)
    model.load_state_dict(imported.sampler)
    x = torch.randn(2, 3, resolution, resolution)
    assert torch.equal(model.generator.eval()(x), network.eval()(x))
    judge = ForeignNetwork("state-dict", tensors=Discriminator(64, 3, 2).state_dict())
    assert not importer.recognises(ForeignFile({"state_dict": judge}))


def test_a_file_of_the_port_fills_holes(tmp_path):
    torch.manual_seed(0)
    network = Inpainter(64, 32, 3, width=2, units=6)
    torch.save({"epoch": 5, "state_dict": network.state_dict()}, tmp_path / "netG_streetview.pth")
    model = zoo.load(tmp_path / "netG_streetview.pth")
    images = pictures(2, 64)
    out = model.inpaint(images)
    expected = network.eval()(hollow(images, CentreMask(64, 4)(2, 0)))
    torch.testing.assert_close(out[..., 20:44, 20:44], expected[..., 4:28, 4:28])
