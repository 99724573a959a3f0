"""AC-GAN: one discriminator that tells real from fake, and the class of either."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from ganzoo_conditional.acgan_networks import Discriminator, Generator, Init
from ganzoo_conditional.labelled import label_problems
from zoo import (
    Averaging,
    Batch,
    Critic,
    DataSpec,
    Game,
    Model,
    Parts,
    Phase,
    Preset,
    Range,
    Terms,
    adam,
    compose,
    draw_labels,
    draw_normal,
    trainable,
)

__all__ = ["ACGAN", "ClassifyingCritic"]


class ClassifyingCritic(Critic):
    """The game, and the cross-entropy of the class (Odena et al. 2017, equations 2 and 3).

    D minimises -L_S - L_C, G minimises L_S - L_C, L_C over reals and fakes in D's step and over fakes in G's.
    Of a row of logits [1+classes] the first plays the game, the others name the class.
    """

    def __init__(
        self,
        network: Discriminator,
        game: Game,
        *,
        on_fakes: float = 1.0,
        for_g: float = 1.0,
        **options: Any,
    ) -> None:
        super().__init__(network, game, **options)
        self.on_fakes = on_fakes
        self.for_g = for_g
        self.guesses: list[Tensor] = []  # class logits of this step, in the order of judging

    def read(self, out: Any) -> list[Tensor]:
        """The first logit of each row; the others are kept for the loss."""
        (rows,) = super().read(out)
        self.guesses.append(rows[:, 1:])
        return [rows[:, :1]]

    def taken(self) -> Tensor:
        """The class logits seen since the last call, reals first."""
        guesses = torch.cat(self.guesses)
        self.guesses.clear()
        return guesses

    def study(self, real: Tensor, fake: Tensor, **condition: Tensor) -> tuple[list[Tensor], list[Tensor], Terms]:
        """Logits of both, and the class of both."""
        label = condition["label"]
        self.guesses.clear()
        of_real, of_fake, learned = super().study(real, fake, **condition)
        real_class, fake_class = torch.split(self.taken(), [len(real), len(fake)])
        learned["class_real"] = self.weight * cross_entropy(real_class, label)
        if self.on_fakes:
            learned["class_fake"] = self.on_fakes * self.weight * cross_entropy(fake_class, label)
        return of_real, of_fake, learned

    def g_loss(self, fake: Tensor, real: Tensor, **condition: Tensor) -> Terms:
        """The game, and the class."""
        self.guesses.clear()
        terms = super().g_loss(fake, real, **condition)
        guesses = self.taken()[: len(fake)]
        self.observed.append({"accuracy_fake": (guesses.argmax(dim=1) == condition["label"]).float().mean()})
        return terms | {"class": self.for_g * self.weight * cross_entropy(guesses, condition["label"])}


class ACGAN(Model):
    """Odena, Olah & Shlens 2017."""

    @dataclass(frozen=True, slots=True)
    class Config:
        """Networks, optimisers and length; flat."""

        form: Literal["cifar", "imagenet"] = "cifar"  # networks of which experiment; imagenet is for 128 px
        z_dim: Annotated[int, Range(1)] = 100  # size of the latent vector, beside the one-hot label
        g_width: Annotated[int, Range(1)] = 48  # cifar: generator channels before the last layer
        g_init: Init = "normal"  # of the generator's dense layer: N(0, 0.02) as published, or after its inputs
        d_width: Annotated[int, Range(1)] = 16  # discriminator channels after the first layer
        d_norm: Literal["batch", "none"] = "batch"  # in the discriminator; per-image penalties need none
        dropout: Annotated[float, Range(0, 1)] = 0.5  # in the discriminator, after each convolution
        class_on_fakes: Annotated[float, Range(0)] = 1.0  # D also learns the class of fakes; 0: of reals alone
        class_for_g: Annotated[float, Range(0)] = 1.0  # weight of the class in G's loss
        lr: Annotated[float, Range(0)] = 2e-4  # learning rate of both players
        beta1: Annotated[float, Range(0, 1)] = 0.5  # Adam's first decay
        beta2: Annotated[float, Range(0, 1)] = 0.999  # Adam's second decay
        batch: Annotated[int, Range(1)] = 100  # images per step, over all processes
        kimg: Annotated[float, Range(0.001, 1e9)] = 5000.0  # length of training in thousands of images
        minutes: Annotated[float, Range(0, 1e7)] = 0.0  # and at most this long; 0 sets no limit
        ema_kimg: Annotated[float, Range(0)] = 0.0  # half-life of the generator's average; 0 keeps none
        ema_ramp: Annotated[float, Range(0)] = 0.05  # and at most this share of the images seen

    config: Config
    needs = ("image", "label")
    conditions = ("label",)
    presets: ClassVar[Mapping[str, Callable[[DataSpec], Preset]]] = {
        "default": lambda data: default(data),
        "paper": lambda data: paper(data),
        "tiny": lambda data: tiny(data),
    }

    def __init__(self, config: Config, data: DataSpec) -> None:
        super().__init__(config, data)
        c = config
        self.generator = Generator(data.resolution, data.channels, data.classes, c.z_dim, c.g_width, c.form, c.g_init)

    @classmethod
    def problems(cls, config: Config, data: DataSpec) -> list[str]:
        """Sizes double from 4 pixels; labels are needed."""
        size, problems = data.resolution, label_problems("acgan", data)
        if size < 16 or size & (size - 1):
            lower = max(1 << (max(size, 1).bit_length() - 1), 16)
            problems.append(f"acgan doubles from 4 px, so {size} px is out of reach; take {lower} or {2 * lower}.")
        if config.form == "imagenet" and size != 128:
            problems.append(f"acgan's form=imagenet makes images of 128 px, not {size}; take -s form=cifar.")
        return problems

    @classmethod
    def parts(cls, config: Config) -> Parts:
        """The source loss L_S, in its non-saturating form."""
        return Parts(loss="non-saturating")

    def build_critics(self, parts: Parts) -> None:
        """One critic with a head for the classes, which no other discriminator has."""
        self.critic = compose(parts, self.data, self.discriminator, able_to="name classes")

    def discriminator(self) -> Discriminator:
        """The model's own."""
        c, data = self.config, self.data
        network = Discriminator(data.resolution, data.channels, data.classes, c.d_width, c.dropout, c.d_norm, c.form)
        network.critic = partial(ClassifyingCritic, on_fakes=c.class_on_fakes, for_g=c.class_for_g)
        return network

    def phases(self) -> list[Phase]:
        """D learns on fakes whose graph is kept, so that G learns from the same forward pass."""
        c = self.config
        players = (self.critic, self.generator)
        d, g = (adam(trainable(player), c.lr, (c.beta1, c.beta2)) for player in players)
        return [Phase("D", self.d_loss, d, keeps=("generator",)), Phase("G", self.g_loss, g)]

    def d_loss(self, batch: Batch) -> Terms:
        """Fakes take the labels of the reals."""
        batch["fake"] = self.fake(batch["label"])
        return self.critic.d_loss(batch["image"], batch["fake"], label=batch["label"])

    def g_loss(self, batch: Batch) -> Terms:
        """The fakes of the D step, judged again after it."""
        kept = batch.get("fake")
        fake = kept if kept is not None and kept.requires_grad else self.fake(batch["label"])
        return self.critic.g_loss(fake, batch["image"], label=batch["label"])

    def fake(self, label: Tensor) -> Tensor:
        """Images of fresh latents, of these classes."""
        z = torch.randn(len(label), self.config.z_dim, device=label.device)
        return self.generate({"z": z, "label": label})

    def prior(self, n: int, seed: int) -> Batch:
        """Latents z [n,z_dim], standard normal, and labels int64 [n], every class as likely."""
        label = draw_labels(n, self.data.classes, seed)
        return {"z": draw_normal(n, self.config.z_dim, seed), "label": label}

    def generate(self, inputs: Batch) -> Tensor:
        """Images of latents z [N,z_dim] and labels."""
        out: Tensor = self.generator(inputs["z"], inputs["label"])
        return out.float()

    def averaging(self) -> Averaging | None:
        """An average with a half-life in images, or none as published."""
        c = self.config
        return Averaging(half_life=c.ema_kimg * 1000, ramp=c.ema_ramp) if c.ema_kimg else None


def paper(data: DataSpec) -> Preset:
    """Appendix A: 50,000 steps of 100 images; ImageNet's networks at 128 px."""
    form: Literal["cifar", "imagenet"] = "imagenet" if data.resolution == 128 else "cifar"
    return Preset(ACGAN.Config(form=form))


def default(data: DataSpec) -> Preset:
    """For 2-core CPUs and small sets.

    With dropout in D, or a tenfold R1, D stopped telling real from fake and each class became one picture.
    """
    config = ACGAN.Config(d_norm="none", dropout=0.0, lr=1e-3, beta1=0.0, beta2=0.99, batch=32, kimg=150, minutes=15)
    config = replace(config, g_init="he", ema_kimg=5, ema_ramp=0.1)
    parts = Parts(loss="non-saturating", regularizers=("r1:gamma=0.1",), augment="diffaugment:policy=translation")
    return Preset(config, parts)


def tiny(data: DataSpec) -> Preset:
    """A pair small enough for tests."""
    return Preset(ACGAN.Config(z_dim=8, g_width=2, d_width=2, batch=8, kimg=0.2, ema_kimg=0.05))
