"""What a model repository holds: how it is written from a run, read strictly, and verified.

    config.json                 the run's, with the size and sha256 of every other file, and what must be installed
    generator.safetensors       the weights to sample from, averaged
    discriminator.safetensors   if asked for: the critics, as the training left them
    checkpoints/                if asked for: all that a resume needs, the optimisers' state included
    samples.png                 a grid of the seeds 0, 1, 2, ...
    README.md                   the card; people edit it, so it has no sha256

Nothing else is read or downloaded, whatever else a repository holds.
"""

import shutil
from pathlib import Path
from typing import Any

from torch import Tensor

from ganzoo_hub.manifest import CONFIG, DISCRIMINATOR, GENERATOR, SAMPLES, Manifest, Record, read_manifest, signed
from ganzoo_hub.requirements import missing, requirements
from zoo.errors import InvalidOptions, ZooError
from zoo.files import explained, write_json
from zoo.places import is_catalogue
from zoo.training import checkpoint
from zoo.training.plan import Plan
from zoo.weights import Weights, folder_of, is_foreign, is_repository

__all__ = ["read_repository", "run_folder", "verify_repository", "write_repository"]

CHECKPOINTS = "checkpoints"


def run_folder(run: str | Path) -> Path:
    """The run or model folder behind `run`. Raises ZooError for what cannot be shared as it is."""
    if is_foreign(run):
        raise ZooError(f"{run} is an official file; take it over first: ganzoo import {run} --out DIR")
    folder = folder_of(run)
    if is_repository(folder):
        raise ZooError(f"{folder} was pulled from the Hub; to copy it elsewhere: hf upload OWNER/NAME {folder}")
    return folder


def write_repository(
    run: str | Path,
    folder: Path,
    *,
    which: str = "last",
    discriminator: bool = False,
    optimizer: bool = False,
) -> Manifest:
    """Lay a run's checkpoint out in the empty `folder` as a model repository, its card apart.

    `discriminator` adds the critics, `optimizer` the whole checkpoint, to resume from. Paths of this machine are left
    out of config.json. Raises ZooError for a run that lacks what is asked for.
    """
    source = run_folder(run)
    plan = Plan.read(source)
    found = checkpoint.find(source / CHECKPOINTS, which)
    with explained(folder):
        shutil.copyfile(found / checkpoint.SAMPLER, folder / GENERATOR)
    if discriminator:
        checkpoint.write_tensors(folder / DISCRIMINATOR, critics_of(found))
    if optimizer:
        copy_checkpoint(found, which, folder)
    picture(plan, source, which, folder)
    content = {**published(plan), "repository": about(plan, source, which, folder)}
    write_json(folder / CONFIG, signed(content))
    return read_manifest(folder / CONFIG)


def critics_of(found: Path) -> dict[str, Tensor]:
    """What a checkpoint's live weights have beyond those to sample from."""
    if not (found / checkpoint.TRAINING).exists():
        raise InvalidOptions([f"{found} holds the generator alone; leave --with-discriminator out."])
    live = checkpoint.below(checkpoint.read_tensors(found / checkpoint.TRAINING), "model/")
    sampler = checkpoint.read_tensors(found / checkpoint.SAMPLER)
    critics = {name: value for name, value in live.items() if name not in sampler}
    if not critics:
        raise InvalidOptions([f"{found} has no discriminator; leave --with-discriminator out."])
    return critics


def copy_checkpoint(found: Path, which: str, folder: Path) -> None:
    """The whole checkpoint under its name, as the last one."""
    if not (found / checkpoint.STATE).exists():
        raise InvalidOptions([f"{found} holds no state of optimisers; leave --with-optimizer out."])
    target = folder / CHECKPOINTS / found.name
    with explained(folder):
        shutil.copytree(found, target)
        shutil.copyfile(found.parent / f"{which}.json", target.parent / "last.json")


def picture(plan: Plan, source: Path, which: str, folder: Path) -> None:
    """`samples.png`, drawn from what is shared; left out for a model that samples from given pictures alone."""
    from zoo.pictures import grid, save
    from zoo.training.snapshot import grid_size
    from zoo.use import load

    model = load(source, which=which)
    if not model.reads and model.prior(1, 0):
        save(grid(model.sample(grid_size(plan.data.resolution))), folder / SAMPLES)


def published(plan: Plan) -> dict[str, Any]:
    """The run's config.json without the paths of the machine it ran on."""
    from ganzoo_hub.facts import named

    content = plan.to_json()
    content["source"] = {**content["source"], "source": named(plan.choice.source)}
    content["origin"] = plan.origin if is_catalogue(plan.origin) else named(plan.origin)
    return content


def about(plan: Plan, source: Path, which: str, folder: Path) -> dict[str, Any]:
    """The block of config.json that a repository has and a run has not."""
    files = {str(path.relative_to(folder).as_posix()): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {
        "format": Manifest.FORMAT,
        "images": checkpoint.images_of(source / CHECKPOINTS, which),
        "requires": [one.to_json() for one in requirements(plan)],
        "files": {name: Record.of(path).to_json() for name, path in files.items()},
    }


def read_repository(folder: Path, which: str = "last", *, training: bool = False, where: str = "") -> Weights:
    """The model in a folder laid out like this. The sizes of its files are checked, their content is not.

    With `training` the live weights are those of the whole checkpoint where it is there, and else the averaged
    generator with the critics. `where` names the place in errors. Raises ZooError for a model whose plugin is missing,
    with the command that installs it.
    """
    place = where or str(folder)
    if which != "last":
        raise ZooError(f"{place} holds one set of weights and no checkpoint '{which}'.")
    manifest = read_manifest(folder / CONFIG, place)
    if problem := missing(manifest.requires, place, training=training):
        raise ZooError(problem)
    plan = read_plan(manifest, folder, place)
    for name in manifest.needed(training=training):
        manifest.files[name].check_size(folder / name)
    return weights_of(folder, manifest, plan, place, training=training)


def read_plan(manifest: Manifest, folder: Path, place: str) -> Plan:
    """The plan in config.json; where it does not read, the versions are told that wrote it."""
    try:
        return Plan.from_json(manifest.content, folder / CONFIG)
    except ZooError as error:
        differ = [text for one in manifest.requires if one.needed == "sampling" and (text := one.difference())]
        raise ZooError("\n".join([f"{place} does not read. {error}", *differ])) from error


def weights_of(folder: Path, manifest: Manifest, plan: Plan, place: str, *, training: bool) -> Weights:
    """The tensors, of the files that are there."""
    whole = [name for name in manifest.files if name.endswith(f"/{checkpoint.TRAINING}")]
    if training and whole:
        tensors = checkpoint.read_tensors(folder / whole[0])
        live, averages = checkpoint.below(tensors, "model/"), checkpoint.below(tensors, "averages/")
        return Weights(place, plan, {}, live, averages)
    sampler = checkpoint.read_tensors(folder / GENERATOR)
    if training and DISCRIMINATOR in manifest.files:
        return Weights(place, plan, {}, sampler | checkpoint.read_tensors(folder / DISCRIMINATOR), {})
    return Weights(place, plan, sampler, {}, {})


def verify_repository(folder: Path) -> tuple[dict[str, Record], list[str]]:
    """Hash every listed file that is there: those that are whole, and those that are missing.

    Raises ZooError for one that is not as config.json says.
    """
    manifest = read_manifest(folder / CONFIG)
    there = {name: record for name, record in manifest.files.items() if (folder / name).is_file()}
    for name, record in there.items():
        record.check(folder / name)
    return there, [name for name in manifest.files if name not in there]
