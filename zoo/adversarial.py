"""The parts of the game that plug into every model: losses, penalties, views, and the critic that joins them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from zoo.errors import InvalidOptions
from zoo.model import DataSpec, Model, Phase, Progress, Terms

__all__ = [
    "Augment",
    "Critic",
    "Game",
    "GeneratorRegularizer",
    "LogitPenalty",
    "Memory",
    "NetworkRegularizer",
    "Penalty",
    "PlayersRegularizer",
    "add_ally",
    "attached",
    "critics_of",
]

Condition = dict[str, Tensor]
SPATIAL = ("source", "mask")  # conditions that an augmentation moves together with the images


class Game(ABC):
    """A loss: what each player minimises, as pure functions of raw logits [N,K] in float32.

    A game with state (an equilibrium term, say) is an nn.Module besides, with buffers.
    """

    needs_real: ClassVar[bool] = False  # the generator's step needs D(real) too
    output: ClassVar[str] = "logits"  # what it takes from the network: "logits" or "energy"

    @property
    def boundary(self) -> float | None:
        """The logit between "real" and "fake", for the health signals; None where there is no such point."""
        return 0.0

    @abstractmethod
    def d(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """The discriminator's loss: its real part and its fake part, scalars."""

    @abstractmethod
    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """The generator's loss, a scalar; `real` is given when `needs_real`."""

    def constrain(self, network: nn.Module) -> None:  # noqa: B027  most games leave it free
        """Bring the discriminator back into the set it may move in; called before and after it learns."""


class Augment(nn.Module):
    """How a critic sees images; differentiable. This one shows them as they are.

    Geometry draws once for images, source and mask; colour touches images only.
    """

    adaptive: bool = False  # it follows `watch`, so the game needs a boundary between real and fake

    def forward(self, images: Tensor, spatial: Condition) -> tuple[Tensor, Condition]:
        """Augment images [N,C,H,W] in [-1, 1] and the conditions that lie on the same pixels."""
        return images, spatial

    def reals(self, real: Tensor, fake: Tensor) -> Tensor:
        """What D is shown as real in its own step; a pseudo augmentation puts some of the fakes there, row by row."""
        return real

    def watch(self, real_logits: Tensor) -> None:
        """Learn how the critic does on real images, in logits [M] above the game's boundary."""

    def report(self) -> Terms:
        """Scalars for the log, such as a probability that adapts."""
        return {}


class Penalty(ABC):
    """A regulariser of scope `critic`: added to one player's loss every `every` steps, times `every`.

    One with state is an nn.Module besides, with buffers.
    """

    every: int = 1
    player: ClassVar[Literal["D", "G"]] = "D"  # whose loss it joins; in G's step the fakes carry a gradient
    per_sample: ClassVar[bool] = True  # a gradient per image, which batch normalisation mixes up
    features: ClassVar[bool] = False  # it asks for `Critic.features`, which not every network has

    @abstractmethod
    def __call__(self, critic: "Critic", real: Tensor, fake: Tensor, condition: Condition) -> Tensor:
        """The penalty, a scalar, in float32."""


class LogitPenalty(nn.Module, ABC):
    """A regulariser of scope `critic` that needs D's logits alone: added to D's loss at every step."""

    @abstractmethod
    def forward(self, real: Tensor, fake: Tensor) -> Tensor:
        """The penalty, a scalar, of all logits [M] of this batch's reals and fakes."""


class Memory(nn.Module, ABC):
    """A regulariser of scope `critic` that chooses which fakes D learns from."""

    @abstractmethod
    def reserve(self, data: DataSpec) -> None:
        """Make the buffers for images of this data; called once, before anything is loaded."""

    @abstractmethod
    def forward(self, fake: Tensor) -> Tensor:
        """Fakes [N,C,H,W] for D, chosen among these and earlier ones; no gradient passes."""


class GeneratorRegularizer:
    """A regulariser of scope `generator`: the model runs it, if it is of a class that the model offers to `compose`."""


class NetworkRegularizer(ABC):
    """A regulariser of scope `network`: changes a discriminator once, before it learns."""

    @abstractmethod
    def apply(self, network: nn.Module) -> None:
        """Change `network` in place; the names it saves its weights under stay the same."""


class PlayersRegularizer(ABC):
    """A regulariser of scope `players`: changes how D and G move in a game of exactly these two."""

    @abstractmethod
    def play(self, model: Model, d: Phase, g: Phase) -> list[Phase]:
        """The phases to run in place of `d` and `g`."""


