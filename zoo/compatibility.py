"""What combines with what, decided from the static traits of entries: no part is imported.

Traits that are read (CONTRIBUTING lists them by kind); one that is not declared never refuses anything, except
where it grants: `features` and `players`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from zoo.grammar import Reference, parse
from zoo.plugins import registry
from zoo.registry import Entry

__all__ = ["RULES", "Mix", "Part", "Refusal", "combine", "part", "refusals", "role"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something does not combine, and the nearest choice that does."""

    reason: str
    instead: str

    def __str__(self) -> str:
        return f"{self.reason}; {self.instead}."


@dataclass(frozen=True, slots=True)
class Part:
    """One entry as the user named it."""

    reference: Reference
    kind: str
    traits: Mapping[str, str]

    @property
    def name(self) -> str:
        """The entry's name."""
        return self.reference.name

    def has(self, trait: str) -> set[str]:
        """A trait's words: `conditions="label,text"`."""
        return set(filter(None, self.traits.get(trait, "").split(",")))

    @property
    def role(self) -> str:
        """A discriminator's: replace or join."""
        return self.reference.options.get("role") or self.traits.get("role", "replace")


@dataclass(frozen=True, slots=True)
class Mix:
    """An architecture with everything that is to be plugged into it."""

    architecture: Part
    loss: Part
    regularizers: Sequence[Part] = ()
    augment: Part | None = None
    discriminators: Sequence[Part] = ()
    backbones: Sequence[Part] = ()

    @property
    def replacements(self) -> list[Part]:
        """Discriminators that take the place of the architecture's own."""
        return [each for each in self.discriminators if each.role == "replace"]

    @property
    def judge(self) -> Part:
        """Who plays the loss: the replacement, or the architecture, whose traits speak for its own discriminator."""
        return (self.replacements or [self.architecture])[0]


def combine(
    architecture: str,
    loss: str,
    regularizers: Sequence[str] = (),
    augment: str = "none",
    discriminators: Sequence[str] = (),
    backbones: Sequence[str] = (),
) -> list[Refusal]:
    """Why these references do not combine; empty when they do. Raises ZooError for a name that no entry has."""
    return refusals(
        Mix(
            part("architecture", architecture),
            part("loss", loss),
            [part("regularizer", text) for text in regularizers],
            None if augment == "none" else part("augmentation", augment),
            [part("discriminator", text) for text in discriminators],
            [part("backbone", text) for text in backbones],
        )
    )


def part(kind: str, text: str) -> Part:
    """The entry behind a reference; a preset architecture has its base's traits besides its own."""
    reference = parse(text)
    entry = registry().find(kind, reference.qualified).entry
    return Part(reference, kind, traits_of(entry))


def traits_of(entry: Entry) -> Mapping[str, str]:
    """An entry's traits, over those of the architecture that it configures."""
    base = getattr(entry, "base", "")
    return {**traits_of(registry().find("architecture", base).entry), **entry.traits} if base else entry.traits


def role(text: str) -> str:
    """Whether a discriminator replaces the model's own or joins it."""
    return part("discriminator", text).role


def refusals(mix: Mix) -> list[Refusal]:
    """Every rule's objections."""
    return [refusal for rule in RULES for refusal in rule(mix)]


def no_game(mix: Mix) -> Iterator[Refusal]:
    """An architecture without discriminators takes no parts."""
    if mix.architecture.traits.get("game") == "none":
        yield Refusal(f"{mix.architecture.name} plays no adversarial game", "train it without parts")


def replacing(mix: Mix) -> Iterator[Refusal]:
    """At most one discriminator replaces the own, which must have no further heads, and takes what it took."""
    if len(mix.replacements) > 1:
        names = ", ".join(str(each.reference) for each in mix.replacements)
        yield Refusal(
            f"only one discriminator can replace the model's own; given: {names}",
            f"let the others join, as in {mix.replacements[-1].name}:role=join",
        )
    for each in mix.replacements:
        if each.traits.get("only") == "join":
            yield Refusal(f"discriminator {each.name} can only join", f"leave out {each.name}'s role")
        joining = f"let it join beside the model's own: {each.name}:role=join"
        if "heads" in mix.architecture.traits:
            heads = mix.architecture.traits["heads"]
            yield Refusal(f"{mix.architecture.name}'s discriminator also gives {heads}, {each.name} does not", joining)
        if missing := mix.architecture.has("conditions") - each.has("conditions"):
            lost = ", ".join(sorted(missing))
            yield Refusal(f"discriminator {each.name} ignores {lost}, which {mix.architecture.name} needs", joining)


