"""Means of logged values over the steps between two lines of the log; part of the checkpoint."""

import torch
from torch import Tensor

from zoo.training.distributed import mean_over_ranks

__all__ = ["Diverged", "Meter"]


class Diverged(Exception):
    """A loss is no longer finite."""


class Meter:
    """Sums and counts by name. Signals that come every tenth step have counts of their own."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}

    def add(self, log: dict[str, Tensor]) -> None:
        """Take in one step's values; they stay on their device."""
        for name, value in log.items():
            self.sums[name] = self.sums[name] + value if name in self.sums else value.detach().float()
            self.counts[name] = self.counts.get(name, 0) + 1

    def bad(self) -> list[str]:
        """Names of what was not finite since the last line."""
        if not self.sums or torch.stack([value.float() for value in self.sums.values()]).isfinite().all():
            return []
        return [name for name, value in self.sums.items() if not value.isfinite()]

    def means(self) -> dict[str, float]:
        """The means over steps and processes; starts afresh."""
        local = {name: float(self.sums[name]) / self.counts[name] for name in sorted(self.sums)}
        self.sums, self.counts = {}, {}
        return mean_over_ranks(local)

    def state(self) -> dict[str, Tensor]:
        """Sum and count by name, exactly: float64 [2] on the CPU."""
        pairs = {name: [float(value), self.counts[name]] for name, value in self.sums.items()}
        return {name: torch.tensor(pair, dtype=torch.float64) for name, pair in pairs.items()}

    def load(self, state: dict[str, Tensor], device: torch.device) -> None:
        """Undo `state`."""
        self.sums = {name: pair[0].float().to(device) for name, pair in state.items()}
        self.counts = {name: int(pair[1]) for name, pair in state.items()}
