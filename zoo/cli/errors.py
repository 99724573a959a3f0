"""How the command line fails: one message on stderr, an exit code, no traceback unless it is asked for."""

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from zoo.errors import ZooError, near_misses

__all__ = ["guarded", "warn_broken"]

INTERRUPTED = 130
GLOBAL = ("--debug", "--no-plugin", "--version")


def guarded(work: Callable[[], Any], debug: bool = False) -> int:
    """Run a command and return its exit code: 1 after a ZooError, 2 after bad usage, 130 after Ctrl-C.

    Anything else that is raised is a defect of ours and keeps its traceback.
    """
    try:
        code = work()
        sys.stdout.flush()
    except ZooError as error:
        if debug:
            traceback.print_exception(error)
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; what was saved before stays as it is.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _silence()
        return 1
    except Exception as error:
        if not hasattr(error, "exit_code"):
            raise
        return _bad_usage(error)
    return code if isinstance(code, int) else 0


def warn_broken() -> None:
    """One line on stderr when plugins are broken."""
    from zoo.plugins import plugins

    broken = [state.qualified for state in plugins() if state.status == "broken"]
    if broken:
        what = "plugin is" if len(broken) == 1 else "plugins are"
        names = ", ".join(broken)
        print(f"Warning: {len(broken)} {what} broken ({names}). See: ganzoo plugins", file=sys.stderr)


def _bad_usage(error: Any) -> int:
    """Show a usage error of the argument parser, with near misses for options."""
    option = getattr(error, "option_name", None)
    if option and hasattr(error, "possibilities"):
        error.possibilities = None
        error.message = f"No such option {option!r}. {_option_hint(option, error.ctx)}".rstrip()
    error.show()
    return int(error.exit_code)


def _option_hint(option: str, context: Any) -> str:
    """Which option was meant, or where a global one goes."""
    if option in GLOBAL:
        return f"It goes before the command: ganzoo {option} {context.info_name} ..."
    known = [name for parameter in context.command.params for name in parameter.opts if name.startswith("--")]
    return near_misses(option, [*known, "--help"])


def _silence() -> None:
    """The reader has gone: keep the interpreter from complaining when it flushes at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
