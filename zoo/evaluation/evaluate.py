"""`zoo.evaluate`: scores of a run, or of pictures, against data."""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from zoo.data.decode import Crop
from zoo.data.embedding import embedded
from zoo.data.prepare import prepare
from zoo.data.prepared import Prepared
from zoo.data.source import Source, open_source
from zoo.errors import InvalidOptions, ZooError
from zoo.evaluation.judge import Judge, Tick
from zoo.evaluation.naming import find_metrics, split_names
from zoo.evaluation.reference import Reference
from zoo.evaluation.samples import InputSamples, ModelSamples, PictureSamples, Samples, read_npz
from zoo.evaluation.score import Score, keep
from zoo.model import Model
from zoo.options import bind
from zoo.places import place_of
from zoo.training.device import choose_device
from zoo.training.plan import Plan
from zoo.weights import folder_of, images_of, is_foreign, read_weights

__all__ = ["USUAL", "evaluate"]

USUAL = 50_000  # samples of a model

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is scored: a model, or pictures."""

    model: str | Path  # what names it; empty for pictures
    keeps: Path | None  # the run folder that keeps the scores
    source: Source | None  # None for a model
    facts: Mapping[str, Any]
    resolution: int
    channels: int
    crop: str
    trained_on: str = ""  # the model's data
    pair: str = ""  # how that is read as two domains
    source_channels: int = 0


def evaluate(
    subject: str | Path,
    data: str | Path | None = None,
    metrics: str | Sequence[str] = "fid,kid,pr,dc",
    *,
    n: int | None = None,
    seed: int = 0,
    which: str = "last",
    held_out: str | Path | None = None,
    resolution: int | None = None,
    pair: str | None = None,
    baseline: str = "none",
    device: str = "auto",
    precision: str = "fp32",
    quiet: bool = False,
    **options: object,
) -> list[Score]:
    """Score a model's samples, or the pictures of a folder, zip or .npz, against `data` (a model's own by default).

    A model is whatever `zoo.load` takes. `n` is the number of samples: 50,000 of a model, all pictures otherwise.
    Sample i is that of seed + i. `held_out` are real pictures the training did not see, for metrics that ask for them;
    a text model draws by their captions, or else by those of `data`. Pictures are brought to `resolution`, the model's
    or the samples' own by default. A model that reads pictures reads those of the data, read as two domains by `pair`
    (as the run's), of its test split by default; `baseline` "identity" scores in place of what it makes what it read.
    `options` are those of the model's `sample`, such as truncation=0.7; they are part of the protocol. A run keeps its
    scores in scores.json. Raises InvalidOptions with every problem, ZooError for data, weights or samples that cannot
    be used.
    """
    say = silent if quiet else told
    names = split_names(metrics) if isinstance(metrics, str) else tuple(metrics)
    problems = checked(names, n, seed, precision, baseline)
    if problems:
        raise InvalidOptions(problems)
    found = find_metrics(names)
    opened = subject_of(subject, which, resolution)
    if options and not opened.model:
        raise InvalidOptions([f"{', '.join(options)}: options of a model, and {subject} is pictures; leave them out."])
    place = choose_device(device)
    if not data and not opened.trained_on:
        raise InvalidOptions(
            [f"There are no real pictures to hold {subject} against; give them: --data FOLDER, or a dataset."]
        )
    model = ready(opened.model, which, str(place), options) if opened.model else None
    if baseline != "none" and (model is None or "source" not in model.reads):
        raise InvalidOptions(["--baseline identity shows what a translation reads, and this is none; leave it out."])
    reads = model is not None and bool(model.reads)
    domains = opened.pair if pair is None and reads else pair or ""
    reference = reference_of(data or opened.trained_on, opened, say, domains, beside=data is None and reads)
    others = None if held_out is None else reference_of(held_out, opened, say)
    with progress("reference", len(reference.prepared), quiet) as tick:
        judge = Judge(found, reference, held_out=others, device=place, precision=precision, tick=tick)
    if model is None:
        samples: Samples = pictures_of(opened, n, say)
    elif baseline != "none":
        samples = InputSamples(reference.prepared, opened.channels, n)
    else:
        captions = captions_for(model, (others or reference).prepared, say)
        samples = ModelSamples(model, n or judge.number(USUAL), seed, reference.prepared, options, captions=captions)
    with progress("samples", samples.n, quiet) as tick:
        scores = judge.score(samples, opened.facts, tick)
    if opened.keeps is not None and baseline == "none":
        keep(opened.keeps, scores)
    return scores


def checked(names: Sequence[str], n: int | None, seed: int, precision: str, baseline: str) -> list[str]:
    """Options out of range, in sentences."""
    problems = [] if names else ["no metric is given; ganzoo list metrics shows them: --metrics fid,kid"]
    if n is not None and n < 2:
        problems.append(f"--n is {n}; a score needs at least 2 samples.")
    if not 0 <= seed < 2**32:
        problems.append(f"--seed is {seed}; it must be between 0 and {2**32 - 1}.")
    if precision not in ("fp32", "bf16"):
        problems.append(f"--precision is {precision}; fp32 and bf16 are known.")
    if baseline not in ("none", "identity"):
        problems.append(f"--baseline is {baseline}; none and identity are known.")
    return problems


def subject_of(where: str | Path, which: str, resolution: int | None) -> Subject:
    """The model or the pictures behind a word."""
    path = Path(where).expanduser()
    if (path / "config.json").is_file():
        return run_of(path, which, resolution)
    if place_of(where).kind != "disk" or is_foreign(where):
        return subject_from(where, None, read_weights(where, which).plan, {"run": str(where)}, resolution)
    if path.suffix.lower() in (".npz", ".npy") and path.is_file():
        source: Source = read_npz(path)
    elif path.exists() or ":" in str(where) or re.fullmatch(r"[a-z0-9-]+", str(where)):
        source = open_source(where)
    else:
        source = open_source(folder_of(where))  # says which runs there are
    if len(source) < 2:
        raise ZooError(f"{where} has {len(source)} picture; a score needs at least two.")
    side, channels = resolution or side_of(source), channels_of(source)
    facts = {"pictures": str(where), "fingerprint": source.fingerprint()}
    return Subject("", None, source, facts, side, channels, "center")


def run_of(folder: Path, which: str, resolution: int | None) -> Subject:
    """A run with what its training saw."""
    facts = {"run": folder.name, "images": images_of(folder, which)}
    return subject_from(folder, folder, Plan.read(folder), facts, resolution)


def subject_from(
    where: str | Path, keeps: Path | None, plan: Plan, facts: Mapping[str, Any], resolution: int | None
) -> Subject:
    """A model with what its plan tells."""
    spec = plan.data
    if resolution not in (None, spec.resolution):
        raise InvalidOptions([f"--resolution is {resolution}, and the model draws pictures of {spec.resolution} px."])
    told = {**facts, "architecture": plan.architecture, "judges": plan.judges()}
    kind = spec.resolution, spec.channels, plan.choice.crop
    return Subject(where, keeps, None, told, *kind, plan.choice.source, plan.choice.pair, spec.source_channels)


def side_of(source: Source) -> int:
    """The size at which pictures are compared: the middle one of their shorter sides."""
    from zoo.data.looks import looks

    return looks(source)[0]


def channels_of(source: Source) -> int:
    """1 where all pictures are grey."""
    from zoo.data.looks import looks

    return 1 if looks(source)[1] else 3


def reference_of(data: str | Path, opened: Subject, say: Say, pair: str = "", *, beside: bool = False) -> Reference:
    """The data that samples are held against, at their size and in their channels; `beside`, its test split."""
    path = Path(data).expanduser()
    array = path.suffix.lower() in (".npz", ".npy") and path.is_file()
    source = read_npz(path) if array else open_source(data, pair=pair)
    if beside and (test := source.held_out()) is not None:
        source = test
    elif beside:
        say(f"{data} has no test split beside what the run was trained on: these scores are of training pictures.")
    channels = opened.channels
    if not opened.model and channels != channels_of(source):
        raise ZooError(
            f"The samples are {kind(channels)} and the reference {data} is {kind(4 - channels)}: score pictures of one "
            "kind."
        )
    prepared = prepare(
        source,
        size=opened.resolution,
        channels=channels,
        source_channels=opened.source_channels or None,
        crop=cast(Crop, opened.crop),
        cache="auto",
        say=silent,
    )
    if prepared.skipped:
        say(f"{len(prepared.skipped)} of the reference's files cannot be read and are left out: {prepared.skipped[0]}")
    return Reference(prepared, str(data), say)


def captions_for(model: Model, prepared: Prepared, say: Say) -> Prepared | None:
    """Captions that a text model draws its samples by, embedded as in its training; None where there are none."""
    if "text" not in model.needs or not prepared.captions:
        return None
    return embedded(prepared, model.data.text_encoder, "", say)


def kind(channels: int) -> str:
    """In words."""
    return "grey" if channels == 1 else "coloured"


def ready(where: str | Path, which: str, device: str, options: Mapping[str, object]) -> Model:
    """The model, which takes these options. Raises InvalidOptions for others, before anything is computed."""
    from zoo.use import load

    model = load(where, which=which, device=device)
    model.inputs(1, 0, **bind(model.inputs, options, where=type(model).__name__))
    return model


def pictures_of(opened: Subject, n: int | None, say: Say) -> PictureSamples:
    """The pictures to score."""
    assert opened.source is not None
    crop = cast(Crop, opened.crop)
    prepared = prepare(
        opened.source, size=opened.resolution, channels=opened.channels, crop=crop, cache="auto", say=silent
    )
    if prepared.skipped:
        say(f"{len(prepared.skipped)} of the samples' files cannot be read and are left out: {prepared.skipped[0]}")
    return PictureSamples(prepared, n)


@contextmanager
def progress(what: str, total: int, quiet: bool) -> Iterator[Tick]:
    """A bar on a terminal, nothing elsewhere; it appears with the first tick."""
    if quiet or not sys.stderr.isatty():
        yield lambda n: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(24), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total, visible=False)
        yield lambda n: bar.update(task, advance=n, visible=True)


def told(text: str) -> None:
    """Something a user should read."""
    print(text, file=sys.stderr, flush=True)


def silent(text: str) -> None:
    """Nothing."""
