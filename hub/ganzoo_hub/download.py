"""A file from a URL, for as long as it is needed."""

import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from zoo.data.cache import cache_folder
from zoo.errors import ZooError
from zoo.files import explained

__all__ = ["local"]

LARGEST = 16 << 30
CHUNK = 1 << 20
SECONDS = 60


@contextmanager
def local(where: str) -> Iterator[Path]:
    """The path of a file; one at an http(s) URL is downloaded first and removed afterwards."""
    parts = urlsplit(where)
    if parts.scheme not in ("http", "https"):
        if "://" in where:
            raise ZooError(f"{where}: files are read from a path, or from a URL of http or https.")
        yield Path(where).expanduser()
        return
    parent = cache_folder().parent / "downloads"
    with explained(parent):
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=parent))
    try:
        path = folder / (Path(unquote(parts.path)).name or "file")
        with explained(path):
            download(where, path)
        yield path
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def download(url: str, path: Path) -> None:
    """Write what the URL gives. Raises ZooError when it does not answer, is cut off, or is larger than 16 GiB."""
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer, path.open("wb") as file:  # http(s) alone
            told = int(answer.headers.get("Content-Length") or -1)
            size = 0
            while (chunk := answer.read(CHUNK)) and size <= LARGEST:
                file.write(chunk)
                size += len(chunk)
    except (urllib.error.URLError, TimeoutError, ConnectionError, ValueError) as error:
        raise ZooError(f"{url} was not downloaded: {getattr(error, 'reason', error)}.") from error
    if size > LARGEST or told > LARGEST:
        raise ZooError(f"{url} is larger than {LARGEST >> 30} GiB; no published network is.")
    if 0 <= told != size:
        raise ZooError(f"{url} was cut off after {size:,} of {told:,} bytes. Try again.")
