"""What a run says while it goes: a live panel on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Mapping
from typing import Any

__all__ = ["Display", "duration", "shown"]

PLAIN_SECONDS = 15.0  # between plain lines


def duration(seconds: float) -> str:
    """3725 -> '1:02:05'."""
    hours, rest = divmod(int(seconds), 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def shown(line: Mapping[str, Any]) -> str:
    """One line of the log for a person: losses, health, speed."""
    losses: dict[str, float] = {}
    for name, value in line["loss"].items():
        phase = name.split("/")[0]
        losses[phase] = losses.get(phase, 0.0) + value
    parts = [f"{line['images'] / 1000:8.1f} kimg"]
    parts += [f"loss {name} {value:.3f}" for name, value in losses.items()]
    signals = {"d_real": "D(real)", "d_fake": "D(fake)", "r_real": "r_t", "diversity": "diversity"}
    health = {name.rsplit("/", 1)[-1]: value for name, value in reversed(line["health"].items())}
    parts += [f"{title} {health[name]:+.2f}" for name, title in signals.items() if name in health]
    return "  ".join([*parts, pace(line)])


def pace(line: Mapping[str, Any]) -> str:
    """Speed, time left, memory."""
    clock = line["time"]
    left = [] if clock["left"] is None else [f"{duration(clock['left'])} left"]
    return "  ".join([f"{clock['images_per_second']:.0f} img/s", *left, f"{clock['memory_gb']:.1f} GB"])


class Display:
    """Prints events at once; progress as a bar that moves, or as a line now and then. Silent when told."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.spoken = float("-inf")
        self.live: Any = None
        self.task: Any = None

    def start(self, total: float, unit: str) -> None:
        """Begin; `total` in `unit`s."""
        if self.quiet or not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = [TextColumn("{task.percentage:3.0f}%"), BarColumn(24), TimeElapsedColumn()]
        self.live = Progress(*columns, TextColumn("{task.description}"), console=Console(stderr=True))
        self.live.start()
        self.task = self.live.add_task(unit, total=total)

    def progress(self, done: float, line: Mapping[str, Any]) -> None:
        """A new line of the log; `done` in the units of `start`."""
        if self.live is not None:
            self.live.update(self.task, completed=done, description=pace(line))
        if time.monotonic() - self.spoken > PLAIN_SECONDS:
            self.spoken = time.monotonic()
            self.say(shown(line))

    def say(self, text: str) -> None:
        """Something that happened."""
        if self.live is not None:
            self.live.console.print(text, markup=False, highlight=False)
        elif not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def stop(self) -> None:
        """End the live panel."""
        if self.live is not None:
            self.live.stop()
            self.live = None
