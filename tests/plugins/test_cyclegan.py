"""CycleGAN: counts, losses against independent references, pools and their resume, import, both directions."""

import pytest
import torch
from torch.nn import functional as f

import zoo
from ganzoo_cyclegan.model import CycleGAN
from ganzoo_cyclegan.pool import Pool
from zoo import DataSpec, InvalidOptions, Parts, critics_of
from zoo.training import checkpoint
from zoo.training.engine import Training

DATA = DataSpec(16, items=40, source_channels=3, paired=False)


def model(data=DATA, **options):
    torch.manual_seed(0)
    return zoo.create("cyclegan", preset="tiny", data=data, training=True, **options)


def batch(i=0, n=4, channels=(3, 3)):
    rng = torch.Generator().manual_seed(i)
    source, image = (torch.rand(n, c, 16, 16, generator=rng) * 2 - 1 for c in channels)
    return {"image": image, "source": source}


def test_measured_count_of_the_whole_model():
    with torch.device("meta"):
        made = CycleGAN(CycleGAN.Config(), DataSpec(256, source_channels=3))
        made.build_critics(CycleGAN.parts(made.config))
    assert sum(p.numel() for p in made.parameters()) == 28_285_832
    critics = (made.critic_a, made.critic_b)
    assert [sum(p.numel() for p in critic.parameters()) for critic in critics] == [2_764_737] * 2


@pytest.mark.parametrize("identity", [0.0, 0.5])
def test_losses_are_those_of_the_paper(identity):
    made = model(identity=identity, pool=0)
    given = batch()
    a, b = given["source"], given["image"]
    with torch.no_grad():
        g = made.g_loss(given)
        fake_b, fake_a = made.a_to_b(a), made.b_to_a(b)
        expected = {
            "adv_b": (made.critic_b.network(fake_b) - 1).square().mean(),
            "adv_a": (made.critic_a.network(fake_a) - 1).square().mean(),
            "cycle_a": 10 * f.l1_loss(made.b_to_a(fake_b), a),
            "cycle_b": 10 * f.l1_loss(made.a_to_b(fake_a), b),
        }
        if identity:
            expected |= {"identity_b": 5 * f.l1_loss(made.a_to_b(b), b), "identity_a": 5 * f.l1_loss(made.b_to_a(a), a)}
        assert set(g) == set(expected)
        for name, value in expected.items():
            torch.testing.assert_close(g[name], value)
        d = made.d_loss(given)
        torch.testing.assert_close(d["real_b"], 0.5 * (made.critic_b.network(b) - 1).square().mean())
        torch.testing.assert_close(d["fake_b"], 0.5 * made.critic_b.network(fake_b).square().mean())
        torch.testing.assert_close(d["real_a"], 0.5 * (made.critic_a.network(a) - 1).square().mean())
        torch.testing.assert_close(d["fake_a"], 0.5 * made.critic_a.network(fake_a).square().mean())


def test_batch_normalisation_does_not_mix_the_domains():
    made = model(g_norm="batch")
    seen = []
    made.a_to_b.model[2].register_forward_hook(lambda _, x, y: seen.append(len(x[0])))
    made.g_loss(batch())
    assert seen == [4, 4, 4]


def test_the_pool_shows_new_and_old_in_equal_parts():
    pool = Pool(5)
    pool.reserve(DataSpec(1, channels=1))
    images = torch.arange(1.0, 2006).view(-1, 1, 1, 1)
    torch.manual_seed(0)
    assert torch.equal(pool(images[:5]), images[:5])
    assert torch.equal(pool.images, images[:5])
    shown = torch.cat([pool(some) for some in images[5:].split(4)])
    new = shown == images[5:]
    assert new.float().mean().item() == pytest.approx(0.5, abs=0.03)
    old = shown[~new]
    assert (old < images[5:][~new]).all()
    assert len(old.unique()) == len(old)  # an image leaves when it is shown again
    age = (images[5:][~new] - old).mean().item()
    assert age == pytest.approx(2 * 5, rel=0.1)  # one of five leaves at every second image
    assert len(pool.state_dict()) == 2


def test_what_the_pool_gives_is_a_copy():
    pool = Pool(1)
    pool.reserve(DataSpec(1, channels=1))
    torch.manual_seed(0)
    before = 0.0
    for i in range(20):
        shown = pool(torch.full((1, 1, 1, 1), float(i)))
        assert shown.item() in (float(i), before)
        before = pool.images.item()


def test_resume_draws_from_the_pools_as_going_on_does(tmp_path):
    straight, first = Training(model()), Training(model())
    for engine in (straight, first):
        torch.manual_seed(1)
        for i in range(4):
            engine.step(batch(i))
    assert int(first.model.critic_a.memory.filled) == 6
    where = checkpoint.save(tmp_path, first, {})
    again = Training(model())
    torch.manual_seed(9)
    checkpoint.restore(again, where)
    state = torch.get_rng_state()
    for i in range(4, 8):
        again.step(batch(i))
    torch.set_rng_state(state)
    for i in range(4, 8):
        straight.step(batch(i))
    for (name, x), y in zip(straight.model.state_dict().items(), again.model.state_dict().values(), strict=True):
        assert torch.equal(x, y), name


