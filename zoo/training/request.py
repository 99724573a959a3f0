"""From what the user asked for to a plan: everything is checked, and told at once, before any work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from zoo.compatibility import combine, role
from zoo.data.embedding import check_captions
from zoo.data.loader import TEXT_FIELDS
from zoo.data.looks import looks
from zoo.data.source import Source, open_source
from zoo.errors import InvalidOptions, ZooError
from zoo.evaluation.naming import find_metrics, split_names
from zoo.grammar import parse
from zoo.model import DataSpec, Model, Parts, Preset
from zoo.options import bind, changed, options_of
from zoo.plugins import registry
from zoo.text import USUAL, text_encoder
from zoo.training.plan import DataChoice, Plan, Settings, model_class, preset, score_pairs, unknown, usual_parts

__all__ = ["Asked", "attempt", "batch_problems", "check_numbers", "resolve", "settled"]

USUAL_RESOLUTION = 64
REPEATED = ("regularize", "discriminator", "backbone", "score_options")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user said; empty values mean "as the preset has it"."""

    preset: str = "default"
    resolution: int | None = None
    channels: int | None = None
    kimg: float | None = None
    minutes: float | None = None
    batch: int | None = None
    microbatches: int = 1
    loss: str | None = None
    regularize: tuple[str, ...] = ()
    augment: str | None = None
    discriminator: tuple[str, ...] = ()
    backbone: tuple[str, ...] = ()
    condition: str | None = None
    text_encoder: str | None = None
    seed: int = 0
    precision: str = "auto"
    compile: bool = False
    sync_batch_norm: bool = False
    pair: str = ""
    source_channels: int | None = None
    crop: str = "center"
    cache: str = "auto"
    mirror: bool = False
    snapshot_kimg: float = 2.0
    checkpoint_minutes: float = 5.0
    keep_kimg: float = 0.0
    metrics: tuple[str, ...] = ()
    score_kimg: float = 0.0
    score_samples: int = 2000
    score_options: tuple[str, ...] = ()
    origin: str = ""
    options: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Asked":
        """From keywords, typed; those that are no option of training are the architecture's."""
        known = options_of(cls)
        said = {name: value for name, value in given.items() if name in known and value is not None}
        of_model = {name: value for name, value in given.items() if name not in known and name != "options"}
        single: dict[str, tuple[str, ...]] = {
            name: (said[name],) for name in REPEATED if isinstance(said.get(name), str)
        }
        if isinstance(metrics := said.get("metrics"), str):
            single["metrics"] = split_names(metrics)
        return cls(**bind(cls, {**said, **single}), options={**given.get("options", {}), **of_model})


def resolve(
    architecture: str, source_text: str, asked: Asked, device: torch.device, world: int = 1
) -> tuple[Plan, Source]:
    """Check everything there is to check; raise InvalidOptions with all problems, or return the plan."""
    problems: list[str] = []
    model = attempt(problems, model_class, architecture)
    source = attempt(problems, open_source, source_text, None, asked.pair)
    problems += check_numbers(asked)
    spec = (attempt(problems, usual_spec, source, asked) if source is not None else None) or DataSpec(USUAL_RESOLUTION)
    if model is not None and source is not None and "source" in model.needs:
        spec = replace(spec, source_channels=source_channels(source, asked), paired=source.other is None)
    reference = text_reference(problems, model, asked, architecture) if model is not None else ""
    if reference:
        unread = replace(spec, text_dim=1)  # where captions cannot be embedded, the model is not asked about them too
        spec = attempt(problems, texted_spec, spec, source, reference) or unread
    origin = asked.origin
    if origin:
        from zoo.weights import find_origin

        origin = attempt(problems, find_origin, origin)
    with device:  # presets may look at torch.get_default_device()
        chosen = attempt(problems, preset, model, asked.preset, architecture, spec) if model is not None else None
    if model is None or chosen is None:
        raise InvalidOptions(problems)
    config = attempt(problems, configure, chosen.config, asked, architecture) or chosen.config
    problems += model.problems(config, spec) + needs_problems(model, source, asked, architecture)
    parts = parts_of(problems, model, chosen, config, asked, architecture)
    attempt(problems, check_score_options, model, asked.score_options)
    problems += batch_problems(config, asked, world) + sync_problems(asked, device, world)
    if asked.mirror and "index" in model.needs:
        problems.append(f"{architecture} knows its images by number, so none may be mirrored: leave out --mirror.")
    if problems or source is None:
        raise InvalidOptions(problems)
    found = registry().find("architecture", architecture)
    plan = Plan(
        architecture,
        config,
        parts,
        spec,
        choice_of(source_text, source, asked, reference),
        settings_of(asked, config, device),
        origin,
        {"plugin": found.plugin, "distribution": found.distribution, "version": found.version},
    )
    return plan, source


