"""From the names in `Parts` to the critic that a model trains against."""

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any, cast

from torch import nn

from zoo.adversarial import (
    Augment,
    Critic,
    Game,
    GeneratorRegularizer,
    LogitPenalty,
    Memory,
    NetworkRegularizer,
    Penalty,
    PlayersRegularizer,
)
from zoo.errors import InvalidOptions, ZooError
from zoo.grammar import parse
from zoo.model import DataSpec, Parts
from zoo.options import bind, changed
from zoo.plugins import registry

__all__ = ["augmentation", "compose", "configuration", "network"]


def configuration(architecture: str, preset: str, data: DataSpec, /, **options: object) -> Any:
    """Another plugin's configuration by name, with options changed: what a preset architecture is made of."""
    from zoo.training.plan import model_class
    from zoo.training.plan import preset as preset_of

    config = preset_of(model_class(architecture), preset, architecture, data).config
    return changed(config, options, where=architecture)


def network(name: str, part: str = "discriminator", /, *, data: DataSpec, **options: Any) -> nn.Module:
    """Another plugin's network by name, fresh and trainable: its `"generator"` or its `"discriminator"`."""
    if part == "discriminator":
        return cast(nn.Module, build("discriminator", name, options, data))
    from zoo.use import create

    return create(name, data=data, **options).get_submodule(part).requires_grad_().train()


def compose(
    parts: Parts,
    data: DataSpec,
    own: Callable[[], nn.Module],
    *,
    conditions: Collection[str] = (),
    offers: tuple[type[GeneratorRegularizer], ...] = (),
    able_to: str = "",
) -> Critic:
    """The critic that `parts` describe: `own()` or its replacement, with loss, penalties, view and allies.

    A replacement must take every condition in `conditions`; an ally need not. Regularisers of the generator must be of
    a class that the model `offers` to run, and wait in `of_generator`. `able_to` names a task that the model's own
    discriminator alone can do, such as "name classes": with it there is no replacement. Raises InvalidOptions with all
    that does not fit together.
    """
    problems: list[str] = []
    if able_to and parts.discriminator != "own":
        raise InvalidOptions(
            [
                f"discriminator '{parts.discriminator}' cannot {able_to}, as this model's own does; let it join "
                f"beside: {parts.discriminator}:role=join"
            ]
        )
    judge = own() if parts.discriminator == "own" else build_network(parts.discriminator, parts, data, conditions)
    if isinstance(judge, Critic):
        raise InvalidOptions([f"discriminator '{parts.discriminator}' can only join the model's own: leave out role."])
    if missing := set(conditions) - set(getattr(judge, "conditions", ())):
        problems.append(
            f"discriminator '{parts.discriminator}' ignores {', '.join(sorted(missing))}, which this model "
            f"needs; let it join beside the model's own instead: {parts.discriminator}:role=join"
        )
    if parts.discriminator != "own" and (wanting := set(getattr(judge, "conditions", ())) - set(conditions)):
        problems.append(
            f"discriminator '{parts.discriminator}' judges by {', '.join(sorted(wanting))}, which this model does not "
            "show it; leave that option out, or take a model that does."
        )
    if parts.backbones and not any(map(wants_backbone, discriminators(parts))):
        problems.append("no discriminator here wants a --backbone; add one that does: --discriminator vision-aided.")
    regularizers = {text: referred("regularizer", text) for text in parts.regularizers}
    for text, regularizer in regularizers.items():
        if isinstance(regularizer, GeneratorRegularizer):
            problems += [] if isinstance(regularizer, offers) else [f"regularizer '{text}' is none for this generator."]
        else:
            problems += misfits(text, regularizer, judge)
    game = cast(Game, referred("loss", parts.loss))
    if (output := getattr(judge, "output", "logits")) != game.output:
        problems.append(mismatch(parts, game.output, output))
    augment = augmentation(parts.augment)
    if augment.adaptive and game.boundary is None:
        problems.append(
            f"augmentation '{parts.augment}' adapts to the sign of D at reals, which says nothing under loss "
            f"'{parts.loss}'; give it a fixed probability: {parse(parts.augment).name}:p=0.2"
        )
    if problems:
        raise InvalidOptions(problems)
    for regularizer in regularizers.values():
        if isinstance(regularizer, Memory):
            regularizer.reserve(data)
    critic = critic_of(judge, game, regularizers, augment)
    critic.of_generator = tuple(one for one in regularizers.values() if isinstance(one, GeneratorRegularizer))
    for name, text in named(parts.allies).items():
        critic.allies[name.replace("-", "_")] = build_ally(text, parts, data)
    return critic


def discriminators(parts: Parts) -> list[str]:
    """References of all discriminators but the model's own."""
    return [text for text in (parts.discriminator, *parts.allies) if text != "own"]


def mismatch(parts: Parts, wanted: str, given: str) -> str:
    """A loss and a discriminator that speak of different things, and what to take instead."""
    kind = "discriminator" if wanted == "energy" else "loss"  # the odd one of the two is rare, and named
    found = registry().select(kind)
    names = [one.name for one in found if one.entry.traits.get("output") == "energy"]
    instead = f"; take --{kind} {' or '.join(names)}" if names else ""
    return f"loss '{parts.loss}' takes {wanted}, but discriminator '{parts.discriminator}' gives {given}{instead}."


