"""Projected GAN against its published form: projections, heads, names, joins, what is saved."""

import pytest
import torch
from torch.nn import functional as f

import zoo
from ganzoo_fastgan.model import FastGAN
from ganzoo_projected import official
from ganzoo_projected.discriminator import Projected, Tower, blurred, projected
from ganzoo_projected.heads import Head
from ganzoo_projected.presets import PRESETS
from ganzoo_projected.projection import Projection
from zoo import DataSpec, InvalidOptions, Parts, Progress, ZooError, critics_of
from zoo.plugins import registry
from zoo.testing.toy_data import DATA, batch
from zoo.training import checkpoint
from zoo.training.engine import Training
from zoo.training.plan import model_class, usual_parts

LITE = (24, 40, 112, 320)  # channels of the four coarsest maps of efficientnet-lite0
SMALL = {"size": 64, "width": 4, "backbone": ("test-8ch",)}
PART = "projected:size=64,width=4"


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_measured_counts():
    projection = Projection(LITE)
    assert projection.channels == (64, 64, 128, 256)
    assert sum(buffer.numel() for buffer in projection.buffers()) == 376_768
    assert count(projection) == 0
    with torch.device("meta"):
        heads = [[count(Head(projection.channels[i], 128 >> i, separable=s)) for i in range(4)] for s in (False, True)]
        labelled = [
            sum(count(Head(projection.channels[i], 128 >> i, separable=s, classes=1000)) for i in range(4))
            for s in (False, True)
        ]
    assert heads == [[2_829_120, 2_763_392, 2_631_936, 2_106_880], [190_848, 186_048, 177_024, 142_592]]
    assert labelled == [12_940_736, 3_305_920]


def test_names_are_those_of_the_published_code():
    discriminator = projected(DataSpec(64), **SMALL)
    names = set(discriminator.state_dict())
    scratch = {
        f"layer{i}_{kind}.{part}" for i in range(4) for kind in ("ccm", "csm.out_conv") for part in ("weight", "bias")
    }
    assert {name.removeprefix("towers.0.projection.") for name in names if ".projection." in name} == scratch
    head = [name.removeprefix("towers.0.heads.3.") for name in names if ".heads.3." in name]
    triple = ("weight_orig", "weight_u", "weight_v")
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    block = {f"main.0.main.0.{part}" for part in (*triple, "bias")} | {f"main.0.main.1.{part}" for part in norm}
    assert set(head) == block | {f"main.1.{part}" for part in triple}
    light = set(projected(DataSpec(64), **SMALL, separable=True).state_dict())
    assert {f"towers.0.heads.0.main.2.main.0.{way}.weight_orig" for way in ("depthwise", "pointwise")} <= light
    labelled = set(projected(DataSpec(64, classes=3), **SMALL, label=True).state_dict())
    assert {f"towers.0.heads.1.{name}" for name in ("cls.weight_u", "embed.weight", "embed_proj.0.bias")} <= labelled


def test_the_projection_mixes_channels_and_then_scales():
    """The sheet's equations, from coarse to fine."""
    torch.manual_seed(0)
    projection = Projection((3, 5, 7, 9), width=2)
    maps = [torch.randn(2, c, s, s) for c, s in [(3, 16), (5, 8), (7, 4), (9, 2)]]
    s = projection.state_dict()
    c = [f.conv2d(x, s[f"layer{i}_ccm.weight"], s[f"layer{i}_ccm.bias"]) for i, x in enumerate(maps)]
    assert [x.shape[1] for x in c] == [2, 4, 8, 16]

    def fuse(i, x):
        enlarged = f.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        return f.conv2d(enlarged, s[f"layer{i}_csm.out_conv.weight"], s[f"layer{i}_csm.out_conv.bias"])

    s3 = fuse(3, c[3])
    s2 = fuse(2, s3 + c[2])
    s1 = fuse(1, s2 + c[1])
    for ours, theirs in zip(projection(maps), [fuse(0, s1 + c[0]), s1, s2, s3], strict=True):
        torch.testing.assert_close(ours, theirs)
    assert projection.channels == (2, 2, 4, 8)


