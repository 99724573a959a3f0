"""FastGAN's critic: fakes come in two sizes, and real images are rebuilt from what the discriminator saw."""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganzoo_fastgan.distance import make_distance
from ganzoo_fastgan.layers import cut
from zoo import Critic, Game, Terms

__all__ = ["ReconstructingCritic"]


class ReconstructingCritic(Critic):
    """The game, plus the distance of three reconstructions to the real images (Liu et al. 2021, section 3.2).

    Its network is a FastGAN `Discriminator`. Distances are summed over the batch, as published.
    """

    def __init__(self, network: nn.Module, game: Game, *, distance: str = "pixels", **options: Any) -> None:
        super().__init__(network, game, **options)
        self.rebuild = cast("Callable[[Tensor, int], tuple[Tensor, dict[str, Tensor]]]", network.rebuild)
        self.distance = make_distance(distance)

    def study(self, real: Tensor, fake: Tensor, **condition: Tensor) -> tuple[list[Tensor], list[Tensor], Terms]:
        """Logits of both, and how far the reconstructions of `real` are from what they should show."""
        images, _ = self.augment(real, {})
        quarter = int(torch.randint(4, ()))
        logits, rebuilt = self.rebuild(images, quarter)
        target = {"big": images, "small": images, "part": cut(images, quarter)}
        terms = {
            f"rebuilt_{name}": self.weight * self.distance(shown, interpolate(target[name], shown.shape[2])).sum()
            for name, shown in rebuilt.items()
        }
        return [logits.float()], self.judge_fake(fake, **condition), terms

    def judge_fake(self, fake: Tensor, **condition: Tensor) -> list[Tensor]:
        """Logits of fakes with their smaller view `small`, where the generator makes one; each has its own draw."""
        images, _ = self.augment(fake, {})
        small = condition.get("small")
        if small is not None:
            small, _ = self.augment(small, {})
        logits: Tensor = self.network(images, small)
        return [logits.float()]
