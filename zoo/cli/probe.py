"""`ganzoo probe`."""

import dataclasses
import json
from typing import Annotated

import typer

__all__ = ["probe"]


def probe(
    run: Annotated[str, typer.Argument(help="A run folder.")],
    data: Annotated[str, typer.Option(help="Labelled pictures: class folders, or a dataset such as emoji.")],
    test: Annotated[str | None, typer.Option(help="Labelled pictures to test on; else a fifth of the data.")] = None,
    which: Annotated[str, typer.Option(help="last, best, or a kept checkpoint.")] = "last",
    seed: Annotated[int, typer.Option(help="Of the parting of the data and of the random network.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Classify by a run's discriminator features, max-pooled to 4x4, with a linear SVM (Radford et al. 2015)."""
    from zoo.cli.table import columns
    from zoo.evaluation.probe import probe as measure

    found = measure(run, data, test=test, which=which, seed=seed, device=device)
    if json_:
        typer.echo(json.dumps([dataclasses.asdict(one) for one in found], indent=1))
        return
    rows = [["features", "accuracy", "number", "C"]]
    rows += [[one.features, f"{100 * one.accuracy:.1f} %", f"{one.dim:,}", f"{one.cost:g}"] for one in found]
    typer.echo("\n".join(columns(rows)))
    typer.echo(f"{found[0].train:,} images learnt from, {found[0].test:,} tested on.", err=True)
