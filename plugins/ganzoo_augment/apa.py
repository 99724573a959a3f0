"""Adaptive pseudo augmentation (Jiang et al. 2021): some of the reals that D sees are fakes."""

from typing import Annotated

import torch
from torch import Tensor

from ganzoo_augment.controller import Controller
from zoo import Augment, Range, Terms

__all__ = ["Apa"]


class Apa(Augment):
    """Jiang et al. 2021, section 3: with probability p, D is shown a fake as real, which keeps it from memorising.

    The images themselves stay as they are. A fake takes the place of the real one of its own row, so that labels,
    sources and masks still fit; it is this step's fake, where the published code takes the generator's last batch.
    """

    def __init__(
        self,
        p: Annotated[float, Range(0, 1)] | None = None,  # a fixed probability; none adapts it
        target: Annotated[float, Range(-1, 1)] = 0.6,  # of the mean sign of D on what it is shown as real
        kimg: Annotated[float, Range(0.001)] = 500.0,  # thousands of images in which p can rise by 1
    ) -> None:
        super().__init__()
        self.controller = Controller(p, target, kimg)
        self.adaptive = p is None

    def reals(self, real: Tensor, fake: Tensor) -> Tensor:
        """Reals [N,C,H,W], each with probability p replaced by the fake of its row; no gradient passes."""
        p = self.controller.level()
        if p == 0:
            return real
        deceived = torch.rand(len(real), 1, 1, 1, device="cpu") < p
        return torch.where(deceived.to(real.device), fake.detach().to(real.dtype), real)

    def watch(self, real_logits: Tensor) -> None:
        """Let p follow."""
        self.controller.watch(real_logits)

    def report(self) -> Terms:
        """The probability p."""
        return {"augment_p": self.controller.p}
