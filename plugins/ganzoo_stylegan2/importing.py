"""Importer of NVIDIA's StyleGAN2 weights, whose names ours are: PyTorch pickles of StyleGAN2-ADA and of the StyleGAN3
repository, and TensorFlow pickles of StyleGAN2 and StyleGAN2-ADA."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from ganzoo_stylegan2.presets import Settings
from zoo import DataSpec, ForeignFile, ForeignNetwork, Imported, Importer, ZooError

__all__ = ["StyleGAN2Importer", "from_tensorflow"]

LICENCE = "NVIDIA Source Code License: non-commercial use only, unless the page of the weights says otherwise"
LR = 0.01  # learning-rate multiplier of our mapping networks; others are folded into the weights
WHOLE_BATCH = 2**30  # a group for the spread of the batch that takes it whole
LINEAR = ("affine", "embed", "skip", "out")  # layers without an activation
DEEPEST = 64  # layers of a mapping network; the published ones have up to 8
SHOWN, LETTERS = 8, 120  # settings that an error names, and letters of each

Tensors = Mapping[str, Tensor]
Move = Callable[[Tensor], Tensor]


class StyleGAN2Importer(Importer):
    """G, D and G_ema of a file in any of the three layouts."""

    def recognises(self, file: ForeignFile) -> bool:
        """By the learned constant, which StyleGAN3 does not have."""
        network = file.networks.get("G_ema")
        return network is not None and bool({"synthesis.b4.const", CONST} & network.tensors.keys())

    def convert(self, file: ForeignFile) -> Imported:
        """All three networks; the generators alone where D is of another architecture."""
        g_ema, g, d = (translated(file.networks.get(name)) for name in ("G_ema", "G", "D"))
        assert g_ema is not None
        judged = d if d is not None and "b4.out.weight" in d.tensors else None
        config, data = settings(g_ema, judged)
        training: dict[str, Tensor] = {}
        if g is not None and judged is not None:
            training = prefixed("generator.", folded(g)) | prefixed("critic.network.", folded(judged))
        old = g_ema.form == "tensorflow"
        return Imported(
            config,
            data,
            sampler=prefixed("generator.", folded(g_ema)),
            licence=LICENCE,
            training=training,
            fresh=("path_*", "critic.augment.*", *(("*.resample_filter",) if old else ())),
        )


def settings(g: ForeignNetwork, d: ForeignNetwork | None) -> tuple[Settings, DataSpec]:
    """Configuration and data, from the attributes of the networks and what they were built with."""
    known, built = g.values, {**g.arguments, **(g.arguments.get("synthesis_kwargs") or {})}
    size, classes = int(known["img_resolution"]), int(known["c_dim"])
    judge: dict[str, Any] = {}
    if d is not None:
        group = d.values.get("b4.mbstd.group_size")
        spread = "b4.mbstd.num_channels" in d.values
        judge["d_form"] = d.values[f"b{size}.architecture"]
        judge["mbstd_group"] = (WHOLE_BATCH if group is None else int(group)) if spread else 0
        judge["d_mapping_layers"] = mapping_layers(d) if classes else Settings().d_mapping_layers
    refuse_others(g, d)
    if f"synthesis.b{size}.conv1.weight" not in g.tensors:
        raise ZooError(f"This StyleGAN2 says that it draws {size} px, and has no layers of that size.")
    config = Settings(
        condition="label" if classes else "none",
        z_dim=int(known["z_dim"]),
        w_dim=int(known["w_dim"]),
        mapping_layers=mapping_layers(g),
        channel_base=int(built.get("channel_base", 32768)),
        channel_max=int(built.get("channel_max", 512)),
        g_form=known[f"synthesis.b{size}.architecture"],
        conv_clamp=float(known["synthesis.b4.conv1.conv_clamp"] or 0.0),
        **judge,
    )
    return config, DataSpec(size, channels=int(known["img_channels"]), classes=classes)


def mapping_layers(network: ForeignNetwork) -> int:
    """How many dense layers the mapping network has."""
    return sum(re.fullmatch(r"mapping\.fc\d+\.weight", name) is not None for name in network.tensors)


def refuse_others(g: ForeignNetwork, d: ForeignNetwork | None) -> None:
    """Raise ZooError for settings that change what the networks compute and that ours have no form of."""
    values = [*g.values.items(), *(d.values.items() if d else ())]
    wrong = {f"{name}={value!r}" for name, value in values if not fits(name, value)}
    clamps = {value for name, value in values if name.endswith(("conv0.conv_clamp", "conv1.conv_clamp"))}
    if len(clamps) > 1:
        wrong.add(f"conv_clamp={' and '.join(sorted(map(str, clamps)))}")
    if g.values.get("mapping.normalize_latents", True) is not True:
        wrong.add("normalize_latents=False")
    if d is not None and d.values.get("b4.mbstd.num_channels", 1) != 1:
        wrong.add(f"mbstd_num_channels={d.values['b4.mbstd.num_channels']}")
    if mapping_layers(g) > DEEPEST or (d is not None and mapping_layers(d) > DEEPEST):
        wrong.add(f"a mapping of more than {DEEPEST} layers")
    refuse("StyleGAN2", sorted(wrong))


def refuse(network: str, wrong: list[str]) -> None:
    """Raise ZooError with some of the settings that ours have no form of, if there are any."""
    if wrong:
        shown = ", ".join(f"{one[:LETTERS]}..." if len(one) > LETTERS else one for one in wrong[:SHOWN])
        more = f" and {len(wrong) - SHOWN:,} more" if len(wrong) > SHOWN else ""
        raise ZooError(f"This {network} was built with {shown}{more}, which stylegan2 has no form of.")


def fits(path: str, value: Any) -> bool:
    """Whether an attribute has a value that our layers know, each in its place."""
    module, _, name = path.rpartition(".")
    if name == "activation":
        return bool(value == ("linear" if module.rpartition(".")[2] in LINEAR else "lrelu"))
    return name != "use_noise" or value is True


def folded(network: ForeignNetwork) -> dict[str, Tensor]:
    """The tensors, with another learning-rate multiplier of the mapping folded into its weights and biases."""
    factor = float(network.values.get("mapping.fc0.bias_gain", LR)) / LR
    scaled = {name: value * factor for name, value in network.tensors.items() if name.startswith("mapping.fc")}
    return {**network.tensors, **(scaled if factor != 1 else {})}


def prefixed(prefix: str, tensors: Tensors) -> dict[str, Tensor]:
    """A network's tensors under its name in the model."""
    return {prefix + name: value for name, value in tensors.items()}


