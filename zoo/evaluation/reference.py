"""The real pictures that samples are held against; what a network sees of them is computed once."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.data.cache import build_folder, cache_folder, key_of, locked
from zoo.data.prepared import Prepared
from zoo.errors import ZooError
from zoo.evaluation.eye import Eye
from zoo.evaluation.gather import Gatherer, digest
from zoo.files import read_json
from zoo.metric import Seen
from zoo.metrics.frechet import Moments

__all__ = ["Pixels", "Reference"]

BATCH = 64
FORMAT = 2  # of the cached features
LOSSY = (".jpg", ".jpeg")

Say = Callable[[str], None]
Tick = Callable[[int], None]


class Pixels:
    """The pictures of prepared data as rows uint8 [n,H,W,C] that are read when asked for."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared

    def __len__(self) -> int:
        return len(self.prepared)

    def __getitem__(self, key: Any) -> NDArray[np.uint8]:
        return self.prepared.images(np.atleast_1d(np.arange(len(self.prepared))[key]))


class Reference:
    """Prepared pictures with their features cached by content, view and precision."""

    def __init__(self, prepared: Prepared, source: str, say: Say) -> None:
        if len(prepared) < 2:
            raise ZooError(f"The reference {source} has {len(prepared)} picture; a score needs at least two.")
        self.prepared, self.source, self.say = prepared, source, say
        self.folder = cache_folder().parent / "features"

    def batches(self) -> Iterator[NDArray[np.uint8]]:
        """All pictures in order, uint8 [<=64,H,W,C]."""
        for start in range(0, len(self.prepared), BATCH):
            yield self.prepared.images(np.arange(start, min(start + BATCH, len(self.prepared))))

    def facts(self) -> dict[str, Any]:
        """What a number against this reference depends on."""
        prepared = self.prepared
        return {
            "source": self.source,
            "split": prepared.split or "everything in it",
            "n": len(prepared),
            "sha256": self.content,
            "resolution": prepared.spec.resolution,
            "channels": prepared.spec.channels,
            "crop": prepared.crop,
            "resize": "mean over area (ganzoo)",
        }

    def lossy(self) -> bool:
        """Whether some of it was stored as JPEG."""
        return any(key.lower().endswith(LOSSY) for key in self.prepared.keys)

    @cached_property
    def content(self) -> str:
        """SHA-256 of all pixels in order. Those that must be decoded are read once for a state of the source."""
        prepared = self.prepared
        if prepared.mode == "raw":
            return self.pixels_hash()
        state = (FORMAT, prepared.fingerprint, prepared.spec.to_json(), prepared.crop, len(prepared))
        path = self.folder / f"{key_of(prepared.name, *state)}.sha256"
        if path.is_file() and len(text := path.read_text()) == 64:
            return text
        found = self.pixels_hash()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(found)
        return found

    def pixels_hash(self) -> str:
        """SHA-256 of shape and pixels, as they are now."""
        spec = self.prepared.spec
        found = hashlib.sha256(repr((len(self.prepared), spec.resolution, spec.channels)).encode())
        for pictures in self.batches():
            found.update(np.ascontiguousarray(pictures).data)
        return found.hexdigest()

    def seen(self, eye: Eye | None, rows: bool, tick: Tick) -> Seen:
        """The reference through a view; pixels are read, features come from the cache or go there."""
        labels, keys = self.prepared.labels, self.prepared.keys
        if eye is None:
            return Seen(Pixels(self.prepared), Moments(), labels, keys, self.prepared.captions)
        view = (json.dumps(eye.facts(), sort_keys=True), rows)
        target = self.folder / key_of(eye.backbone.name, FORMAT, self.content, *view)
        with locked(target) as alone:
            found = self.cached(target)
            if found is None:
                self.announce_change(eye)
                build_folder(target, lambda folder: self.compute(folder, eye, rows, tick), alone=alone)
                found = self.cached(target)
        if found is None:
            raise ZooError(f"The features in {target} cannot be read back; remove that folder and try again.")
        found.labels, found.keys, found.captions = labels, keys, self.prepared.captions
        return found

    def cached(self, target: Path) -> Seen | None:
        """Features from the disk, or None; a damaged folder is removed, and said to be."""
        if not target.exists():
            return None
        try:
            facts = read_json(target / "facts.json")
            if any(digest(target / name) != sha for name, sha in facts["files"].items()):
                raise ZooError("a file is not what it was when it was written")
            with np.load(target / "moments.npz", allow_pickle=False) as stored:
                moments = Moments(int(stored["n"]), stored["mean"], stored["scatter"])
            path = target / "rows.npy"
            rows = np.load(path, mmap_mode="r", allow_pickle=False) if path.exists() else np.empty((0, 0), np.float32)
            return Seen(rows, moments)
        except (ZooError, OSError, KeyError, ValueError) as error:
            self.say(f"The cached features of {self.source} are damaged ({error}); they are computed anew.")
            shutil.rmtree(target)
            return None

    def compute(self, folder: Path, eye: Eye, rows: bool, tick: Tick) -> None:
        """Write the features of all pictures into a folder."""
        gatherer = Gatherer(eye, len(self.prepared), folder if rows else None)
        for pictures in self.batches():
            gatherer.add(pictures)
            tick(len(pictures))
        moments = gatherer.seen().moments
        np.savez(folder / "moments.npz", n=moments.n, mean=moments.mean, scatter=moments.scatter)
        files = {path.name: digest(path) for path in sorted(folder.iterdir())}
        facts = {
            "source": self.source,
            "content": self.content,
            "resolution": self.prepared.spec.resolution,
            "view": eye.facts(),
            "files": files,
        }
        (folder / "facts.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")

    def announce_change(self, eye: Eye) -> None:
        """Say so when the same source was seen through the same view in another state."""
        now = (self.source, self.prepared.spec.resolution, eye.facts())
        for path in self.folder.glob("*/facts.json"):
            try:
                then = read_json(path)
                same = (then["source"], then["resolution"], then["view"]) == now
            except (ZooError, KeyError, TypeError, OSError):
                continue
            if same and then["content"] != self.content:
                self.say(
                    f"The reference {self.source} has changed since its features were computed: they are computed "
                    "anew, and earlier scores against it are not comparable."
                )
                return
