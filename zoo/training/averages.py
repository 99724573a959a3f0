"""Exponential moving averages of the submodules that a model names."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from zoo.model import Averaging, Model

__all__ = ["Averages", "sampling"]

REFRESH_BATCHES, REFRESH_SIZE, REFRESH_SEED = 16, 64, 2**31


class Averages(nn.Module):
    """Averaged copies of `model.averaged`, in eval mode, without gradients."""

    def __init__(self, model: Model, averaging: Averaging) -> None:
        super().__init__()
        self.averaging = averaging
        copies = {name: deepcopy(model.get_submodule(name)) for name in model.averaged}
        self.copies = nn.ModuleDict({name.replace(".", "/"): copy for name, copy in copies.items()})
        self.eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model: Model, images: int, batch: int) -> None:
        """Move every average towards its live module after a step of `batch` images, `images` before it."""
        follow = 1 - self.averaging.keep(images, batch)
        for name, copy in self.named():
            live = model.get_submodule(name)
            torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]
                list(copy.parameters()), list(live.parameters()), follow
            )
            if self.averaging.copy_buffers:
                for old, new in zip(copy.buffers(), live.buffers(), strict=True):
                    old.copy_(new)

    def named(self) -> Iterator[tuple[str, nn.Module]]:
        """Each copy with the dotted name of the module it follows."""
        return ((name.replace("/", "."), copy) for name, copy in self.copies.items())


@contextmanager
def sampling(model: Model, averages: Averages | None) -> Iterator[Model]:
    """The model as it should be sampled: averages in place of the live modules, statistics refreshed.

    Works on copies: training goes on afterwards as if nothing had happened, no random numbers are drawn.
    """
    modes = [(module, module.training) for module in model.modules()]
    live = {} if averages is None else {name: model.get_submodule(name) for name, _ in averages.named()}
    try:
        if averages is None:
            yield model.eval()
            return
        for name, copy in averages.named():
            model.set_submodule(name, deepcopy(copy))
        model.eval()
        if averages.averaging.refresh_statistics:
            refresh_statistics(model, [model.get_submodule(name) for name in live])
        yield model
    finally:
        for name, module in live.items():
            model.set_submodule(name, module)
        for module, training in modes:
            module.training = training


@torch.no_grad()
def refresh_statistics(model: Model, modules: list[nn.Module]) -> None:
    """Estimate BatchNorm statistics anew for averaged weights, over 1,024 drawn inputs of a fixed seed.

    A model that reads pictures keeps the running ones.

    The running statistics belong to the live weights; under averaged ones they are off, and pictures pale.
    """
    norms = [layer for module in modules for layer in module.modules() if isinstance(layer, _BatchNorm)]
    if not norms or model.reads or not model.prior(1, REFRESH_SEED):
        return
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.reset_running_stats()
        layer.momentum = None  # a plain mean over all batches
        layer.train()
    for i in range(REFRESH_BATCHES):
        inputs = model.prior(REFRESH_SIZE, REFRESH_SEED + i * REFRESH_SIZE)
        model.generate({name: on(model, value) for name, value in inputs.items()})
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
        layer.eval()


def on(model: Model, value: Tensor) -> Tensor:
    """The tensor on the model's device."""
    return value.to(model.device)
