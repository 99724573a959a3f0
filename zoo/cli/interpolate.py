"""`ganzoo interpolate`."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["interpolate"]


def interpolate(
    model: Annotated[str, typer.Argument(help="A run or model folder, hf:owner/name, or an official .pkl or .pth.")],
    seeds: Annotated[str, typer.Option(help="Where the walk passes: 0-7, or 3,14,15.")] = "0-7",
    frames: Annotated[int, typer.Option(help="Frames between two seeds.")] = 24,
    out: Annotated[Path, typer.Option(help="A .gif, or a .png sheet with a row per pair of seeds.")] = Path("walk.gif"),
    size: Annotated[int, typer.Option(help="Enlarge each frame this many times.")] = 2,
    which: Annotated[str, typer.Option(help="last, best, or a kept checkpoint.")] = "last",
    option: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="KEY=VALUE", help="An option of the model, such as truncation=0.7."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
) -> None:
    """Walk between latents along the sphere and back: ganzoo interpolate RUN --out walk.gif."""
    from zoo.cli.output import parse_seeds, write_walk
    from zoo.cli.train import pairs
    from zoo.errors import InvalidOptions
    from zoo.training.device import choose_device
    from zoo.use import load, walk

    problems = []
    if frames < 1:
        problems.append(f"--frames is {frames}; it must be at least 1.")
    if not 1 <= size <= 16:
        problems.append(f"--size is {size}; it must be between 1 and 16.")
    if out.suffix.lower() not in (".gif", ".png"):
        problems.append(f"--out {out}: give a name that ends in .gif or .png.")
    if problems:
        raise InvalidOptions(problems)
    passed = parse_seeds(seeds)
    loaded = load(model, which=which, device=str(choose_device(device)))
    images = walk(loaded, passed, frames, **pairs(option or []))
    typer.echo(write_walk(images, out, frames, size))