def attempt(problems: list[str], action: Any, *arguments: Any) -> Any:
    """The result of `action`, or None with its complaint among the problems."""
    try:
        return action(*arguments)
    except InvalidOptions as error:
        problems += error.problems
    except ZooError as error:
        problems.append(str(error))
    return None


def settled(source_text: str) -> str:
    """A path that stays true from another working directory; a name as it is."""
    path = Path(source_text).expanduser()
    return str(path.absolute()) if path.exists() else source_text


def usual_spec(source: Source, asked: Asked) -> DataSpec:
    """The data as the model will see it: at the size asked for, or the largest usual one below the images'."""
    side, grey = looks(source)
    items = source.items
    return DataSpec(
        resolution=asked.resolution or min(1 << (side.bit_length() - 1), USUAL_RESOLUTION),
        channels=asked.channels or (1 if grey else 3),
        classes=len(source.classes),
        items=len(items),
        class_names=source.classes,
    )


def choice_of(source_text: str, source: Source, asked: Asked, reference: str) -> DataChoice:
    """Which images, and how they are prepared."""
    where, fingerprint = settled(source.reference or source_text), source.fingerprint()
    return DataChoice(where, fingerprint, asked.crop, asked.cache, asked.mirror, reference, asked.pair)


def source_channels(source: Source, asked: Asked) -> int:
    """Of the pictures of domain A: as asked, or grey where all are; 0 without such pictures."""
    if source.other is None and "source" not in source.fields:
        return 0
    if asked.source_channels is not None:
        return asked.source_channels
    grey = looks(source.other)[1] if source.other is not None else looks(source.at(64, "center"), "source")[1]
    return 1 if grey else 3


def text_reference(problems: list[str], model: type[Model], asked: Asked, architecture: str) -> str:
    """What embeds the captions of a model that reads text; empty for one that does not."""
    if "text" in model.needs or (asked.condition == "text" and "text" in model.conditions):
        return asked.text_encoder or USUAL
    if asked.text_encoder:
        problems.append(f"{architecture} reads no text, so it takes no --text-encoder {asked.text_encoder}.")
    return ""


def texted_spec(spec: DataSpec, source: Source | None, reference: str) -> DataSpec:
    """The data's specification with what its captions become. Raises ZooError for captions that are missing."""
    encoder = text_encoder(reference)
    if source is not None and encoder.needs_captions:
        check_captions([item.key for item in source.items], [item.captions for item in source.items], source.name)
    return replace(spec, text_dim=encoder.dim, text_encoder=encoder.identity)


def configure(config: Any, asked: Asked, architecture: str) -> Any:
    """The preset's configuration with the user's keys."""
    given = dict(asked.options)
    if asked.batch is not None and asked.batch > 0:
        given["batch"] = asked.batch
    if asked.condition is not None and hasattr(config, "condition"):
        given["condition"] = asked.condition
    return changed(config, given, where=architecture)


def check_score_options(model: type[Model], words: Sequence[str]) -> None:
    """Raise InvalidOptions for options of sampling that the model does not take."""
    bind(model.inputs, score_pairs(words), where="score_options")


