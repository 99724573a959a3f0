"""The critic of labelled training."""

from typing import Any

from torch import Tensor
from torch.nn.functional import cross_entropy

from zoo import Critic, Terms

__all__ = ["ClassifyingCritic"]


class ClassifyingCritic(Critic):
    """AC-GAN (Odena et al. 2017): of each logit row [1+classes], the first plays the game, the others name the class.

    Both players minimise the cross-entropy of the label, D on reals and fakes, as the official code does.
    """

    def __init__(self, *parts: Any, **named: Any) -> None:
        super().__init__(*parts, **named)
        self.guesses: list[Tensor] = []  # class logits of this step, in the order of judging

    def logits(self, images: Tensor, **condition: Tensor) -> list[Tensor]:
        """The score [N,1]; penalties see nothing else."""
        (out,) = super().logits(images, **condition)
        self.guesses.append(out[:, 1:])
        return [out[:, :1]]

    def judge(self, real: Tensor, fake: Tensor, **condition: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Reals, then fakes, so that the guesses are in this order."""
        return self.logits(real, **condition), self.logits(fake, **condition)

    def d_loss(self, real: Tensor, fake: Tensor, **condition: Tensor) -> Terms:
        """The game, and the class of reals and fakes."""
        terms = super().d_loss(real, fake, **condition)
        of_real, of_fake = self.taken(2)
        label = condition["label"]
        return terms | {"real_class": cross_entropy(of_real, label), "fake_class": cross_entropy(of_fake, label)}

    def g_loss(self, fake: Tensor, real: Tensor, **condition: Tensor) -> Terms:
        """The game, and the class."""
        terms = super().g_loss(fake, real, **condition)
        (of_fake,) = self.taken(1)
        return terms | {"class": cross_entropy(of_fake, condition["label"])}

    def taken(self, n: int) -> list[Tensor]:
        """The first `n` guesses; all are forgotten."""
        first = self.guesses[:n]
        self.guesses.clear()
        return first
