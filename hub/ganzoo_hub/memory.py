"""What is remembered of models on the Hub, so that nobody is asked twice: which commit a revision is, which files are
verified. One JSON file per repository and endpoint, under GANZOO_CACHE/hub."""

import contextlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from zoo.data.cache import cache_folder
from zoo.errors import ZooError
from zoo.files import replace_file

__all__ = ["Memory"]


class Memory:
    """The memory of one repository. What cannot be read is forgotten; what cannot be written is asked again."""

    def __init__(self, endpoint: str, repository: str) -> None:
        owner, _, name = repository.partition("/")
        host = re.sub(r"[^\w.-]", "_", urlsplit(endpoint).netloc)
        self.path = cache_folder().parent / "hub" / host / owner / f"{name}.json"
        self.content = self.read()

    def read(self) -> dict[str, dict[str, Any]]:
        """`revisions`: commit of each; `verified`: of each commit its folder, and size and time of its files."""
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            return {"revisions": dict(content["revisions"]), "verified": dict(content["verified"])}
        except (OSError, ValueError, KeyError, TypeError):
            return {"revisions": {}, "verified": {}}

    def write(self) -> None:
        """Keep it; a cache that cannot be written costs only time."""
        with contextlib.suppress(OSError, ZooError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with replace_file(self.path) as temporary:
                temporary.write_text(json.dumps(self.content, indent=1), encoding="utf-8")

    def commit(self, revision: str) -> str:
        """The commit that a revision is pinned to; empty for none."""
        return str(self.content["revisions"].get(revision, ""))

    def pin(self, revision: str, commit: str) -> None:
        """From now on `revision` means `commit`."""
        self.content["revisions"][revision] = commit
        self.write()

    def folder(self, commit: str) -> Path | None:
        """Where the files of a commit were verified."""
        found = self.content["verified"].get(commit)
        return Path(found["folder"]) if isinstance(found, dict) and isinstance(found.get("folder"), str) else None

    def holds(self, commit: str, names: Iterable[str]) -> bool:
        """Whether these files of a commit were verified and have not been touched since."""
        folder = self.folder(commit)
        files = self.content["verified"][commit].get("files", {}) if folder else {}
        return folder is not None and all(name in files and files[name] == stamp(folder / name) for name in names)

    def verified(self, commit: str, folder: Path, names: Iterable[str]) -> None:
        """These files were just verified."""
        known = self.content["verified"].get(commit, {})
        files = known.get("files", {}) if known.get("folder") == str(folder) else {}
        files = {**files, **{name: stamp(folder / name) for name in names}}
        self.content["verified"][commit] = {"folder": str(folder), "files": files}
        self.write()

    def forget(self, commit: str) -> None:
        """Nothing of a commit is verified any more."""
        if self.content["verified"].pop(commit, None) is not None:
            self.write()


def stamp(path: Path) -> list[int] | None:
    """Size and time of a file; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]