def joining(mix: Mix) -> Iterator[Refusal]:
    """A joining discriminator plays its entry's own loss."""
    for each in mix.discriminators:
        if each.role != "replace" and output(each) != "logits" and "loss" not in each.traits:
            yield Refusal(f"discriminator {each.name} gives {output(each)} and names no loss for it", "let it replace")


def same_output(mix: Mix) -> Iterator[Refusal]:
    """Logits or energies: the loss takes what the discriminator gives."""
    wanted, given = output(mix.loss), output(mix.judge)
    if wanted != given and wanted == "energy":
        yield Refusal(
            f"loss {mix.loss.name} takes energies, {mix.judge.name}'s discriminator gives {given}",
            f"take --discriminator {known('discriminator', output=wanted)}",
        )
    elif wanted != given:
        yield Refusal(
            f"loss {mix.loss.name} takes {wanted}, {mix.judge.name}'s discriminator gives energies",
            f"take --loss {known('loss', output=given)}",
        )


def outputs_of_regularizers(mix: Mix) -> Iterator[Refusal]:
    """A regulariser may speak of logits alone."""
    for each in mix.regularizers:
        given = output(mix.judge)
        wanted = each.traits.get("output", given)
        if wanted != given:
            yield Refusal(
                f"regularizer {each.name} is about {wanted}, {mix.judge.name}'s discriminator gives {given}",
                f"leave {each.name} out",
            )


def features(mix: Mix) -> Iterator[Refusal]:
    """Some regularisers look into the discriminator."""
    for each in mix.regularizers:
        if "features" in each.has("needs") and "features" not in mix.judge.traits:
            yield Refusal(
                f"regularizer {each.name} needs features, which {mix.judge.name}'s discriminator does not offer",
                f"take --discriminator {known('discriminator', output=output(mix.judge), features='yes')}",
            )


def per_sample(mix: Mix) -> Iterator[Refusal]:
    """A gradient per image, and the gradient of that."""
    for each in mix.regularizers:
        if "per_sample" in each.traits and mix.judge.traits.get("norm") == "batch":
            yield Refusal(
                f"regularizer {each.name} takes a gradient per image, which {mix.judge.name}'s batch normalisation "
                "mixes up",
                "take spectral-norm",
            )
        if "per_sample" in each.traits and mix.judge.traits.get("twice") == "no":
            yield Refusal(
                f"regularizer {each.name} differentiates twice, which {mix.judge.name}'s discriminator cannot",
                "take spectral-norm",
            )


def memory(mix: Mix) -> Iterator[Refusal]:
    """A pool keeps images of one size, without their conditions."""
    pools = [each for each in mix.regularizers if "memory" in each.traits]
    for each in pools:
        if mix.architecture.has("conditions"):
            lost = ", ".join(sorted(mix.architecture.has("conditions")))
            yield Refusal(f"regularizer {each.name} keeps images without their {lost}", f"leave {each.name} out")
        if "heads" in mix.architecture.traits or mix.judge.traits.get("memory") == "no":
            yield Refusal(
                f"regularizer {each.name} swaps fakes, which {mix.judge.name}'s critic pairs with their making",
                f"leave {each.name} out",
            )
        if "grows" in mix.architecture.traits:
            yield Refusal(
                f"regularizer {each.name} keeps images of one size, {mix.architecture.name}'s grow",
                f"leave {each.name} out",
            )
    if len(pools) > 1:
        names = " and ".join(each.name for each in pools)
        yield Refusal(f"{names} both choose D's fakes", f"keep {pools[0].name}")


