"""Official checkpoints taken over: the importer is found, its work compared with the model, the folder written."""

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from ganzoo_hub.foreign import open_foreign
from ganzoo_hub.pickles import brief
from zoo.errors import InvalidOptions, UnknownName, ZooError, near_misses
from zoo.files import explained, make_folder, sync_folder, write_json
from zoo.importing import ForeignFile, Imported, Importer
from zoo.model import Model, Progress
from zoo.plugins import registry
from zoo.registry import Registered, load
from zoo.training import checkpoint
from zoo.training.averages import Averages
from zoo.training.plan import DataChoice, Plan, Settings, model_class, usual_parts
from zoo.training.run import check_new
from zoo.weights import Weights

__all__ = ["import_file", "read_file", "write_folder"]

LISTED = 40
"""Names of weights that an error shows of each sort."""


def import_file(path: Path, out: Path, architecture: str | None = None, source: str = "") -> Weights:
    """Convert an official file into the model folder `out`, which appears whole; a full one is refused."""
    check_new(out)
    found = read_file(path, architecture, source)
    write_folder(found, out)
    return found


def read_file(path: Path, architecture: str | None = None, source: str = "", *, training: bool = True) -> Weights:
    """The model in an official file, converted and compared name by name; nothing in the file is executed.

    Without `architecture` the importer is the one that recognises the file. `source` is where the file came from.
    Without `training` the live weights and critics are left out. Raises ZooError when nothing fits, with what is
    missing and what is left over.
    """
    path = path.expanduser()
    try:
        return read(path, architecture, source, training)
    except MemoryError:
        raise ZooError(f"{path} is not read: there is not enough memory for it.") from None


def read(path: Path, architecture: str | None, source: str, training: bool) -> Weights:
    """The same, where memory suffices."""
    known = importers(architecture)
    file = open_foreign(path, tuple(name for _, importer in known for name in importer.classes))
    name, importer = chosen(known, file, path, architecture)
    with whole(path, importer):
        imported = importer.convert(file)
        if not training:  # sampling needs no critics, nor the frozen networks that they stand on
            imported = replace(imported, training={})
        plan = plan_of(name, imported, origin_of(path, source, imported), path)
        check_fit(plan, imported, path)
    model = model_class(name)(plan.config, plan.data)
    model.load_state_dict(imported.sampler, strict=False)
    averages = averages_of(model)
    sampler = {key: value.clone() for key, value in model.sampling_state().items()}
    if not imported.training:
        return Weights(str(path), plan, sampler, {}, averages)
    model.build_training()
    if plan.parts is not None:
        model.build_critics(plan.parts)
    model.load_state_dict(imported.training, strict=False)
    return Weights(str(path), plan, sampler, model.state_dict(), averages)


def importers(asked: str | None) -> list[tuple[str, Importer]]:
    """Importers with their architectures: of the one asked for, or all."""
    found = registry().select("importer")
    if asked is not None:
        registry().find("architecture", asked)  # an unknown one is told with near misses
        found = [one for one in found if architecture_of(one) == asked.rpartition("::")[2]]
    if not found:
        known = sorted({architecture_of(one) for one in registry().select("importer")})
        raise UnknownName(
            f"No importer is registered{f' for {asked}' if asked else ''}. "
            f"{near_misses(asked or '', known)} Official files are read for: {', '.join(known) or 'none'}."
        )
    return [(asked or architecture_of(one), importer) for one in found if (importer := made(one, bool(asked)))]


def made(entry: Registered, asked: bool) -> Importer | None:
    """The importer; one that does not load is an error where it was asked for, and else a warning."""
    try:
        return cast(Importer, load(entry)())
    except ZooError as error:
        if asked:
            raise
        print(f"Warning: an importer is left out. {error}", file=sys.stderr)
        return None


def architecture_of(importer: Registered) -> str:
    """The architecture that an importer's models belong to."""
    return importer.entry.traits.get("architecture", importer.name)


