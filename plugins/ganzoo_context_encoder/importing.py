"""Importer of context_encoder_pytorch's weights, a port of the released code."""

from torch import Tensor

from ganzoo_context_encoder.model import ContextEncoder
from zoo import DataSpec, ForeignFile, ForeignNetwork, Imported, Importer, ZooError

__all__ = ["ContextEncoderImporter"]


class ContextEncoderImporter(Importer):
    """netG_*.pth: a dictionary of an epoch and a state dict, or the state dict alone."""

    def recognises(self, file: ForeignFile) -> bool:
        """By a convolution to the units and one back."""
        return any(bottleneck_of(network) for network in file.networks.values())

    def convert(self, file: ForeignFile) -> Imported:
        """The generator alone: the discriminator lies in a file of its own. Raises ZooError for another layout."""
        network = next(one for one in file.networks.values() if bottleneck_of(one))
        tensors, at = network.tensors, bottleneck_of(network)
        first, middle = tensors["main.0.weight"], tensors[f"main.{at}.weight"]
        width, units = middle.shape[1] // 8, middle.shape[0]
        halvings = (at - 2) // 3 + 1  # strided convolutions: the first, and each with its normalisation
        doublings = sum(name.endswith(".weight") and x.ndim == 4 for name, x in tensors.items()) - halvings - 2
        resolution, output = 4 << halvings, 4 << doublings
        if output not in (resolution, resolution // 2) or first.shape[0] != max(width, width * 64 // resolution):
            raise ZooError(f"This context encoder draws {output} px from {resolution} px, which is not known here.")
        config = ContextEncoder.Config(
            masks="centre" if output < resolution else "pattern",
            predicts="centre" if output < resolution else "whole",
            known=10.0 if output < resolution else 1.0,
            width=width,
            units=units,
        )
        return Imported(
            config,
            DataSpec(resolution, first.shape[1]),
            sampler={f"generator.{name}": value for name, value in tensors.items()},
            licence="none stated (context_encoder_pytorch); the released code is for academic and non-commercial use",
        )


def bottleneck_of(network: ForeignNetwork) -> int:
    """The number of the layer that is the convolution to the units; 0 in a network that is none of these."""
    weights: dict[int, Tensor] = {}
    for name, value in network.tensors.items():
        words = name.split(".")
        if len(words) == 3 and words[0] == "main" and words[1].isdigit() and words[2] == "weight" and value.ndim == 4:
            weights[int(words[1])] = value
    for at, value in weights.items():
        back = weights.get(at + 3)  # normalisation and activation lie between
        if at > 2 and back is not None and back.shape[:2] == value.shape[:2] and value.shape[1] % 8 == 0:
            return at
    return 0
