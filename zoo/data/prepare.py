"""Decode a source once into a prepared dataset."""

import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from zoo.data.cache import build_folder, cache_folder, free_bytes, key_of, locked
from zoo.data.decode import Crop, decode
from zoo.data.decoding import Progress, decode_all
from zoo.data.prepared import FORMAT, MARKER, OTHER, Mode, Prepared, open_prepared
from zoo.data.prepared_source import PreparedSource
from zoo.data.records import DecodedRecords
from zoo.data.source import Source, open_source
from zoo.data.spec import DataSpec
from zoo.data.writers import EncodedWriter, RawWriter, Writer
from zoo.errors import InvalidOptions, ZooError

__all__ = ["RAW_LIMIT", "Cache", "prepare"]

Cache = Literal["auto", "raw", "encoded", "none"]

RAW_LIMIT = 20_000_000_000
"""Bytes of pixels above which `auto` keeps records encoded."""


def prepare(
    source: Source | str | Path,
    *,
    size: int,
    channels: int = 3,
    source_channels: int | None = None,
    crop: Crop = "center",
    cache: Cache = "auto",
    folder: Path | None = None,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> Prepared:
    """Every picture of the source at [size,size,channels], decoded once and kept under $GANZOO_CACHE or in
    `folder`.

    `cache`: `raw` keeps pixels, `encoded` the original bytes (decoded by threads at each use), `none` keeps
    nothing and reads the source each time; `auto` is raw up to 20 GB and half of the free disk, then encoded
    while that fits the free disk, else none. The order is the same in all. A translation's input has
    `source_channels`, as many as `channels` by default. `progress(done, total)` replaces the bar that a terminal
    shows; `say` receives the lines that tell what is done and where (standard error otherwise).

    Up to three files or 1 % of them, whichever is more, but always less than half, may be unreadable: they
    are skipped and named. Raises ZooError for more, for no space or permission, and for a `folder` that holds
    something else.
    """
    _validate(size, channels, source_channels, crop, cache, folder)
    say = say or _to_standard_error
    source = (source if isinstance(source, Source) else open_source(source)).at(size, crop)
    kinds = {**dict.fromkeys(source.fields, channels), "source": source_channels or channels}
    if isinstance(source, PreparedSource) and folder is None and _serves(source.prepared, size, kinds, crop, cache):
        say(f"Using {_count(source.prepared)}: {source.prepared.folder}")
        return source.prepared
    plan = _Plan(source, size, kinds, crop, progress, say)
    if cache == "none":
        return _uncached(plan)
    modes: list[Mode] = ["raw", "encoded"] if cache == "auto" else [cache]
    for mode in modes:
        if (found := _existing(plan.target(mode, folder), plan.key(mode))) is not None:
            say(f"Using {_count(found)}: {found.folder}")
            return found
    mode = plan.choose(folder or cache_folder()) if cache == "auto" else cache
    return _uncached(plan) if mode == "none" else _cached(plan, mode, plan.target(mode, folder))


class _Plan:
    """What is to be prepared, and what it will take."""

    def __init__(
        self,
        source: Source,
        size: int,
        kinds: Mapping[str, int],
        crop: Crop,
        progress: Progress | None,
        say: Callable[[str], None],
    ) -> None:
        self.source, self.size, self.channels = source, size, kinds["image"]
        self.kinds = {field: kinds[field] for field in source.fields}  # channels by field
        self.crop: Crop = crop
        self.progress, self.say = progress, say
        self.started = time.monotonic()
        self.state = source.state()
        self.raw_bytes = len(source) * size * size * sum(self.kinds.values())
        self.other: _Plan | None = None  # of domain A, where its pictures belong to none of these
        if source.other is not None:
            self.other = _Plan(source.other, size, {"image": kinds["source"]}, crop, progress, say)
            self.raw_bytes += self.other.raw_bytes

    def key(self, mode: Mode) -> str:
        """Name of the folder in the cache."""
        facts: list[object] = [FORMAT, self.state, self.size, self.channels, self.crop, mode, self.source.fields]
        facts += [self.kinds["source"]] if "source" in self.kinds else []
        facts += [self.other.key(mode)] if self.other is not None else []
        return key_of(f"{self.source.name}-{self.size}px", *facts)

    def target(self, mode: Mode, folder: Path | None) -> Path:
        """Where the prepared folder belongs."""
        return cache_folder() / self.key(mode) if folder is None else folder

    def choose(self, folder: Path) -> Mode:
        """The mode that `auto` takes, given the disk below `folder`."""
        free = free_bytes(folder)
        if self.raw_bytes <= min(RAW_LIMIT, free // 2):
            return "raw"
        encoded = self.encoded_bytes()
        self.say(
            f"{_bytes(self.raw_bytes)} of pixels is more than {_bytes(RAW_LIMIT)} or half of the "
            f"{_bytes(free)} free: "
            + (f"the {_bytes(encoded)} stay encoded." if encoded <= free * 0.9 else "nothing is cached.")
        )
        return "encoded" if encoded <= free * 0.9 else "none"

    def encoded_bytes(self) -> int:
        """Bytes of the original files."""
        own = sum(self.source.size(i, field) for i in range(len(self.source)) for field in self.source.fields)
        return own + (0 if self.other is None else self.other.encoded_bytes())

    def announce(self, mode: Mode, where: str) -> None:
        """Size first, then work."""
        amount = self.raw_bytes if mode == "raw" else self.encoded_bytes()
        taken = f"{_bytes(amount)} {'of pixels' if mode == 'raw' else 'encoded'}"
        images = f"{len(self.source):,} {'pairs of images' if 'source' in self.kinds else 'images'}"
        images += "" if self.other is None else f" and {len(self.other.source):,} of the other domain"
        colour = " from ".join(dict.fromkeys("grey" if kind == 1 else "colour" for kind in self.all_kinds().values()))
        self.say(f"Preparing {self.source.name}: {images} at {self.size} px in {colour}, {taken} {where}")

    def all_kinds(self) -> dict[str, int]:
        """Channels by field, those of the other domain with them."""
        return self.kinds if self.other is None else {**self.kinds, "source": self.other.channels}

    def pixels(self) -> dict[str, Callable[[bytes], NDArray[np.uint8]]]:
        """How the pictures of each field are decoded."""
        return {
            field: partial(decode, size=self.size, channels=channels, crop=self.crop)
            for field, channels in self.kinds.items()
        }

    def decode(self, writers: dict[str, Writer]) -> tuple[list[int], list[tuple[str, str]]]:
        """Decode everything into the writers: (the items that could be read, (key, why) of the others)."""
        return decode_all(self.source, self.pixels(), writers, self.progress)

    def spec(self, kept: Sequence[int], others: int = 0) -> tuple[DataSpec, list[int] | None, str]:
        """(spec, labels or None, notice) of the items kept, with so many kept of the other domain."""
        items, classes = self.source.items, self.source.classes
        given = [items[i].label for i in kept]
        labels = [label for label in given if label is not None]
        notice = self.source.notice
        if labels and len(labels) < len(given):
            notice += f" Only {len(labels):,} of {len(given):,} images are labelled: labels are left out."
            labels = []
        number = max(len(classes), max(labels) + 1) if labels else 0
        names = classes if labels and len(classes) == number else ()
        spec = DataSpec(
            self.size,
            self.channels,
            classes=number,
            items=max(len(kept), others),  # of an epoch
            class_names=names,
            source_channels=self.all_kinds().get("source", 0),
            paired=self.other is None,
        )
        return spec, labels or None, notice.strip()

    def captions(self, kept: Sequence[int]) -> list[tuple[str, ...]] | None:
        """Captions of the items kept, None when no item has any."""
        captions = [self.source.items[i].captions for i in kept]
        return captions if any(captions) else None

    def report(self, prepared: Prepared, where: str) -> Prepared:
        """Say what was done, where, and what was left out."""
        seconds = time.monotonic() - self.started
        self.say(f"Prepared {_count(prepared)} in {seconds:.1f} s: {where}")
        if prepared.skipped:
            named = "; ".join(f"{key} ({why})" for key, why in prepared.skipped[:10])
            more = f"; and {len(prepared.skipped) - 10} more" if len(prepared.skipped) > 10 else ""
            self.say(f"Skipped {len(prepared.skipped)} unreadable: {named}{more}")
        return prepared


def _cached(plan: _Plan, mode: Mode, target: Path) -> Prepared:
    """Build the folder unless another process did meanwhile, and open it."""
    with locked(target) as alone:
        found = _existing(target, plan.key(mode))
        if found is None:
            plan.announce(mode, f"into {target}")
            needed = plan.raw_bytes if mode == "raw" else plan.encoded_bytes()
            if needed > (free := free_bytes(target)):
                raise ZooError(
                    f"{_bytes(needed)} are needed in {target.parent} and {_bytes(free)} are free. Free some, "
                    "point "
                    "GANZOO_CACHE at a larger disk, or take --cache encoded or none."
                )
            build_folder(target, lambda folder: _fill(plan, mode, folder), alone=alone)
            return plan.report(open_prepared(target), str(target))
    plan.say(f"Using {_count(found)}: {target}")
    return found


def _fill(plan: _Plan, mode: Mode, folder: Path) -> None:
    """Write every file of a prepared folder, the marker last."""
    others = 0
    if plan.other is not None:
        (folder / OTHER).mkdir()
        _fill(plan.other, mode, folder / OTHER)
        others = len(open_prepared(folder / OTHER))
    writers: dict[str, Writer] = {
        field: RawWriter(folder, field, plan.size, channels) if mode == "raw" else EncodedWriter(folder, field)
        for field, channels in plan.kinds.items()
    }
    try:
        kept, skipped = plan.decode(writers)
    finally:
        records = {field: writer.close() for field, writer in writers.items()}
    spec, labels, notice = plan.spec(kept, others)
    if labels is not None:
        np.save(folder / "labels.npy", np.array(labels, np.int64))
    listing = {"keys": [plan.source.items[i].key for i in kept], "captions": plan.captions(kept)}
    (folder / "items.json").write_text(json.dumps(listing), encoding="utf-8")
    values = {
        "format": FORMAT,
        "name": plan.source.name,
        "key": plan.key(mode),
        "fingerprint": plan.state,
        "spec": spec.to_json(),
        "mode": mode,
        "crop": plan.crop,
        "split": plan.source.split,
        "licence": plan.source.licence,
        "notice": notice,
        "skipped": skipped,
        "records": records,
        "files": {file.name: file.stat().st_size for file in sorted(folder.iterdir()) if file.is_file()},
    }
    (folder / MARKER).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def _uncached(plan: _Plan) -> Prepared:
    """Decode everything once to know what can be read, keep nothing, and read the source at each use."""
    plan.announce("none", "checked, not cached")
    return plan.report(_read_each_time(plan), "nothing is kept, the source is read each time")


def _read_each_time(plan: _Plan) -> Prepared:
    """The pictures of a source that could be read once, decoded at each use."""
    other = None if plan.other is None else _read_each_time(plan.other)
    kept, skipped = plan.decode({})
    spec, labels, notice = plan.spec(kept, 0 if other is None else len(other))
    source, pixels = plan.source, plan.pixels()

    def records(field: str) -> DecodedRecords:
        return DecodedRecords(lambda i: source.read(kept[i], field), pixels[field], lambda i: source.items[kept[i]].key)

    return Prepared(
        spec,
        {field: records(field) for field in source.fields},
        [source.items[i].key for i in kept],
        labels=None if labels is None else np.array(labels, np.int64),
        captions=plan.captions(kept),
        name=source.name,
        crop=plan.crop,
        split=source.split,
        licence=source.licence,
        notice=notice,
        skipped=skipped,
        fingerprint=plan.state,
        other=other,
    )


def _existing(target: Path, key: str) -> Prepared | None:
    """The prepared data at `target` when it is whole and what was asked for. Raises ZooError for a foreign
    folder."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return None
    if target.is_dir() and target.parent == cache_folder():
        try:
            return open_prepared(target)
        except ZooError:  # damaged from outside: the cache may be built anew
            shutil.rmtree(target)
            return None
    if not (target / MARKER).is_file():
        raise ZooError(f"{target} exists and is not prepared data; give a folder that does not exist yet.")
    values = json.loads((target / MARKER).read_text(encoding="utf-8"))
    if values.get("key") != key:
        raise ZooError(
            f"{target} holds other prepared data ({values.get('name')}, other content or options); give another folder."
        )
    return open_prepared(target)


def _serves(prepared: Prepared, size: int, kinds: Mapping[str, int], crop: Crop, cache: Cache) -> bool:
    """Whether a prepared dataset is already what was asked for."""
    spec = prepared.spec
    wanted = kinds["source"] if "source" in prepared.fields else 0
    same = (spec.resolution, spec.channels, spec.source_channels) == (size, kinds["image"], wanted)
    return same and cache in ("auto", prepared.mode) and (prepared.mode == "raw" or prepared.crop == crop)


def _validate(
    size: int, channels: int, source_channels: int | None, crop: str, cache: str, folder: Path | None
) -> None:
    problems = []
    if not 1 <= size <= 8192:
        problems.append(f"size: {size} px was given; 1 to 8192 is known")
    for what, number in (("channels", channels), ("source_channels", source_channels)):
        if number not in (1, 3, None):
            problems.append(f"{what}: {number} was given; 1 (grey) and 3 (colour) are known")
    for what, given, known in (("crop", crop, get_args(Crop)), ("cache", cache, get_args(Cache))):
        if given not in known:
            problems.append(f"{what}: {given!r} was given; {', '.join(known)} are known")
    if cache == "none" and folder is not None:
        problems.append(f"cache: 'none' keeps nothing, so nothing can be written to {folder}; leave one of them out")
    if problems:
        raise InvalidOptions(problems)


def _count(prepared: Prepared) -> str:
    spec = prepared.spec
    return f"{len(prepared):,} images of {prepared.name} at {spec.resolution} px ({prepared.mode})"


def _bytes(number: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def _to_standard_error(line: str) -> None:
    print(line, file=sys.stderr)