def needs_problems(model: type[Model], source: Source | None, asked: Asked, architecture: str) -> list[str]:
    """Fields the model needs and the data lacks; conditions it does not take."""
    problems = []
    takes = model.conditions
    if asked.condition not in (None, "none") and asked.condition not in takes:
        can = f"it takes {', '.join(takes)}" if takes else "it draws unconditional images"
        problems.append(f"{architecture} takes no --condition {asked.condition}; {can}.")
    if source is not None:
        has = {"index", *source.fields, *(["label"] if source.classes else []), *TEXT_FIELDS}  # text was checked
        has |= ({"wrong_image"} if len(source) > 1 else set()) | ({"source"} if source.other is not None else set())
        lacking = [name for name in model.needs if name not in has]
        if lacking:
            problems.append(f"{architecture} needs {', '.join(lacking)}, which {source.name} does not have.")
        if "source" in lacking:
            problems[-1] += " Two domains are made by --pair ab, ba or edges, or lie in `ganzoo list --tag paired`."
        if "source" in model.needs and model.pairs and source.other is not None:
            problems.append(
                f"{architecture} learns from pairs, and the domains of {source.name} are none. Folders A/ and B/ with "
                "equal names are pairs, and --pair ab:match=names makes others; or take a model without pairs."
            )
    if asked.pair and "source" not in model.needs:
        problems.append(f"{architecture} reads no second picture, so it takes no --pair {asked.pair}; leave it out.")
    return problems


def parts_of(
    problems: list[str], model: type[Model], chosen: Preset, config: Any, asked: Asked, architecture: str
) -> Parts | None:
    """The merged parts, or None for a model that plays no game."""
    base = chosen.parts or usual_parts(model, config)
    if base is None:
        given = asked.loss or asked.regularize or asked.augment or asked.discriminator
        if given:
            problems.append(f"{architecture} plays no adversarial game, so it takes no loss and no discriminator.")
        return None
    merged, wrong = merge_parts(base, asked)
    problems += wrong or misfits(architecture, merged)
    return continued(merged) if asked.origin and not wrong else merged


def continued(parts: Parts) -> Parts:
    """The parts of a run that starts from trained weights: options that an entry's trait `continued` states are set
    where they were not given."""
    augment = parts.augment if parts.augment == "none" else continued_part("augmentation", parts.augment)
    regularizers = tuple(continued_part("regularizer", text) for text in parts.regularizers)
    return replace(parts, loss=continued_part("loss", parts.loss), regularizers=regularizers, augment=augment)


def continued_part(kind: str, text: str) -> str:
    """One reference of them."""
    reference = parse(text)
    usual = registry().find(kind, reference.qualified).entry.traits.get("continued", "")
    options = dict(pair.split("=", 1) for pair in usual.split(",") if pair)
    return str(replace(reference, options={**options, **reference.options})) if options else text


def merge_parts(base: Parts, asked: "Asked") -> tuple[Parts, list[str]]:
    """The preset's parts with what the user asked for in their place, and what is wrong with that."""
    problems: list[str] = []
    replacing: list[str] = []
    joining: list[str] = []
    for text in asked.discriminator:
        try:
            (joining if role(text) == "join" else replacing).append(text)
        except ZooError as error:
            problems.append(str(error))
    if len(replacing) > 1:
        problems.append(f"only one discriminator can replace the model's own; given: {', '.join(replacing)}.")
    regularizers = tuple(text for text in asked.regularize if text != "none")
    parts = Parts(
        loss=asked.loss or base.loss,
        regularizers=regularizers if asked.regularize else base.regularizers,
        augment=asked.augment or base.augment,
        discriminator=replacing[0] if replacing else base.discriminator,
        allies=tuple(joining) or base.allies,
        backbones=tuple(asked.backbone) or base.backbones,
    )
    return parts, problems + check_parts(parts)


def misfits(architecture: str, parts: Parts) -> list[str]:
    """What of these parts does not combine, in sentences."""
    replacing = [] if parts.discriminator == "own" else [parts.discriminator]
    discriminators = [*replacing, *parts.allies]
    found = combine(architecture, parts.loss, parts.regularizers, parts.augment, discriminators, parts.backbones)
    return [str(refusal) for refusal in found]


def check_parts(parts: Parts) -> list[str]:
    """Names and options of every part that no registered entry has, in sentences."""
    named = [("loss", parts.loss), *(("regularizer", text) for text in parts.regularizers)]
    named += [("augmentation", parts.augment)] if parts.augment != "none" else []
    named += [("discriminator", parts.discriminator)] if parts.discriminator != "own" else []
    named += [("discriminator", text) for text in parts.allies]
    named += [("backbone", text) for text in parts.backbones]
    return [problem for kind, text in named for problem in check_part(kind, text)]