def test_projections_of_less():
    maps = [torch.randn(1, 3, 8, 8), torch.randn(1, 5, 4, 4)]
    assert all(a is b for a, b in zip(Projection((3, 5), mixing="none")(maps), maps, strict=True))
    assert [tuple(x.shape) for x in Projection((3, 5), 4, "channels")(maps)] == [(1, 4, 8, 8), (1, 8, 4, 4)]
    odd = Projection((3, 5), 4)([torch.randn(1, 3, 7, 7), torch.randn(1, 5, 4, 4)])  # sides that are not halves
    assert [tuple(x.shape[2:]) for x in odd] == [(14, 14), (7, 7)]


def test_projections_have_torchs_own_initialisation():
    torch.manual_seed(3)
    ours = Projection((24, 40), mixing="channels")
    torch.manual_seed(3)
    theirs = torch.nn.Conv2d(24, 64, 1)
    assert torch.equal(ours.layer0_ccm.weight, theirs.weight)
    assert torch.equal(ours.layer0_ccm.bias, theirs.bias)


def test_a_labelled_head_projects_onto_the_class():
    head = Head(4, 16, classes=5).eval()
    x, label = torch.randn(3, 4, 8, 8), torch.tensor([0, 4, 2])
    out = head.cls(head.main(x))
    direction = f.leaky_relu(head.embed_proj[0](head.embed.weight[label]), 0.2)
    expected = torch.einsum("nchw,nc->nhw", out, direction).flatten(1) / 8
    torch.testing.assert_close(head(x, label), expected, rtol=1e-4, atol=1e-4)


def test_one_row_of_logits_holds_every_head():
    tower = Tower(zoo.backbone("test-8ch"), 128, width=4)
    assert tower(torch.rand(2, 3, 16, 16)).shape == (2, 4 * 25)
    assert Tower(zoo.backbone("test-8ch"), 128, heads=2, width=4)(torch.rand(2, 3, 16, 16)).shape == (2, 2 * 25)
    both = projected(DataSpec(16), backbone=("test-8ch", "test-8ch"), size=64, width=4)
    logits = both(torch.rand(2, 1, 16, 16))
    assert logits.shape == (2, 2 * 4)
    model = zoo.create("projected-gan", preset="tiny", resolution=16, training=True)
    real, fake = torch.rand(4, 3, 16, 16), torch.rand(4, 3, 16, 16)
    model.critic.augment, critic = zoo.Augment(), model.critic.eval()
    terms = critic.d_loss(real, fake)
    torch.testing.assert_close(terms["real"], f.relu(1 - critic.network(real)).mean())  # one mean over all (C4)
    torch.testing.assert_close(terms["fake"], f.relu(1 + critic.network(fake)).mean())


@pytest.mark.parametrize(
    ("resolution", "given", "seen"), [(64, 0, 224), (224, 0, None), (256, 0, None), (256, 128, 128)]
)
def test_small_data_is_enlarged_to_224(resolution, given, seen):
    made = projected(DataSpec(resolution), backbone=("test-8ch",), size=given, width=1)
    assert made.towers[0].size == seen


def test_it_enlarges_as_published():
    tower = Tower(zoo.backbone("test-8ch"), 64, width=4).eval()
    x = torch.rand(2, 3, 16, 16) * 2 - 1
    tower_at_64 = Tower(tower.backbone, None, width=4).eval()
    tower_at_64.load_state_dict(tower.state_dict())
    enlarged = f.interpolate(x, 64, mode="bilinear", align_corners=False)
    torch.testing.assert_close(tower(x), tower_at_64(enlarged), rtol=1e-4, atol=1e-5)


def test_maps_that_are_too_small_or_absent_are_told():
    with pytest.raises(ZooError, match=r"take projected:size=64 or more"):
        projected(DataSpec(16), backbone=("test-8ch",), size=32)
    with pytest.raises(ZooError, match="labelled data"):
        projected(DataSpec(16), **SMALL, label=True)
    with pytest.raises(ZooError, match="label_rows=1 is fewer than the data's 3 classes"):
        projected(DataSpec(16, classes=3), **SMALL, label=True, label_rows=1)
    with pytest.raises(ZooError, match="cannot look at 128 px; take projected:size=224"):
        projected(DataSpec(16), backbone=("swin-t:random=true",), size=128)
    blind = zoo.backbone("test-8ch")
    blind.channels = (8, 8, 8)
    with pytest.raises(ZooError, match="no four maps"):
        Tower(blind, 64)


