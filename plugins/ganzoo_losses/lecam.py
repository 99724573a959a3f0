"""LeCam: what D says of one side stays near what it lately said of the other."""

from typing import Annotated

import torch
from torch import Tensor

from zoo import LogitPenalty, Progress, Range, all_sum

__all__ = ["LeCam"]


class LeCam(LogitPenalty):
    """Tseng et al. 2021, eq. 4: weight · (E(D(x) - a_F)² + E(D(G(z)) - a_R)²).

    a_R and a_F are moving averages of D's logits of reals and of fakes. They move once a step, after it, from the
    means over microbatches and processes; the first step has none and is free.
    """

    def __init__(
        self,
        weight: Annotated[float, Range(0)] = 0.3,  # lambda
        decay: Annotated[float, Range(0, 1)] = 0.99,  # share of the old average that one step keeps
        one_sided: bool = True,  # only logits beyond the other side's average count, as in the authors' code
    ) -> None:
        super().__init__()
        self.weight = weight
        self.decay = decay
        self.one_sided = one_sided
        self.means: Tensor
        self.seen: Tensor
        self.register_buffer("means", torch.full((2,), torch.nan))  # a_R, a_F
        self.register_buffer("seen", torch.zeros(4))  # since the last move: sums of r and f, their counts

    def forward(self, real: Tensor, fake: Tensor) -> Tensor:
        """The penalty of logits [M]."""
        with torch.no_grad():
            counts = real.new_tensor([len(real), len(fake)])
            self.seen.add_(torch.cat([torch.stack([real.sum(), fake.sum()]), counts]))
        of_real, of_fake = self.means.nan_to_num().unbind()
        above, below = real - of_fake, of_real - fake
        if self.one_sided:
            above, below = above.clamp(min=0), below.clamp(min=0)
        begun = self.means[0].isfinite().float()
        return self.weight * begun * (above.square().mean() + below.square().mean())

    @torch.no_grad()
    def begin_step(self, progress: Progress) -> None:
        """Move the averages by what all processes saw in the step before."""
        seen = all_sum(self.seen)
        if seen[2] > 0:
            now = seen[:2] / seen[2:]
            kept = torch.where(self.means.isfinite(), self.means, now)
            self.means.copy_(self.decay * kept + (1 - self.decay) * now)
            self.seen.zero_()