def check_part(kind: str, text: str) -> list[str]:
    """What is wrong with one reference; empty when nothing is."""
    try:
        reference = parse(text)
        target = registry().load(kind, reference.qualified)
        options = {name: value for name, value in reference.options.items() if name != "role"}
        bind(target, options, where=f"{kind} '{reference.name}'")
    except InvalidOptions as error:
        return list(error.problems)
    except ZooError as error:
        return [str(error)]
    return []


def check_metrics(names: Sequence[str]) -> list[str]:
    """What is wrong with these metrics, in sentences."""
    problems: list[str] = []
    attempt(problems, find_metrics, names)
    return problems


def check_numbers(asked: Asked) -> list[str]:
    """Options out of their range."""
    wanted = {
        "resolution": (asked.resolution, 4, 4096),
        "channels": (asked.channels, 1, 3),
        "source-channels": (asked.source_channels, 1, 3),
        "kimg": (asked.kimg, 1e-6, None),
        "minutes": (asked.minutes, 1e-6, None),
        "batch": (asked.batch, 1, None),
        "microbatches": (asked.microbatches, 1, None),
        "seed": (asked.seed, 0, 2**32 - 1),
        "snapshot-kimg": (asked.snapshot_kimg, 1e-6, None),
        "checkpoint-minutes": (asked.checkpoint_minutes, 0, None),
        "keep-kimg": (asked.keep_kimg, 0, None),
        "score-kimg": (asked.score_kimg, 0, None),
        "score-samples": (asked.score_samples, 2, None),
    }
    problems = []
    for name, (value, low, high) in wanted.items():
        if value is not None and not (low <= value and (high is None or value <= high)):
            bound = f"at least {low:g}" if high is None else f"between {low:g} and {high:g}"
            problems.append(f"--{name} is {value:g}; it must be {bound}.")
    for name, number in (("channels", asked.channels), ("source-channels", asked.source_channels)):
        if number == 2:
            problems.append(f"--{name} is 2; images are grey (1) or RGB (3).")
    for name, text, known in [
        ("precision", asked.precision, ("auto", "fp32", "bf16")),
        ("crop", asked.crop, ("center", "none")),
        ("cache", asked.cache, ("auto", "raw", "encoded", "none")),
    ]:
        if text not in known:
            problems.append(unknown(f"--{name}", text, known))
    return problems + check_metrics(asked.metrics)


def batch_problems(config: Any, asked: Asked, world: int) -> list[str]:
    """The batch must divide into processes and microbatches."""
    batch, pieces = getattr(config, "batch", 0), world * max(asked.microbatches, 1)
    if batch and batch % pieces:
        return [
            f"a batch of {batch} does not divide into {world} processes times {asked.microbatches} microbatches; "
            f"take --batch {-(-batch // pieces) * pieces}."
        ]
    return []


def sync_problems(asked: Asked, device: torch.device, world: int) -> list[str]:
    """Common batch statistics need several processes, each on a GPU."""
    if asked.sync_batch_norm and (world == 1 or device.type != "cuda"):
        return [f"--sync-batch-norm is for several CUDA processes; this is {world} on {device.type}: leave it out."]
    return []


def settings_of(asked: Asked, config: Any, device: torch.device) -> Settings:
    """The run's length and rhythm."""
    from zoo.training.device import choose_precision

    said = asked.kimg is not None or asked.minutes is not None  # either one replaces both of the preset's limits
    return Settings(
        kimg=(asked.kimg or 0.0) if said else config.kimg,
        minutes=(asked.minutes or 0.0) if said else config.minutes,
        seed=asked.seed,
        microbatches=asked.microbatches,
        precision=choose_precision(asked.precision, device),
        compile=asked.compile,
        sync_batch_norm=asked.sync_batch_norm,
        snapshot_kimg=asked.snapshot_kimg,
        checkpoint_minutes=asked.checkpoint_minutes,
        keep_kimg=asked.keep_kimg,
        metrics=asked.metrics,
        score_kimg=asked.score_kimg,
        score_samples=asked.score_samples,
        score_options=asked.score_options,
    )
