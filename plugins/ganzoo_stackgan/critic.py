"""The matching-aware critic: a real picture beside a text that is not its own is one more fake."""

from typing import Any

from torch import Tensor

from ganzoo_stackgan.networks import Discriminator
from ganzoo_stackgan.presets import Wrong
from ganzoo_stackgan.text_networks import TextDiscriminator
from zoo import Critic, Game, Terms, ZooError

__all__ = ["MatchingCritic"]


class MatchingCritic(Critic):
    """GAN-CLS (Reed et al. 2016, algorithm 1): D(real, text), D(wrong, text) and D(fake, text) play the game as real,
    fake and fake; `reals`, `fakes` and `wrongs` weigh them, each counted once per head. G's game is as ever.

    Wrong pairs are `wrong_image`s, a condition, beside the texts of this batch; or the reals of this batch, all but
    the last, beside the next one's text, judged from the same features.
    """

    network: Discriminator | TextDiscriminator

    def __init__(
        self,
        network: Discriminator | TextDiscriminator,
        game: Game,
        *,
        wrong: Wrong = "picture",
        reals: float = 1.0,
        fakes: float = 0.5,
        wrongs: float = 0.5,
        **options: Any,
    ) -> None:
        super().__init__(network, game, **options)
        self.wrong = wrong
        self.reals, self.fakes, self.wrongs = reals, fakes, wrongs

    def study(self, real: Tensor, fake: Tensor, **condition: Tensor) -> tuple[list[Tensor], list[Tensor], Terms]:
        """Logits of both, and the wrong pairs."""
        images, given = self._view(real, condition)
        features = self.network.encode(images)
        of_real = self.read(self.network.heads(features, **given))
        of_wrong = self.mismatched(features, given, condition)
        of_fake = self.logits(fake, **condition)
        paired = of_real[0][: len(of_wrong)]  # what a relativistic game compares with
        wrong = self.game.d(paired, of_wrong)[1]
        return of_real, of_fake, {"wrong": self.weight * self.wrongs * wrong}

    def mismatched(self, features: Tensor, given: dict[str, Tensor], condition: dict[str, Tensor]) -> Tensor:
        """Logits of the wrong pairs."""
        if self.wrong == "picture":
            images, given = self._view(condition["wrong_image"], condition)
            return self.network.match(self.network.encode(images), **given).float()
        if len(features) < 2:
            raise ZooError(
                "A wrong pair is a picture beside its neighbour's text, and this microbatch has one picture: take a "
                "larger --batch, fewer microbatches, or -s wrong=picture."
            )
        return self.network.match(features[:-1], **{name: value[1:] for name, value in given.items()}).float()

    def play(self, real: list[Tensor], fake: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Reals and fakes, weighed."""
        real_part, fake_part = super().play(real, fake)
        return self.reals * real_part, self.fakes * fake_part
