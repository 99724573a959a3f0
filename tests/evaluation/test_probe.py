"""The linear probe on discriminator features."""

import numpy as np
import pytest
import torch
from PIL import Image

import zoo
from zoo import ZooError
from zoo.evaluation.probe import accuracy, pooled, probe

sklearn = pytest.importorskip("sklearn.svm")


def test_layers_are_pooled_to_four_by_four_and_joined():
    layers = [torch.randn(2, 3, 16, 16), torch.randn(2, 5, 4, 4)]
    found = pooled(layers)
    assert found.shape == (2, 16 * 8)
    torch.testing.assert_close(found[0, 0], layers[0][0, 0, :4, :4].max())
    torch.testing.assert_close(found[:, 48:], layers[1].flatten(1))


def test_a_turned_space_gives_the_same_machine():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 60)
    rows = rng.normal(size=(60, 90)).astype(np.float32) + labels[:, None]
    test_labels = rng.integers(0, 2, 200)
    test = rng.normal(size=(200, 90)).astype(np.float32) + test_labels[:, None]
    whole = sklearn.LinearSVC(C=0.01, dual="auto", random_state=0).fit(rows, labels).score(test, test_labels)
    assert accuracy(rows, labels, test, test_labels, 0.01) == pytest.approx(whole, abs=0.011)
    assert whole > 0.7


def test_a_run_is_probed_against_pixels_and_a_random_network(tmp_path):
    rng = np.random.default_rng(0)
    for label, colour in enumerate(((200, 30, 30), (30, 30, 200))):
        (tmp_path / "data" / str(label)).mkdir(parents=True)
        for i in range(20):
            pixels = np.clip(np.array(colour) + rng.normal(0, 20, (16, 16, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / str(label) / f"{i}.png")
    options = {"preset": "tiny", "resolution": 16, "kimg": 0.016, "batch": 8, "quiet": True}
    run = zoo.train("dcgan", tmp_path / "data", out=tmp_path / "run", **options)
    found = probe(run.folder, tmp_path / "data")
    assert [one.features for one in found] == ["discriminator", "random discriminator", "pixels"]
    assert all(one.accuracy == 1 for one in found)
    assert (found[0].dim, found[0].train, found[0].test) == (16 * (4 + 8), 32, 8)
    assert found[2].dim == 16 * 16 * 3
    with pytest.raises(ZooError, match="no labels"):
        probe(run.folder, tmp_path / "data" / "0")


def test_an_encoder_is_probed_by_its_own_features(tmp_path):
    import zoo

    run = zoo.train(
        "context-encoder", "emoji:items=100", out=tmp_path / "run", preset="tiny", resolution=16, kimg=0.016, quiet=True
    )
    found = probe(run.folder, "emoji:items=100", device="cpu")
    assert [one.features for one in found] == ["encoder", "random encoder", "pixels"]
    assert found[0].dim == 16 * (8 + 16) + 8
