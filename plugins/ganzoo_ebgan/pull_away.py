"""EBGAN's repelling regulariser."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from torch import Tensor
from torch.nn.functional import normalize

from zoo import Critic, Penalty, Range

__all__ = ["PullAway", "pull_away"]


@dataclass(frozen=True, slots=True)
class PullAway(Penalty):
    """Zhao et al. 2016, eq. 4, added to G's loss; s are the fakes' last features, an autoencoder's codes."""

    weight: Annotated[float, Range(0)] = 0.1  # strength

    player: ClassVar[Literal["D", "G"]] = "G"
    per_sample: ClassVar[bool] = False
    features: ClassVar[bool] = True

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, condition: dict[str, Tensor]) -> Tensor:
        """weight · PT(s)."""
        return self.weight * pull_away(critic.features(fake, **condition)[-1].flatten(1))


def pull_away(s: Tensor) -> Tensor:
    """The mean over i ≠ j of the squared cosine between rows i and j of s [N,F]; 0 for a single row."""
    n = len(s)
    unit = normalize(s, dim=1)
    squares = (unit @ unit.T).square()
    return (squares.sum() - squares.diagonal().sum()) / max(n * (n - 1), 1)
