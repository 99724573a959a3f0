"""Importer of the ResNet generators that pytorch-CycleGAN-and-pix2pix publishes: `horse2zebra.pth` and the like."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ganzoo_cyclegan.model import CycleGAN
from zoo import DataSpec, ForeignFile, Imported, Importer, ZooError

__all__ = ["ResNetImporter"]

LICENCE = "BSD 2-Clause code (Zhu, Park et al.); see the page of the weights for the terms of their data"
UNCOUNTED = ("*.num_batches_tracked",)  # files before the middle of 2018 do not count batches
STATISTICS = re.compile(r"\.(running_mean|running_var|num_batches_tracked)$")


class ResNetImporter(Importer):
    """Bare state dicts of `resnet_6blocks` and `resnet_9blocks`, of one direction each."""

    def recognises(self, file: ForeignFile) -> bool:
        """By the names of the first convolution and of the first block."""
        network = file.networks.get("")
        return (
            network is not None
            and {"model.1.weight", "model.10.conv_block.1.weight"} <= stripped(network.tensors).keys()
        )

    def convert(self, file: ForeignFile) -> Imported:
        """The way to b: number of blocks, norm and dropout are read off the names.

        Files of 2017 hold statistics for their instance normalisation, which never used them: they are left out.
        """
        state = stripped(file.networks[""].tensors)
        blocks = len({name.split(".")[1] for name in state if ".conv_block." in name})
        outer = f"model.{blocks + 17}.weight"  # 4 layers in, 6 down, the blocks, 6 up, padding
        if outer not in state:
            raise ZooError(f"This ResNet has {blocks} blocks but no last convolution {outer}.")
        first, last = state["model.1.weight"], state[outer]
        if last.shape[0] not in (1, 3) or first.shape[1] not in (1, 3):
            raise ZooError(f"This ResNet makes {last.shape[0]} channels of {first.shape[1]}; 1 and 3 are supported.")
        norm = "batch" if "model.2.weight" in state else "instance" if "model.1.bias" in state else "none"
        options: dict[str, Any] = {"g_norm": norm, "dropout": "never", "blocks": blocks, "g_width": first.shape[0]}
        if "model.10.conv_block.6.weight" in state and state["model.10.conv_block.6.weight"].ndim == 4:
            options["dropout"] = "training"
        if last.shape[0] != first.shape[1]:
            options["identity"] = 0.0
        if norm != "batch":
            state = {name: value for name, value in state.items() if not STATISTICS.search(name)}
        config = CycleGAN.Config(directions="b", **options)
        data = DataSpec(
            256 if blocks > 6 else 128, channels=last.shape[0], source_channels=first.shape[1], paired=False
        )
        sampler = {f"a_to_b.{name}": value for name, value in state.items()}
        return Imported(config, data, sampler, licence=LICENCE, fresh=UNCOUNTED)


def stripped(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names without what a wrapper for several GPUs put before them."""
    return {name.removeprefix("module."): value for name, value in state.items()}
