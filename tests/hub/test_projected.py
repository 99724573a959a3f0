"""Projected GAN's files, whole modules by their classes' names, written from networks of ours."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils.spectral_norm import SpectralNorm

import zoo
from ganzoo_hub.importing import import_file, read_file
from ganzoo_projected.discriminator import projected
from tests.hub.layouts import pretended
from zoo import DataSpec, ZooError


class Generator(nn.Module):
    """Stands for pg_modules.networks_fastgan.Generator."""


class ProjectedDiscriminator(nn.Module):
    """Stands for pg_modules.discriminator.ProjectedDiscriminator."""


class EasyDict(dict):  # type: ignore[type-arg]
    """As dnnlib's."""


def tree(root: nn.Module, tensors: Mapping[str, torch.Tensor]) -> nn.Module:
    """Modules with these tensors, normalised ones with the hook and the plain weight that torch leaves on them."""
    for name, value in tensors.items():
        module, (*path, last) = root, name.split(".")
        for part in path:
            if part not in module._modules:
                module.add_module(part, nn.Module())
            module = module._modules[part]
        if last.startswith(("running_", "stored_", "num_", "weight_u", "weight_v")):
            module.register_buffer(last, value.clone())
        else:
            module.register_parameter(last, nn.Parameter(value.clone()))
        if last == "weight_orig":
            module.weight = value.clone()
            module._forward_pre_hooks[0] = SpectralNorm("weight", 1, 0, 1e-12)
    return root


def generator(model: zoo.Model, c_dim: int, **values: object) -> Generator:
    """Our generator as the authors pickle theirs."""
    state = {}
    for name, value in model.generator.state_dict().items():
        if not name.endswith("norm.num_batches_tracked"):
            renamed = name.replace("norm.running_mean", "stored_mean").replace("norm.running_var", "stored_var")
            state[f"synthesis.{renamed}"] = value
    found = tree(Generator(), state)
    vars(found).update({"z_dim": model.config.z_dim, "c_dim": c_dim, "img_resolution": model.data.resolution, **values})
    return found


def discriminator(judge: nn.Module) -> ProjectedDiscriminator:
    """Our heads as the authors pickle theirs, with a frozen network."""
    state = {"feature_network.pretrained.layer0.0.weight": torch.zeros(3)}
    for name, value in judge.state_dict().items():
        renamed = name.replace("towers.0.projection.", "feature_network.scratch.")
        state[renamed.replace("towers.0.heads.", "discriminator.mini_discs.")] = value
    found = tree(ProjectedDiscriminator(), state)
    vars(found).update({"diffaug": True, "interp224": True})
    return found


def write(path: Path, content: dict[str, object]) -> Path:
    """A .pkl with its training set's settings and progress beside the networks."""
    import pickle

    names = {
        "pg_modules.networks_fastgan.Generator": Generator,
        "pg_modules.discriminator.ProjectedDiscriminator": ProjectedDiscriminator,
        "dnnlib.util.EasyDict": EasyDict,
    }
    with pretended(names):
        extra = {"training_set_kwargs": EasyDict(path="x.zip", use_labels=False)}
        path.write_bytes(pickle.dumps({**content, **extra, "progress": {"cur_nimg": torch.tensor(7)}}))
    return path


def made(seed: int, form: str = "projected-lite", classes: int = 0, rows: int = 0) -> zoo.Model:
    """A small generator."""
    torch.manual_seed(seed)
    options = {"condition": "label", "label_rows": rows} if classes else {}
    data = DataSpec(64, classes=classes)
    model = zoo.create("fastgan", preset="tiny", data=data, form=form, g_width=16, z_dim=6, **options)
    with torch.no_grad():
        for name, value in model.generator.named_parameters():
            if "noise" in name or name.endswith("2.weight"):  # the strength of the noise begins at 0
                value.add_(0.1)
    return model


@pytest.mark.parametrize("form", ["projected", "projected-lite"])
@pytest.mark.parametrize("classes", [0, 3])
def test_generators(tmp_path, form, classes):
    live, average = (made(seed, form, classes, rows=10) for seed in (0, 1))
    nets = {"G": generator(live, classes), "G_ema": generator(average, classes)}
    path = write(tmp_path / "a.pkl", {**nets, "D": None})
    model = zoo.load(path)
    torch.testing.assert_close(model.sample(3), average.sample(3), atol=1e-6, rtol=0)
    if classes:
        assert model.data.classes == 3
        torch.testing.assert_close(model.sample(2, class_=2), average.sample(2, class_=2), atol=1e-6, rtol=0)
    import_file(path, tmp_path / "model", "projected-gan")
    torch.testing.assert_close(zoo.load(tmp_path / "model").sample(2), average.sample(2), atol=1e-6, rtol=0)
    with pytest.raises(ZooError, match="generator alone"):
        zoo.load(path, training=True)


def test_the_pair(tmp_path):
    live, average = made(0), made(1)
    torch.manual_seed(2)
    judge = projected(live.data, width=4, separable=True)
    nets = {"G": generator(live, 0), "D": discriminator(judge), "G_ema": generator(average, 0)}
    path = write(tmp_path / "a.pkl", nets)
    found = read_file(path, "projected-gan")
    assert found.plan.parts.backbones == ("efficientnet-lite0",)
    assert "heads=4" in found.plan.parts.discriminator
    assert "separable=true" in found.plan.parts.discriminator
    assert "cutout=0.2" in found.plan.parts.augment
    assert found.plan.config.batch == 64
    trained = zoo.load(path, training=True).eval()
    torch.testing.assert_close(trained.sample(2), live.sample(2), atol=1e-6, rtol=0)
    ours, theirs = trained.critic.network.state_dict(), judge.state_dict()
    assert {name: value.shape for name, value in ours.items()} == {name: value.shape for name, value in theirs.items()}
    torch.testing.assert_close(zoo.load(path).sample(2), average.sample(2), atol=1e-6, rtol=0)


def test_what_does_not_fit_is_told(tmp_path):
    live = made(0)
    other = generator(live, 0, img_resolution=256)
    with pytest.raises(ZooError, match="256 px and has the layers of 64"):
        zoo.load(write(tmp_path / "a.pkl", {"G_ema": other}))
    more = generator(live, 0)
    more.synthesis.register_parameter("further", nn.Parameter(torch.zeros(1)))
    with pytest.raises(ZooError, match=r"generator\.further"):
        zoo.load(write(tmp_path / "b.pkl", {"G_ema": more}))
