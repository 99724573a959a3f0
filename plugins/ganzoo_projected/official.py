"""The published checkpoints of Projected GAN: their names and shapes, read as ours.

Pure mappings of state dicts; whoever reads the file gives the tensors. No file is opened here.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from zoo import ZooError

__all__ = ["Found", "discriminator", "generator", "is_discriminator", "is_generator"]

State = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Found:
    """A published network: its tensors by our names, and the options and data that build ours around them."""

    tensors: dict[str, Tensor]
    options: Mapping[str, object] = field(default_factory=dict)  # of the architecture, or of the discriminator entry
    resolution: int = 0  # 0 where the tensors do not tell
    channels: int = 3
    classes: int = 0


def is_generator(state: State) -> bool:
    """Whether these are the tensors of Projected GAN's form of FastGAN's generator."""
    return {"synthesis.init.init.0.weight_orig", "synthesis.to_big.weight_orig"} <= state.keys()


def is_discriminator(state: State) -> bool:
    """Whether these are the tensors of a projected discriminator."""
    return any(name.startswith("discriminator.mini_discs.") for name in state)


def generator(state: State) -> Found:
    """`G` or `G_ema` with FastGAN's generator, full or lite, with or without labels.

    Blocks above the picture's size, which the published code builds at 128 px and never uses, are dropped.
    Raises ZooError where the tensors are those of another network.
    """
    if not is_generator(state):
        raise ZooError("These are not the tensors of Projected GAN's FastGAN generator: no synthesis.to_big is there.")
    tensors = {name.removeprefix("synthesis."): value for name, value in state.items()}
    width, z_dim = tensors["init.init.0.weight_orig"].shape[1] // 32, tensors["init.init.0.weight_orig"].shape[0]
    channels, last = tensors["to_big.weight_orig"].shape[:2]
    resolution = 128 * width // last
    classes = len(tensors["embed.weight"]) if "embed.weight" in tensors else 0
    deep = "feat_8.conv2.weight_orig" in tensors or "feat_8.5.weight_orig" in tensors
    used = {name: value for name, value in tensors.items() if size_of(name) <= resolution}
    options = {
        "form": "projected" if deep else "projected-lite",
        "z_dim": z_dim,
        "g_width": width,
        "condition": "label" if classes else "none",
        "label_rows": classes,
    }
    return Found(conditional_norms(used), options, resolution, channels, classes)


def size_of(name: str) -> int:
    """The size that a block's or a gate's name tells: feat_64, se_256; 0 for other names."""
    match = re.match(r"(?:feat|se)_(\d+)\.", name)
    return int(match[1]) if match else 0


def conditional_norms(tensors: State) -> dict[str, Tensor]:
    """Statistics of conditional normalisation under our names, with the counter that ours keep."""
    named = {}
    for name, value in tensors.items():
        layer, _, what = name.rpartition(".")
        if what == "stored_mean":
            named[f"{layer}.norm.running_mean"] = value
            named[f"{layer}.norm.num_batches_tracked"] = torch.tensor(0)
        elif what == "stored_var":
            named[f"{layer}.norm.running_var"] = value
        else:
            named[name] = value
    return named


RENAMED: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (r"feature_network\.scratch\.(.+)", lambda found: f"towers.0.projection.{found[1]}"),
    (r"discriminator\.mini_discs\.(\d+)\.(.+)", lambda found: f"towers.0.heads.{found[1]}.{found[2]}"),
)


def discriminator(state: State) -> Found:
    """`D`: heads and projections; the frozen network in the file is left out, ours comes from its own package.

    Raises ZooError where the tensors are those of another network.
    """
    if not is_discriminator(state):
        raise ZooError("These are not the tensors of a projected discriminator: no discriminator.mini_discs is there.")
    tensors = {}
    for name, value in state.items():
        for pattern, rename in RENAMED:
            if match := re.fullmatch(pattern, name):
                tensors[rename(match)] = value
    numbers = {int(match[1]) for name in tensors if (match := re.match(r"towers\.0\.heads\.(\d+)\.", name))}
    table = tensors.get("towers.0.heads.0.embed.weight")
    finest = tensors.get("towers.0.projection.layer0_ccm.weight")
    has_scales = "towers.0.projection.layer0_csm.out_conv.weight" in tensors
    options = {
        "heads": len(numbers),
        "mixing": "none" if finest is None else "scales" if has_scales else "channels",
        "width": 64 if finest is None else len(finest),
        "separable": "towers.0.heads.0.main.0.main.0.depthwise.weight_orig" in tensors,
        "label": table is not None,
        "label_rows": 0 if table is None else len(table),
    }
    return Found(tensors, options, classes=0 if table is None else len(table))