def players(mix: Mix) -> Iterator[Refusal]:
    """Both players at once: only where there are exactly two, and one rule for them."""
    rules = [each for each in mix.regularizers if each.traits.get("scope") == "players"]
    for each in rules:
        if mix.architecture.traits.get("players") != "pair":
            yield Refusal(
                f"regularizer {each.name} needs exactly one discriminator step and one generator step, which "
                f"{mix.architecture.name} does not promise",
                f"take {known('architecture', players='pair')}",
            )
    if len(rules) > 1:
        names = " and ".join(each.name for each in rules)
        yield Refusal(f"{names} both say how the players move", f"keep {rules[0].name}")


def of_generator(mix: Mix) -> Iterator[Refusal]:
    """A regulariser of the generator is for the architectures that run it."""
    for each in mix.regularizers:
        if each.traits.get("scope") == "generator" and each.name not in mix.architecture.has("offers"):
            yield Refusal(f"{mix.architecture.name}'s generator has no {each.name}", f"leave {each.name} out")


def adaptive(mix: Mix) -> Iterator[Refusal]:
    """Adaptive views follow how many reals lie on the real side of the loss's boundary."""
    switch = mix.augment.traits.get("adaptive") if mix.augment else None
    if mix.augment and switch and switch not in mix.augment.reference.options and "boundary" in mix.loss.traits:
        yield Refusal(
            f"augmentation {mix.augment.name} follows the side of D's logits, but {mix.loss.name} has no boundary "
            "between real and fake",
            f"fix its strength, as in {mix.augment.name}:{switch}=0.2, or take --loss {known('loss', boundary='')}",
        )


def clipping(mix: Mix) -> Iterator[Refusal]:
    """Bounds for weights that a network scales as it uses them (equalised learning rate) leave it no signal."""
    option = mix.loss.traits.get("clips")
    if option and option not in mix.loss.reference.options and mix.judge.traits.get("weights") == "equalised":
        yield Refusal(
            f"loss {mix.loss.name} clips weights to a bound for layers that use them as they are, {mix.judge.name}'s "
            "discriminator scales weights of size 1: nothing would reach G",
            f"take --loss wgan-gp with --regularize gradient-penalty, or a wider clip: {mix.loss.name}:{option}=1",
        )


def on_the_pixels(mix: Mix) -> Iterator[Refusal]:
    """What lies on the pixels moves with them."""
    moved = mix.architecture.has("spatial")
    if mix.augment and moved and mix.augment.traits.get("spatial") == "no":
        yield Refusal(
            f"augmentation {mix.augment.name} cannot move {', '.join(sorted(moved))} with the images",
            "take --augment diffaugment",
        )


def backbones(mix: Mix) -> Iterator[Refusal]:
    """A frozen network is for a discriminator that takes one."""
    if mix.backbones and not mix.discriminators:
        yield Refusal(
            f"backbone {mix.backbones[0].name} is for a discriminator, and none is named",
            "name one that takes it with --discriminator",
        )
    for each in mix.discriminators:
        if each.traits.get("backbone") == "needed" and not mix.backbones and "backbone" not in each.reference.options:
            yield Refusal(f"discriminator {each.name} stands on a frozen network, and none is named", "add --backbone")


RULES: tuple[Callable[[Mix], Iterator[Refusal]], ...] = (
    no_game,
    replacing,
    joining,
    same_output,
    outputs_of_regularizers,
    features,
    per_sample,
    memory,
    players,
    of_generator,
    adaptive,
    clipping,
    on_the_pixels,
    backbones,
)


def output(each: Part) -> str:
    """Logits or energy."""
    return each.traits.get("output", "logits")


def known(kind: str, **traits: str) -> str:
    """Names with these traits, an empty value standing for none: what to take instead."""
    usual = {"output": "logits"}
    found = [
        one.name
        for one in registry().select(kind)
        if all(one.entry.traits.get(key, usual.get(key, "")) == value for key, value in traits.items())
        and one.entry.traits.get("role", "replace") == "replace"
    ]
    return " or ".join(found[:3]) or f"another {kind}"
