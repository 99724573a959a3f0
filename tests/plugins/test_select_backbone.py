"""The linear probe, and the command that goes on with what it found."""

import json
import shlex

import numpy as np
import pytest
import torch

import zoo
from ganzoo_vision_aided.continuation import command, content_of, used
from ganzoo_vision_aided.probe import BANK, fit, pooled, rank, split_accuracy
from tests.cli.conftest import run
from zoo import ZooError
from zoo.data.prepare import prepare
from zoo.plugins import registry

__all__ = ["run"]


def clouds(n: int, shift: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 5)) + shift, rng.normal(size=(n, 5))


def test_the_probe_is_at_the_minimum_of_its_loss():
    real, fake = clouds(40, 0.5)
    x, y = np.concatenate([real, fake]), np.repeat([1.0, -1.0], 40)
    weights, bias = fit(x, y, strength=0.2)
    w, b = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (weights, bias))
    margins = torch.tensor(y) * (torch.tensor(x) @ w + b)
    (w @ w / 2 + 0.2 * torch.log1p(torch.exp(-margins)).sum()).backward()
    assert w.grad.abs().max() < 1e-3
    assert b.grad.abs() < 1e-3


def test_the_probe_is_scikit_learns():
    linear = pytest.importorskip("sklearn.linear_model")
    real, fake = clouds(60, 0.3, seed=1)
    x, y = np.concatenate([real, fake]) * 3, np.repeat([1.0, -1.0], 60)
    stock = linear.LogisticRegression(C=0.2, max_iter=5000, random_state=0).fit(x, y)
    weights, bias = fit(x, y)
    np.testing.assert_allclose(weights, stock.coef_[0], atol=1e-3)
    assert bias == pytest.approx(stock.intercept_[0], abs=1e-3)


def test_accuracy_is_that_of_held_out_halves():
    rng = np.random.RandomState(0)
    assert split_accuracy(*clouds(400, 3.0), rng) > 0.99
    assert 0.4 < split_accuracy(*clouds(1000, 0.0), rng) < 0.6
    noise = np.random.default_rng(0).normal(size=(2, 30, 500))
    assert split_accuracy(*noise, rng) < 0.8  # fitted perfectly, yet worthless on what was held out
    with pytest.raises(ZooError, match="at least four"):
        split_accuracy(*clouds(3, 0.0), rng)


def test_the_bank_is_registered():
    assert set(BANK) <= set(registry().names("backbone"))


@pytest.fixture(scope="module")
def trained(pictures, tmp_path_factory):
    """A run at 16 px with settings of its own."""
    out = tmp_path_factory.mktemp("runs") / "small"
    options = {"preset": "tiny", "resolution": 16, "kimg": 0.008, "quiet": True, "out": out, "device": "cpu"}
    zoo.train("dcgan", pictures, loss="hinge", regularize=("spectral-norm",), z_dim=6, **options)
    return out


