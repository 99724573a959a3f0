"""Files that are written whole or not at all."""

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zoo.errors import ZooError

__all__ = ["explained", "make_folder", "read_json", "replace_file", "sync_folder", "write_json"]


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place, synced to disk, when the block ends well."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with explained(path):
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` survive a power cut, where the system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: Path, value: Any) -> None:
    """Write JSON whole or not at all."""
    with replace_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """JSON from a file; a broken one is a ZooError that names it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise ZooError(f"{path} is not readable as JSON: {error}") from error


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the disk says into what the user can do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ZooError(f"No space left while writing {path}; {free_space(path)}. Free some and go on.") from error
        if isinstance(error, PermissionError) or error.errno == errno.EROFS:
            raise ZooError(f"No permission to write {path}; choose another folder with --out.") from error
        raise


def make_folder(folder: Path) -> None:
    """A folder with all above it, unless it is there. Raises ZooError where none can be."""
    try:
        with explained(folder):
            folder.mkdir(parents=True, exist_ok=True)
    except (FileNotFoundError, FileExistsError, NotADirectoryError) as error:
        raise ZooError(f"No folder {folder} can be made here: {error.strerror}. Choose another with --out.") from error


def free_space(path: Path) -> str:
    """How much is free where `path` lies."""
    for folder in [path, *path.parents]:
        if folder.exists():
            return f"{shutil.disk_usage(folder).free / 1e9:.2f} GB are free there"
    return "its disk is gone"
