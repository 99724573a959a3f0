"""Unrolled GANs: the generator answers the discriminator it would face some steps from now."""

from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.optim import Adam

from zoo import Batch, Model, Phase, PlayersRegularizer, Range, Terms, attached, critics_of

__all__ = ["Unrolled"]

Weights = dict[str, Tensor]

GAME = ("real", "fake")  # the terms of a critic's game in D's loss, beside its penalties


@dataclass(frozen=True, slots=True)
class Unrolled(PlayersRegularizer):
    """Metz et al. 2017, eq. 7 to 9: G ascends on D's loss at theta^K, D's parameters after K steps of D.

    The gradient passes through these steps, which are those of D's own optimizer (Adam from its present moments, or
    plain descent) and which D itself never takes: it moves as ever, before G. Each draws latents of its own.
    """

    steps: Annotated[int, Range(0, 100)] = 5  # K; 0 is the zero-sum game
    zero_sum: bool = True  # G maximises D's part of the game as in the paper; false: G minimises its own at theta^K

    def play(self, model: Model, d: Phase, g: Phase) -> list[Phase]:
        """D's phase as it is, and G's on the unrolled discriminator."""

        def loss(batch: Batch) -> Terms:
            weights = self.ahead(model, d, batch)
            terms = at(model, weights, g, batch)
            if self.zero_sum:  # what G learns beside the game, such as a distance to a target, stays
                terms = {name: term for name, term in terms.items() if last(name) != "adv"}
                game = {name: term for name, term in at(model, weights, d, batch).items() if last(name) in GAME}
                terms |= {name: -term for name, term in game.items()}
            return {f"unrolled.{name}": term for name, term in terms.items()}

        return [d, Phase(g.name, loss, g.optimizer, g.every, g.when, autocast=False)]

    def ahead(self, model: Model, d: Phase, batch: Batch) -> Weights:
        """theta^K by name, a differentiable function of the generator."""
        names = {id(p): name for name, p in model.named_parameters()}
        held = [(names[id(p)], p, group) for group in d.optimizer.param_groups for p in group["params"]]
        weights = {name: p.detach().clone().requires_grad_() for name, p, _ in held}
        steps = [Step(p, group, d.optimizer.state.get(p, {}), isinstance(d.optimizer, Adam)) for _, p, group in held]
        for _ in range(self.steps):
            value = torch.stack(list(at(model, weights, d, batch).values())).sum()
            gradients = torch.autograd.grad(
                value, list(weights.values()), create_graph=True, allow_unused=True, materialize_grads=True
            )
            moves = [step(*each) for step, *each in zip(steps, gradients, weights.values(), strict=True)]
            weights = {name: weights[name] + move for name, move in zip(weights, moves, strict=True)}
        return weights


class Step:
    """One parameter's differentiable optimizer: Adam (Kingma & Ba 2015, algorithm 1) or plain descent."""

    def __init__(self, param: Tensor, group: dict[str, Any], state: dict[str, Any], adam: bool) -> None:
        self.group = group
        self.adam = adam
        self.count = int(state.get("step", 0))
        self.mean = state.get("exp_avg", torch.zeros_like(param)).detach().clone()
        self.square = state.get("exp_avg_sq", torch.zeros_like(param)).detach().clone()

    def __call__(self, gradient: Tensor, weight: Tensor) -> Tensor:
        """What the step adds to the parameter."""
        lr: float = self.group["lr"]
        gradient = gradient + self.group.get("weight_decay", 0.0) * weight
        if not self.adam:
            return -lr * gradient
        beta1, beta2 = self.group["betas"]
        self.count += 1
        self.mean = beta1 * self.mean + (1 - beta1) * gradient
        self.square = beta2 * self.square + (1 - beta2) * gradient.square()
        mean = self.mean / (1 - beta1**self.count)
        square = self.square / (1 - beta2**self.count)
        floor: float = self.group["eps"] ** 2  # below the root, whose slope at 0 is infinite
        move: Tensor = -lr * mean / (square + floor).sqrt()
        return move


class Played(nn.Module):
    """A phase's loss as a module's forward pass, so that it can be called with other weights."""

    def __init__(self, model: Model, phase: Phase) -> None:
        super().__init__()
        self.model = model
        self.phase = phase

    def forward(self, batch: Batch) -> Terms:
        """The terms, with D's loss reaching the generator."""
        with attached(self.model):
            return self.phase.loss(batch)


def at(model: Model, weights: Weights, phase: Phase, batch: Batch) -> Terms:
    """A phase's terms with these weights in place of the model's own; state and health signals stay as they are."""
    seen = {name: len(critic.observed) for name, critic in critics_of(model).items()}
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    own = {f"model.{name}": value for name, value in {**buffers, **weights}.items()}
    terms: Terms = functional_call(Played(model, phase), own, (dict(batch),))
    for name, critic in critics_of(model).items():
        del critic.observed[seen[name] :]
    return terms


def last(name: str) -> str:
    """A term's own name, without the critic it belongs to."""
    return name.rpartition(".")[2]
