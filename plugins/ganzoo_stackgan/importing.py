"""Importers of StackGAN-Pytorch's weights: `netG_epoch_N.pth` of either stage.

The discriminator is a file of its own there; a file with both, `{"netG": ..., "netD": ...}`, is taken whole.
"""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ganzoo_stackgan.presets import Settings
from zoo import DataSpec, ForeignFile, Imported, Importer, ZooError

__all__ = ["StackGANImporter", "StageOneImporter", "from_official", "to_official"]

LICENCE = "MIT code (hanzhanggit, StackGAN-Pytorch); see its page for the terms of the weights"
FRESH = ("*.num_batches_tracked", "captions.rows", "generator.stage")
CONDITION = "ca_net.fc.weight"

Tensors = Mapping[str, Tensor]

LAYERS = (  # ours, theirs; the more special first
    ("conditioning.dense.", "ca_net.fc."),
    ("matching.", "get_cond_logits.outlogits."),
    ("alone.", "get_uncond_logits.outlogits.0."),
    ("body.", "encode_img."),
    ("joint.", "hr_joint."),
    ("first.", "fc."),
    ("image.", "img."),
)
"""Prefixes of layers; those with a number of their own are handled in `renamed`."""


class StackGANImporter(Importer):
    """STAGE2_G, which holds its STAGE1_G; with STAGE2_D where the file has it."""

    def recognises(self, file: ForeignFile) -> bool:
        """By the generator within the generator."""
        return f"STAGE1_G.{CONDITION}" in generator_of(file)

    def convert(self, file: ForeignFile) -> Imported:
        """Both generators; stage II's discriminator if it is there, beside a fresh one of stage I."""
        state = generator_of(file)
        inner = {name.removeprefix("STAGE1_G."): value for name, value in state.items() if name.startswith("STAGE1_G.")}
        outer = {name: value for name, value in state.items() if not name.startswith("STAGE1_G.")}
        blocks = len({name.split(".")[1] for name in outer if name.startswith("residual.")})
        small, sizes = sizes_of(inner)
        data = DataSpec(4 * small, channels=len(outer["img.0.weight"]), text_dim=outer[CONDITION].shape[1])
        sampler = below("generator.first.", from_official(inner))
        sampler |= below("generator.second.", from_official(outer))
        return imported(file, data, sampler, "second_critic.", ("first_critic.*",), **sizes, blocks=blocks)


class StageOneImporter(Importer):
    """STAGE1_G, with STAGE1_D where the file has it."""

    def recognises(self, file: ForeignFile) -> bool:
        """By a generator with conditioning and no other one within."""
        state = generator_of(file)
        return CONDITION in state and "fc.0.weight" in state and "hr_joint.0.weight" not in state

    def convert(self, file: ForeignFile) -> Imported:
        """The generator, and its discriminator if it is there."""
        state = generator_of(file)
        size, sizes = sizes_of(state)
        data = DataSpec(size, channels=len(state["img.0.weight"]), text_dim=state[CONDITION].shape[1])
        sampler = below("generator.first.", from_official(state))
        return imported(file, data, sampler, "first_critic.", (), **sizes, stages=1)


def imported(
    file: ForeignFile, data: DataSpec, sampler: dict[str, Tensor], critic: str, fresh: tuple[str, ...], **sizes: Any
) -> Imported:
    """Configuration and weights of a generator and, where there is one, its discriminator."""
    network = file.networks.get("netD")
    judge = network.tensors if network is not None else {}
    if judge:
        sizes["d_width"] = len(judge["encode_img.0.weight"])
    training = {**sampler, **below(f"{critic}network.", from_official(judge))} if judge else {}
    return Imported(Settings(**sizes), data, sampler, LICENCE, training=training, fresh=(*FRESH, *fresh))


def generator_of(file: ForeignFile) -> Tensors:
    """The generator's state: the file's only network, or the one called netG."""
    network = file.networks.get("netG") or file.networks.get("")
    return network.tensors if network is not None else {}


def sizes_of(state: Tensors) -> tuple[int, dict[str, int]]:
    """Pixels and options of a STAGE1_G."""
    count = len({name.split(".")[0] for name in state if name.startswith("upsample")})
    code = len(state[CONDITION]) // 2
    features, inputs = state["fc.0.weight"].shape
    if features % (16 << count):
        raise ZooError(f"A stage I of {features} features and {count} doublings is none of StackGAN-Pytorch's.")
    width = 2 * (features // 16 >> count)
    return 4 << count, {"z_dim": inputs - code, "code_dim": code, "g_width": width}


def from_official(state: Tensors) -> dict[str, Tensor]:
    """A network's state under our names; what is not known keeps its own."""
    return {renamed(name): value for name, value in state.items()}


def to_official(state: Tensors) -> dict[str, Tensor]:
    """Our network's state under theirs, as PyTorch before 0.4 saved it."""
    return {official(name): value for name, value in state.items() if not name.endswith("num_batches_tracked")}


def renamed(name: str) -> str:
    """Our name of one of theirs."""
    if found := re.fullmatch(r"upsample(\d+)\.(.+)", name):
        return f"up.{int(found[1]) - 1}.{found[2]}"
    if found := re.fullmatch(r"residual\.(\d+)\.block\.(.+)", name):
        return f"residual.{found[1]}.0.body.{found[2]}"
    for ours, theirs in LAYERS:
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name


def official(name: str) -> str:
    """Their name of one of ours."""
    if found := re.fullmatch(r"up\.(\d+)\.(.+)", name):
        return f"upsample{int(found[1]) + 1}.{found[2]}"
    if found := re.fullmatch(r"residual\.(\d+)\.0\.body\.(.+)", name):
        return f"residual.{found[1]}.block.{found[2]}"
    for ours, theirs in LAYERS:
        if name.startswith(ours):
            return theirs + name.removeprefix(ours)
    return name


def below(prefix: str, state: Tensors) -> dict[str, Tensor]:
    """A network's state under its name in the model."""
    return {prefix + name: value for name, value in state.items()}