def named(references: Collection[str]) -> dict[str, str]:
    """References by the names of their entries; a second one of the same entry is called `name_2`."""
    found: dict[str, str] = {}
    for text in references:
        name, number = parse(text).name, 1
        while (key := name if number == 1 else f"{name}_{number}") in found:
            number += 1
        found[key] = text
    return found


def critic_of(judge: nn.Module, game: Game, regularizers: dict[str, object], augment: Augment) -> Critic:
    """A critic whose network has been regularised and whose penalties are named by their entries."""
    for regularizer in regularizers.values():
        if isinstance(regularizer, NetworkRegularizer):
            regularizer.apply(judge)
    chosen = [text for text, regularizer in regularizers.items() if isinstance(regularizer, Penalty | LogitPenalty)]
    penalties = {name: cast(Penalty | LogitPenalty, regularizers[text]) for name, text in named(chosen).items()}
    memory = next((each for each in regularizers.values() if isinstance(each, Memory)), None)
    players = [each for each in regularizers.values() if isinstance(each, PlayersRegularizer)]
    return kind_of(judge)(judge, game, augment=augment, penalties=penalties, memory=memory, players=players)


def kind_of(judge: nn.Module) -> Callable[..., Critic]:
    """What trains this network: Critic, or the kind that it brings along as `critic`."""
    return cast(Callable[..., Critic], getattr(judge, "critic", Critic))


def build_ally(text: str, parts: Parts, data: DataSpec) -> Critic:
    """A joining critic: it plays its entry's own loss and view, or the plain ones."""
    judge = build_network(text, parts, data)
    if isinstance(judge, Critic):  # the entry makes a critic of its own kind
        return judge
    traits = registry().find("discriminator", parse(text).qualified).entry.traits
    game = cast(Game, referred("loss", traits.get("loss", "non-saturating")))
    return kind_of(judge)(judge, game, augment=augmentation(traits.get("augment", "none")))


def build_network(text: str, parts: Parts, data: DataSpec, conditions: Collection[str] = ()) -> nn.Module:
    """A discriminator entry's network.

    Backbones go to entries that take one and were given none; an entry whose option is called like a
    condition that the model needs is built to take it.
    """
    reference = parse(text)
    options: dict[str, Any] = {key: value for key, value in reference.options.items() if key != "role"}
    if parts.backbones and wants_backbone(text):
        options["backbone"] = "+".join(parts.backbones)
    takes = inspect.signature(registry().load("discriminator", reference.qualified)).parameters
    for condition in conditions:
        if condition in takes:
            options.setdefault(condition, True)
    return cast(nn.Module, build("discriminator", reference.qualified, options, data))


def wants_backbone(text: str) -> bool:
    """Whether a discriminator looks through a frozen network and was not told through which."""
    reference = parse(text)
    target = registry().load("discriminator", reference.qualified)
    return "backbone" in inspect.signature(target).parameters and "backbone" not in reference.options


def augmentation(text: str) -> Augment:
    """An augmentation by reference; `none` shows images as they are."""
    if text == "none":
        return Augment()
    return cast(Augment, referred("augmentation", text))


def referred(kind: str, text: str) -> object:
    """What a reference such as `r1:gamma=1` names."""
    reference = parse(text)
    return build(kind, reference.qualified, reference.options)


def build(kind: str, name: str, options: Mapping[str, object], *positional: object) -> object:
    """The entry's target, called with typed options."""
    target = cast(Callable[..., object], registry().load(kind, name))
    return target(*positional, **bind(target, options, where=f"{kind} '{name}'"))


def misfits(text: str, regularizer: object, judge: nn.Module) -> list[str]:
    """Why this regulariser cannot work on this discriminator, in sentences."""
    if not isinstance(regularizer, (Penalty, LogitPenalty, Memory, NetworkRegularizer, PlayersRegularizer)):
        raise ZooError(f"regularizer '{text}' is of no known scope; report it to its plugin.")
    problems = []
    batch_norm = any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in judge.modules())
    option = getattr(judge, "norm_option", "")  # how to do without, in the network's own words
    hint = f": {option}" if option else ""
    if isinstance(regularizer, Penalty) and regularizer.per_sample and batch_norm:
        problems.append(
            f"regularizer '{text}' takes a gradient per image, but the discriminator's batch normalisation mixes "
            f"the images of a batch; choose another norm{hint}."
        )
    if isinstance(regularizer, Penalty) and regularizer.features and not callable(getattr(judge, "features", None)):
        problems.append(f"regularizer '{text}' needs a discriminator with features; {type(judge).__name__} has none.")
    conditions: tuple[str, ...] = getattr(judge, "conditions", ())
    if isinstance(regularizer, Memory) and conditions:
        problems.append(
            f"regularizer '{text}' keeps images without their {', '.join(conditions)}, which this "
            "discriminator needs; leave it out."
        )
    return problems
