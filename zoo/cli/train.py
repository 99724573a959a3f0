"""`ganzoo train`."""

from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["train"]

MODEL, RUN = "Model", "Run"
BESIDE_RESUME = ("resume", "kimg", "minutes", "batch", "data", "device", "quiet", "yes")


def train(
    context: typer.Context,
    architecture: Annotated[str | None, typer.Argument(help="What to train; see `ganzoo list`.")] = None,
    data: Annotated[str | None, typer.Option(help="Folder, zip, parquet, hf:owner/name, or a name.")] = None,
    preset: Annotated[str, typer.Option(help="Named settings of the architecture.")] = "default",
    resolution: Annotated[int | None, typer.Option(help="Size of the images in pixels.")] = None,
    channels: Annotated[int | None, typer.Option(help="1 for grey, 3 for RGB; the data's by default.")] = None,
    kimg: Annotated[float | None, typer.Option(help="Length in thousands of images.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Length in minutes; the first limit reached ends.")] = None,
    batch: Annotated[int | None, typer.Option(help="Images per step, over all processes.")] = None,
    microbatches: Annotated[int, typer.Option(help="Parts of a batch, one after the other, to save memory.")] = 1,
    loss: Annotated[str | None, typer.Option(help="The game, such as hinge.", rich_help_panel=MODEL)] = None,
    regularize: Annotated[
        list[str] | None, typer.Option(help="Such as r1:gamma=1; none removes all.", rich_help_panel=MODEL)
    ] = None,
    augment: Annotated[
        list[str] | None, typer.Option(help="What D sees, such as diffaugment; or none.", rich_help_panel=MODEL)
    ] = None,
    discriminator: Annotated[
        list[str] | None, typer.Option(help="One that replaces the own, or joins it.", rich_help_panel=MODEL)
    ] = None,
    backbone: Annotated[
        list[str] | None, typer.Option(help="Frozen network for discriminators.", rich_help_panel=MODEL)
    ] = None,
    condition: Annotated[str | None, typer.Option(help="none, label or text.", rich_help_panel=MODEL)] = None,
    text_encoder: Annotated[
        str | None,
        typer.Option(help="What embeds captions: minilm, hashed, clip:MODEL@TAG.", rich_help_panel=MODEL),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="KEY=VALUE", help="An option of the architecture.", rich_help_panel=MODEL),
    ] = None,
    pair: Annotated[str, typer.Option(help="Read the data as two domains: ab, ba or edges.")] = "",
    source_channels: Annotated[
        int | None, typer.Option(help="Of the pictures to translate: 1 or 3; the data's by default.")
    ] = None,
    crop: Annotated[str, typer.Option(help="center, or none to squeeze.")] = "center",
    cache: Annotated[str, typer.Option(help="auto, raw, encoded or none.")] = "auto",
    mirror: Annotated[bool, typer.Option("--mirror", help="Show every second image mirrored.")] = False,
    seed: Annotated[int, typer.Option(help="Of weights, latents and data order.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32 or bf16.")] = "auto",
    compile_: Annotated[bool, typer.Option("--compile", help="Compile the generator.")] = False,
    sync_batch_norm: Annotated[
        bool, typer.Option("--sync-batch-norm", help="Batch statistics over all GPUs, not each its own.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Run folder; runs/NNNNN-... by default.", rich_help_panel=RUN)
    ] = None,
    from_: Annotated[
        str, typer.Option("--from", help="Start from RUN, RUN@best, or an official .pkl or .pth.", rich_help_panel=RUN)
    ] = "",
    resume: Annotated[Path | None, typer.Option(help="Go on with this run.", rich_help_panel=RUN)] = None,
    snapshot_kimg: Annotated[float, typer.Option(help="First gap between sample grids.", rich_help_panel=RUN)] = 2.0,
    checkpoint_minutes: Annotated[float, typer.Option(help="Save at least this often.", rich_help_panel=RUN)] = 5.0,
    keep_kimg: Annotated[float, typer.Option(help="Keep a checkpoint every so often.", rich_help_panel=RUN)] = 0.0,
    metrics: Annotated[
        str, typer.Option(help="Scores on the way, such as fd-efficientnet-lite2,kid.", rich_help_panel=RUN)
    ] = "none",
    score_kimg: Annotated[
        float, typer.Option(help="Gap between scores; 0 scores with every grid.", rich_help_panel=RUN)
    ] = 0.0,
    score_samples: Annotated[int, typer.Option(help="Samples of a score.", rich_help_panel=RUN)] = 2000,
    score_set: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="How a score's samples are drawn: truncation=0.7.", rich_help_panel=RUN),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Agree beforehand to downloads of data.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and print everything, train nothing.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Train a GAN on images, or go on with a run: ganzoo train dcgan --data emoji."""
    from zoo.data.consent import agree

    agree(yes)
    if resume is not None:
        refuse_beside_resume(context)
        go_on(resume, data, kimg, minutes, batch, device, quiet)
        return
    asked: dict[str, Any] = {
        "preset": preset,
        "resolution": resolution,
        "channels": channels,
        "kimg": kimg,
        "minutes": minutes,
        "batch": batch,
        "microbatches": microbatches,
        "loss": loss,
        "regularize": tuple(regularize or ()),
        "augment": only(augment or []),
        "discriminator": tuple(discriminator or ()),
        "backbone": tuple(backbone or ()),
        "condition": condition,
        "text_encoder": text_encoder,
        "seed": seed,
        "precision": precision,
        "compile": compile_,
        "sync_batch_norm": sync_batch_norm,
        "pair": pair,
        "source_channels": source_channels,
        "crop": crop,
        "cache": cache,
        "mirror": mirror,
        "snapshot_kimg": snapshot_kimg,
        "checkpoint_minutes": checkpoint_minutes,
        "keep_kimg": keep_kimg,
        "metrics": metrics,
        "score_kimg": score_kimg,
        "score_samples": score_samples,
        "score_options": tuple(score_set or ()),
        "origin": from_,
    }
    begin(architecture, data, asked, pairs(option or []), device, out, dry_run, quiet)


def only(augment: list[str]) -> str | None:
    """The one augmentation, if any."""
    from zoo.errors import InvalidOptions

    if len(augment) > 1:
        given = " and ".join(augment)
        raise InvalidOptions([f"--augment takes one entry, given: {given}; ada joins operations: ada:pipe=bgc+cutout."])
    return augment[0] if augment else None


def begin(
    architecture: str | None,
    data: str | None,
    asked: dict[str, Any],
    options: dict[str, object],
    device: str,
    out: Path | None,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Start a new run, or say what it would be."""
    from zoo.errors import InvalidOptions

    missing = []
    if architecture is None:
        missing.append("no architecture given; `ganzoo list architectures` shows them: ganzoo train dcgan --data emoji")
    if data is None:
        missing.append("no data given; a folder, a zip, or one of `ganzoo list datasets`: --data emoji")
    if architecture is None or data is None:
        raise InvalidOptions(missing)
    if dry_run:
        from zoo.training.dry_run import dry_run as described

        typer.echo(described(architecture, data, out=out, device=device, options=options, **asked))
        return
    from zoo.training.run import Interrupted, train

    try:
        train(architecture, data, out=out, device=device, quiet=quiet, options=options, **asked)
    except Interrupted as stopped:
        typer.echo(str(stopped), err=True)
        raise typer.Exit(stopped.code) from None


