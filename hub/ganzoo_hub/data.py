"""Datasets of the Hugging Face Hub: `hf:owner/name[@revision][#config/split]`, as parquet files with pictures.

A revision is settled to a commit, and what is known of a commit is kept, so that a pinned dataset that is here costs no
request. Nothing is downloaded before its size and licence were shown and agreed to.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from ganzoo_hub.client import api, endpoint, offline
from ganzoo_hub.faults import explained
from zoo.data.cache import cache_folder, free_bytes
from zoo.data.consent import ask
from zoo.data.parquet import ParquetSource, split_of
from zoo.errors import UnknownName, ZooError, near_misses
from zoo.files import explained as explained_disk
from zoo.files import read_json, write_json

__all__ = ["Reference", "Table", "open_hub", "parse", "tables_of"]

CONVERTED = "refs/convert/parquet"
"""Where the Hub keeps its own conversion of a dataset that is stored in another form."""

_REFERENCE = re.compile(r"hf:(?://datasets/)?(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<rev>[^#\s]+))?(?:#(?P<part>\S+))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A dataset of the Hub as it was asked for."""

    repository: str
    revision: str = ""
    part: str = ""  # config, config/split, or split

    def __str__(self) -> str:
        at, part = f"@{self.revision}" if self.revision else "", f"#{self.part}" if self.part else ""
        return f"hf:{self.repository}{at}{part}"


@dataclass(frozen=True, slots=True)
class Table:
    """One parquet file of a dataset."""

    path: str  # in the repository
    size: int
    config: str
    split: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What a commit of a dataset holds."""

    repository: str
    commit: str
    licence: str
    tables: tuple[Table, ...]
    notice: str = ""


def parse(text: str) -> Reference:
    """The parts of `hf:owner/name[@revision][#config/split]`. Raises ZooError."""
    found = _REFERENCE.fullmatch(text)
    if not found:
        raise ZooError(f"{text!r} is no dataset of the Hub; write hf:owner/name, hf:owner/name@revision#config/split.")
    return Reference(found["repo"], found["rev"] or "", found["part"] or "")


def open_hub(text: str, split: str | None = None) -> ParquetSource:
    """The source behind a reference, downloaded where it is not here yet. Raises ZooError, UnknownName."""
    asked = parse(text)
    listing = listed(asked)
    config, chosen = choose(listing, asked, split)
    tables = [table for table in listing.tables if table.config == config and chosen in ("all", table.split)]
    paths = fetch(listing, tables, text)
    splits = list(dict.fromkeys(table.split for table in listing.tables if table.config == config))
    part = f"{config}/{chosen}"
    return ParquetSource(
        paths,
        name=f"{asked.repository.rpartition('/')[2]}",
        split=chosen,
        splits=splits,
        licence=listing.licence,
        identity=f"{asked.repository}@{listing.commit}",
        notice=listing.notice,
        reference=str(Reference(asked.repository, listing.commit, part)),
    )


def choose(listing: Listing, asked: Reference, split: str | None) -> tuple[str, str]:
    """Config and split: what was asked for, or the only config (or the one called default) and its train."""
    configs = list(dict.fromkeys(table.config for table in listing.tables))
    config, _, part = asked.part.partition("/")
    if config and config not in configs and not part:  # a split alone
        config, part = "", config
    if config and config not in configs:
        raise UnknownName(told("config", config, configs, asked))
    if not config and len(configs) > 1 and "default" not in configs:
        example = Reference(asked.repository, asked.revision, configs[0])
        raise ZooError(f"{asked.repository} has the configs {', '.join(configs)}; say which: {example}")
    config = config or ("default" if "default" in configs else configs[0])
    splits = list(dict.fromkeys(table.split for table in listing.tables if table.config == config))
    chosen = split or part or ("train" if "train" in splits else splits[0])
    if chosen not in (*splits, "all"):
        raise UnknownName(told("split", chosen, [*splits, "all"], asked))
    return config, chosen


def told(what: str, name: str, known: Sequence[str], asked: Reference) -> str:
    """A config or split that is not there."""
    return f"{asked.repository} has no {what} {name!r}. {near_misses(name, known)} Known: {', '.join(known)}."


def listed(asked: Reference) -> Listing:
    """What the revision holds: by notes of an earlier look where it is a commit, or where the Hub is off limits."""
    notes = cache_folder().parent / "hub-data" / asked.repository.replace("/", "--")
    pointer = notes / f"{re.sub(r'[^A-Za-z0-9._-]', '-', asked.revision or 'main')}.json"
    commit = asked.revision if _COMMIT.fullmatch(asked.revision) else ""
    if offline() and not commit and pointer.is_file():
        commit = str(read_json(pointer)["commit"])
    if commit and (notes / f"{commit}.json").is_file():
        return read_listing(notes / f"{commit}.json")
    found = looked_up(asked)
    with explained_disk(notes):
        notes.mkdir(parents=True, exist_ok=True)
    write_json(notes / f"{found.commit}.json", asdict(found))
    if not _COMMIT.fullmatch(asked.revision):
        write_json(pointer, {"commit": found.commit})
    return found


def read_listing(path: Path) -> Listing:
    """The notes on a commit."""
    content = read_json(path)
    return Listing(**{**content, "tables": tuple(Table(**table) for table in content["tables"])})


def looked_up(asked: Reference) -> Listing:
    """The Hub's answer: the dataset's own parquet files, or those that the Hub has made of it."""
    about = info(asked.repository, asked.revision)
    tables = tables_of(sizes(about), configs_of(about))
    if not tables and not asked.revision:
        about, tables = converted(asked.repository, about)
    if not tables:
        raise ZooError(
            f"{asked.repository} has no parquet files, of its own or of the Hub's making. Download it by hand and give "
            f"its folder of images: hf download {asked.repository} --repo-type dataset --local-dir DIR"
        )
    partial = any("partial" in PurePosixPath(table.path).parts[-2] for table in tables if "/" in table.path)
    notice = f"The Hub has converted only part of {asked.repository}." if partial else ""
    return Listing(asked.repository, about.sha, licence_of(about), tuple(tables), notice)


def converted(repository: str, about: Any) -> tuple[Any, list[Table]]:
    """The Hub's conversion, with the card of the dataset itself."""
    try:
        other = info(repository, CONVERTED)
    except ZooError:
        return about, []
    other.card_data = about.card_data
    return other, tables_of(sizes(other), {})


