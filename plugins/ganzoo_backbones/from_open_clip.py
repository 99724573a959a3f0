"""Any image tower of open_clip as a frozen backbone."""

import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import torch
from torch import Tensor, nn

from ganzoo_backbones.missing import downloaded, missing_weights, revision
from zoo import Backbone, Features, Range, ZooError
from zoo.errors import near_misses

__all__ = ["ClipBackbone", "provided"]


class ClipBackbone(Backbone):
    """Patch tokens of transformers (as the blocks leave them) or maps of convolutional towers, and the embedding.

    The embedding is that of image-text comparison: for transformers ln_post of the class token times the projection.
    """

    def __init__(self, tower: nn.Module, *, weights: str) -> None:
        super().__init__(tower, family="clip", weights=weights)
        visual: Any = tower
        about = visual.preprocess_cfg
        self.input_size = size_of(visual.image_size)
        self.normalisation = (about["mean"], about["std"])
        with torch.no_grad():
            seen = visual.forward_intermediates(torch.zeros(1, 3, self.input_size, self.input_size))
        shapes = [inner.shape for inner in seen["image_intermediates"]]
        self.dim = seen["image_features"].shape[1]
        if len({shape[-1] for shape in shapes}) == 1:
            self.token_channels, self.depth = shapes[-1][1], len(shapes)
        else:
            self.channels = tuple(shape[1] for shape in shapes)
            self.strides = tuple(self.input_size // shape[-1] for shape in shapes)

    def takes(self, side: int) -> bool:
        """Its own size alone, since it embeds positions."""
        return side == self.input_size

    def features(self, images: Tensor, wants: Collection[str], blocks: Sequence[int]) -> Features:
        """One forward pass for all that is wanted; in float32 on a CPU, where bfloat16 takes three times as long."""
        if images.device.type == "cpu":
            with torch.autocast("cpu", enabled=False):
                return self._look(images, wants, blocks)
        return self._look(images, wants, blocks)

    def _look(self, images: Tensor, wants: Collection[str], blocks: Sequence[int]) -> Features:
        visual: Any = self.network
        if not {"maps", "tokens"} & set(wants) & self.provides:
            return Features(vector=visual(images))
        inner_only = "vector" not in wants
        indices = [block - 1 for block in blocks] if self.depth else None
        seen = visual.forward_intermediates(
            images, indices=indices, stop_early=inner_only, intermediates_only=inner_only, output_fmt="NCHW"
        )
        found, vector = tuple(seen["image_intermediates"]), seen.get("image_features")
        return Features(tokens=found, vector=vector) if self.depth else Features(maps=found, vector=vector)


def provided(
    model: str = "",  # a model of open_clip and the tag of its weights: ViT-B-32-quickgelu@openai
    random: bool = False,  # random weights instead of trained ones
    seed: Annotated[int, Range(0)] = 0,  # of random weights
) -> ClipBackbone:
    """The image tower of that model; see `open_clip.list_pretrained()`."""
    import open_clip

    name, _, tag = model.partition("@")
    check(name, tag, random)
    torch.manual_seed(seed)
    with missing_weights(f"clip:{model}", downloaded(f"open_clip model '{model}'")), silenced():
        network: Any = open_clip.create_model(name, pretrained=None if random else tag)
    origin = (open_clip.get_pretrained_cfg(name, tag) or {}).get("hf_hub", "").strip("/")
    weights = "random" if random else revision(origin) or model
    return ClipBackbone(network.visual, weights=weights)


def check(name: str, tag: str, random: bool) -> None:
    """Raise ZooError for a name that open_clip has not, or a tag that does not belong to it."""
    import open_clip

    if name not in open_clip.list_models():
        known = near_misses(name, open_clip.list_models())
        raise ZooError(f"open_clip has no model '{name}'. {known}".rstrip() + " The form is clip:MODEL@TAG.")
    tags = open_clip.list_pretrained_tags_by_model(name)
    if not random and tag not in tags:
        given = f"no weights of the tag '{tag}'" if tag else "weights of several trainings, so name one"
        raise ZooError(f"open_clip's '{name}' has {given}: {', '.join(tags) or 'none are published'}.")
    if tag and trained_with_quick_gelu(name, tag) != built_with_quick_gelu(name):
        raise ZooError(
            f"The weights '{tag}' were not trained with the activation of '{name}', so its features would be wrong; "
            f"take {name.removesuffix('-quickgelu')}{'-quickgelu' if trained_with_quick_gelu(name, tag) else ''}@{tag}."
        )


def trained_with_quick_gelu(name: str, tag: str) -> bool:
    """Whether these weights expect QuickGELU."""
    import open_clip

    return bool((open_clip.get_pretrained_cfg(name, tag) or {}).get("quick_gelu", False))


def built_with_quick_gelu(name: str) -> bool:
    """Whether this model computes QuickGELU."""
    import open_clip

    return bool((open_clip.get_model_config(name) or {}).get("quick_gelu", False))


def size_of(size: "int | tuple[int, int]") -> int:
    """The side of square images."""
    return size if isinstance(size, int) else size[0]


@contextmanager
def silenced() -> Iterator[None]:
    """open_clip logs what we raise or what was asked for."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
