"""A file from a URL: resumed where it broke off, limited in size, with its progress shown."""

import contextlib
import hashlib
import http.client
import json
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from zoo.data.cache import cache_folder, free_bytes, locked
from zoo.errors import ZooError
from zoo.files import explained

__all__ = ["LARGEST", "fetched", "local"]

LARGEST = 16 << 30
CHUNK = 1 << 20
SECONDS = 60
TRIES = 4
"""Connections in a row that may break off without a byte gained."""

Tick = Callable[[int, int], None]
"""Called with the bytes that are there and the bytes there will be, 0 where the server does not say."""

NEXT = " Check the network and try again; GANZOO_MIRROR can name another host of official files."

BROKEN = (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException, ValueError)


@contextmanager
def local(where: str) -> Iterator[Path]:
    """The path of a file; one at an http(s) URL is downloaded first and removed afterwards."""
    if urlsplit(where).scheme in ("http", "https"):
        with fetched(where) as path:
            yield path
    elif "://" in where:
        raise ZooError(f"{where}: files are read from a path, or from a URL of http or https.")
    else:
        yield Path(where).expanduser()


@contextmanager
def fetched(url: str, *, largest: int = LARGEST, quiet: bool = False) -> Iterator[Path]:
    """What an http(s) URL gives, whole, in a file of its name that is removed at the end of the block.

    A download that breaks off is gone on with, in this call and in later ones, as long as the server says by ETag or
    date that the file is still the same. Raises ZooError when it does not answer or is larger than `largest`.
    """
    folder = cache_folder().parent / "downloads" / hashlib.sha256(url.encode()).hexdigest()[:20]
    part = folder / (Path(unquote(urlsplit(url).path)).name or "file")
    with locked(part):
        with explained(part):
            folder.mkdir(parents=True, exist_ok=True)
        with explained(part), shown(part.name, quiet) as tick:
            download(url, part, largest, tick)
        try:
            yield part
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def download(url: str, part: Path, largest: int, tick: Tick) -> None:
    """Fill `part`, from where it ends on. Raises ZooError; what has come so far stays for the next call."""
    failures = 0
    while True:
        before = size_of(part)
        try:
            attempt(url, part, largest, tick)
            return
        except urllib.error.HTTPError as error:
            problem = f"the server says {error.code} {error.reason}"
            if error.code == 416:  # nothing is left of it, or it has changed: begin again
                forget(part)
            elif error.code < 500 and error.code != 429:
                raise ZooError(f"{url} was not downloaded: {problem}.") from error
        except BROKEN as error:
            problem = str(getattr(error, "reason", error))
        failures = 1 if size_of(part) > before else failures + 1
        if failures == TRIES:
            kept = f" {size_of(part):,} bytes are kept: try again to go on from there." if read_tag(part) else NEXT
            raise ZooError(f"{url} was not downloaded: {problem}.{kept}")
        time.sleep(0.2 * failures)


def attempt(url: str, part: Path, largest: int, tick: Tick) -> None:
    """One connection. Raises one of BROKEN when the file is not whole after it."""
    tag = read_tag(part)
    if not tag:
        forget(part)
    start = size_of(part)
    headers = {"User-Agent": "ganzoo", "Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": tag}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=SECONDS) as answer:
        start = start if answer.status == 206 and begins(answer, start) else 0
        told = answer.headers.get("Content-Length")
        total = start + int(told) if told else 0
        if total > largest:
            raise too_large(url, largest)
        check_space(url, part, total - start)
        write_tag(part, answer.headers.get("ETag") or answer.headers.get("Last-Modified") or "")
        size = receive(answer, part, start, lambda here: limited(url, here, total, largest, tick))
    if told and size != total:
        raise ConnectionError(f"cut off after {size:,} of {total:,} bytes")


def receive(answer: Any, part: Path, start: int, tick: Callable[[int], None]) -> int:
    """Write the body behind the first `start` bytes; the size then."""
    size = start
    with part.open("r+b" if start else "wb") as file:
        file.seek(start)
        while chunk := answer.read1(CHUNK):
            file.write(chunk)
            size += len(chunk)
            tick(size)
    return size


def limited(url: str, here: int, total: int, largest: int, tick: Tick) -> None:
    """Pass progress on. Raises ZooError when more comes than was allowed."""
    if here > largest:
        raise too_large(url, largest)
    tick(here, total)


def begins(answer: Any, start: int) -> bool:
    """Whether a partial answer begins where it was asked to."""
    return str(answer.headers.get("Content-Range", "")).startswith(f"bytes {start}-")


def check_space(url: str, part: Path, more: int) -> None:
    """Raise ZooError before a download that the disk has no room for."""
    free = free_bytes(part.parent)
    if more > free:
        raise ZooError(
            f"{url} needs {more / 1e9:.2f} GB more, and {free / 1e9:.2f} GB are free at {part.parent}. Free some, or "
            "point GANZOO_CACHE at a larger disk."
        )


def too_large(url: str, largest: int) -> ZooError:
    """The refusal of a file beyond the limit."""
    return ZooError(f"{url} is larger than {largest / (1 << 30):g} GiB; no published network is.")


def tag_of(part: Path) -> Path:
    """Where the server's mark of the file's state is kept."""
    return part.with_name(f"{part.name}.tag")


def read_tag(part: Path) -> str:
    """That mark, or nothing; a weak ETag does not promise equal bytes."""
    with contextlib.suppress(OSError, ValueError):
        return str(json.loads(tag_of(part).read_text(encoding="utf-8")))
    return ""


def write_tag(part: Path, tag: str) -> None:
    """Keep the mark, if it promises equal bytes."""
    if tag and not tag.startswith("W/"):
        tag_of(part).write_text(json.dumps(tag), encoding="utf-8")
    else:
        tag_of(part).unlink(missing_ok=True)


def forget(part: Path) -> None:
    """Begin again."""
    part.unlink(missing_ok=True)
    tag_of(part).unlink(missing_ok=True)


def size_of(path: Path) -> int:
    """Bytes of a file, 0 without one."""
    return path.stat().st_size if path.exists() else 0


@contextmanager
def shown(name: str, quiet: bool) -> Iterator[Tick]:
    """A bar on a terminal, nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield lambda here, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(24), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda here, total: bar.update(task, completed=here, total=total or None)
