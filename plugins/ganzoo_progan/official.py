"""Published ProGAN weights in our terms and back: Facebook's pytorch_GAN_zoo, and the authors' TensorFlow networks.

Pure functions of names, tensors and plain values; nothing is read or run here. Names that are not understood
stay as they are, so that comparing with the model tells them.
"""

from collections.abc import Callable, Iterable, Mapping
from math import prod, sqrt
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo_progan.model import ProGAN
from ganzoo_progan.networks import Discriminator, Generator, widths
from ganzoo_progan.schedule import at_position
from zoo import DataSpec, ZooError

__all__ = [
    "facebook_model",
    "from_facebook",
    "from_tensorflow",
    "tensorflow_model",
    "to_facebook",
    "to_tensorflow",
]

Tensors = Mapping[str, Tensor]
Network = Generator | Discriminator
Move = Callable[[Tensor], Tensor]

USUAL_BASE = 8192
LEVELS = 20  # more than any network has


# Facebook: y = (Wx + b)·sqrt(2 / fan-in), whatever the layer; ours: y = W·weight_scale·x + b.


def facebook_model(generator: Tensors, values: Mapping[str, Any]) -> tuple[ProGAN.Config, DataSpec]:
    """Configuration and data of a checkpoint from `avgG` or `netG` and the values of its `config`.

    Raises ZooError for a variant that differs in more than sizes.
    """
    unsupported = {
        "lossCriterion": ("WGANGP", "Logistic"),
        "leakyReluLeak": (0.2,),
        "perChannelNormalization": (True,),
        "equalizedlR": (True,),
        "miniBatchStdDev": (True,),
        "categoryVectorDim": (0,),
    }
    refuse(values, unsupported, "pytorch_GAN_zoo")
    wide = [len(generator[f"{layer}.module.bias"]) for layer in numbered(generator, "scaleLayers.{}.1")]
    first = generator["formatLayer.module.weight"]
    base, limit = fitted([first.shape[0] // 16, *wide], first.shape[0] // 16)
    config = ProGAN.Config(
        z_dim=first.shape[1],
        base=base,
        limit=limit,
        first_bias="position",
        fused=False,
        spread="neighbours",
    )
    return config, DataSpec(4 << len(wide), channels=len(generator["toRGBLayers.0.module.bias"]))


def from_facebook(foreign: Tensors, network: Network, alpha: float = 0.0) -> dict[str, Tensor]:
    """The state of `network` from one of theirs; `alpha`, from their config, weighs the old branch."""
    layers = {theirs: ours for ours, theirs in facebook_layers(network).items()}
    state = {"level": torch.tensor(network.top), "alpha": torch.tensor(1.0 - alpha)}
    for name, value in foreign.items():
        theirs, _, kind = name.rpartition(".module.")
        if theirs in layers:
            ours, weight = layers[theirs], foreign[f"{theirs}.module.weight"]
            factor = he(weight) if kind == "bias" else he(weight) / scale_of(network, ours)
            state[name_of(network, ours, kind)] = value * factor
        else:
            state[name] = value
    return state


def to_facebook(network: Network) -> dict[str, Tensor]:
    """Their state dict of `network`, which has `first_bias` position and, in D, is not fused."""
    state, found = network.state_dict(), {}
    for ours, theirs in facebook_layers(network).items():
        weight = state[f"{ours}.weight"]
        found[f"{theirs}.module.weight"] = weight * scale_of(network, ours) / he(weight)
        found[f"{theirs}.module.bias"] = state[name_of(network, ours, "bias")] / he(weight)
    return found


def facebook_layers(network: Network) -> dict[str, str]:
    """Our layers by dotted name, each with theirs."""
    g = isinstance(network, Generator)
    side, first = ("toRGBLayers", "groupScale0") if g else ("fromRGBLayers", "groupScaleZero")
    names = {"blocks.0.conv": f"{first}.0", "blocks.0.dense": "formatLayer" if g else f"{first}.1"}
    names |= {} if g else {"blocks.0.score": "decisionLayer"}
    for level in range(network.top + 1):
        names[f"{'to' if g else 'from'}_rgb.{level}"] = f"{side}.{level}"
        if level:
            names |= {f"blocks.{level}.conv{i}": f"scaleLayers.{level - 1}.{i}" for i in (0, 1)}
    return names


def he(weight: Tensor) -> float:
    """sqrt(2 / fan-in), their scale of every layer."""
    return sqrt(2 / prod(weight.shape[1:]))


def scale_of(network: nn.Module, layer: str) -> float:
    """Our run-time scale of a layer."""
    scale: float = network.get_submodule(layer).weight_scale  # type: ignore[assignment]
    return scale


def name_of(network: Network, layer: str, kind: str) -> str:
    """Our name of a layer's weight or bias; that of G's dense layer is its block's."""
    if isinstance(network, Generator) and (layer, kind) == ("blocks.0.dense", "bias"):
        return "blocks.0.bias"
    return f"{layer}.{kind}"


# TensorFlow: raw weights under the same run-time scales, in other layouts.


def tensorflow_model(
    generator: Tensors,
    g_arguments: Mapping[str, Any],
    d_arguments: Mapping[str, Any] | None = None,
    discriminator: Tensors | None = None,
) -> tuple[ProGAN.Config, DataSpec]:
    """Configuration and data of the official networks, from their variables and static arguments.

    Raises ZooError for a variant that differs in more than sizes.
    """
    unsupported = {
        "normalize_latents": (True,),
        "use_wscale": (True,),
        "use_pixelnorm": (True,),
        "use_leakyrelu": (True,),
        "pixelnorm_epsilon": (1e-8,),
        "fmap_decay": (1.0,),
    }
    d, d_arguments = discriminator or {}, d_arguments or {}
    refuse(g_arguments, unsupported, "the official G_paper")
    refuse(d_arguments, unsupported, "the official D_paper")
    top = len(list(numbered(generator, "ToRGB_lod{}", ""))) - 1
    wide = [generator[f"ToRGB_lod{top - level}/weight"].shape[2] for level in range(top + 1)]
    classes = int(g_arguments.get("label_size", 0))
    z_dim = generator["4x4/Dense/weight"].shape[0] - classes
    dense = len(d["4x4/Dense0/bias"]) if "4x4/Dense0/bias" in d else z_dim
    base, limit = fitted(wide, dense)
    config = ProGAN.Config(
        z_dim=z_dim,
        base=base,
        limit=limit,
        fused=not any(name.endswith("/Conv1/weight") for name in d),
        group=int(d_arguments.get("mbstd_group_size", 4)),
        condition="label" if classes else "none",
    )
    return config, DataSpec(4 << top, channels=len(generator["ToRGB_lod0/bias"]), classes=classes)


def from_tensorflow(foreign: Tensors, network: Network) -> dict[str, Tensor]:
    """The state of `network` from the variables of an official one; its `lod` says how far it has grown."""
    names = tensorflow_names(network, up_fused=any("Conv0_up" in name for name in foreign))
    known = {theirs: (ours, move) for ours, (theirs, move, _) in names.items()}
    level, alpha = at_position(network.top - float(foreign.get("lod", torch.zeros(()))))
    state = {"level": torch.tensor(level), "alpha": torch.tensor(alpha)}
    for name, value in foreign.items():
        if name in known:
            ours, move = known[name]
            state[ours] = move(value).contiguous()
        elif name != "lod":
            state[name] = value
    return state


def to_tensorflow(network: Network) -> dict[str, Tensor]:
    """The official variables of `network`, which has `first_bias` channel."""
    state = network.state_dict()
    names = tensorflow_names(network, up_fused=True)
    found = {theirs: back(state[ours]).contiguous() for ours, (theirs, _, back) in names.items()}
    level, alpha = network.grown()
    return {"lod": torch.tensor(float(network.top - level + 1 - alpha)), **found}


def tensorflow_names(network: Network, up_fused: bool) -> dict[str, tuple[str, Move, Move]]:
    """Our parameters by name, each with theirs and the moves from their layout and back."""
    g = isinstance(network, Generator)
    found: dict[str, tuple[str, Move, Move]] = {}
    for ours, _ in network.named_parameters():
        layer, _, kind = ours.rpartition(".")
        theirs = tensorflow_layer(network, layer, up_fused)
        if kind == "bias":
            found[ours] = (f"{theirs}/bias", same, same)
        elif network.get_parameter(ours).ndim == 2:
            found[ours] = (f"{theirs}/weight", transposed, transposed)
        elif g and theirs.endswith("Conv0_up"):
            found[ours] = (f"{theirs}/weight", from_up, to_up)
        else:
            found[ours] = (f"{theirs}/weight", from_conv, to_conv)
    return found


def tensorflow_layer(network: Network, layer: str, up_fused: bool) -> str:
    """Their scope of one of our layers."""
    g = isinstance(network, Generator)
    kind, level, *rest = layer.split(".")
    if kind in ("to_rgb", "from_rgb"):
        return f"{'ToRGB' if g else 'FromRGB'}_lod{network.top - int(level)}"
    size = f"{4 << int(level)}x{4 << int(level)}"
    if level == "0":
        last = {"dense": "Dense0", "score": "Dense1"}
        first = {"dense": "Dense", "": "Dense"}  # G's first bias is the block's own
        return f"{size}/{((first if g else last) | {'conv': 'Conv'})[rest[0] if rest else '']}"
    fused = {"conv0": "Conv0_up" if up_fused else "Conv0"} if g else {}
    if not g and network.get_submodule(layer).resample == "down":
        fused = {"conv1": "Conv1_down"}
    return f"{size}/{({'conv0': 'Conv0', 'conv1': 'Conv1'} | fused)[rest[0]]}"


def same(x: Tensor) -> Tensor:
    """As it is."""
    return x


def transposed(x: Tensor) -> Tensor:
    """[in,out] to [out,in] and back."""
    return x.t()


def from_conv(x: Tensor) -> Tensor:
    """[kh,kw,in,out] to [out,in,kh,kw]."""
    return x.permute(3, 2, 0, 1)


def to_conv(x: Tensor) -> Tensor:
    """Back."""
    return x.permute(2, 3, 1, 0)


def from_up(x: Tensor) -> Tensor:
    """[kh,kw,out,in] of a transposed convolution, whose kernel is mirrored, to [out,in,kh,kw]."""
    return x.flip((0, 1)).permute(2, 3, 0, 1)


def to_up(x: Tensor) -> Tensor:
    """Back."""
    return x.permute(2, 3, 0, 1).flip((0, 1))


# Both


def fitted(wide: list[int], dense: int) -> tuple[int, int]:
    """`base` and `limit` that give these channels by level and D's dense layer."""
    top, limit = len(wide) - 1, max(wide[0], dense)
    for base in (USUAL_BASE, wide[-1] << top + 1):
        if widths(4 << top, base, limit) == wide and min(base, limit) == dense:
            return base, limit
    raise ZooError(
        f"These channels by level, {', '.join(map(str, wide))} with {dense} in the dense layer, follow no "
        "base / size; progan can only take over networks whose widths do."
    )


def numbered(tensors: Tensors, pattern: str, suffix: str = ".module") -> Iterable[str]:
    """The layers `pattern` with 0, 1, 2, ... as far as they go."""
    for layer in map(pattern.format, range(LEVELS)):
        if not any(name.startswith(layer + suffix) for name in tensors):
            return
        yield layer


def refuse(values: Mapping[str, Any], supported: Mapping[str, tuple[Any, ...]], whose: str) -> None:
    """Raise ZooError for settings that change what the networks compute."""
    wrong = [f"{name}={values[name]!r}" for name, known in supported.items() if values.get(name, known[0]) not in known]
    if wrong:
        raise ZooError(f"This network of {whose} was built with {', '.join(wrong)}, which progan has no form of.")
