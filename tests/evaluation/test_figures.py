"""What a report shows of logits: every critic, as its training sees them, and nothing of the run disturbed."""

import json

import pytest
import torch
from PIL import Image

import zoo
from zoo.adversarial import critics_of
from zoo.data.prepare import prepare
from zoo.evaluation.figures import histogram, save_logits


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    for i in range(80):
        (folder / "ab"[i // 40]).mkdir(exist_ok=True)
        Image.new("RGB", (16, 16), (3 * i, 255 - 3 * i, 90)).save(folder / "ab"[i // 40] / f"{i}.png")
    return prepare(folder, size=16, say=lambda line: None)


@pytest.mark.parametrize(("name", "classes"), [("dcgan", 0), ("stylegan2", 0), ("stylegan2", 2)])
def test_every_critic_is_shown_and_the_run_is_as_before(name, classes, prepared, tmp_path):
    torch.manual_seed(0)
    options = {"condition": "label"} if classes else {}
    model = zoo.create(name, preset="tiny", resolution=16, classes=classes, training=True, **options).eval()
    assert getattr(critics_of(model)["critic"].network, "conditions", ()) == (("label",) if classes else ())
    before = {key: value.clone() for key, value in model.state_dict().items()}
    random = torch.get_rng_state()
    for images in (0, 100):
        save_logits(tmp_path, model, prepared, images)
    stored = json.loads((tmp_path / "logits.json").read_text())
    assert list(stored) == ["0", "100"]
    assert stored["0"] == stored["100"]
    assert sum(stored["0"]["critic"]["real"]) == sum(stored["0"]["critic"]["fake"]) == 64
    assert not any(module.training for module in model.modules())
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_batch_statistics_are_those_of_training(prepared, tmp_path):
    torch.manual_seed(0)
    model = zoo.create("dcgan", preset="tiny", resolution=16, training=True).eval()
    network = critics_of(model)["critic"].network
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.fill_(50.0)  # far from what any batch has
    save_logits(tmp_path, model, prepared, 0)
    shot = json.loads((tmp_path / "logits.json").read_text())["0"]["critic"]
    samples = model.sample(64)
    with torch.no_grad():
        fake = network.train()(samples)
    assert shot["low"] <= float(fake.min()) + 1e-4
    assert float(fake.max()) - 1e-4 <= shot["high"]


def test_a_histogram_of_equal_logits_has_a_width():
    shot = histogram(torch.ones(5), torch.ones(3))
    assert (shot["low"], shot["high"]) == (0.5, 1.5)
    assert (sum(shot["real"]), sum(shot["fake"])) == (5, 3)
