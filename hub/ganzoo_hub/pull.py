"""Models from the Hub: fetched at a commit, verified once, read like those of a folder."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from ganzoo_hub.client import api, endpoint, offline
from ganzoo_hub.faults import NO_HUB, explained
from ganzoo_hub.manifest import CONFIG, README, Damaged, Manifest, Record, read_manifest
from ganzoo_hub.memory import Memory
from ganzoo_hub.reference import Reference, is_commit, parse
from ganzoo_hub.repository import read_repository, verify_repository
from zoo.errors import ZooError
from zoo.files import explained as disk_explained
from zoo.files import make_folder, sync_folder
from zoo.weights import Weights

__all__ = ["Fetched", "fetch", "pull", "read_hub", "verify"]

AGAIN = "Nothing half is kept; the same call tries again."


@dataclass(frozen=True, slots=True)
class Fetched:
    """A model that lies in the cache, verified."""

    reference: Reference  # at its commit
    folder: Path
    manifest: Manifest


def read_hub(name: str, which: str = "last", *, training: bool = False) -> Weights:
    """The model that `hf:owner/name[@revision]` names. What is cached and pinned costs no request."""
    found = fetch(parse(name), lambda manifest: manifest.needed(training=training))
    return read_repository(found.folder, which, training=training, where=str(found.reference))


def pull(name: str, to: Path | None = None) -> Fetched:
    """Fetch a whole model at what its revision is now, pin it to that, and copy it to the new folder `to` if given."""
    from zoo.training.run import check_new

    if to is not None:
        check_new(to)
    found = fetch(parse(name), lambda manifest: list(manifest.files), renew=True)
    card(found)
    if to is not None:
        copy(found, to)
    return found


def verify(name: str) -> tuple[str, dict[str, Record], list[str]]:
    """Hash a pulled folder, or what the cache holds of a model on the Hub; nothing is asked of the Hub.

    Returns what was looked at, the files that are whole, and those not there. Raises ZooError for a damaged one.
    """
    folder = Path(name).expanduser()
    if folder.is_dir() or name.startswith((".", "/", "~")):
        if not folder.is_dir():
            raise ZooError(f"There is no folder {folder}.")
        return str(folder), *verify_repository(folder)
    reference = parse(name)
    memory = Memory(endpoint(), reference.id)
    path = cached(known(reference, memory), CONFIG)
    if path is None:
        raise ZooError(f"Nothing of {reference} is in the cache. Fetch it: ganzoo pull {reference.id}")
    pinned = reference.at(path.parent.name)
    try:
        whole, absent = verify_repository(path.parent)
    except Damaged as damage:
        memory.forget(pinned.revision)
        raise ZooError(f"{damage} That replaces what is damaged: ganzoo pull {pinned}") from damage
    memory.verified(pinned.revision, path.parent, [CONFIG, *whole])
    return str(pinned), whole, absent


def fetch(reference: Reference, wanted: Callable[[Manifest], Collection[str]], *, renew: bool = False) -> Fetched:
    """The wanted files at the commit that the reference is pinned to, or, with `renew`, at what it is now.

    A first use pins it. A damaged file is fetched once more, and refused when that is damaged too. Raises ZooError
    with the next step.
    """
    memory = Memory(endpoint(), reference.id)
    pinned = known(reference, memory)
    if not is_commit(pinned.revision) or (renew and not is_commit(reference.revision) and not offline()):
        pinned = pin(reference, memory)
    if (found := remembered(pinned, memory)) and memory.holds(pinned.revision, wanted(found.manifest)):
        return found
    path, manifest = configuration(pinned)
    found = Fetched(pinned, path.parent, manifest)
    names = wanted(manifest)
    if offline():
        check_cached(found, names)
    for name in names:
        whole(pinned, name, manifest.files[name])
    memory.verified(pinned.revision, found.folder, [CONFIG, *names])
    return found


def known(reference: Reference, memory: Memory) -> Reference:
    """The reference at the commit it is pinned to; as it is where there is none."""
    commit = memory.commit(reference.revision)
    return reference if is_commit(reference.revision) or not is_commit(commit) else reference.at(commit)


def remembered(pinned: Reference, memory: Memory) -> Fetched | None:
    """The model where it was verified before, if its config.json is still that."""
    folder = memory.folder(pinned.revision)
    if folder is None or not memory.holds(pinned.revision, [CONFIG]):
        return None
    return Fetched(pinned, folder, read_manifest(folder / CONFIG, str(pinned)))


def pin(reference: Reference, memory: Memory) -> Reference:
    """Ask which commit a revision is, one request, and remember it. Offline the cache of the Hub's client may know."""
    if offline():
        path = cached(reference, CONFIG)
        if path is None:
            raise ZooError(needed(reference, "config.json and the weights it names"))
        return reference.at(path.parent.name)
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    with explained(f"Looking up {reference}", reference.id, ""):
        url = hf_hub_url(reference.id, CONFIG, revision=reference.revision, endpoint=endpoint())
        commit = get_hf_file_metadata(url).commit_hash
    if commit is None or not is_commit(commit):
        raise ZooError(f"Looking up {reference} on {endpoint()} failed: {NO_HUB}")
    if memory.commit(reference.revision) != commit:
        memory.pin(reference.revision, commit)
        print(
            f"{reference} is commit {commit}, and stays that here until ganzoo pull asks anew. "
            f"To fix it in code: {reference.at(commit)}",
            file=sys.stderr,
        )
    return reference.at(commit)


