"""The critic that looks through frozen vision models (Kumari et al. 2022, section 3)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, softplus

from ganzoo_vision_aided.networks import head_for
from zoo import (
    Augment,
    Backbone,
    Critic,
    DataSpec,
    Features,
    Game,
    InvalidOptions,
    Range,
    Terms,
    augmentation,
    backbone,
)

__all__ = ["Eye", "Hinge", "Sigmoid", "VisionAided", "look", "vision_aided"]

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
QUIRK = ("dino", "swin-transformer")  # families that the official code shows images with CLIP's mean

build_backbone = backbone  # `backbone` is also the name of an option


@dataclass(frozen=True, slots=True)
class Sigmoid(Game):
    """Cross-entropy with one-sided smoothing: the target for "real" is 1 - smooth, in the generator's loss too."""

    smooth: float = 0.0

    def d(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """BCE(r, 1 - smooth) = softplus(-r) + smooth·r, and BCE(f, 0) = softplus(f)."""
        return softplus(-real).mean() + self.smooth * real.mean(), softplus(fake).mean()

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """BCE(f, 1 - smooth)."""
        return softplus(-fake).mean() + self.smooth * fake.mean()


@dataclass(frozen=True, slots=True)
class Hinge(Game):
    """Margins of one; the generator raises the logit."""

    def d(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """max(0, 1 - r) and max(0, 1 + f)."""
        return relu(1 - real).mean(), relu(1 + fake).mean()

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """-f."""
        return -fake.mean()


class Eye(nn.Module):
    """One frozen model and the head that judges its features. The head works in float32."""

    def __init__(
        self, frozen: Backbone, *, size: int = 0, output: str = "conv", width: int = 0, classes: int = 0
    ) -> None:
        super().__init__()
        self.conditions = ("label",) if classes else ()
        self.backbone = frozen
        self.size = size or frozen.input_size
        self.wants = wanted(frozen, output)
        with torch.no_grad(), torch.device("cpu"):
            seen = self.look(torch.zeros(1, 3, self.size, self.size))
        self.head = head_for(seen, width, classes)

    def look(self, images: Tensor) -> Features:
        """What the head judges: tokens of two blocks with the vector, or one map, or the vector."""
        seen = look(self.backbone, images, self.size, self.wants)
        return Features(coarsest(seen.maps, self.backbone.name, self.size), seen.tokens, seen.vector)

    def forward(self, images: Tensor, label: Tensor | None = None) -> list[Tensor]:
        """Logits of images [N,1|3,H,W] in [-1, 1]: [N,9], [N,9] and [N,1] from tokens, else [N,1]."""
        seen = self.look(images)
        with torch.autocast(images.device.type, enabled=False):
            logits: list[Tensor] = self.head(seen, label)
        return logits


def look(frozen: Backbone, images: Tensor, size: int, wants: Sequence[str]) -> Features:
    """Features of images resized by adaptive averaging and normalised as in the official code."""
    normalise = (CLIP_MEAN, IMAGENET_DEVIATION) if frozen.family in QUIRK else None
    seen: Features = frozen(images, size, "area", normalise, wants=wants, blocks=inner_blocks(frozen))
    return seen


def wanted(frozen: Backbone, output: str) -> tuple[str, ...]:
    """Which features the head needs: `conv` takes tokens with the vector, else maps; `pool` the vector alone."""
    if output == "pool" or not frozen.provides & {"tokens", "maps"}:
        return ("vector",)
    return ("tokens", "vector") if "tokens" in frozen.provides else ("maps",)


def inner_blocks(frozen: Backbone) -> tuple[int, ...]:
    """The blocks whose tokens are judged: of twelve, the 4th and 8th, and on DINO the 5th and 9th."""
    depth = frozen.depth
    if frozen.family == "dino" and depth > 8:
        return depth - 7, depth - 3
    return max(depth // 3, 1), max(2 * depth // 3, 1)


def coarsest(maps: Sequence[Tensor], name: str, size: int) -> tuple[Tensor, ...]:
    """The last map that is at least 2 x 2; none of none."""
    large = [found for found in maps if found.shape[-1] >= 2]
    if maps and not large:
        raise InvalidOptions([f"vision-aided: at {size} px backbone '{name}' has no map of 2 x 2; take a larger size."])
    return tuple(large[-1:])


class VisionAided(Critic):
    """Plays its own game, through one frozen model, from `start` thousand images on; those beside it are its allies."""

    def __init__(self, eye: Eye, game: Game, augment: Augment, *, weight: float, start: float) -> None:
        super().__init__(eye, game, augment=augment, weight=weight)
        self.start = start

    @property
    def waits(self) -> bool:
        """Whether it is too early for it."""
        return self._progress.images < 1000 * self.start

    def d_loss(self, real: Tensor, fake: Tensor, **condition: Tensor) -> Terms:
        """What the heads minimise; nothing before the start."""
        return {} if self.waits else super().d_loss(real, fake, **condition)

    def g_loss(self, fake: Tensor, real: Tensor, **condition: Tensor) -> Terms:
        """What the generator minimises besides; nothing before the start."""
        return {} if self.waits else super().g_loss(fake, real, **condition)


def vision_aided(
    data: DataSpec,
    backbone: tuple[str, ...] = ("efficientnet-lite0",),  # frozen models by reference, joined by +; each has its head
    loss: Literal["sigmoid", "hinge"] = "sigmoid",  # of each head; averaged over its places, summed over its levels
    smooth: Annotated[float, Range(0, 0.5)] = 0.2,  # the real target is 1 - smooth; 0.2 goes with diffaugment
    augment: str = "diffaugment",  # what the frozen models see, drawn for each apart: an augmentation, or none
    start: Annotated[float, Range(0)] = 0.0,  # thousands of images before it joins; the paper's first stage is 500
    weight: Annotated[float, Range(0)] = 1.0,  # of its loss beside the model's own, for both players
    size: Annotated[int, Range(0)] = 0,  # pixels the images are resized to; 0 for each model's own size
    output: Literal["conv", "pool"] = "conv",  # judge tokens or a map, or the pooled vector alone
    width: Annotated[int, Range(0)] = 0,  # of the heads; 0 for the paper's: 128 on fine tokens, else 256
    conditional: bool = False,  # judge the class as well, for models that show labels
) -> VisionAided:
    """One critic per frozen model, the first with the others as allies."""
    if not backbone:
        raise InvalidOptions(["vision-aided needs a frozen model: --backbone efficientnet-lite0"])
    if conditional and not data.classes:
        raise InvalidOptions(
            ["vision-aided:conditional=true needs labelled data: one folder of images for each class."]
        )
    game = Sigmoid(smooth) if loss == "sigmoid" else Hinge()
    options: dict[str, Any] = {"size": size, "output": output, "width": width}
    critics = []
    for reference in backbone:
        eye = Eye(build_backbone(reference), classes=data.classes if conditional else 0, **options)
        critics.append(VisionAided(eye, game, augmentation(augment), weight=weight, start=start))
    first, *others = critics
    for reference, critic in zip(backbone[1:], others, strict=True):
        first.allies[re.sub(r"\W+", "_", reference)] = critic
    return first
