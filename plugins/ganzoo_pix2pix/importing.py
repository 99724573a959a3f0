"""Importer of the U-Net generators that pytorch-CycleGAN-and-pix2pix publishes: `latest_net_G.pth`."""

import re
from collections.abc import Mapping

from torch import Tensor

from ganzoo_pix2pix.model import Pix2Pix, fitting
from zoo import DataSpec, ForeignFile, Imported, Importer, ZooError

__all__ = ["UNetImporter", "renamed"]

LICENCE = "BSD 2-Clause code (Isola, Zhu et al.); see the page of the weights for the terms of their data"
UNCOUNTED = ("*.num_batches_tracked",)  # files before the middle of 2018 do not count batches
OUTER = "model.model.0.weight"


class UNetImporter(Importer):
    """Bare state dicts of `unet_128` and `unet_256`, and of any other depth."""

    def recognises(self, file: ForeignFile) -> bool:
        """By the names of a block within a block."""
        network = file.networks.get("")
        return network is not None and {OUTER, "model.model.1.model.1.weight"} <= stripped(network.tensors).keys()

    def convert(self, file: ForeignFile) -> Imported:
        """The generator alone: sizes, norm and depth are read off its tensors."""
        state = stripped(file.networks[""].tensors)
        levels = max(name.count("model") for name in state) - 1  # blocks within blocks
        first, last = state[OUTER], state["model.model.3.weight"]
        instance = "model.model.0.bias" in state
        if (channels := last.shape[1]) not in (1, 3) or first.shape[1] not in (1, 3):
            raise ZooError(f"This U-Net makes {channels} channels of {first.shape[1]}; 1 and 3 are supported.")
        config = Pix2Pix.Config(
            generator="unet",
            g_width=first.shape[0],
            g_norm="instance" if instance else "batch",
            levels=levels,
            d_layers=fitting(2**levels),
            dropout="training",
        )
        data = DataSpec(2**levels, channels=channels, source_channels=first.shape[1])
        sampler = {f"generator.{name}": value for name, value in renamed(state, levels, instance).items()}
        return Imported(config, data, sampler, licence=LICENCE, fresh=UNCOUNTED)


def stripped(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names without what a wrapper for several GPUs put before them."""
    return {name.removeprefix("module."): value for name, value in state.items()}


def renamed(state: Mapping[str, Tensor], levels: int, instance: bool) -> dict[str, Tensor]:
    """Names of blocks within blocks as stages of the way down and up; an unknown one stays as it is.

    Statistics that instance normalisation once kept are left out: they were never used.
    """
    found = {}
    for name, value in state.items():
        if instance and re.search(r"running_(mean|var)$|num_batches_tracked$", name):
            continue
        found[ours(name, levels)] = value
    return found


def ours(name: str, levels: int) -> str:
    """`model.model.1.model.3.model.1.weight` is `downs.2.conv.weight`, and so on."""
    match = re.fullmatch(r"model((?:\.model\.[13])*)\.model\.(\d)\.(\w+)", name)
    if match is None:
        return name
    depth, place, kind = match[1].count("model"), int(match[2]), match[3]
    last = depth == levels - 1
    if depth == 0:
        layer = {0: "downs.0.conv", 3: f"ups.{levels - 1}.conv"}.get(place)
    elif last:
        layer = {1: f"downs.{depth}.conv", 3: "ups.0.conv", 4: "ups.0.norm.0"}.get(place)
    else:
        up = f"ups.{levels - 1 - depth}"
        known = {1: f"downs.{depth}.conv", 2: f"downs.{depth}.norm.0", 5: f"{up}.conv", 6: f"{up}.norm.0"}
        layer = known.get(place)
    return name if layer is None else f"{layer}.{kind}"
