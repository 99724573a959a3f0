"""Feature matching: what the discriminator sees in reals and in fakes should agree on average."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor

from zoo import Critic, Penalty, Range

__all__ = ["FeatureMatching"]


@dataclass(frozen=True, slots=True)
class FeatureMatching(Penalty):
    """Salimans et al. 2016, section 3.1: ‖E f(x) - E f(G(z))‖, added to G's loss; f is D's last features."""

    weight: Annotated[float, Range(0)] = 1.0  # strength
    norm: Literal["l1", "l2"] = "l1"  # mean |difference| as in the authors' code, or the paper's squared L2 norm

    player: ClassVar[Literal["D", "G"]] = "G"
    per_sample: ClassVar[bool] = False
    features: ClassVar[bool] = True

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, condition: dict[str, Tensor]) -> Tensor:
        """The distance between the batches' mean features."""
        with torch.no_grad():
            wanted = mean_features(critic, real, condition)
        difference = mean_features(critic, fake, condition) - wanted
        return self.weight * (difference.abs().mean() if self.norm == "l1" else difference.square().sum())


def mean_features(critic: Critic, images: Tensor, condition: dict[str, Tensor]) -> Tensor:
    """The batch's mean of every feature of D's last layer that has any, [F]."""
    return critic.features(images, **condition)[-1].flatten(1).mean(dim=0)
