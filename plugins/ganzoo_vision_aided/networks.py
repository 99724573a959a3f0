"""Heads on frozen features, after the package `vision_aided_loss`: every learned layer under spectral normalisation."""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from zoo import Features, ZooError

__all__ = ["Blur", "MapHead", "TokenHead", "VectorHead", "head_for"]

FINE = 12  # tokens per side from which a head halves them twice, as on DINO's 14 x 14


class Blur(nn.Module):
    """Fixed depthwise filter [1,3,3,1]²/64 with zero padding, stride 1: a side of s becomes s + 2·pad - 3."""

    kernel: Tensor

    def __init__(self, pad: int = 1) -> None:
        super().__init__()
        self.pad = pad
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.register_buffer("kernel", torch.outer(taps, taps), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """[N,C,s,s] -> [N,C,s+2·pad-3,s+2·pad-3]."""
        channels = x.shape[1]
        return conv2d(x, self.kernel.expand(channels, 1, 4, 4), padding=self.pad, groups=channels)


def normed(layer: nn.Module) -> nn.Module:
    """Miyato et al. 2018 by power iteration, as in torch.nn.utils."""
    spectral = cast(Callable[[nn.Module], nn.Module], nn.utils.spectral_norm)
    return spectral(layer)


def activation() -> nn.Module:
    """LeakyReLU of slope 0.2."""
    return nn.LeakyReLU(0.2)


class VectorHead(nn.Module):
    """Two linear layers on a vector; with classes, the class projected on what lies between them."""

    def __init__(self, dim: int, width: int = 256, classes: int = 0) -> None:
        super().__init__()
        self.hidden = nn.Sequential(normed(nn.Linear(dim, width)), activation())
        self.out = normed(nn.Linear(width, 1))
        self.embed = nn.Embedding(classes, width) if classes else None

    def forward(self, seen: Features, label: Tensor | None = None) -> list[Tensor]:
        """[N,1]."""
        assert seen.vector is not None
        return [projected(self.hidden(seen.vector), self.out, self.embed, label)]


class MapHead(nn.Module):
    """The simple head: blur, a strided convolution and two linear layers on one map [N,C,s,s]."""

    def __init__(self, channels: int, side: int, width: int = 256, classes: int = 0) -> None:
        super().__init__()
        left = side // 2  # 8 pixels after the blur become 3, and 9 become 4
        self.hidden = nn.Sequential(
            Blur(pad=2),
            normed(nn.Conv2d(channels, width, 3, stride=2)),
            activation(),
            nn.Flatten(),
            normed(nn.Linear(width * left * left, width)),
            activation(),
        )
        self.out = normed(nn.Linear(width, 1))
        self.embed = nn.Embedding(classes, width) if classes else None

    def forward(self, seen: Features, label: Tensor | None = None) -> list[Tensor]:
        """[N,1]."""
        return [projected(self.hidden(seen.maps[0]), self.out, self.embed, label)]


class TokenHead(nn.Module):
    """The multi-level head: 3 x 3 logits from the tokens of each block, one from the vector."""

    def __init__(self, levels: int, channels: int, side: int, dim: int, width: int = 256, classes: int = 0) -> None:
        super().__init__()
        self.levels = nn.ModuleList(level(channels, side, width) for _ in range(levels))
        self.vector = VectorHead(dim, width, classes)

    def forward(self, seen: Features, label: Tensor | None = None) -> list[Tensor]:
        """[N,9] per block, and [N,1]."""
        pairs = zip(self.levels, seen.tokens, strict=True)
        return [*(level(tokens).flatten(1) for level, tokens in pairs), *self.vector(seen, label)]


def level(channels: int, side: int, width: int) -> nn.Sequential:
    """Tokens to a few logits per image: 7 x 7 (CLIP) and 14 x 14 (DINO) both become 3 x 3."""
    if side >= FINE:
        first = [Blur(pad=2), normed(nn.Conv2d(channels, width, 3, stride=2))]
    else:
        first = [normed(nn.Conv2d(channels, width, 3, padding=1))]
    return nn.Sequential(*first, activation(), Blur(), normed(nn.Conv2d(width, 1, 1, stride=2)))


def projected(hidden: Tensor, out: nn.Module, embed: nn.Embedding | None, label: Tensor | None) -> Tensor:
    """out(h), plus <embedding of the class, h> (Miyato & Koyama 2018) where classes are judged; [N,1]."""
    logits: Tensor = out(hidden)
    if embed is None:
        return logits
    if label is None:
        raise ZooError("vision-aided:conditional=true needs a model that shows labels to its critics; leave it out.")
    of_class: Tensor = embed(label)
    return logits + (of_class * hidden).sum(dim=1, keepdim=True)


def head_for(seen: Features, width: int = 0, classes: int = 0) -> nn.Module:
    """The head that suits features of this form; of the paper's width (128 on fine tokens, else 256) by default."""
    if seen.tokens and seen.vector is not None:
        channels, side = seen.tokens[0].shape[1:3]
        dim = seen.vector.shape[1]
        return TokenHead(len(seen.tokens), channels, side, dim, width or (128 if side >= FINE else 256), classes)
    if seen.maps:
        channels, side = seen.maps[0].shape[1:3]
        return MapHead(channels, side, width or 256, classes)
    assert seen.vector is not None
    return VectorHead(seen.vector.shape[1], width or 256, classes)