def go_on(
    run: Path,
    data: str | None,
    kimg: float | None,
    minutes: float | None,
    batch: int | None,
    device: str,
    quiet: bool,
) -> None:
    """Resume a run."""
    from zoo.training.run import Interrupted, resume

    try:
        resume(run, kimg=kimg, minutes=minutes, batch=batch, data=data, device=device, quiet=quiet)
    except Interrupted as stopped:
        typer.echo(str(stopped), err=True)
        raise typer.Exit(stopped.code) from None


def refuse_beside_resume(context: typer.Context) -> None:
    """A resumed run keeps its own settings: only those of BESIDE_RESUME may be given anew."""
    from zoo.errors import InvalidOptions

    sources = {name: context.get_parameter_source(name) for name in context.params}
    given = [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]
    names = [name.strip("_").replace("_", "-") for name in given if name not in BESIDE_RESUME]
    if names:
        raise InvalidOptions(
            [f"--resume goes on with the run's own settings, so it takes no {', '.join(names)}; for a new run: --from."]
        )


def pairs(given: list[str]) -> dict[str, object]:
    """`key=value` words as a dictionary."""
    from zoo.errors import InvalidOptions

    wrong = [word for word in given if "=" not in word]
    if wrong:
        raise InvalidOptions([f"-s {word}: options are written key=value, such as -s z_dim=256." for word in wrong])
    return {key: value for key, _, value in (word.partition("=") for word in given)}
