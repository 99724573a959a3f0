"""cGAN, AC-GAN and InfoGAN: counts, losses against plain references, labels from training to sampling."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import zoo
from ganzoo_conditional import acgan_networks, cgan_networks, infogan_networks
from ganzoo_conditional.acgan import ACGAN
from ganzoo_conditional.cgan import CGAN
from ganzoo_conditional.infogan import information
from ganzoo_conditional.layers import stages
from zoo import DataSpec, InvalidOptions, Progress
from zoo.evaluation.samples import ModelSamples
from zoo.labels import class_labels
from zoo.training.engine import Training

INITS: tuple[acgan_networks.Init, ...] = ("normal", "he")

DATA = DataSpec(resolution=16, classes=3, items=12, class_names=("cat", "dog", "owl"))


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def batch(n: int = 8) -> dict[str, torch.Tensor]:
    return {"image": torch.rand(n, 3, 16, 16) * 2 - 1, "label": torch.arange(n) % 3}


# ---- networks


def test_cgan_has_the_weights_of_the_published_code():
    g = cgan_networks.Generator(28, 1, 10, 100, 64, 1024)
    assert count(g) == 110 * 1024 + 1034 * 128 * 49 + 138 * 64 * 25 + 74 * 25
    d = cgan_networks.Discriminator(28, 1, 10, 64, 1024)
    assert count(d) == 11 * 64 * 25 + 74 * 128 * 25 + (128 * 49 + 10) * 1024 + 1034
    assert g(torch.zeros(2, 100), torch.tensor([0, 9])).shape == (2, 1, 28, 28)


def test_acgan_has_the_published_counts():
    assert count(acgan_networks.Generator(32, 3, 10, 100)) == 1_593_888
    assert count(acgan_networks.Discriminator(32, 3, 10)) == 1_663_867
    big = acgan_networks.Generator(128, 3, 10, 100, form="imagenet")
    judge = acgan_networks.Discriminator(128, 3, 10, form="imagenet")
    assert (count(big), count(judge)) == (11_465_728, 2_525_563)
    images = big(torch.zeros(1, 100), torch.tensor([3]))
    assert images.shape == (1, 3, 128, 128)
    assert judge.eval()(images).shape == (1, 11)


def test_infogan_makes_its_mnist_pair():
    g = infogan_networks.Generator(28, 1, 62, (10,), 2)
    d = infogan_networks.Discriminator(28, 1, (10,), 2)
    dense = 74 * 1024 + 1024 + 2 * 1024 + 1024 * 6272 + 6272 + 2 * 6272
    assert count(g) == dense + 128 * 64 * 16 + 64 + 128 + 64 * 16 + 1
    assert count(d.read) == 1024 * 128 + 128 + 256 + 128 * 14 + 14
    assert g(torch.zeros(2, 62), torch.zeros(2, 1, dtype=torch.long), torch.zeros(2, 2)).shape == (2, 1, 28, 28)


def test_maps_start_between_four_and_seven_pixels():
    assert [stages(size) for size in (16, 28, 32, 64)] == [(4, 2), (7, 2), (4, 3), (4, 4)]


def test_the_label_reaches_every_layer_of_cgan():
    torch.manual_seed(0)
    d = cgan_networks.Discriminator(16, 3, 3, 4, 8, norm="none")
    one, other = d(torch.zeros(1, 3, 16, 16), torch.tensor([0])), d(torch.zeros(1, 3, 16, 16), torch.tensor([1]))
    assert not torch.equal(one, other)
    widths = [conv.in_channels for conv in d.downs] + [d.dense.in_features, d.last.in_features]
    assert widths == [3 + 3, 4 + 3, 8 * 16 + 3, 8 + 3]


def test_projection_is_the_inner_product_with_the_summed_features():
    torch.manual_seed(0)
    d = cgan_networks.Discriminator(16, 3, 3, 4, 8, way="projection", norm="none")
    images, label = torch.randn(2, 3, 16, 16), torch.tensor([2, 0])
    plain = d(images, label).clone()
    rows = d.table.weight[label]
    expected = (d.features(images, label)[-1].sum(dim=(2, 3)) * rows).sum(dim=1, keepdim=True)
    with torch.no_grad():
        d.table.weight.zero_()
    torch.testing.assert_close(plain - d(images, label), expected)


# ---- losses


def test_information_is_the_entropy_less_what_q_does_not_know():
    rng = np.random.RandomState(0)
    read, category, code = rng.randn(5, 3 + 4), rng.randint(3, size=(5, 1)), rng.uniform(-1, 1, (5, 2))
    logits = read[:, :3] - np.log(np.exp(read[:, :3]).sum(axis=1, keepdims=True))
    chosen = logits[np.arange(5), category[:, 0]].mean()
    gauss = (-0.5 * math.log(2 * math.pi) - 0.5 * (code - read[:, 3:5]) ** 2 + math.log(2)).sum(axis=1).mean()
    found = information(torch.from_numpy(read), torch.from_numpy(category), torch.from_numpy(code), (3,))
    assert found.item() == pytest.approx(math.log(3) + chosen + gauss, rel=1e-12)


def test_both_players_of_acgan_learn_the_class():
    torch.manual_seed(0)
    model = ACGAN(ACGAN.Config(z_dim=8, g_width=2, d_width=2, dropout=0.0, d_norm="none"), DATA)
    model.build_critics(model.parts(model.config))
    given = batch()
    fake = model.fake(given["label"])
    terms = model.critic.d_loss(given["image"], fake, label=given["label"])
    of_real, of_fake = model.critic.network(given["image"]), model.critic.network(fake)
    softplus, entropy = nn.functional.softplus, nn.functional.cross_entropy
    expected = {
        "real": softplus(-of_real[:, 0]).mean(),
        "fake": softplus(of_fake[:, 0]).mean(),
        "class_real": entropy(of_real[:, 1:], given["label"]),
        "class_fake": entropy(of_fake[:, 1:], given["label"]),
    }
    assert terms.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value, msg=name)
    of_g = model.critic.g_loss(fake, given["image"], label=given["label"])
    torch.testing.assert_close(of_g["adv"], softplus(-of_fake[:, 0]).mean())
    torch.testing.assert_close(of_g["class"], expected["class_fake"])


def test_the_class_of_fakes_can_be_left_out():
    model = zoo.create("acgan", preset="tiny", data=DATA, training=True, class_on_fakes=0.0)
    given = batch()
    terms = model.critic.d_loss(given["image"], model.fake(given["label"]), label=given["label"])
    assert set(terms) == {"real", "fake", "class_real"}


def test_latents_count_in_acgans_dense_layer():
    torch.manual_seed(0)
    z, label = torch.randn(256, 100), torch.zeros(256, dtype=torch.long)
    chosen = torch.cat([nn.functional.one_hot(label, 10).float(), z], dim=1)
    published, he = (acgan_networks.Generator(16, 1, 10, 100, init=init).dense(chosen).std(0).mean() for init in INITS)
    assert published.item() == pytest.approx(0.02 * 100**0.5, rel=0.1)
    assert he.item() == pytest.approx((2 / 110 * 100) ** 0.5, rel=0.1)


def test_cgans_discriminator_sees_pictures_without_normalisation_too():
    torch.manual_seed(0)
    d = cgan_networks.Discriminator(64, 3, 10, 32, 512, norm="none")
    logits = d(torch.randn(32, 3, 64, 64).clamp(-1, 1), torch.zeros(32, dtype=torch.long))
    assert logits.std() > 0.02  # it is 0.05; with N(0, 0.02) throughout it was 0.004


def test_infogans_reading_head_learns_with_d_alone():
    torch.manual_seed(0)
    engine = Training(zoo.create("infogan", preset="tiny", data=DATA, training=True))
    head = {id(p) for p in engine.model.critic.network.read.parameters()}
    held = [{id(p) for group in phase.optimizer.param_groups for p in group["params"]} for phase in engine.phases]
    assert head <= held[0]
    assert not head & held[1]
    log = engine.step({"image": torch.rand(8, 3, 16, 16)})
    assert {"D/information", "G/information"} <= log.keys()


def test_penalties_see_the_game_alone():
    model = zoo.create("acgan", preset="tiny", data=DATA, training=True)
    (rows,) = model.critic.logits(batch()["image"])
    assert rows.shape == (8, 1)


def test_cgans_learning_rate_holds_and_then_falls():
    model = zoo.create("cgan", preset="tiny", data=DATA, training=True, hold_kimg=1.0, decay_kimg=2.0)
    engine = Training(model)
    rates = []
    for images in (0, 1000, 2000, 3000, 9000):
        model.begin_step(Progress(0, images))
        rates.append(engine.phases[0].optimizer.param_groups[0]["lr"] / model.config.lr)
    assert rates == pytest.approx([1, 1, 0.5, 0, 0])


# ---- labels


def test_classes_by_name_number_list_and_all():
    torch.manual_seed(0)
    model = zoo.create("cgan", preset="tiny", data=DATA)
    dogs = model.sample(4, seed=5, class_="dog")
    torch.testing.assert_close(dogs, model.sample(4, seed=5, class_=1))
    assert class_labels(DATA, ("all",), 4, 0).tolist() == [0, 1, 2, 0]
    mixed = model.sample(2, seed=4, class_=("owl", "0"))
    torch.testing.assert_close(mixed[:1], model.sample(1, seed=4, class_="owl"))
    torch.testing.assert_close(mixed[1:], model.sample(1, seed=5, class_="cat"))
    with pytest.raises(InvalidOptions, match=r"class_=owls .* cat, dog, owl. Did you mean 'owl'"):
        model.sample(1, class_="owls")
    with pytest.raises(InvalidOptions, match="class_=3"):
        model.sample(1, class_=3)
    with pytest.raises(InvalidOptions, match="without labels"):
        zoo.create("dcgan", preset="tiny", data=DATA).sample(1, class_=0)


@pytest.mark.parametrize("name", ["cgan", "acgan"])
def test_every_class_is_drawn_as_often(name):
    drawn = zoo.create(name, preset="tiny", data=DATA).prior(3000, 0)
    assert drawn["label"].bincount().tolist() == pytest.approx([1000] * 3, abs=80)
    by_class = torch.stack([drawn["z"][drawn["label"] == i].mean(dim=0) for i in range(3)])
    assert by_class.abs().max() < 0.15  # the label tells nothing of the latent


def test_classes_can_be_drawn_as_often_as_the_data_has_them():
    rare = replace(DATA, class_counts=(1, 0, 9))
    model = zoo.create("cgan", preset="tiny", data=rare)
    labels = model.inputs(2000, 7, class_=("data",))["label"]
    assert labels.bincount(minlength=3).tolist() == pytest.approx([200, 0, 1800], abs=60)
    assert torch.equal(model.inputs(3, 12, class_=("data",))["label"], labels[5:8])
    even = model.inputs(3000, 7, class_=("balanced",))["label"]
    assert torch.equal(even, model.prior(3000, 7)["label"])
    with pytest.raises(InvalidOptions, match="balanced draws them evenly"):
        zoo.create("cgan", preset="tiny", data=DATA).sample(1, class_=("data",))


def test_scores_draw_classes_as_often_as_the_data_has_them():
    rare = zoo.create("cgan", preset="tiny", data=replace(DATA, class_counts=(1, 0, 9)))
    samples = ModelSamples(rare, 20)
    list(samples.batches(10))
    assert torch.equal(torch.from_numpy(samples.labels), rare.inputs(20, 0, class_=("data",))["label"])
    assert samples.facts()["options"] == {"class_": "data"}
    assert ModelSamples(rare, 20, options={"class_": "balanced"}).facts()["options"] == {"class_": "balanced"}
    for even in (DATA, replace(DATA, class_counts=(4, 4, 4))):
        assert "options" not in ModelSamples(zoo.create("cgan", preset="tiny", data=even), 20).facts()
    plain = zoo.create("dcgan", preset="tiny", data=rare.data)
    assert "options" not in ModelSamples(plain, 20).facts()


@pytest.mark.parametrize("name", ["cgan", "acgan"])
def test_labels_must_be_there_and_of_two_kinds(name):
    with pytest.raises(InvalidOptions, match="needs labels"):
        zoo.create(name, data=DataSpec(16))
    with pytest.raises(InvalidOptions, match="at least two classes"):
        zoo.create(name, data=DataSpec(16, classes=1))


def test_sizes_that_do_not_double_are_refused():
    with pytest.raises(InvalidOptions, match="48"):
        zoo.create("acgan", data=DataSpec(48, classes=3))
    assert CGAN.problems(CGAN.Config(), DataSpec(40, classes=3)) == []
    for name in ("cgan", "infogan"):
        with pytest.raises(InvalidOptions, match="never gives 106"):
            zoo.create(name, data=DataSpec(106, classes=3))


@pytest.mark.parametrize("name", ["acgan", "infogan"])
def test_critics_with_heads_of_their_own_cannot_be_replaced(name):
    model = zoo.create(name, preset="tiny", data=DATA)
    with pytest.raises(InvalidOptions, match="role=join"):
        model.build_critics(zoo.Parts(loss="hinge", discriminator="dcgan"))