def test_parts_reach_both_critics_as_copies():
    made = model()
    made.build_critics(Parts("hinge", ("r1:gamma=1",), "ada:kimg=1", allies=("patchgan:layers=1,width=4",)))
    assert set(critics_of(made)) == {"critic_a", "critic_b", "critic_a.allies.patchgan", "critic_b.allies.patchgan"}
    a, b = made.critic_a, made.critic_b
    assert a.augment is not b.augment
    assert set(a.penalties) == set(b.penalties) == {"r1"}
    log = Training(made).step(batch())
    assert {"G/adv_a", "G/patchgan.adv_b", "D/r1_a", "D/patchgan.fake_b"} <= set(log)


def test_domains_of_different_channels():
    data = DataSpec(16, channels=1, items=40, source_channels=3, paired=False)
    with pytest.raises(InvalidOptions, match="identity=0"):
        model(data, identity=0.5)
    made = model(data)
    Training(made).step(batch(channels=(3, 1)))
    assert made.translate(torch.zeros(1, 3, 10, 12)).shape == (1, 1, 10, 12)
    assert made.translate(torch.zeros(1, 1, 10, 12), to="a").shape == (1, 3, 10, 12)


def test_both_directions_at_any_size():
    made = model().ready()
    pictures = torch.rand(2, 3, 17, 42) * 2 - 1
    there, back = made.translate(pictures), made.translate(pictures, to="a")
    assert there.shape == back.shape == pictures.shape
    whole = pictures[:, :, :16, :40]
    torch.testing.assert_close(made.translate(whole), made.a_to_b(whole))
    torch.testing.assert_close(made.translate(whole, to="a"), made.b_to_a(whole))


@pytest.mark.parametrize(
    ("options", "size", "said"),
    [({}, 18, "multiples of 4"), ({"d_layers": 3}, 16, "take 2"), ({"load": 8}, 16, "nothing to crop")],
)
def test_what_does_not_fit_is_told(options, size, said):
    with pytest.raises(InvalidOptions, match=said):
        zoo.create("cyclegan", preset="tiny", data=DataSpec(size, source_channels=3), **({"load": 0} | options))


def published(norm="instance", dropout=False, blocks=6):
    torch.manual_seed(0)
    options = {"generator": "resnet", "blocks": blocks, "g_width": 4, "g_norm": norm, "statistics": "running"}
    dropout_ = "training" if dropout else "never"
    return zoo.network("pix2pix", "generator", data=DATA, dropout=dropout_, **options).eval()


@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("blocks", [6, 9])
def test_import_of_official_names(tmp_path, dropout, blocks):
    net = published(dropout=dropout, blocks=blocks)
    state = dict(net.state_dict())
    assert len(state) == 2 * (6 + 2 * blocks)
    assert {f"model.10.conv_block.{6 if dropout else 5}.weight", f"model.{blocks + 17}.bias"} <= set(state)
    for name, value in list(state.items()):  # as files of 2017 have it: statistics that nothing used
        if value.ndim == 4 and name != f"model.{blocks + 17}.weight":
            channels = len(state[name.replace("weight", "bias")])
            parts = name.split(".")
            norm = ".".join([*parts[:-2], str(int(parts[-2]) + 1)])
            state |= {f"{norm}.running_mean": torch.ones(channels), f"{norm}.running_var": torch.ones(channels)}
            state[f"{norm}.num_batches_tracked"] = torch.tensor(7)
    torch.save(state, tmp_path / "horse2zebra.pth")
    loaded = zoo.load(tmp_path / "horse2zebra.pth")
    assert isinstance(loaded, CycleGAN)
    pictures = torch.rand(2, 3, 24, 32) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(loaded.translate(pictures), net(pictures))
    with pytest.raises(InvalidOptions, match="the other file"):
        loaded.translate(pictures, to="a")
    with pytest.raises(InvalidOptions, match="directions=both"):
        loaded.build_critics(Parts("hinge"))


def test_batch_normalisation_keeps_its_statistics(tmp_path):
    net = published("batch")
    for layer in net.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_()
    kept = {name: value for name, value in net.state_dict().items() if "num_batches" not in name}  # as before 2018
    torch.save(kept, tmp_path / "net.pth")
    state = zoo.load(tmp_path / "net.pth").a_to_b.state_dict()
    assert all(torch.equal(state[name], value) for name, value in kept.items())


def test_previews_go_there_and_back():
    made = model().ready()
    given = batch(n=2)
    rows = made.preview(given)
    assert rows.shape == (2, len(made.preview_names()), 3, 16, 16)
    torch.testing.assert_close(rows[:, 0], given["source"])
    torch.testing.assert_close(rows[:, 2], made.b_to_a(rows[:, 1]))
    torch.testing.assert_close(rows[:, 4], made.b_to_a(given["image"]))
