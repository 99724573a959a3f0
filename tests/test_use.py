"""Getting and using a model."""

import numpy as np
import pytest
import torch
from numpy.random import RandomState
from PIL import Image

import zoo
from zoo import InvalidOptions, UnknownName, ZooError
from zoo.model import slerp
from zoo.use import walk


def test_list_models_takes_wildcards():
    assert "dcgan" in zoo.list_models()
    assert zoo.list_models("dc*") == ["dcgan"]
    assert zoo.list_models("no*such") == []


def test_create_overrides_the_preset_with_typed_options():
    model = zoo.create("dcgan", preset="tiny", resolution=16, z_dim="5")
    assert model.config.z_dim == 5
    assert model.config.g_width == 4
    with pytest.raises(InvalidOptions, match="z_dim"):
        zoo.create("dcgan", z_dims=5)
    with pytest.raises(InvalidOptions, match="default, paper, theano, tiny"):
        zoo.create("dcgan", preset="papers")
    with pytest.raises(UnknownName, match="dcgan"):
        zoo.create("dcgam")


def test_sample_i_of_a_seed_is_drawn_from_its_own_random_state():
    model = zoo.create("dcgan", preset="tiny", resolution=16)
    z = np.stack([RandomState(seed).randn(8) for seed in (7, 8, 9)]).astype(np.float32)
    expected = model.generate({"z": torch.from_numpy(z)})
    torch.testing.assert_close(model.sample(3, seed=7), expected)


def test_pictures_and_grid():
    model = zoo.create("dcgan", preset="tiny", resolution=16)
    pictures = model.images(3)
    assert [picture.size for picture in pictures] == [(16, 16)] * 3
    assert isinstance(pictures[0], Image.Image)
    assert model.grid(9).size == (3 * 18 + 2, 3 * 18 + 2)


def test_load_names_what_is_not_there(tmp_path):
    with pytest.raises(UnknownName, match="There is no run"):
        zoo.load("nowhere")
    with pytest.raises(UnknownName, match=r"is an architecture.*zoo\.create\('dcgan'\)"):
        zoo.load("dcgan")
    with pytest.raises(ZooError, match=r"no config"):
        zoo.load(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ZooError, match="not readable as JSON"):
        zoo.load(tmp_path)
    (tmp_path / "config.json").write_text('{"format": 7}')
    with pytest.raises(ZooError, match="format 7; this ganzoo reads up to 1"):
        zoo.load(tmp_path)
    (tmp_path / "config.json").write_text('{"format": 1, "architecture": "dcgan"}')
    with pytest.raises(ZooError, match="not a whole config"):
        zoo.load(tmp_path)


def test_slerp_keeps_the_norm_and_meets_its_ends():
    a, b = torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 3.0]])
    torch.testing.assert_close(slerp(a, b, 0.0), a)
    torch.testing.assert_close(slerp(a, b, 1.0), b)
    half = slerp(a, b, 0.5)
    torch.testing.assert_close(half, torch.tensor([[3.0, 3.0]]) / 2**0.5)
    torch.testing.assert_close(slerp(a, a, 0.3), a)


def test_a_walk_passes_its_seeds_and_returns():
    model = zoo.create("dcgan", preset="tiny", resolution=16)
    frames = walk(model, [4, 9], 3)
    assert frames.shape == (6, 3, 16, 16)
    torch.testing.assert_close(frames[0], model.sample(1, seed=4)[0])
    torch.testing.assert_close(frames[3], model.sample(1, seed=9)[0])
    with pytest.raises(InvalidOptions, match="truncation"):
        walk(model, [4, 9], 3, truncation=0.5)


def test_a_walk_takes_what_samples_take():
    model = zoo.create("stylegan2", preset="tiny", resolution=16)
    chosen = {"truncation": 0.5, "cutoff": 2, "noise": "random"}
    frames = walk(model, [4, 9], 2, **chosen)
    torch.testing.assert_close(frames[2], model.sample(1, seed=9, **chosen)[0])
