"""Plain aligned columns: quick to print, and the same in a terminal, a pipe and a log."""

import shutil
import sys
from collections.abc import Sequence

__all__ = ["columns"]


def columns(rows: Sequence[Sequence[str]], indent: str = "", flexible: int | None = None) -> list[str]:
    """Lines in which each column is as wide as its widest cell.

    The column `flexible` is cut with an ellipsis where a terminal is too narrow; a pipe gets everything.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if flexible is not None and sys.stdout.isatty():
        spare = shutil.get_terminal_size().columns - len(indent) - sum(widths) - 2 * (len(widths) - 1)
        widths[flexible] = max(20, widths[flexible] + min(0, spare))
    return [_line(row, widths, indent) for row in rows]


def _line(row: Sequence[str], widths: Sequence[int], indent: str) -> str:
    cells = (_fitted(cell, width) for cell, width in zip(row, widths, strict=True))
    return (indent + "  ".join(cells)).rstrip()


def _fitted(cell: str, width: int) -> str:
    return cell.ljust(width) if len(cell) <= width else cell[: width - 1] + "…"
