"""The text tower of any model of open_clip."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from zoo import Range, TextEncoder, ZooError, checksum
from zoo.errors import near_misses

__all__ = ["ClipText", "provided"]

AT_ONCE = 64


class ClipText(TextEncoder):
    """Embeddings of image-text comparison (Radford et al. 2021), scaled to a mean square of 1."""

    def __init__(self, network: Any, tokenizer: Any) -> None:
        del network.visual
        self.network = network.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.revision = checksum(self.network)[:12]
        self.dim = self.encode(["a"]).shape[1]

    @torch.no_grad()
    def encode(self, texts: Sequence[str]) -> Tensor:
        """Rows float32 [N, dim]."""
        sound = [text.encode("utf-8", "replace").decode() for text in texts]
        parts = [self.tokenizer(sound[i : i + AT_ONCE]) for i in range(0, len(sound), AT_ONCE)]
        rows = normalize(torch.cat([self.network.encode_text(part).float() for part in parts]))
        scaled: Tensor = rows * rows.shape[1] ** 0.5
        return scaled

    def cut(self, texts: Sequence[str]) -> int:
        """Those that fill the tower's context to its last place."""
        return sum(int(self.tokenizer([text])[0, -1]) != 0 for text in texts)


def provided(
    model: str = "",  # a model of open_clip and the tag of its weights: ViT-B-32-quickgelu@openai
    random: bool = False,  # random weights instead of trained ones
    seed: Annotated[int, Range(0)] = 0,  # of random weights
) -> ClipText:
    """The text tower of that model; see `open_clip.list_pretrained()`."""
    import open_clip

    name, _, tag = model.partition("@")
    check(name, tag, random)
    torch.manual_seed(seed)
    try:
        with silenced():
            network = open_clip.create_model(name, pretrained=None if random else tag)
            return ClipText(network, open_clip.get_tokenizer(name))
    except (OSError, RuntimeError, ValueError, ImportError) as error:
        cause = str(error).strip().partition("\n")[0]
        raise ZooError(
            f"The weights of text encoder 'clip:{model}' cannot be had: {type(error).__name__}: {cause}\nThey are "
            "downloaded from the Hugging Face Hub when first used: run this once with a network, or copy the Hub's "
            "cache (HF_HOME) of a machine that has them. Without a network: --text-encoder minilm or hashed."
        ) from error


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
    wants = bool((open_clip.get_pretrained_cfg(name, tag) or {}).get("quick_gelu", False))
    if tag and wants != bool((open_clip.get_model_config(name) or {}).get("quick_gelu", False)):
        raise ZooError(
            f"The weights '{tag}' were not trained with the activation of '{name}', so its rows would be wrong; take "
            f"{name.removesuffix('-quickgelu')}{'-quickgelu' if wants else ''}@{tag}."
        )


@contextmanager
def silenced() -> Iterator[None]:
    """open_clip logs what we raise or what was asked for."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
