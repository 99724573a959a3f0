"""Games of two: the phases that regularisers of scope `players` put in place of a model's own."""

from zoo.adversarial import critics_of
from zoo.errors import InvalidOptions
from zoo.model import Model, Phase

__all__ = ["pair", "played"]


def played(model: Model, phases: list[Phase]) -> list[Phase]:
    """The model's phases, as the regularisers of scope `players` among its critics' change them."""
    rules = [rule for critic in critics_of(model).values() for rule in critic.players]
    for rule in rules:
        phases = rule.play(model, *pair(model, phases))
    return phases


def pair(model: Model, phases: list[Phase]) -> tuple[Phase, Phase]:
    """The one phase that trains critics and the one that does not. Raises InvalidOptions for other games."""
    judges = {id(p) for critic in critics_of(model).values() for p in critic.network.parameters()}
    d: list[Phase] = []
    g: list[Phase] = []
    for phase in phases:
        learns = {id(p) for group in phase.optimizer.param_groups for p in group["params"]}
        (d if learns & judges else g).append(phase)
    if len(d) != 1 or len(g) != 1:
        names = ", ".join(phase.name for phase in phases)
        raise InvalidOptions(
            [
                f"a regularizer of both players needs one discriminator phase and one generator phase; "
                f"{type(model).__name__} has {names}. Leave it out, or take dcgan."
            ]
        )
    return d[0], g[0]
