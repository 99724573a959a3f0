"""Consensus optimisation: both players also descend on the length of their common gradient."""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from zoo import Batch, InvalidOptions, Model, Phase, PlayersRegularizer, Range, Terms, attached

__all__ = ["Consensus"]


@dataclass(frozen=True, slots=True)
class Consensus(PlayersRegularizer):
    """Mescheder et al. 2017, algorithm 1: a simultaneous step of both along v + strength·∇(½‖v‖²).

    v is the pair of gradients, of D's loss by D's parameters and of G's by G's. strength=0 is simultaneous descent.
    """

    strength: Annotated[float, Range(0)] = 10.0  # gamma of the paper

    def play(self, model: Model, d: Phase, g: Phase) -> list[Phase]:
        """One phase that moves both players at once, each with the settings of its own optimizer."""
        if d.every != 1 or g.every != 1:
            raise InvalidOptions(
                ["consensus moves both players at once, but here one of them moves less often; give each one step."]
            )
        joint = joined(d.optimizer, g.optimizer)
        players = [params_of(d.optimizer), params_of(g.optimizer)]

        def loss(batch: Batch) -> Terms:
            with attached(model):
                terms = {"D": d.loss(batch), "G": g.loss(batch)}
            totals = [torch.stack(list(each.values())).sum() for each in terms.values()]
            named = {f"{player}.{name}": term.detach() for player, each in terms.items() for name, term in each.items()}
            return named | {"consensus": self.common(totals, players)}

        return [Phase("players", loss, joint, autocast=False)]

    def common(self, totals: list[Tensor], players: list[list[nn.Parameter]]) -> Tensor:
        """strength/2·‖v‖²; to its gradient it adds v, so that a step descends on both."""
        pull = totals[0].new_zeros(())
        norm = totals[0].new_zeros(())
        for value, params in zip(totals, players, strict=True):
            gradients = torch.autograd.grad(
                value,
                params,
                retain_graph=True,
                create_graph=self.strength > 0,
                allow_unused=True,
                materialize_grads=True,
            )
            for p, v in zip(params, gradients, strict=True):
                pull = pull + (v.detach() * (p - p.detach())).sum()  # 0, with gradient v
                norm = norm + v.square().sum()
        return pull + (self.strength / 2 * norm if self.strength else 0)


def joined(first: Optimizer, second: Optimizer) -> Optimizer:
    """One optimizer with the groups of both. Raises InvalidOptions if they are of different kinds."""
    if type(first) is not type(second):
        kinds = f"{type(first).__name__} and {type(second).__name__}"
        raise InvalidOptions([f"consensus takes one step for both players, but they use {kinds}."])
    return type(first)([*first.param_groups, *second.param_groups])  # type: ignore[call-arg]


def params_of(optimizer: Optimizer) -> list[nn.Parameter]:
    """The parameters of all groups."""
    return [p for group in optimizer.param_groups for p in group["params"]]