def test_ranking_tells_what_was_not_tried(trained, pictures, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    data = prepare(pictures, size=16, channels=3, cache="none", say=lambda line: None)
    model = zoo.load(trained)
    before = torch.get_rng_state()
    bank = ["test-8ch", "timm:test_resnet.r160_in1k", "efficientnet-lite0"]
    scores, missing = rank(model, data, bank, repeats=2, batch=7)
    assert [one.backbone for one in scores] == ["efficientnet-lite0", "test-8ch"]
    assert scores[0].accuracy > 0.9  # discs against noise
    assert scores[0].images == 24
    assert list(missing) == ["timm:test_resnet.r160_in1k"]
    assert torch.equal(torch.get_rng_state(), before)
    (again,), _ = rank(model, data, bank[:1], repeats=2, batch=24)
    assert again.accuracy == scores[1].accuracy


def test_the_command_goes_on_with_the_runs_settings(trained):
    words = shlex.split(command(str(trained), content_of(str(trained)), zoo.load(trained), ["test-8ch"], "some data"))
    told = " ".join(words)
    assert words[:6] == ["ganzoo", "train", "dcgan", "--data", "some data", "--from"]
    assert "--preset tiny" in told
    assert "-s z_dim=6" in told
    assert "kimg" not in told
    assert "--loss hinge" in told
    assert "--regularize spectral-norm" in told
    assert told.endswith("--discriminator vision-aided --backbone test-8ch")


def test_from_the_first_run_to_a_second_backbone(trained, pictures, run, tmp_path):
    scores = tmp_path / "scores.json"
    code, out, _ = run(
        "select-backbone", str(trained), "--backbone", "test-8ch", "--repeats", "1", "--json", str(scores)
    )
    assert code == 0
    assert "1. test-8ch" in out
    assert json.loads(scores.read_text())["scores"][0]["backbone"] == "test-8ch"
    words = shlex.split(out.strip().splitlines()[-1])[1:]
    second = tmp_path / "second"
    code, out, err = run(*words, "--kimg", "0.008", "--out", str(second), "--device", "cpu")
    assert code == 0, err
    assert "Weights from" in out + err
    code, out, err = run("select-backbone", str(second), "--backbone", "test-8ch")
    assert code == 1
    assert "already looks through test-8ch" in err
    other = "timm:test_resnet;random=true"
    code, out, _ = run("select-backbone", str(second), "--backbone", other, "--repeats", "1", "--count", "8")
    assert shlex.split(out.strip().splitlines()[-1])[-6:] == [
        "--discriminator", "vision-aided", "--backbone", "test-8ch", "--backbone", other,
    ]  # fmt: skip


def content(augment: str = "none", **parts: object) -> dict[str, object]:
    """A config.json as far as the command reads it."""
    plain = {"loss": "hinge", "augment": augment, "regularizers": [], "discriminator": "own", "allies": []}
    choice = {"crop": "center", "mirror": False}
    return {"architecture": "dcgan", "parts": {**plain, "backbones": [], **parts}, "source": choice}


@pytest.mark.parametrize(
    ("parts", "seen", "told"),
    [
        ({"allies": ["vision-aided"]}, ["efficientnet-lite0"], "vision-aided --backbone efficientnet-lite0"),
        (
            {"allies": ["vision-aided:start=500,size=64,backbone=test-8ch"]},
            ["test-8ch"],
            "vision-aided:size=64 --backbone test-8ch",
        ),
        (
            {"discriminator": "projected:size=64", "backbones": ["test-8ch"]},
            [],
            "projected:size=64 --discriminator vision-aided:backbone=best --backbone test-8ch",
        ),
        (
            {"discriminator": "projected:backbone=test-8ch", "allies": ["vision-aided"], "backbones": ["a", "b"]},
            ["a", "b"],
            "projected:backbone=test-8ch --discriminator vision-aided:backbone=a+b",
        ),
    ],
)
def test_each_discriminator_keeps_its_own_networks(trained, parts, seen, told):
    found = content(**parts)
    assert used(found) == seen
    words = command("run", found, zoo.load(trained), seen or ["best"], "d")
    assert words.endswith(f"--discriminator {told}"), words


def test_an_augmentation_that_adapts_goes_on_as_slowly(trained):
    for given, kept in (
        ("ada", "ada:kimg=500"),
        ("ada:pipe=bg", "ada:pipe=bg,kimg=500"),
        ("ada:kimg=20", "ada:kimg=20"),
    ):
        words = shlex.split(command("run", content(given), zoo.load(trained), ["a"], "d"))
        assert words[words.index("--augment") + 1] == kept


def test_vgg_is_probed_on_its_convolutions():
    network = zoo.backbone("vgg16:random=true")
    assert pooled(network, torch.zeros(1, 3, 32, 32)).shape == (1, 512)


def test_wrong_numbers_are_told_at_once(trained, run):
    code, _, err = run("select-backbone", str(trained), "--count", "1", "--repeats", "0")
    assert code == 1
    assert "--count is 1" in err
    assert "--repeats is 0" in err
