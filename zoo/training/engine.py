"""The training step, the same for every model."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from zoo.adversarial import critics_of, total
from zoo.model import Batch, Model, Phase, Progress, Terms
from zoo.players import played
from zoo.training.averages import Averages
from zoo.training.distributed import average_gradients, broadcast_state, world_size

__all__ = ["Training", "split", "update"]

MEASURE_EVERY = 10  # steps between gradient norms


class Training:
    """One run in memory: step it, save it, resume it."""

    def __init__(self, model: Model, *, microbatches: int = 1, precision: str = "fp32") -> None:
        self.model = model
        self.microbatches = microbatches
        self.precision = precision
        broadcast_state(model)
        model.train()
        self.phases = played(model, model.phases())
        self.optimizers = unique_optimizers(self.phases)
        constrain_critics(model, list(self.optimizers.values()))
        model.requires_grad_(False)
        averaging = model.averaging()
        self.averages = Averages(model, averaging) if averaging else None
        self.progress = Progress()
        self.clocks = [m for m in model.modules() if callable(getattr(m, "begin_step", None))]

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Run every phase that is due on this process's batch; return loss terms and health signals."""
        size = len(batch["image"]) * world_size()
        for module in self.clocks:
            module.begin_step(self.progress)  # type: ignore[operator]
        parts = split(batch, self.microbatches)
        log: dict[str, Tensor] = {}
        for phase in self.phases:
            if phase.due(self.progress):
                log |= self.update(phase, parts)
        if self.averages is not None:
            self.averages.update(self.model, self.progress.images, size)
        self.progress = Progress(self.progress.step + 1, self.progress.images + size)
        return log | self.observed()

    def update(self, phase: Phase, parts: list[Batch]) -> dict[str, Tensor]:
        """One phase's optimiser step, with its terms named and now and then its gradient's norm."""
        keeps = [self.model.get_submodule(name) for name in phase.keeps] if len(parts) == 1 else []
        bf16 = self.precision == "bf16" and phase.autocast
        view = torch.autocast(self.model.device.type, torch.bfloat16) if bf16 else nullcontext()
        terms = update(phase, parts, keeps, view)
        log = {f"{phase.name}/{name}": value for name, value in terms.items()}
        if self.progress.step % MEASURE_EVERY == 0:
            gradients = [dense_part(p.grad) for p in held(phase.optimizer) if p.grad is not None]
            log[f"{phase.name}/gradient_norm"] = torch.nn.utils.get_total_norm(gradients)
        return log

    def observed(self) -> dict[str, Tensor]:
        """What the critics saw during this step, by critic; means over microbatches."""
        log = {}
        for name, critic in critics_of(self.model).items():
            for signal in dict.fromkeys(signal for seen in critic.observed for signal in seen):
                values = [seen[signal] for seen in critic.observed if signal in seen]
                log[f"{name}/{signal}"] = torch.stack(values).mean()
            critic.observed.clear()
        return log


def update(
    phase: Phase,
    parts: list[Batch],
    keeps: list[nn.Module] | None = None,
    forward: AbstractContextManager[Any] | None = None,
) -> Terms:
    """One optimiser step of one phase on microbatches, its gradient averaged over all processes.

    Returns its terms, means over the microbatches. The graph of `keeps` is recorded, not trained. Losses run
    inside `forward` (autocast); the backward pass does not, or float32 penalties would lose their precision.
    """
    forward = forward or nullcontext()
    params = held(phase.optimizer)
    recorded = [p for module in keeps or [] for p in module.parameters()]
    phase.optimizer.zero_grad(set_to_none=True)
    logs: list[Terms] = []
    with learning(params, recorded):
        for batch in parts:
            with forward:
                terms = phase.loss(batch)
            torch.autograd.backward(total(terms.values()) / len(parts))
            logs.append({name: term.detach() for name, term in terms.items()})
        average_gradients(params)
        phase.optimizer.step()
    return {name: torch.stack([log[name] for log in logs]).mean() for name in logs[0]}


@contextmanager
def learning(params: list[nn.Parameter], recorded: list[nn.Parameter]) -> Iterator[None]:
    """Let gradients reach these parameters only."""
    touched = [*params, *recorded]
    for p in touched:
        p.requires_grad_(True)
    try:
        yield
    finally:
        for p in touched:
            p.requires_grad_(False)


def held(optimizer: Optimizer) -> list[nn.Parameter]:
    """The parameters of all groups."""
    return [p for group in optimizer.param_groups for p in group["params"]]


def dense_part(gradient: Tensor) -> Tensor:
    """A gradient, or the rows of one that is sparse, on its own device."""
    return gradient.coalesce().values() if gradient.is_sparse else gradient


def split(batch: Batch, parts: int) -> list[Batch]:
    """Cut a batch into equal microbatches."""
    chunks = {name: value.chunk(parts) for name, value in batch.items()}
    return [{name: chunk[i] for name, chunk in chunks.items()} for i in range(parts)]


def unique_optimizers(phases: list[Phase]) -> dict[str, Optimizer]:
    """Optimisers by the name of the first phase that uses them."""
    named: dict[int, tuple[str, Optimizer]] = {}
    for phase in phases:
        named.setdefault(id(phase.optimizer), (phase.name, phase.optimizer))
    return dict(named.values())


def constrain_critics(model: Model, optimizers: list[Optimizer]) -> None:
    """Keep every critic's network in the set its game allows, after each step that trains it."""
    for critic in critics_of(model).values():
        own = {id(p) for p in critic.network.parameters()}
        for optimizer in optimizers:
            if own & {id(p) for p in held(optimizer)}:
                optimizer.register_step_post_hook(constraint(critic.game.constrain, critic.network))


def constraint(constrain: Callable[[nn.Module], None], network: nn.Module) -> Callable[..., Any]:
    """A step post-hook that constrains `network`."""
    return lambda *_: constrain(network)
