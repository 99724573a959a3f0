"""Where prepared data lies, and how a folder comes to be there whole or not at all."""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from zoo.errors import ZooError
from zoo.files import sync_folder

__all__ = ["build_folder", "cache_folder", "free_bytes", "key_of", "locked"]


def cache_folder() -> Path:
    """$GANZOO_CACHE/data, or ~/.cache/ganzoo/data."""
    root = os.environ.get("GANZOO_CACHE")
    return (Path(root).expanduser() if root else Path.home() / ".cache" / "ganzoo") / "data"


def key_of(name: str, *facts: object) -> str:
    """A folder's name: readable, and different whenever a fact is."""
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:40] + "-" + digest


def free_bytes(folder: Path) -> int:
    """Free space where the folder lies or will lie."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


@contextmanager
def locked(target: Path) -> Iterator[bool]:
    """Wait until no other process builds `target`; False where the system offers no locks. Ends with the
    process."""
    try:
        import fcntl

        folder = cache_folder() / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(str(target.resolve()).encode()).hexdigest()[:16]
        file = (folder / f"{name}.lock").open("w")
    except (ImportError, OSError):
        yield False
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # some network disks
            yield False
        else:
            yield True


def build_folder(target: Path, fill: Callable[[Path], None], *, alone: bool) -> None:
    """Fill a temporary folder, sync it, and rename it to `target`; an earlier winner of a race stays.

    `alone` says that a lock is held, so that what interrupted builds left can be removed. Raises ZooError
    when there is no space or no permission; nothing is left then.
    """
    with _explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if alone:
            for stale in target.parent.glob(f".{target.name}.*.tmp"):
                shutil.rmtree(stale, ignore_errors=True)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        try:
            fill(temporary)
            _sync(temporary)
            try:
                temporary.rename(target)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
            with contextlib.suppress(OSError):
                sync_folder(target.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _sync(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            _sync(path)
            continue
        with path.open("rb+") as handle:
            os.fsync(handle.fileno())
    sync_folder(folder)


@contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ZooError(
                f"No space left while preparing data in {target.parent} ({free_bytes(target) / 1e9:.2f} GB "
                "free). "
                "Free some, point GANZOO_CACHE at a larger disk, or take --cache none."
            ) from error
        if isinstance(error, PermissionError | FileExistsError | NotADirectoryError) or error.errno == errno.EROFS:
            raise ZooError(
                f"Prepared data cannot be written to {target} ({error.strerror}). Point GANZOO_CACHE at a "
                "folder that can "
                "be written, or take --cache none."
            ) from error
        raise