def translated(network: ForeignNetwork | None) -> ForeignNetwork | None:
    """A network in the terms of the PyTorch code."""
    if network is None or network.form != "tensorflow":
        return network
    return from_tensorflow(network)


# TensorFlow

CONST = "synthesis/4x4/Const/const"
IGNORED = {
    *("truncation_psi", "truncation_cutoff", "truncation_psi_val", "truncation_cutoff_val", "style_mixing_prob"),
    *("dlatent_avg_beta", "w_avg_beta", "structure", "randomize_noise", "fused_modconv", "num_fp16_res", "dtype"),
    "freeze_layers",
}
"""Static arguments that concern training, or how and not what is computed."""

FIXED = {
    "mapping_func": ("G_mapping",),
    "synthesis_func": ("G_synthesis", "G_synthesis_stylegan2"),
    "nonlinearity": ("lrelu",),
    "mapping_nonlinearity": ("lrelu",),
    "resample_kernel": ([1, 3, 3, 1],),
    "use_noise": (True,),
    "normalize_latents": (True,),
    "fmap_decay": (1,),
    "fmap_min": (1,),
    "mbstd_num_features": (1,),
}
"""Static arguments that our networks have one value of."""

READ = {
    *("latent_size", "dlatent_size", "label_size", "resolution", "num_channels", "fmap_base", "fmap_max"),
    *("mapping_layers", "mapping_fmaps", "mapping_lrmul", "label_fmaps", "architecture", "conv_clamp"),
    "mbstd_group_size",
}


def from_tensorflow(network: ForeignNetwork) -> ForeignNetwork:
    """The network under PyTorch's names, with the attributes that its module would have.

    Raises ZooError for a static argument that changes what it computes. An unknown variable keeps its name.
    """
    given = network.arguments
    wrong = [
        f"{name}={value!r}"
        for name, value in given.items()
        if name not in IGNORED | READ and value not in FIXED.get(name, ())
    ]
    refuse("TensorFlow network", wrong)
    size = int(given.get("resolution", 1024))
    generator = CONST in network.tensors
    translate = generator_name if generator else discriminator_name
    tensors = {}
    for name, value in network.tensors.items():
        if name != "lod" or float(value) != 0:  # StyleGAN2 keeps one, always 0
            ours, move = translate(unrolled(name, size))
            tensors[ours] = move(value).contiguous()
    values = (generator_values if generator else discriminator_values)(given, size, network.tensors)
    arguments = {"channel_base": 2 * int(given.get("fmap_base", 16384)), "channel_max": int(given.get("fmap_max", 512))}
    return ForeignNetwork("tensorflow", network.kind, tensors, arguments, values)


