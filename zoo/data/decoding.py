"""Decoding a whole source in order, by threads, with a progress bar."""

import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from zoo.data.decode import CorruptImageError
from zoo.data.records import workers
from zoo.data.source import Source
from zoo.data.writers import Writer
from zoo.errors import ZooError

__all__ = ["Progress", "allowed_corrupt", "decode_all", "ordered", "progress_bar"]

T = TypeVar("T")

Progress = Callable[[int, int], None]
"""Called with (done, total)."""

Pixels = NDArray[np.uint8]
Result = dict[str, tuple[bytes, Pixels]] | CorruptImageError


def allowed_corrupt(total: int) -> int:
    """How many unreadable files are skipped: three or 1 %, whichever is more, but less than half of all."""
    return min(max(3, total // 100), (total - 1) // 2)


def decode_all(
    source: Source,
    decode: Mapping[str, Callable[[bytes], Pixels]],
    writers: Mapping[str, Writer],
    progress: Progress | None = None,
) -> tuple[list[int], list[tuple[str, str]]]:
    """Decode every item, in order, each field by its `decode`, into the writers of the fields (none only checks).

    Returns (numbers of the items read, (key, why) of the others). Raises ZooError once too many are
    unreadable.
    """
    kept: list[int] = []
    skipped: list[tuple[str, str]] = []
    total, allowed = len(source), allowed_corrupt(len(source))
    with progress_bar(f"Decoding {source.name}", progress) as advance:
        for i, result in _results(source, decode):
            if isinstance(result, CorruptImageError):
                skipped.append((source.items[i].key, str(result)))
                if len(skipped) > allowed:
                    raise ZooError(_too_many(source, skipped, allowed))
            else:
                for field, writer in writers.items():
                    writer.append(*result[field])
                kept.append(i)
            advance(i + 1, total)
    return kept, skipped


def _results(source: Source, decode: Mapping[str, Callable[[bytes], Pixels]]) -> Iterator[tuple[int, Result]]:
    """(i, result) in order, computed side by side, a bounded number ahead."""

    def one(i: int) -> Result:
        try:
            contents = {field: source.read(i, field) for field in source.fields}
            source.check(i, contents)
            return {field: (content, decode[field](content)) for field, content in contents.items()}
        except CorruptImageError as error:
            return error
        except Exception as error:  # a damaged zip raises zlib's and zipfile's own errors
            if isinstance(error, MemoryError | ZooError):
                raise
            return CorruptImageError(f"{type(error).__name__}: {error}")

    return ordered(one, len(source))


def ordered(work: Callable[[int], T], total: int) -> Iterator[tuple[int, T]]:
    """(i, work(i)) for 0..total-1 in order, computed by threads a bounded number ahead."""
    with ThreadPoolExecutor(workers(), "ganzoo-decode") as threads:
        waiting: deque[tuple[int, Future[T]]] = deque()
        try:
            for i in range(total):
                waiting.append((i, threads.submit(work, i)))
                if len(waiting) >= 8 * workers():
                    number, future = waiting.popleft()
                    yield number, future.result()
            while waiting:
                number, future = waiting.popleft()
                yield number, future.result()
        finally:
            threads.shutdown(wait=True, cancel_futures=True)


def _too_many(source: Source, skipped: list[tuple[str, str]], allowed: int) -> str:
    named = "\n".join(f"  - {key}: {why}" for key, why in skipped[:5])
    return (
        f"Too many of the {len(source):,} files of {source.name} cannot be read: the first {len(skipped)} "
        "are more than the "
        f"{allowed} that are skipped.\n{named}\nMend or remove them; `ganzoo data inspect` lists every one."
    )


@contextmanager
def progress_bar(title: str, progress: Progress | None = None) -> Iterator[Progress]:
    """`progress` itself, or a bar on a terminal, or nothing."""
    if progress is not None or not sys.stderr.isatty():
        yield progress or (lambda done, total: None)
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title)
        yield lambda done, total: bar.update(task, completed=done, total=total)
