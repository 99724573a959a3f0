"""Any network of timm as a frozen backbone."""

from collections.abc import Collection, Sequence
from functools import partial
from typing import Annotated, Any

import torch
from torch import Tensor, nn

from ganzoo_backbones.missing import downloaded, missing_weights, revision
from zoo import Backbone, Features, Range, ZooError
from zoo.errors import near_misses

__all__ = ["TimmBackbone", "family_of", "provided"]

RESIZABLE = ("vision_transformer", "deit")  # modules of timm whose networks interpolate their position embeddings


class TimmBackbone(Backbone):
    """Maps of convolutional and hierarchical networks, tokens of plain transformers, and the pooled vector.

    Tokens and the last map have passed the network's final norm, where it has one. The vector is what its
    classifier sees.
    """

    def __init__(self, network: nn.Module, *, family: str, weights: str) -> None:
        from timm.data.config import resolve_model_data_config

        super().__init__(network, family=family, weights=weights)
        timms: Any = network
        config = resolve_model_data_config(timms)  # type: ignore[no-untyped-call]
        self.input_size = int(config["input_size"][-1])
        self.normalisation = (config["mean"], config["std"])
        self.dim = int(getattr(timms, "head_hidden_size", timms.num_features))
        self.patch = 0  # where set, sides are multiples of it
        self.fixed = bool(timms.pretrained_cfg.get("fixed_input_size"))
        if hasattr(timms, "forward_intermediates"):
            self._describe([(one["num_chs"], one["reduction"]) for one in timms.feature_info])

    def _describe(self, stages: list[tuple[int, int]]) -> None:
        """Read off what the stages give: equal strides all along are a transformer's blocks."""
        channels, strides = zip(*stages, strict=True)
        if len(set(strides)) > 1:
            self.channels, self.strides = channels, strides
            return
        self.token_channels, self.depth = channels[-1], len(stages)
        if resizable(self.network):
            self.patch, self.fixed = strides[0], False

    def takes(self, side: int) -> bool:
        """Fixed networks take their own size, plain transformers whole patches, the others all but the smallest."""
        if self.fixed:
            return side == self.input_size
        return side % self.patch == 0 if self.patch else super().takes(side)

    def features(self, images: Tensor, wants: Collection[str], blocks: Sequence[int]) -> Features:
        """One forward pass for all that is wanted."""
        network: Any = self.network
        if not {"maps", "tokens"} & set(wants) & self.provides:
            return Features(vector=network.forward_head(network.forward_features(images), pre_logits=True))
        indices = [block - 1 for block in blocks] if self.depth else None
        look = partial(network.forward_intermediates, images, indices=indices, norm=True, output_fmt="NCHW")
        if "vector" in wants:
            last, inner = look()
            vector = network.forward_head(last, pre_logits=True)
        else:
            inner, vector = look(intermediates_only=True, stop_early=True), None
        found = tuple(inner)
        return Features(tokens=found, vector=vector) if self.depth else Features(maps=found, vector=vector)


def provided(
    model: str = "",  # a name of timm, with the tag of its weights or without: resnet50, resnet50.tv_in1k
    random: bool = False,  # random weights instead of trained ones
    seed: Annotated[int, Range(0)] = 0,  # of random weights
) -> TimmBackbone:
    """The network of that name; see `timm.list_pretrained()`."""
    import timm

    if not timm.is_model(model.partition(".")[0]):
        known = near_misses(model, timm.list_pretrained() if "." in model else timm.list_models())
        raise ZooError(f"timm has no model '{model}'. {known}".rstrip() + " The form is timm:resnet50.")
    tag = model.partition(".")[2]
    tags = [one.partition(".")[2] for one in timm.list_pretrained(f"{model.partition('.')[0]}.*")]
    if not random and (tag not in tags if tag else not tags):
        has = (
            f"those tagged {', '.join(tags)}" if tags else f"none; timm:{model};random=true has random ones, for trials"
        )
        raise ZooError(f"timm has no weights for '{model}'. It has {has}.")
    torch.manual_seed(seed)
    with missing_weights(f"timm:{model}", downloaded(f"timm model '{model}'")):
        network: Any = timm.create_model(model, pretrained=not random, **options(model))
    name, tag = model.partition(".")[0], str(network.pretrained_cfg.get("tag") or "")
    origin = str(network.pretrained_cfg.get("hf_hub_id") or "")
    weights = "random" if random else revision(origin) or f"{name}.{tag}"
    return TimmBackbone(network, family=family_of(name, tag, type(network).__module__), weights=weights)


def options(model: str) -> dict[str, Any]:
    """What lets a plain transformer look at other sizes than its own."""
    from timm.models import is_model_in_modules

    name = model.partition(".")[0]
    return {"dynamic_img_size": True} if is_model_in_modules(name, RESIZABLE) else {}


def resizable(network: nn.Module) -> bool:
    """Whether it was made to look at other sizes than its own."""
    return type(network).__module__.rpartition(".")[2] in RESIZABLE


def family_of(name: str, tag: str, module: str) -> str:
    """Networks that see alike: of one training method where that is told by the tag, else of one architecture."""
    if "efficientnet_lite" in name:
        return "efficientnet-lite"
    for method, words in {"dino": ("dino",), "clip": ("clip", "openai", "laion")}.items():
        if any(word in f"{name}.{tag}" for word in words):
            return method
    return module.rpartition(".")[2].replace("_", "-")
