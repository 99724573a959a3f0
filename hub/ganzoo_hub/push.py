"""A run published on the Hub: laid out, described, shown, and sent in one commit."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo_hub.card import generate
from ganzoo_hub.client import api, endpoint, hushed, offline, token
from ganzoo_hub.faults import explained
from ganzoo_hub.licences import checked_licence
from ganzoo_hub.manifest import CONFIG, DISCRIMINATOR, README, SAMPLES, Manifest, Record
from ganzoo_hub.memory import Memory
from ganzoo_hub.reference import MAIN, Reference, parse
from ganzoo_hub.repository import run_folder, write_repository
from zoo.cli.table import columns
from zoo.data.cache import cache_folder
from zoo.errors import InvalidOptions, ZooError
from zoo.files import explained as disk_explained

__all__ = ["Pushed", "push"]

WHOLE = "Files there change all at once or not at all; the same command tries again."


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did. `zoo.load(str(pushed))` loads it, now and later, at this very commit."""

    repository: str  # owner/name
    commit: str  # empty for a dry run
    url: str  # of the commit, or of the pull request
    files: dict[str, int]  # size in bytes by name

    def __str__(self) -> str:
        return str(Reference(self.repository, self.commit or MAIN))


def push(
    run: str | Path,
    repository: str,
    *,
    licence: str = "",
    data_licence: str = "",
    private: bool | None = None,
    revision: str = "",
    pr: bool = False,
    dry_run: bool = False,
    which: str = "last",
    with_discriminator: bool = False,
    with_optimizer: bool = False,
    quiet: bool = False,
) -> Pushed:
    """Publish a run's averaged generator as `owner/name` on the Hub, with its card, in one commit.

    `licence` is that of the weights; there is no default. `data_licence` is that of the data, where it does not state
    its own. `private` decides for a repository that does not exist yet,
    and is compared with one that does. `revision` is an existing branch; `pr` opens a pull request instead. `which` is
    the checkpoint. `with_discriminator` adds the critics, `with_optimizer` all that a resume needs. `dry_run` shows the
    files and asks nothing of the Hub. Raises InvalidOptions, and ZooError with the next step; the repository is as it
    was then.
    """
    target = checked(repository, licence, revision, pr)
    folder = run_folder(run)
    say = (lambda text: None) if quiet else print
    remote = None if dry_run else looked_up(target, private)
    with draft() as place:
        manifest = write_repository(
            folder, place, which=which, discriminator=with_discriminator, optimizer=with_optimizer
        )
        picture = SAMPLES if SAMPLES in manifest.files else ""
        card = generate(folder, licence=licence, name=target.id, which=which, data_licence=data_licence, grid=picture)
        (place / README).write_text(card, encoding="utf-8")
        files = sizes(manifest, place)
        say("\n".join(listing(manifest, place, files)))
        if remote is None:
            say(f"Nothing was sent to {target.id}: a dry run.")
            return Pushed(target.id, "", "", files)
        with hushed(quiet):
            return send(target, remote, place, manifest, files, pr, say)


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository as it stands before the push."""

    parent: str  # its last commit on the branch
    branch: str
    files: frozenset[str]
    made: bool  # by this push


def checked(repository: str, licence: str, revision: str, pr: bool) -> Reference:
    """The target. Raises InvalidOptions with every problem."""
    problems: list[str] = []
    try:
        checked_licence(licence)
    except InvalidOptions as error:
        problems += error.problems
    target = parse(repository)
    if target.revision != MAIN and revision not in ("", target.revision):
        problems.append(f"{repository} and --revision {revision} name two branches; give one.")
    branch = revision or target.revision
    if pr and branch != MAIN:
        problems.append(f"--pr asks for a change of main, and --revision names {branch}; give one of the two.")
    if problems:
        raise InvalidOptions(problems)
    return Reference(target.id, branch)


def looked_up(target: Reference, private: bool | None) -> Remote:
    """The repository as it stands, made if it is not there. Raises ZooError without the right to write."""
    from huggingface_hub.errors import RepositoryNotFoundError

    if offline():
        raise ZooError("HF_HUB_OFFLINE is set, and pushing needs the Hub. Unset it for this once, or add --dry-run.")
    if not token():
        raise ZooError(
            f"There is no token for {endpoint()}. Make one with write access on its page settings/tokens, then: "
            "hf auth login (or set HF_TOKEN)."
        )
    client = api()
    with explained(f"Looking up {target.id}", target.id):
        try:
            found = client.model_info(target.id, revision=target.revision)
        except RepositoryNotFoundError as error:
            if "GatedRepoError" in (kind.__name__ for kind in type(error).__mro__):
                raise
            return made(target, private)
        check_visibility(target, bool(found.private), private)
        check_right(target)
    return Remote(str(found.sha), target.revision, names_of(found), made=False)


def made(target: Reference, private: bool | None) -> Remote:
    """A new, empty repository."""
    if private is None:
        raise InvalidOptions(
            [f"{target.id} does not exist yet: say who may see it, with --private or --public (private=True or False)."]
        )
    if target.revision != MAIN:
        raise InvalidOptions([f"{target.id} does not exist yet, so it has no branch {target.revision}; push to main."])
    with explained(f"Making the repository {target.id}", target.id):
        api().create_repo(target.id, private=private)
        found = api().model_info(target.id)
    return Remote(str(found.sha or ""), MAIN, names_of(found), made=True)


def check_visibility(target: Reference, private: bool, asked: bool | None) -> None:
    """Weights meant for few never land in a public place."""
    if asked not in (None, private):
        now, wanted = ("private", "--public") if private else ("public", "--private")
        raise InvalidOptions(
            [f"{target.id} is {now}, and {wanted} was given. Change it on {endpoint()}/{target.id}/settings first."]
        )


def check_right(target: Reference) -> None:
    """Ask whether the token may write there, before the work begins; older clients cannot ask."""
    from inspect import signature

    check = api().auth_check
    if "write" in signature(check).parameters:
        check(target.id, write=True)


def names_of(info: Any) -> frozenset[str]:
    """The files of a repository."""
    return frozenset(one.rfilename for one in info.siblings or ())


@contextmanager
def draft() -> Iterator[Path]:
    """An empty folder for as long as it is needed."""
    parent = cache_folder().parent / "push"
    with disk_explained(parent):
        parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="draft-", dir=parent) as place:
        yield Path(place)


def sizes(manifest: Manifest, place: Path) -> dict[str, int]:
    """Every file in the order of the table."""
    names = [CONFIG, *manifest.files, README]
    return {name: (place / name).stat().st_size for name in names}


def listing(manifest: Manifest, place: Path, files: dict[str, int]) -> list[str]:
    """The table of files, and what they amount to."""
    records = dict(manifest.files) | {name: Record.of(place / name) for name in (CONFIG, README)}
    rows = [[name, f"{size:,}", records[name].sha256[:12]] for name, size in files.items()]
    lines = columns([["file", "bytes", "sha256"], *rows])
    return [*lines, f"{len(files)} files, {sum(files.values()) / 1e6:,.1f} MB, of {manifest.images:,} images."]


def send(
    target: Reference,
    remote: Remote,
    place: Path,
    manifest: Manifest,
    files: dict[str, int],
    pr: bool,
    say: Callable[[str], None],
) -> Pushed:
    """All files in one commit on top of what was looked up; what an earlier push left over goes with it."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    operations: list[Any] = [CommitOperationAdd(name, place / name) for name in files]
    operations += [CommitOperationDelete(name) for name in sorted(remote.files - files.keys()) if ours(name)]
    after = "The repository was made and is empty; the same command goes on." if remote.made else WHOLE
    with explained(f"Pushing to {target.id}", target.id, after):
        done = api().create_commit(
            target.id,
            operations,
            commit_message=f"{manifest.content['architecture']} after {manifest.images:,} images",
            revision=remote.branch,
            create_pr=pr,
            parent_commit=remote.parent or None,
        )
    pushed = Pushed(target.id, str(done.oid), str(done.pr_url or done.commit_url), files)
    if not pr:
        Memory(endpoint(), target.id).pin(remote.branch, pushed.commit)
    say(f"{'Proposed as' if pr else 'Pushed:'} {pushed.url}")
    say(f'Load it: zoo.load("{pushed}")')
    return pushed


def ours(name: str) -> bool:
    """Whether a file is one that a push writes, besides those that each writes anew."""
    return name in (DISCRIMINATOR, SAMPLES) or name.startswith("checkpoints/")