def info(repository: str, revision: str) -> Any:
    """The Hub's record of a dataset's revision."""
    with explained(f"Looking up the dataset {repository}", f"datasets/{repository}", "Try again."):
        return api().dataset_info(repository, revision=revision or None, files_metadata=True)


def sizes(about: Any) -> dict[str, int]:
    """Files with their bytes."""
    return {one.rfilename: one.size or 0 for one in about.siblings or ()}


def licence_of(about: Any) -> str:
    """As the dataset's card states it."""
    card = about.card_data.to_dict() if about.card_data else {}
    named = card.get("license_name") or card.get("license") or ""
    return ", ".join(named) if isinstance(named, list) else str(named)


def configs_of(about: Any) -> dict[str, dict[str, list[str]]]:
    """Config -> split -> patterns, as the card states them; empty where it does not."""
    card = about.card_data.to_dict() if about.card_data else {}
    found: dict[str, dict[str, list[str]]] = {}
    for config in card.get("configs") or ():
        for entry in entries_of(config):
            path = entry["path"]
            splits = found.setdefault(str(config.get("config_name", "default")), {})
            splits.setdefault(str(entry["split"]), []).extend([path] if isinstance(path, str) else path)
    return found


def entries_of(config: Any) -> Iterator[Mapping[str, Any]]:
    """The `data_files` of a config that name split and path."""
    files = config.get("data_files") if isinstance(config, Mapping) else None
    for entry in files if isinstance(files, list) else ():
        if isinstance(entry, Mapping) and {"split", "path"} <= entry.keys():
            yield entry


def tables_of(files: Mapping[str, int], configs: Mapping[str, Mapping[str, list[str]]]) -> list[Table]:
    """The parquet files with config and split: by the card's patterns, or by their names."""
    tables = [name for name in sorted(files) if name.endswith(".parquet")]
    if configs:
        return [
            Table(name, files[name], config, split)
            for config, splits in configs.items()
            for split, patterns in splits.items()
            for name in tables
            if any(fnmatchcase(name, pattern.replace("**/", "*")) for pattern in patterns)
        ]
    return [Table(name, files[name], config_of(name), split_named(name)) for name in tables]


def config_of(name: str) -> str:
    """The first folder that is neither `data` nor a split."""
    folders = PurePosixPath(name).parts[:-1]
    own = [one for one in folders if one != "data" and split_of(f"{one.removeprefix('partial-')}/0.parquet") is None]
    return own[0] if own else "default"


def split_named(name: str) -> str:
    """The split that a file's name tells, in the Hub's spelling; all of a config where none does."""
    return split_of(name.replace("partial-", "")) or "train"


def fetch(listing: Listing, tables: Sequence[Table], text: str) -> dict[str, Path]:
    """The files on this machine, downloaded after a yes where they are missing."""
    missing = [table for table in tables if cached(listing, table) is None]
    if missing:
        total = sum(table.size for table in missing)
        check_space(total, text)
        ask(
            f"{text}: {len(missing)} files, {total / 1e9:.2f} GB, from {endpoint()}/datasets/{listing.repository} at "
            f"{listing.commit[:12]}; licence: {listing.licence or 'not stated'}.",
            f"ganzoo data fetch {text!r} --yes",
        )
    return {table.path: cached(listing, table) or download(listing, table) for table in tables}


def check_space(total: int, text: str) -> None:
    """Raise ZooError where the Hub's cache has no room."""
    from huggingface_hub.constants import HF_HUB_CACHE

    free = free_bytes(Path(HF_HUB_CACHE))
    if total > free:
        raise ZooError(
            f"{text} takes {total / 1e9:.2f} GB, and {free / 1e9:.2f} GB are free at {HF_HUB_CACHE}. Free some, or "
            "point HF_HOME at a larger disk."
        )


def cached(listing: Listing, table: Table) -> Path | None:
    """A file of the Hub's cache, if it is there."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(listing.repository, table.path, revision=listing.commit, repo_type="dataset")
    return Path(found) if isinstance(found, str) else None


def download(listing: Listing, table: Table) -> Path:
    """One file, resumed where it broke off, into the Hub's cache."""
    from huggingface_hub import hf_hub_download

    with explained(f"Downloading {table.path}", f"datasets/{listing.repository}", "What has come so far is kept."):
        found = hf_hub_download(
            listing.repository, table.path, revision=listing.commit, repo_type="dataset", endpoint=endpoint()
        )
    return Path(found)
