"""`ganzoo eval`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from zoo.evaluation.score import Score

__all__ = ["evaluate", "lines"]


def evaluate(
    model: Annotated[str, typer.Argument(help="A model as for sample, or pictures: a folder, zip, .npz or dataset.")],
    data: Annotated[
        str | None, typer.Option(help="Real pictures: folder, zip, .npz or dataset; a model's own by default.")
    ] = None,
    metrics: Annotated[str, typer.Option(help="Such as fid,kid,pr,dc; see `ganzoo list metrics`.")] = "fid,kid,pr,dc",
    n: Annotated[int | None, typer.Option(help="Samples: 50000 of a model, else all pictures.")] = None,
    seed: Annotated[int, typer.Option(help="Sample i is that of seed + i.")] = 0,
    which: Annotated[str, typer.Option(help="last, best, or a kept checkpoint.")] = "last",
    held_out: Annotated[str | None, typer.Option(help="Real pictures not trained on, for memorisation.")] = None,
    resolution: Annotated[int | None, typer.Option(help="Size at which pictures are compared; their own.")] = None,
    pair: Annotated[str | None, typer.Option(help="How the data is two domains: ab, ba or edges; as the run.")] = None,
    baseline: Annotated[
        str, typer.Option(help="identity scores what a translation reads in place of what it makes.")
    ] = "none",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="fp32, or bf16 (another protocol).")] = "fp32",
    option: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="KEY=VALUE", help="An option of the model, such as truncation=0.7."),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print values with their whole protocol as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no remarks.")] = False,
) -> None:
    """Score samples against real pictures: ganzoo eval runs/00001-dcgan-emoji --metrics fd-efficientnet-lite2."""
    from zoo.cli.train import pairs
    from zoo.evaluation.evaluate import evaluate as measure

    scores = measure(
        model,
        data,
        metrics,
        n=n,
        seed=seed,
        which=which,
        held_out=held_out,
        resolution=resolution,
        pair=pair,
        baseline=baseline,
        device=device,
        precision=precision,
        quiet=quiet,
        **pairs(option or []),
    )
    if json_:
        typer.echo(json.dumps([score.to_json() for score in scores], indent=1))
        return
    typer.echo("\n".join(lines(scores)))
    for note in dict.fromkeys(note for score in scores for note in score.notes):
        typer.echo(f"Note: {note}", err=True)
    if (Path(model) / "config.json").is_file() and baseline == "none":
        typer.echo(f"Kept with its protocol in {Path(model) / 'scores.json'}", err=True)


def lines(scores: "list[Score]") -> list[str]:
    """Name, values and the most important of the protocol, aligned."""
    from zoo.cli.table import columns

    rows = [["score", "value", "samples", "reference"]]
    for score in scores:
        reference, samples = score.protocol["reference"], score.protocol["samples"]
        where = f"{reference['source']} ({reference['n']:,}, {reference['split']})"
        rows.append([score.name, score.shown(), f"{samples['n']:,}", where])
    return columns(rows)