def test_the_blur_is_a_gaussian_that_fades():
    x = torch.zeros(1, 2, 21, 21)
    x[:, :, 10, 10] = 1
    seen = blurred(x, 2.0)
    at = torch.arange(-6, 7.0)
    row = torch.exp2(-((at / 2) ** 2))
    row /= row.sum()
    torch.testing.assert_close(seen[0, 1, 4:17, 4:17], row[:, None] * row[None])
    assert blurred(x, 0.3) is x
    discriminator = projected(DataSpec(16), **SMALL, blur=4.0, blur_kimg=2.0)
    sigmas = []
    for images in (0, 500, 2000, 3000):
        discriminator.begin_step(Progress(1, images))
        sigmas.append(discriminator.sigma)
    assert sigmas == [4.0, 3.0, 0.0, 0.0]
    assert projected(DataSpec(16), **SMALL, blur=4.0).sigma == 0


HOSTS = [name for name in zoo.list_models() if name != "projected-gan"]


@pytest.mark.parametrize("name", HOSTS)
def test_it_joins_every_architecture(name, tmp_path):
    """Two steps, a save, a resume into other weights, two more steps: nothing frozen moves or is saved."""

    def build(seed):
        torch.manual_seed(seed)
        chosen = model_class(name).presets["tiny"](DATA)
        model = model_class(name)(chosen.config, DATA)
        base = chosen.parts or usual_parts(model_class(name), chosen.config)
        if base is None:
            pytest.skip(f"{name} plays no game")
        try:
            model.build_critics(Parts("hinge", augment=base.augment, discriminator=PART, backbones=("test-8ch",)))
        except ZooError as refusal:
            pytest.skip(f"{name} refuses it: {refusal}")
        return Training(model)

    def run(training, start):
        torch.manual_seed(start)
        for i in (start, start + 1):
            log = training.step(batch(training.model, i))
            assert all(value.isfinite().all() for value in log.values())

    straight, first, again = build(0), build(0), build(5)
    networks = [critic.network for critic in critics_of(first.model).values()]
    towers = [network for network in networks if isinstance(network, Projected)]
    assert towers
    frozen = [tensor.clone() for tensor in towers[0].towers[0].backbone.network.state_dict().values()]
    fixed = {key: value.clone() for key, value in towers[0].state_dict().items() if ".projection." in key}
    run(straight, 0)
    run(first, 0)
    checkpoint.restore(again, checkpoint.save(tmp_path, first, {}))
    run(straight, 2)
    run(again, 2)
    for (key, a), b in zip(straight.model.state_dict().items(), again.model.state_dict().values(), strict=True):
        assert torch.equal(a, b), key
    now = towers[0].towers[0].backbone.network.state_dict().values()
    assert all(torch.equal(a, b) for a, b in zip(frozen, now, strict=True))
    state = towers[0].state_dict()
    assert all(torch.equal(state[key], value) for key, value in fixed.items())
    assert not any("backbone" in key for key in first.model.state_dict())


