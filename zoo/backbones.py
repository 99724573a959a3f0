"""Frozen image networks, whose features discriminators and metrics look at."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, Literal, Self, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize

from zoo.errors import ZooError

__all__ = ["Backbone", "Features", "Normalisation", "Resize", "backbone", "checksum", "frozen_networks", "perceptual"]

Resize = Literal["bicubic", "bilinear", "area", "nearest", "bilinear-plain"]
"""The first two as Pillow does them, with antialiasing; area is adaptive averaging; the last has no antialiasing."""

Normalisation = tuple[Sequence[float], Sequence[float]]
"""Mean and standard deviation by channel, of images in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Features:
    """What a frozen network saw, in float32."""

    maps: tuple[Tensor, ...] = ()  # fine to coarse, each [N,C,h,w]
    tokens: tuple[Tensor, ...] = ()  # by transformer block, each [N,C,h,w]; class tokens are left out
    vector: Tensor | None = None  # pooled, [N,D]


class Backbone(nn.Module, ABC):
    """A frozen network with its own resizing and normalisation.

    Its weights are no parameters of whatever holds it: always in eval mode, in no optimiser, in no checkpoint;
    they follow `to(...)` all the same. Gradients reach the images.
    """

    input_size: int = 224  # native size of the weights, in pixels
    normalisation: Normalisation = ((0.5,) * 3, (0.5,) * 3)  # the weights' own
    channels: tuple[int, ...] = ()  # of maps, fine to coarse
    strides: tuple[int, ...] = ()  # of maps
    token_channels: int = 0
    depth: int = 0  # transformer blocks; `tokens` come from them
    dim: int = 0  # of vector

    def __init__(self, network: nn.Module, *, family: str, weights: str) -> None:
        super().__init__()
        self._hidden = (network.eval().requires_grad_(False),)  # a tuple keeps it from being registered
        self.name = family  # the reference it was made by, set by `zoo.backbone`
        self.family = family  # networks that see alike: a judge of a discriminator's family is partial
        self.weights = weights  # revision, tag or "random"
        self.eval()

    @property
    def network(self) -> nn.Module:
        """The frozen network itself."""
        return self._hidden[0]

    @cached_property
    def sha256(self) -> str:
        """Of the weights: every tensor of the network's state, in order."""
        return checksum(self.network)

    @property
    def provides(self) -> frozenset[str]:
        """What it can see: a subset of maps, tokens, vector."""
        has = {"maps": self.channels, "tokens": self.token_channels, "vector": self.dim}
        return frozenset(name for name, size in has.items() if size)

    @abstractmethod
    def features(self, images: Tensor, wants: Collection[str], blocks: Sequence[int]) -> Features:
        """Features of normalised images [N,3,S,S]: those of `wants`, tokens after these blocks, counted from 1."""

    def takes(self, side: int) -> bool:
        """Whether it can look at images of this many pixels without resizing."""
        return side >= max(self.strides, default=self.input_size)

    def forward(
        self,
        images: Tensor,
        size: int | None = None,
        resize: Resize = "bicubic",
        normalise: Normalisation | None = None,
        *,
        wants: Collection[str] = (),
        blocks: Sequence[int] = (),
    ) -> Features:
        """Features of images [N,1|3,H,W] in [-1, 1]; grey is repeated to three channels.

        Images are resized to `size`; by default they stay as they are, or take the native size where the network
        demands it. `normalise` replaces the weights' own mean and deviation. `wants` limits the work to some of
        maps, tokens and vector; `blocks` names the transformer blocks, by default four evenly spaced ones.
        """
        side = size or (images.shape[-1] if self.takes(images.shape[-1]) else self.input_size)
        if not self.takes(side):
            raise ZooError(f"backbone '{self.name}' cannot look at {side} px; its own size is {self.input_size} px.")
        with torch.autocast(images.device.type, enabled=False):
            seen = resized(in_colour(images.float()) / 2 + 0.5, side, resize)
            mean, deviation = (column(seen, values) for values in normalise or self.normalisation)
            seen = (seen - mean) / deviation
        chosen = tuple(blocks) or tuple(round(self.depth * i / 4) for i in (1, 2, 3, 4))
        return in_float(self.features(seen, set(wants) or self.provides, chosen))

    def train(self, mode: bool = True) -> Self:
        """Do nothing: a frozen network stays in eval mode."""
        return super().train(False)

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Self:
        self.network._apply(fn)  # type: ignore[no-untyped-call]
        return cast(Self, super()._apply(fn, recurse))  # type: ignore[no-untyped-call]


def in_colour(images: Tensor) -> Tensor:
    """Three channels, of one or three."""
    if images.shape[1] not in (1, 3):
        raise ZooError(f"A backbone looks at grey or RGB images, not at {images.shape[1]} channels.")
    return images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images


def resized(images: Tensor, side: int, how: Resize) -> Tensor:
    """Images [N,C,side,side]."""
    if images.shape[-2:] == (side, side):
        return images
    if how in ("area", "nearest"):
        return interpolate(images, size=(side, side), mode=how)
    mode, _, plain = how.partition("-")
    return interpolate(images, size=(side, side), mode=mode, align_corners=False, antialias=not plain)


def column(like: Tensor, values: Sequence[float]) -> Tensor:
    """Numbers by channel, [1,C,1,1]."""
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(1, -1, 1, 1)


def in_float(seen: Features) -> Features:
    """The same in float32, whatever autocast made of it."""
    vector = None if seen.vector is None else seen.vector.float()
    return Features(tuple(x.float() for x in seen.maps), tuple(x.float() for x in seen.tokens), vector)


def backbone(reference: str) -> Backbone:
    """The frozen network that a reference names: `efficientnet-lite0`, `timm:resnet50`, `clip:MODEL@TAG;random=true`.

    Raises ZooError naming the extra or the download where weights are missing; weights are random only where the
    reference says so, and then the same each time. Leaves the global random numbers alone.
    """
    from zoo.composition import referred

    with torch.device("cpu"), torch.random.fork_rng(devices=[]):  # real weights even inside a model on "meta"
        torch.manual_seed(0)
        found = cast(Backbone, referred("backbone", reference))
    found.name = reference
    return found


def perceptual(network: Backbone) -> Callable[[Tensor], Tensor]:
    """Images [N,1|3,H,W] in [-1, 1] to rows [N,M] whose squared distances say how unlike two images look.

    As in LPIPS before its weights are learned (Zhang et al. 2018, eq. 1): at every place of every map the channels
    are of unit length, and each map counts as the mean over its places. Without maps, tokens or the vector serve.
    """
    wants = next(kind for kind in ("maps", "tokens", "vector") if kind in network.provides)

    def rows(images: Tensor) -> Tensor:
        seen: Features = network(images, wants=(wants,))
        whole = () if seen.vector is None else (seen.vector[:, :, None, None],)
        found = seen.maps or seen.tokens or whole
        return torch.cat([(normalize(x) / (x.shape[2] * x.shape[3]) ** 0.5).flatten(1) for x in found], 1)

    return rows


def checksum(network: nn.Module) -> str:
    """SHA-256 of the tensors of a network's state, in order, as 64 hex digits."""
    digest = sha256()
    for value in network.state_dict().values():
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def frozen_networks(module: nn.Module) -> dict[str, dict[str, str]]:
    """Every backbone inside a module by its reference, with family, weights and checksum: what config.json records."""
    found = [child for child in module.modules() if isinstance(child, Backbone)]
    return {one.name: {"family": one.family, "weights": one.weights, "sha256": one.sha256} for one in found}
