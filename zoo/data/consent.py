"""Nothing large is downloaded before someone has agreed to it."""

import os
import sys

from zoo.errors import ZooError

__all__ = ["VARIABLE", "agree", "ask", "possible"]

VARIABLE = "GANZOO_YES"
"""Set to 1, it agrees to every download beforehand, as `--yes` does."""


def agree(yes: bool) -> None:
    """Agree, for this process and those it starts, if `yes`."""
    if yes:
        os.environ[VARIABLE] = "1"


def given() -> bool:
    """Whether the user has agreed beforehand."""
    return os.environ.get(VARIABLE, "").lower() in ("1", "on", "yes", "true")


def possible() -> bool:
    """Whether someone has agreed beforehand, or is there to be asked."""
    return given() or (sys.stdin.isatty() and sys.stderr.isatty())


def ask(what: str, command: str) -> None:
    """Tell what will be downloaded, and ask for it. Raises ZooError on a no, and where nobody can answer.

    `what` names source, size and licence; `command` is what agrees beforehand, for the error.
    """
    print(what, file=sys.stderr, flush=True)
    if given():
        return
    if not possible():
        raise ZooError(f"Nothing was downloaded: nobody is here to agree.\n{what}\nTo agree beforehand: {command}")
    print("Download? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise ZooError("Nothing was downloaded.")
