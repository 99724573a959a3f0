"""Errors that tell the user what was given, what is known, and what to do next."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

__all__ = ["InvalidOptions", "UnknownName", "ZooError", "near_misses"]


class ZooError(Exception):
    """Something the user can mend. The command line prints the message alone and exits with code 1."""


class UnknownName(ZooError):
    """A name that no registered entry, option or field has."""


class InvalidOptions(ZooError):
    """One or more bad options, all found before any work began."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        text = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(problems[0] if len(problems) == 1 else f"{len(problems)} problems:\n{text}")


def near_misses(name: str, known: Iterable[str], n: int = 3) -> str:
    """A sentence such as "Did you mean 'dcgan'?", or the empty string when nothing is near."""
    close = get_close_matches(name, list(known), n=n, cutoff=0.5)
    return f"Did you mean {' or '.join(repr(match) for match in close)}?" if close else ""
