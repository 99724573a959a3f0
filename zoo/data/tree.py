"""Named files below one root: a folder or a zip read alike."""

import os
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from zoo.errors import ZooError

__all__ = ["FolderTree", "Tree", "ZipTree", "open_tree"]


class Tree(ABC):
    """Files by relative name with forward slashes, sorted; hidden ones are left out."""

    location: Path
    names: tuple[str, ...]

    @abstractmethod
    def read(self, name: str) -> bytes:
        """The content of one file; safe in several threads. Raises OSError or zipfile.BadZipFile."""

    @abstractmethod
    def size(self, name: str) -> int:
        """Number of bytes of one file."""

    @abstractmethod
    def stamp(self, name: str) -> str:
        """Text that changes when the file's content does."""

    def changed(self, name: str) -> str:
        """What `stamp` may miss: text that changes when the content does, and at other times too."""
        return ""

    @property
    @abstractmethod
    def identity(self) -> str:
        """What tells this tree from another whose names and stamps are equal."""


class FolderTree(Tree):
    """A folder, with its subfolders. Links are followed, each folder once."""

    def __init__(self, folder: Path) -> None:
        self.location = folder
        self.names = tuple(sorted(_walk(folder)))

    def read(self, name: str) -> bytes:
        """The content of one file."""
        return (self.location / name).read_bytes()

    def size(self, name: str) -> int:
        """Number of bytes of one file."""
        return (self.location / name).stat().st_size

    def stamp(self, name: str) -> str:
        """Size and time of change: cheap, and blind to a change that keeps both."""
        status = (self.location / name).stat()
        return f"{status.st_size}:{status.st_mtime_ns}"

    def changed(self, name: str) -> str:
        """The time of the last change of content, name or rights, which no program sets."""
        return str((self.location / name).stat().st_ctime_ns)

    @property
    def identity(self) -> str:
        """The place: unpacked files of two sets may share sizes and times."""
        return str(self.location.resolve())


class ZipTree(Tree):
    """A zip. A single folder that holds everything is left out of the names."""

    def __init__(self, path: Path) -> None:
        self.location = path
        try:
            self._archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise ZooError(f"{path} is not a zip, or a damaged one ({error}); download or pack it again.") from error
        found = {
            info.filename: info for info in self._archive.infolist() if not info.is_dir() and _visible(info.filename)
        }
        root = _common_root(list(found))
        self._entries = {name[len(root) :]: info for name, info in found.items()}
        self.names = tuple(sorted(self._entries))

    def read(self, name: str) -> bytes:
        """The content of one file, its checksum verified."""
        return self._archive.read(self._entries[name])

    def size(self, name: str) -> int:
        """Number of bytes of one file."""
        return self._entries[name].file_size

    def stamp(self, name: str) -> str:
        """Size and checksum of the content."""
        return f"{self._entries[name].file_size}:{self._entries[name].CRC:08x}"

    @property
    def identity(self) -> str:
        """Nothing: checksums tell contents apart, wherever the zip lies."""
        return ""


def open_tree(path: Path) -> Tree:
    """A folder or a zip. Raises ZooError for any other file."""
    if path.is_dir():
        return FolderTree(path)
    if zipfile.is_zipfile(path) or path.suffix.lower() == ".zip":
        return ZipTree(path)
    raise ZooError(
        f"{path} is a file, not a folder of images or a .zip. Give the folder it lies in: {path.parent}"
        if path.suffix.lower() not in (".tar", ".gz", ".tgz", ".rar", ".7z", ".bz2", ".xz")
        else f"{path} is an archive that is not read directly: unpack it and give the folder, or pack it as a .zip."
    )


def _walk(folder: Path) -> Iterator[str]:
    seen: set[tuple[int, int]] = set()

    def fail(error: OSError) -> None:
        raise error

    for place, folders, files in os.walk(folder, onerror=fail, followlinks=True):
        status = Path(place).stat()
        if (status.st_dev, status.st_ino) in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        relative = Path(place).relative_to(folder)
        yield from ((relative / name).as_posix() for name in files if not name.startswith("."))


def _visible(name: str) -> bool:
    return not any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)


def _common_root(names: list[str]) -> str:
    """`top/` when every name lies below one folder `top`, else nothing; folder by folder."""
    tops = {name.partition("/")[0] + "/" for name in names if "/" in name}
    if len(tops) != 1 or not all("/" in name for name in names):
        return ""
    root = tops.pop()
    return root + _common_root([name[len(root) :] for name in names])