def test_gradients_reach_the_generator_through_the_frozen_network_alone():
    torch.manual_seed(0)
    model = zoo.create("projected-gan", preset="tiny", resolution=16, training=True)
    engine = Training(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    g = next(phase for phase in engine.phases if phase.name == "G")
    engine.update(g, [{"image": torch.rand(8, 3, 16, 16)}])
    moved = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert "generator.init.init.0.weight_orig" in moved
    assert all(name.startswith("generator.") for name in moved)


def test_bf16():
    torch.manual_seed(0)
    engine = Training(zoo.create("projected-gan", preset="tiny", resolution=16, training=True), precision="bf16")
    for i in range(3):
        log = engine.step({"image": torch.rand(8, 3, 16, 16, generator=torch.Generator().manual_seed(i))})
        assert all(value.isfinite() for value in log.values())
    network, x = engine.model.critic.network.eval(), torch.rand(4, 3, 16, 16)
    plain = network(x)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = network(x)
    assert (plain - rounded.float()).abs().max() < 0.05 * plain.abs().max()


def test_the_preset_architecture_is_fastgan_with_projected_heads():
    found = registry().find("architecture", "projected-gan").entry
    assert (found.base, set(found.presets)) == ("fastgan", set(PRESETS))
    assert issubclass(model_class("projected-gan"), FastGAN)
    paper = PRESETS["paper"](DataSpec(256))
    c = paper.config
    assert (c.form, c.g_width, c.z_dim, c.order, c.batch, c.kimg) == ("projected", 128, 256, "G-D", 64, 10_000)
    assert (c.g_lr, c.d_lr, c.beta1, c.beta2, c.d_share) == (2e-4, 2e-4, 0.0, 0.99, 16 / 17)
    assert (c.ema_decay, c.ema_kimg, c.ema_ramp, c.ema_refresh) == (0.0, 20.0, 0.05, False)
    assert paper.parts == Parts(
        "hinge",
        augment="diffaugment:policy=color+translation+cutout,cutout=0.2",
        discriminator="projected",
        backbones=("efficientnet-lite0",),
    )
    assert PRESETS["paper-lite"](DataSpec(256)).config.form == "projected-lite"
    with torch.device("meta"):
        model = model_class("projected-gan")(c, DataSpec(256))
    assert count(model.generator) == 105_684_175
    with pytest.raises(InvalidOptions, match="projected-gan"):
        zoo.create("projected-gan", preset="tiny", resolution=16, ngf=3)


def published_generator(form, resolution, classes):
    """Our generator's tensors under the published names, and what published files hold besides."""
    model = zoo.create(
        "fastgan", preset="tiny", data=DataSpec(resolution, classes=classes), form=form, g_width=16,
        condition="label" if classes else "none",
    )  # fmt: skip
    state = {}
    for name, value in model.generator.state_dict().items():
        if name.endswith("norm.num_batches_tracked"):
            continue
        renamed = name.replace("norm.running_mean", "stored_mean").replace("norm.running_var", "stored_var")
        state[f"synthesis.{renamed}"] = value
    if resolution == 128:
        state["synthesis.feat_256.1.weight_orig"] = torch.zeros(2)
        state["synthesis.se_256.main.1.weight_u"] = torch.zeros(2)
    return model, state


@pytest.mark.parametrize(
    ("form", "classes"), [("projected", 0), ("projected-lite", 0), ("projected", 6), ("projected-lite", 6)]
)
@pytest.mark.parametrize("resolution", [128, 256])
def test_official_generators_become_ours(form, classes, resolution):
    model, state = published_generator(form, resolution, classes)
    found = official.generator(state)
    assert (found.resolution, found.channels, found.classes) == (resolution, 3, classes)
    again = zoo.create("fastgan", preset="tiny", data=DataSpec(resolution, classes=classes), **found.options)
    again.generator.load_state_dict(found.tensors, strict=True)
    torch.testing.assert_close(again.sample(1), model.sample(1))


@pytest.mark.parametrize(
    "options", [{}, {"separable": True}, {"mixing": "channels", "heads": 2}, {"mixing": "none"}, {"label": True}]
)
def test_official_discriminators_become_ours(options):
    data = DataSpec(64, classes=5)
    width = 64 if options.get("mixing") == "none" else 4
    ours = projected(data, backbone=("test-8ch",), size=64, width=width, **options)
    state = {"feature_network.pretrained.layer0.0.weight": torch.zeros(1)}
    for name, value in ours.state_dict().items():
        renamed = name.replace("towers.0.projection.", "feature_network.scratch.")
        state[renamed.replace("towers.0.heads.", "discriminator.mini_discs.")] = value
    found = official.discriminator(state)
    again = projected(data, backbone=("test-8ch",), size=64, **found.options)
    again.load_state_dict(found.tensors, strict=True)
    x, label = torch.rand(2, 3, 64, 64), torch.tensor([1, 3]) if options.get("label") else None
    torch.testing.assert_close(again.eval()(x, label), ours.eval()(x, label))


def test_other_tensors_are_refused():
    for read in (official.generator, official.discriminator):
        with pytest.raises(ZooError, match="not the tensors"):
            read({"main.0.weight": torch.zeros(1)})
