"""Importers of published ProGAN weights: the authors' TensorFlow pickles, and pytorch_GAN_zoo's .pth files."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ganzoo_progan.model import ProGAN
from ganzoo_progan.networks import Discriminator
from ganzoo_progan.official import facebook_model, from_facebook, from_tensorflow, tensorflow_model
from zoo import DataSpec, ForeignFile, Imported, Importer, ZooError

__all__ = ["FacebookImporter", "TensorFlowImporter"]


class TensorFlowImporter(Importer):
    """G, D and the averaged Gs of progressive_growing_of_gans (Karras et al. 2018)."""

    def recognises(self, file: ForeignFile) -> bool:
        """By the names of a generator that grows without styles."""
        network = file.networks.get("G_ema")
        return network is not None and "ToRGB_lod0/weight" in network.tensors and "4x4/Dense/weight" in network.tensors

    def convert(self, file: ForeignFile) -> Imported:
        """All three networks."""
        g, d, average = (file.networks[name] for name in ("G", "D", "G_ema"))
        config, data = tensorflow_model(average.tensors, average.arguments, d.arguments, d.tensors)
        model = critics(config, data)
        return Imported(
            config,
            data,
            sampler=below("generator.", from_tensorflow(average.tensors, model.generator)),
            licence="Creative Commons Attribution-NonCommercial 4.0 (NVIDIA, progressive_growing_of_gans)",
            training=below("generator.", from_tensorflow(g.tensors, model.generator))
            | below("critic.network.", from_tensorflow(d.tensors, judge(model))),
        )


class FacebookImporter(Importer):
    """netG, netD and avgG of facebookresearch/pytorch_GAN_zoo."""

    classes = ("models.utils.config.BaseConfig",)

    def recognises(self, file: ForeignFile) -> bool:
        """By its keys and the generator's first layer."""
        network = file.networks.get("netG")
        return network is not None and "formatLayer.module.weight" in network.tensors

    def convert(self, file: ForeignFile) -> Imported:
        """The averaged generator, where there is one, and the live pair."""
        values = file.values.get("config") or {}
        live, d = file.networks["netG"].tensors, file.networks.get("netD")
        average = file.networks["avgG"].tensors if "avgG" in file.networks else live
        config, data = facebook_model(average, values)
        model, alpha = critics(config, data), float(values.get("alpha") or 0.0)
        training: dict[str, Tensor] = {}
        if d is not None:
            training = below("generator.", from_facebook(live, model.generator, alpha))
            training |= below("critic.network.", from_facebook(d.tensors, judge(model), alpha))
        return Imported(
            config,
            data,
            sampler=below("generator.", from_facebook(average, model.generator, alpha)),
            licence="BSD 3-Clause code (Facebook, pytorch_GAN_zoo); see its page for the terms of the weights",
            training=training,
        )


def critics(config: ProGAN.Config, data: DataSpec) -> ProGAN:
    """A model with its discriminator, without memory for weights: the mappings follow its names."""
    if problems := ProGAN.problems(config, data):
        raise ZooError(" ".join(problems))
    with torch.device("meta"):
        model = ProGAN(config, data)
        model.build_critics(ProGAN.parts(config))
    return model


def judge(model: ProGAN) -> Discriminator:
    """The model's own discriminator."""
    network = model.critic.network
    assert isinstance(network, Discriminator)
    return network


def below(prefix: str, state: Mapping[str, Any]) -> dict[str, Tensor]:
    """A network's state under its name in the model."""
    return {prefix + name: value for name, value in state.items()}
