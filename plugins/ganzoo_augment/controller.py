"""How strongly to augment: a fixed probability, or one that follows how sure D is of the reals."""

import math

import torch
from torch import Tensor, nn

from zoo import Progress, all_sum

__all__ = ["Controller"]

EVERY = 4  # steps between two moves of p


class Controller(nn.Module):
    """Keeps the probability p of an augmentation.

    Adaptive (Karras et al. 2020a, section 3): every four steps p moves by images / (1000·kimg) towards r_t = target,
    where r_t is the mean sign of D's logits of all reals since the last move, over all microbatches and processes.
    p starts at 0, stays above it and has no upper limit. Fixed: p, reached along a cosine over `warmup_kimg`.
    """

    p: Tensor
    signs: Tensor
    since: Tensor

    def __init__(self, p: float | None, target: float, kimg: float, warmup_kimg: float = 0.0) -> None:
        super().__init__()
        self.fixed, self.target, self.kimg, self.warmup_kimg = p, target, kimg, warmup_kimg
        self.register_buffer("p", torch.zeros(()))
        self.register_buffer("signs", torch.zeros(2))  # this process's sum and count since the last move
        self.register_buffer("since", torch.zeros((), dtype=torch.int64))  # images at the last move
        self._known: tuple[tuple[int, int], float] | None = None
        if p is not None:
            self.set(self.risen(0))

    @property
    def adaptive(self) -> bool:
        """Whether p follows the logits."""
        return self.fixed is None

    def level(self) -> float:
        """p as a number; read off its device only after it changed, for a read waits for the device."""
        stamp = (self.p.data_ptr(), self.p._version)
        if self._known is None or self._known[0] != stamp:
            self._known = (stamp, float(self.p))
        return self._known[1]

    def set(self, value: float) -> None:
        """Let p be this."""
        if self._known is None or self.level() != value:
            self.p.fill_(value)
            self._known = ((self.p.data_ptr(), self.p._version), float(torch.tensor(value, device="cpu")))

    def risen(self, images: int) -> float:
        """The fixed p at so many images."""
        if not self.warmup_kimg or self.fixed is None:
            return self.fixed or 0.0
        share = min(images / (1000 * self.warmup_kimg), 1)
        return self.fixed * (1 - math.cos(math.pi * share)) / 2

    def watch(self, real_logits: Tensor) -> None:
        """Count the signs of these logits, of which 0 is the boundary."""
        if self.adaptive:
            signs = real_logits.detach().sign()
            self.signs += torch.stack([signs.sum(), signs.new_tensor(signs.numel())])

    def begin_step(self, progress: Progress) -> None:
        """Move p when it is time. A run that begins, if with another's weights, begins at p = 0."""
        if not self.adaptive:
            self.set(self.risen(progress.images))
        elif progress.step == 0:
            self.set(0.0)
            self.signs.zero_()
            self.since.zero_()
        elif progress.step % EVERY == 0:
            self.adapt(progress.images)

    @torch.no_grad()
    def adapt(self, images: int) -> None:
        """One move of p; all processes make the same."""
        total, count = all_sum(self.signs).unbind()
        direction = torch.where(count > 0, (total / count.clamp(min=1) - self.target).sign(), 0.0)
        self.p.add_(direction * (images - self.since) / (1000 * self.kimg)).clamp_(min=0)
        self.signs.zero_()
        self.since.fill_(images)