def chosen(known: list[tuple[str, Importer]], file: ForeignFile, path: Path, asked: str | None) -> tuple[str, Importer]:
    """The one importer that recognises the file."""
    fitting = [pair for pair in known if pair[1].recognises(file)]
    names = sorted({name for name, _ in fitting})
    if len(fitting) == 1:
        return fitting[0]
    if len(names) > 1:
        raise ZooError(f"{path} could be {' or '.join(names)}. Say which: ganzoo import {path} --as {names[0]}")
    if fitting:
        raise ZooError(f"Two importers of {names[0]} recognise {path}; leave one out with --no-plugin.")
    holds = ", ".join(f"{key or 'one'} ({network.kind or network.form})" for key, network in file.networks.items())
    told = f"as {asked} it is not recognised" if asked else "no importer recognises them"
    raise ZooError(f"{path} holds the networks {holds}; {told}. Importers are there for: {of(known)}.")


def of(known: list[tuple[str, Importer]]) -> str:
    """The architectures of importers."""
    return ", ".join(dict.fromkeys(name for name, _ in known))


@contextmanager
def whole(path: Path, importer: Importer) -> Iterator[None]:
    """Refuse a file where the importer, or the networks that it describes, trip over what it says or lacks."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        kind, reason = type(error).__name__, brief(str(error))
        raise ZooError(
            f"{path} looks like a file of {type(importer).__name__} but is not whole: {kind}: {reason}."
        ) from error


def plan_of(architecture: str, imported: Imported, origin: dict[str, str], path: Path) -> Plan:
    """The config.json of a model that was trained elsewhere, as it will be read: without data source and length."""
    found, model = registry().find("architecture", architecture), model_class(architecture)
    if problems := model.problems(imported.config, imported.data):
        raise InvalidOptions(problems)
    supplier = {"plugin": found.plugin, "distribution": found.distribution, "version": found.version}
    plan = Plan(
        architecture,
        imported.config,
        imported.parts or usual_parts(model, imported.config),
        imported.data,
        DataChoice(source="", fingerprint=""),
        Settings(kimg=0.0, minutes=0.0),
        provenance={**supplier, **origin},
    )
    return Plan.from_json(plan.to_json(), path)


def origin_of(path: Path, source: str, imported: Imported) -> dict[str, str]:
    """Where the weights come from, which bytes they were, and whose terms they come under."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"imported_from": source or path.name, "sha256": digest, "licence": imported.licence}


def check_fit(plan: Plan, imported: Imported, path: Path) -> None:
    """Raise ZooError that lists names too few, too many or of another shape, before any memory is taken for them."""
    with torch.device("meta"):
        model = model_class(plan.architecture)(plan.config, plan.data)
        compare(model, imported.sampler, imported.fresh, path)
        if imported.training:
            model.build_training()
            if plan.parts is not None:
                model.build_critics(plan.parts)
            compare(model, imported.training, imported.fresh, path)


def compare(model: nn.Module, tensors: Mapping[str, Tensor], fresh: Collection[str], path: Path) -> None:
    """The same for one of the two sets; what is `fresh` may be missing."""
    own = model.state_dict()
    needed = {key: one for key, one in own.items() if key in tensors or not any(fnmatchcase(key, p) for p in fresh)}
    checkpoint.compare(needed, tensors, path, LISTED)


def averages_of(model: Model) -> dict[str, Tensor]:
    """The averages of a training that begins at this model's weights."""
    averaging = model.averaging()
    return {} if averaging is None else Averages(model, averaging).state_dict()


def write_folder(weights: Weights, out: Path) -> None:
    """Write a model folder beside its place and give it its name once it is whole."""
    make_folder(out.parent)
    with explained(out):
        draft = Path(tempfile.mkdtemp(prefix=".import-", dir=out.parent))
    try:
        draft.chmod(0o755)
        target = draft / "checkpoints" / f"step-{0:09d}"
        with explained(out):
            target.mkdir(parents=True)
        checkpoint.write_tensors(target / checkpoint.SAMPLER, weights.sampler)
        if weights.live:
            live = {f"model/{name}": value for name, value in weights.live.items()}
            averages = {f"averages/{name}": value for name, value in weights.averages.items()}
            checkpoint.write_tensors(target / checkpoint.TRAINING, live | averages)
        checkpoint.point(target.parent, target, Progress(), "last")
        write_json(draft / "config.json", weights.plan.to_json())
        check_new(out)
        with explained(out):
            draft.rename(out)
            sync_folder(out.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