def configuration(pinned: Reference) -> tuple[Path, Manifest]:
    """config.json and what it says; a damaged one is fetched once more."""
    path = download(pinned, CONFIG)
    try:
        return path, read_manifest(path, str(pinned))
    except Damaged:
        path = download(pinned, CONFIG, anew=True)
    try:
        return path, read_manifest(path, str(pinned))
    except Damaged as damage:
        discard(path)
        raise ZooError(twice(pinned, CONFIG)) from damage


def whole(pinned: Reference, name: str, record: Record) -> None:
    """Fetch a file and compare it with its sha256; a damaged one is fetched once more, and else removed."""
    path = download(pinned, name)
    try:
        record.check(path)
        return
    except Damaged:
        path = download(pinned, name, anew=True)
    try:
        record.check(path)
    except Damaged as damage:
        discard(path)
        raise ZooError(twice(pinned, name)) from damage


def twice(pinned: Reference, name: str) -> str:
    """What to say of a file that stays damaged."""
    return (
        f"{name} of {pinned} came damaged twice: it is not what its sha256 in config.json says. It was removed and not "
        f"loaded. A proxy or mirror ({endpoint()}) may alter it; or the repository itself is broken: tell its owner."
    )


def download(pinned: Reference, name: str, *, anew: bool = False) -> Path:
    """A file's path in the cache, fetched if it is not there."""
    if offline():
        if (path := cached(pinned, name)) is None or anew:
            state = "is damaged" if path else "is not in the cache"
            raise ZooError(needed(pinned, f"{name}, which {state}"))
        return path
    with explained(f"Downloading {name} of {pinned}", pinned.id, AGAIN):
        found = api().hf_hub_download(pinned.id, name, revision=pinned.revision, force_download=anew)
        return Path(str(found))


def cached(reference: Reference, name: str) -> Path | None:
    """A file's path in the cache of the Hub's client, which nobody is asked for."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(reference.id, name, revision=reference.revision)
    return Path(found) if isinstance(found, str) else None


def check_cached(found: Fetched, names: Collection[str]) -> None:
    """Raise ZooError that lists what is not in the cache."""
    absent = [name for name in names if cached(found.reference, name) is None]
    if absent:
        sizes = ", ".join(f"{name} ({found.manifest.files[name].size / 1e6:,.1f} MB)" for name in absent)
        raise ZooError(needed(found.reference, sizes))


def needed(reference: Reference, what: str) -> str:
    """What offline work lacks."""
    return (
        f"HF_HUB_OFFLINE is set, so {endpoint()} is not asked; {reference} would need {what}. Fetch it once while "
        f"online: ganzoo pull {reference}"
    )


def discard(path: Path) -> None:
    """Take a damaged file out of the cache: the name in the snapshot and what it points to."""
    target = path.resolve()
    path.unlink(missing_ok=True)
    target.unlink(missing_ok=True)


def card(found: Fetched) -> None:
    """Fetch the card, where there is one: the only file besides those that config.json lists."""
    from huggingface_hub.errors import EntryNotFoundError

    if offline():
        return
    try:
        api().hf_hub_download(found.reference.id, README, revision=found.reference.revision)
    except EntryNotFoundError:
        pass
    except Exception as error:
        with explained(f"Downloading {README} of {found.reference}", found.reference.id, AGAIN):
            raise error


def copy(found: Fetched, to: Path) -> None:
    """Copy the model to a folder, which appears whole."""
    from zoo.training.run import check_new

    make_folder(to.parent)
    with disk_explained(to):
        draft = Path(tempfile.mkdtemp(prefix=".pull-", dir=to.parent))
    try:
        draft.chmod(0o755)
        with disk_explained(to):
            for name in (CONFIG, README, *found.manifest.files):
                if (found.folder / name).is_file():
                    (draft / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(found.folder / name, draft / name)
            verify_repository(draft)
            check_new(to)
            if to.is_dir():
                to.rmdir()
            draft.rename(to)
            sync_folder(to.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
