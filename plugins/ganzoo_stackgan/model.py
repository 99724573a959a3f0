"""StackGAN: a small picture of a caption, then a large one drawn over it, in one run."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor
from torch.optim import Optimizer

from ganzoo_stackgan.conditioning import divergence
from ganzoo_stackgan.critic import MatchingCritic
from ganzoo_stackgan.layers import repeated, sized
from ganzoo_stackgan.networks import FACTOR, Discriminator, Generator, StageOne, StageOneTensorFlow, StageTwo
from ganzoo_stackgan.presets import PRESETS, Settings
from ganzoo_stackgan.text_networks import TextDiscriminator
from ganzoo_stackgan.texts import JUDGES, halved, text_problems
from zoo import (
    Averaging,
    Batch,
    Captions,
    Critic,
    DataSpec,
    Model,
    Parts,
    Phase,
    Preset,
    Progress,
    Terms,
    adam,
    compose,
    draw_normal,
    trainable,
)

__all__ = ["StackGAN"]


class StackGAN(Model):
    """Zhang, Xu, Li, Zhang, Wang, Huang & Metaxas 2017.

    Both stages exist from the start. Stage I learns at a quarter of the size, then is frozen, and stage II learns
    over it; each stage has its own conditioning, critic and optimisers. Outside the networks images are of full size
    everywhere: those of stage I have each pixel repeated.
    """

    Config = Settings
    config: Settings
    needs: tuple[str, ...] = ("image", "text")
    conditions = ("text",)
    compiled: ClassVar[tuple[str, ...]] = ()  # training calls the stages, not the whole
    presets: ClassVar[Mapping[str, Callable[[DataSpec], Preset]]] = PRESETS

    def __init__(self, config: Settings, data: DataSpec) -> None:
        super().__init__(config, data)
        c = config
        self.optimizers: dict[int, list[Optimizer]] = {}
        if c.wrong == "picture":
            self.needs = (*type(self).needs, "wrong_image")
        drawn = (self.side(1), data.channels, data.text_dim, c.z_dim, c.code_dim, c.g_width, c.conditioning)
        first = StageOneTensorFlow(*drawn) if c.g_form == "tensorflow" else StageOne(*drawn)
        self.generator = Generator(first, self.stage_two() if c.stages == 2 else None)
        self.captions = Captions(data)

    def stage_two(self) -> StageTwo:
        """The second generator, the same in both forms but for how it starts."""
        c, data = self.config, self.data
        truncated = c.g_form == "tensorflow"
        sizes = (data.channels, data.text_dim, c.code_dim, c.g_width, c.blocks)
        return StageTwo(*sizes, c.conditioning, truncated)

    @classmethod
    def problems(cls, config: Settings, data: DataSpec) -> list[str]:
        """Captions are needed; sizes double from 4 pixels."""
        name = "stackgan" if config.stages == 2 else "stackgan-stage1"
        problems = text_problems(name, data, 4 * FACTOR if config.stages == 2 else 4)
        if config.batch2 == 1:
            problems.append("stackgan: batch2=1 leaves no second picture to pair; take 2 or more.")
        return problems

    @classmethod
    def parts(cls, config: Settings) -> Parts:
        """Cross-entropy for both players, and nothing else."""
        return Parts(loss="non-saturating")

    def build_critics(self, parts: Parts) -> None:
        """A critic for each stage. Training starts with stage I."""
        self.first_critic = compose(parts, self.data, partial(self.discriminator, 1), able_to=JUDGES)
        if self.config.stages == 2:
            self.second_critic = compose(parts, self.data, partial(self.discriminator, 2), able_to=JUDGES)
            self.generator.stage.fill_(self.stage(Progress()))

    def discriminator(self, stage: int) -> Discriminator | TextDiscriminator:
        """A stage's own, with the official weights of its terms: two halves of fakes, or three thirds."""
        c, alone = self.config, stage == 2 and self.config.alone
        network: Discriminator | TextDiscriminator
        sizes = (self.side(stage), self.data.channels)
        if c.d_form == "pytorch":
            network = Discriminator(*sizes, c.d_width, c.code_dim, alone, c.d_norm)
        else:
            network = TextDiscriminator(
                *(*sizes, self.data.text_dim, c.d_width, c.code_dim),
                quiet=stage == 1,
                truncated=True,
                alone=alone,
                norm=c.d_norm,
            )
        reals, others = (1 / 2, 1 / 3) if alone else (1.0, 1 / 2)
        network.critic = partial(MatchingCritic, wrong=c.wrong, reals=reals, fakes=others, wrongs=others)
        return network

    def side(self, stage: int) -> int:
        """Pixels of a stage's images."""
        return self.data.resolution // (FACTOR if stage < self.config.stages else 1)

    def stage(self, progress: Progress) -> int:
        """The stage that learns."""
        c = self.config
        return 2 if c.stages == 2 and progress.images >= round(c.stage1_kimg * 1000) else 1

    def phases(self) -> list[Phase]:
        """D, then G, of the stage that learns; G learns from the pass that gave D its fakes."""
        return [phase for stage in range(1, self.config.stages + 1) for phase in self.phases_of(stage)]

    def phases_of(self, stage: int) -> list[Phase]:
        """One stage's."""
        c = self.config
        players = (self.critic(stage), self.drawer(stage))
        d, g = (adam(trainable(player), c.lr, (c.beta1, c.beta2)) for player in players)
        self.optimizers[stage] = [d, g]
        keeps = ("generator.first" if stage == 1 else "generator.second",)
        return [
            Phase(f"D{stage}", partial(self.d_loss, stage), d, when=partial(self.learns, stage), keeps=keeps),
            Phase(f"G{stage}", partial(self.g_loss, stage), g, when=partial(self.learns, stage)),
        ]

    def learns(self, stage: int, progress: Progress) -> bool:
        """Whether this stage learns."""
        return self.stage(progress) == stage

    def critic(self, stage: int) -> Critic:
        """A stage's critic."""
        return self.first_critic if stage == 1 else self.second_critic

    def drawer(self, stage: int) -> StageOne | StageOneTensorFlow | StageTwo:
        """A stage's generator."""
        if stage == 1:
            return self.generator.first
        assert self.generator.second is not None
        return self.generator.second

    def begin_step(self, progress: Progress) -> None:
        """The stage, and its learning rate, which halves every so many images of the stage."""
        c, stage = self.config, self.stage(progress)
        self.generator.stage.fill_(stage)
        begun, gap = (0, c.halve_kimg) if stage == 1 else (round(c.stage1_kimg * 1000), c.halve2_kimg)
        for optimizer in self.optimizers[stage]:
            for group in optimizer.param_groups:
                group["lr"] = c.lr * halved(progress.images - begun, gap)

    def resolution(self, progress: Progress) -> int:
        """Pixels of the stage that learns."""
        return self.side(self.stage(progress))

    def batch_size(self, progress: Progress) -> int:
        """The stage's batch."""
        c = self.config
        return c.batch2 if c.batch2 and self.stage(progress) == 2 else c.batch

    @property
    def load_size(self) -> int | None:
        """Pixels to which pictures are brought, for random crops of the data's size."""
        margin = self.config.margin
        return round(self.data.resolution * margin) if margin > 1 else None

    @property
    def captions_averaged(self) -> int:
        """Captions whose embeddings are averaged."""
        return self.config.captions

    def d_loss(self, stage: int, batch: Batch) -> Terms:
        """Fakes take the texts of the reals."""
        batch["fake"] = self.fake(stage, batch["text"])
        real = self.seen(stage, batch["image"])
        return self.critic(stage).d_loss(real, batch["fake"], **self.condition(stage, batch))

    def g_loss(self, stage: int, batch: Batch) -> Terms:
        """The fakes of the D step, judged again after it, and the divergence of the conditioning."""
        kept = batch.get("fake")
        fake = kept if kept is not None and kept.requires_grad else self.fake(stage, batch["text"])
        real = self.seen(stage, batch["image"])
        terms = self.critic(stage).g_loss(fake, real, **self.condition(stage, batch))
        return terms | {"kl": self.config.kl * divergence(*self.drawer(stage).conditioning.moments(batch["text"]))}

    def condition(self, stage: int, batch: Batch) -> Batch:
        """What critics may ask for: the text, the mean of its code, which carries no gradient, and wrong pictures."""
        mean, _ = self.drawer(stage).conditioning.moments(batch["text"])
        given = {"text": batch["text"], "code": mean.detach()}
        if self.config.wrong == "picture":
            given["wrong_image"] = self.seen(stage, batch["wrong_image"])
        return given

    def seen(self, stage: int, images: Tensor) -> Tensor:
        """Images as a stage's critics see them: averaged down to its size, then enlarged to full size."""
        side = self.side(stage)
        return repeated(sized(images, side), self.data.resolution // side)

    def fake(self, stage: int, text: Tensor) -> Tensor:
        """Images [N,C,R,R] of these texts, fresh noise and codes; stage II draws over a stage I that is frozen."""
        c, n = self.config, len(text)
        z = torch.randn(n, c.z_dim, device=text.device)
        epsilon = torch.randn(n, stage, c.code_dim, device=text.device)
        if stage == 1:
            images: Tensor = self.generator.first(text, z, epsilon[:, 0])
            return self.seen(1, images.float())
        with torch.no_grad():
            small = self.generator.first(text, z, epsilon[:, 0])
        large: Tensor = self.drawer(2)(small, text, epsilon[:, 1])
        return large.float()

    def prior(self, n: int, seed: int) -> Batch:
        """Noise z [n,z_dim], epsilon [n,stages,code_dim], and text [n,text_dim] of captions of the data."""
        c = self.config
        rows = draw_normal(n, c.z_dim + c.stages * c.code_dim, seed)
        z, epsilon = rows[:, : c.z_dim].contiguous(), rows[:, c.z_dim :].reshape(n, c.stages, c.code_dim)
        return {"z": z, "epsilon": epsilon, "text": self.captions.draw(n, seed)}

    def generate(self, inputs: Batch) -> Tensor:
        """Images of text, z and epsilon, of full size at any age."""
        out: Tensor = self.generator(inputs["text"], inputs["z"], inputs["epsilon"])
        return out.float()

    def averaging(self) -> Averaging | None:
        """An average with a half-life in images, or none as published."""
        c = self.config
        return Averaging(half_life=c.ema_kimg * 1000, ramp=c.ema_ramp) if c.ema_kimg else None