def generator_values(given: Mapping[str, Any], size: int, tensors: Tensors) -> dict[str, Any]:
    """The attributes of a generator's modules that `settings` reads."""
    old = any("_lod" in name and "RGB" in name for name in tensors)
    return {
        "z_dim": given.get("latent_size", 512),
        "w_dim": given.get("dlatent_size", 512),
        "c_dim": given.get("label_size", 0),
        "img_resolution": size,
        "img_channels": given.get("num_channels", 3),
        "mapping.fc0.bias_gain": given.get("mapping_lrmul", LR),
        "synthesis.b4.conv1.conv_clamp": given.get("conv_clamp"),
        f"synthesis.b{size}.architecture": "orig" if old else given.get("architecture", "skip"),
    }


def discriminator_values(given: Mapping[str, Any], size: int, tensors: Tensors) -> dict[str, Any]:
    """The same of a discriminator's."""
    old = any("_lod" in name and "RGB" in name for name in tensors)
    return {
        f"b{size}.architecture": "orig" if old else given.get("architecture", "resnet"),
        f"b{size}.conv0.conv_clamp": given.get("conv_clamp"),
        "b4.mbstd.group_size": given.get("mbstd_group_size"),
        "b4.mbstd.num_channels": 1,
        "mapping.fc0.bias_gain": given.get("mapping_lrmul", 0.1),
    }


def generator_name(name: str) -> tuple[str, Move]:
    """PyTorch's name of a generator's variable, and the move into its layout."""
    parts = name.split("/")
    if name == "dlatent_avg":
        return "mapping.w_avg", same
    if parts[0] == "mapping" and len(parts) == 3:
        return f"mapping.{dense(parts[1])}.{parts[2]}", transposed
    if noise := re.fullmatch(r"synthesis/noise(\d{1,2})", name):
        return noise_name(int(noise[1])), lambda x: x[0, 0]
    if name == CONST:
        return "synthesis.b4.const", lambda x: x[0]
    layers = {"Conv": "conv1", "Conv0_up": "conv0", "Conv1": "conv1", "ToRGB": "torgb", "Skip": "skip"}
    if parts[0] == "synthesis" and len(parts) == 4 and parts[2] in layers:
        kinds = {"mod_weight": "affine.weight", "mod_bias": "affine.bias"}
        ours = f"synthesis.b{parts[1].partition('x')[0]}.{layers[parts[2]]}.{kinds.get(parts[3], parts[3])}"
        if parts[3] == "weight":
            return ours, turned if parts[2] in ("Conv0_up", "Skip") else permuted
        return ours, {"mod_weight": transposed, "mod_bias": lambda x: x + 1}.get(parts[3], same)
    return name, same


def discriminator_name(name: str) -> tuple[str, Move]:
    """PyTorch's name of a discriminator's variable, and the move into its layout."""
    match name.split("/"):
        case ["Output", kind]:
            return f"b4.out.{kind}", transposed
        case ["4x4", "Dense0", kind]:
            return f"b4.fc.{kind}", transposed
        case ["LabelEmbed", kind]:
            return f"mapping.embed.{kind}", transposed
        case [layer, kind] if layer.startswith("Mapping"):
            return f"mapping.fc{layer.removeprefix('Mapping')}.{kind}", transposed
        case [place, layer, kind]:
            layers = {"FromRGB": "fromrgb", "Conv": "conv", "Conv0": "conv0", "Conv1_down": "conv1", "Skip": "skip"}
            if layer in layers:
                return f"b{place.partition('x')[0]}.{layers[layer]}.{kind}", permuted
    return name, same


def unrolled(name: str, size: int) -> str:
    """The name with the size in place of a level of detail: ToRGB_lod1 at 64 px is 32x32/ToRGB."""
    found = re.search(r"(To|From)RGB_lod(\d+)", name)
    if not found:
        return name
    here = size >> int(found[2])
    return name.replace(found[0], f"{here}x{here}/{found[1]}RGB")


def dense(layer: str) -> str:
    """A mapping layer's name."""
    return "embed" if layer == "LabelEmbed" else layer.replace("Dense", "fc")


def noise_name(number: int) -> str:
    """The layer that a noise map belongs to: one at 4 px, two at each size above."""
    size = 1 << (number + 5) // 2
    return f"synthesis.b{size}.conv{1 if number == 0 else (number - 1) % 2}.noise_const"


def same(x: Tensor) -> Tensor:
    """As it is."""
    return x


def transposed(x: Tensor) -> Tensor:
    """[in,out] to [out,in]; a bias stays."""
    return x.t() if x.ndim == 2 else x


def permuted(x: Tensor) -> Tensor:
    """[kh,kw,in,out] to [out,in,kh,kw]; a bias stays."""
    return x.permute(3, 2, 0, 1) if x.ndim == 4 else x


def turned(x: Tensor) -> Tensor:
    """The same, mirrored: theirs is convolved, ours is that of a transposed convolution."""
    return permuted(torch.flip(x, (0, 1)))