class Critic(nn.Module):
    """Plays `game` with `network` on augmented images; allies judge the same images beside it.

    The network takes images [N,C,H,W] and exactly the conditions it declares in `conditions`, as keywords;
    it returns logits [N,K] or a list of them. One that says `takes_batches` also takes `batches=2`: its images
    are then that many batches in a row, each with statistics of its own, and one pass judges reals and fakes.
    """

    def __init__(
        self,
        network: nn.Module,
        game: Game,
        *,
        augment: Augment | None = None,
        penalties: dict[str, Penalty | LogitPenalty] | None = None,
        memory: Memory | None = None,
        players: Iterable[PlayersRegularizer] = (),
        weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.network = network
        self.game = game
        self.augment = augment or Augment()
        self.penalties = penalties or {}
        modules = {name: penalty for name, penalty in self.penalties.items() if isinstance(penalty, nn.Module)}
        self.stateful = nn.ModuleDict({name.replace(".", "_"): module for name, module in modules.items()})
        self.memory = memory
        self.players = tuple(players)
        self.attached = False  # whether D's loss reaches the generator: only regularisers of both players ask
        self.weight = weight
        self.judges = "image"  # the field of the batch whose kind it sees; `source` for the critic of domain A
        self.of_generator: tuple[GeneratorRegularizer, ...] = ()  # for the model to run
        self.allies = nn.ModuleDict()
        self.observed: list[Terms] = []
        self._progress = Progress()
        game.constrain(network)

    def begin_step(self, progress: Progress) -> None:
        """Follow the clock: lazy penalties and measurements depend on it."""
        self._progress = progress

    def logits(self, images: Tensor, **condition: Tensor) -> list[Tensor]:
        """Float32 logits, one tensor [N,K] per head, of images as this critic sees them."""
        seen, given = self._view(images, condition)
        return self.read(self.network(seen, **given))

    def read(self, out: Tensor | list[Tensor] | tuple[Tensor, ...]) -> list[Tensor]:
        """What the game sees of a network's answer: float32 logits by head. A critic with more heads overrides it."""
        heads = out if isinstance(out, (list, tuple)) else [out]
        return [head.float() for head in heads]

    def judge(self, real: Tensor, fake: Tensor, **condition: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """`logits` of reals and of as many fakes, two batches of their own; in one pass where the network can."""
        if not getattr(self.network, "takes_batches", False) or len(real) != len(fake):
            return self.logits(real, **condition), self.logits(fake, **condition)
        (real, given), (fake, given_fake) = self._view(real, condition), self._view(fake, condition)
        both = {name: torch.cat([value, given_fake[name]]) for name, value in given.items()}
        heads = self.read(self.network(torch.cat([real, fake]), batches=2, **both))
        halves = [head.chunk(2) for head in heads]
        return [half[0] for half in halves], [half[1] for half in halves]

    def _view(self, images: Tensor, condition: Condition) -> tuple[Tensor, Condition]:
        """Images as this critic sees them, and the conditions that its network declares."""
        spatial = {name: value for name, value in condition.items() if name in SPATIAL}
        images, spatial = self.augment(images, spatial)
        wanted = getattr(self.network, "conditions", ())
        return images, {name: value for name, value in {**condition, **spatial}.items() if name in wanted}

    def features(self, images: Tensor, **condition: Tensor) -> list[Tensor]:
        """The network's features [N,...], float32, fine to coarse, of images as this critic sees them."""
        images, given = self._view(images, condition)
        return [each.float() for each in self.network.features(images, **given)]  # type: ignore[operator]

    def study(self, real: Tensor, fake: Tensor, **condition: Tensor) -> tuple[list[Tensor], list[Tensor], Terms]:
        """`judge` for D's step, and what D learns from the same passes besides the game."""
        return *self.judge(real, fake, **condition), {}

    def play(self, real: list[Tensor], fake: list[Tensor]) -> tuple[Tensor, Tensor]:
        """D's game over all heads: the sum of its real parts and that of its fake parts. A critic overrides it in which
        heads, or reals and fakes, weigh differently."""
        losses = [self.game.d(r, f) for r, f in zip(real, fake, strict=True)]
        return total(real_part for real_part, _ in losses), total(fake_part for _, fake_part in losses)

    def judge_fake(self, fake: Tensor, **condition: Tensor) -> list[Tensor]:
        """`logits` of fakes for G's step."""
        return self.logits(fake, **condition)

    def d_loss(self, real: Tensor, fake: Tensor, **condition: Tensor) -> Terms:
        """What the discriminators minimise, by term."""
        fake = newest = fake if self.attached else fake.detach()
        if self.memory is not None:
            fake = self.memory(fake)
        shown = self.augment.reals(real, fake)
        real_logits, fake_logits, learned = self.study(shown, fake, **condition)
        self._observe(real, fake, real_logits, fake_logits)
        real_part, fake_part = self.play(real_logits, fake_logits)
        terms = {"real": self.weight * real_part, "fake": self.weight * fake_part}
        terms |= learned | self._penalise("D", shown, fake, condition)
        terms |= self._penalise_logits(real_logits, fake_logits)
        return terms | self._allied(lambda ally: ally.d_loss(real, newest, **condition))

    def g_loss(self, fake: Tensor, real: Tensor, **condition: Tensor) -> Terms:
        """What the generator minimises, by term."""
        fake_logits = self.judge_fake(fake, **condition)
        real_logits = self.logits(real, **condition) if self.game.needs_real else [None] * len(fake_logits)
        pairs = zip(fake_logits, real_logits, strict=True)
        terms = {"adv": self.weight * total(self.game.g(f, r) for f, r in pairs)}
        terms |= self._penalise("G", real, fake, condition)
        return terms | self._allied(lambda ally: ally.g_loss(fake, real, **condition))

    def _penalise(self, player: str, real: Tensor, fake: Tensor, condition: Condition) -> Terms:
        terms = {}
        for name, penalty in self.penalties.items():
            if not isinstance(penalty, Penalty) or penalty.player != player:
                continue
            if self._progress.step % penalty.every == 0:
                with torch.autocast(real.device.type, enabled=False):  # C19: penalties in float32
                    terms[name] = penalty.every * penalty(self, real.float(), fake.float(), condition)
        return terms

    def _penalise_logits(self, real: list[Tensor], fake: list[Tensor]) -> Terms:
        of_real, of_fake = (torch.cat([head.flatten() for head in heads]) for heads in (real, fake))
        chosen = {name: each for name, each in self.penalties.items() if isinstance(each, LogitPenalty)}
        return {name: penalty(of_real, of_fake) for name, penalty in chosen.items()}

    def _allied(self, play: "Callable[[Critic], Terms]") -> Terms:
        terms: Terms = {}
        for name, ally in self.allies.items():
            assert isinstance(ally, Critic)
            terms |= {f"{name}.{key}": value for key, value in play(ally).items()}
        return terms

    @torch.no_grad()
    def watch(self, real_logits: list[Tensor]) -> None:
        """Show adaptive views the logits of reals; every pass of D over reals does, a penalty's included."""
        of_real = torch.cat([head.detach().flatten() for head in real_logits])
        self.augment.watch(of_real - (self.game.boundary or 0.0))

    @torch.no_grad()
    def _observe(self, real: Tensor, fake: Tensor, real_logits: list[Tensor], fake_logits: list[Tensor]) -> None:
        """Health signals: `watch` sees every real logit, the rest is measured at every tenth step."""
        self.watch(real_logits)
        of_real, boundary = torch.cat([head.flatten() for head in real_logits]), self.game.boundary
        if self._progress.step % 10:
            return
        of_fake = torch.cat([head.flatten() for head in fake_logits])
        seen = {"d_real": of_real.mean(), "d_fake": of_fake.mean(), **self.augment.report()}
        if boundary is not None:
            seen["r_real"] = (of_real - boundary).sign().mean()
            seen["r_fake"] = (of_fake - boundary).sign().mean()
        if len(real) > 1:
            spread = real.float().std(dim=0).mean().clamp(min=1e-8)
            seen["diversity"] = fake.float().std(dim=0).mean() / spread
        self.observed.append(seen)


def total(parts: Iterable[Tensor]) -> Tensor:
    """The sum of scalar tensors."""
    return torch.stack(list(parts)).sum()


def critics_of(module: nn.Module) -> dict[str, Critic]:
    """Every critic in a model by its dotted name, allies included."""
    return {name: child for name, child in module.named_modules() if isinstance(child, Critic)}


@contextmanager
def attached(model: nn.Module) -> Iterator[None]:
    """Let the discriminators' losses reach the generator inside this block."""
    critics = critics_of(model).values()
    for critic in critics:
        critic.attached = True
    try:
        yield
    finally:
        for critic in critics:
            critic.attached = False


def add_ally(model: Model, name: str, make: Callable[[], Critic]) -> None:
    """Let one more critic join every game `model` plays. Call it before `model.phases()`."""
    games = [critic for critic_name, critic in critics_of(model).items() if ".allies." not in critic_name]
    if not games:
        problem = f"{type(model).__name__} plays no adversarial game that discriminator '{name}' could join."
        raise InvalidOptions([problem])
    for critic in games:
        critic.allies[name] = make()
