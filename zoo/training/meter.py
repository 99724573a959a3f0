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

    def check(self) -> None:
        """Raise Diverged if anything since the last line was not finite."""
        if self.sums and not torch.stack([value.float() for value in self.sums.values()]).isfinite().all():
            bad = [name for name, value in self.sums.items() if not value.isfinite()]
            raise Diverged(", ".join(bad))

    def means(self) -> dict[str, float]:
        """The means over steps and processes; starts afresh."""
        local = {name: float(self.sums[name]) / self.counts[name] for name in sorted(self.sums)}
        self.sums, self.counts = {}, {}
        return mean_over_ranks(local)

    def state(self) -> dict[str, list[float]]:
        """Sum and count by name, exactly."""
        return {name: [float(value), self.counts[name]] for name, value in self.sums.items()}

    def load(self, state: dict[str, list[float]], device: torch.device) -> None:
        """Undo `state`."""
        self.sums = {name: torch.tensor(total, device=device) for name, (total, _) in state.items()}
        self.counts = {name: int(count) for name, (_, count) in state.items()}
