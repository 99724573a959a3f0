"""`ganzoo sample`."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["sample"]


def sample(
    model: Annotated[str, typer.Argument(help="A run or model folder, hf:owner/name, or an official .pkl or .pth.")],
    n: Annotated[int, typer.Option(help="How many pictures.")] = 64,
    seed: Annotated[int, typer.Option(help="Picture i is that of seed + i.")] = 0,
    out: Annotated[
        Path,
        typer.Option(help="A .png (or .jpg, .webp) grid, an .npz of uint8 [N,H,W,C], or a folder of single files."),
    ] = Path("samples.png"),
    which: Annotated[str, typer.Option(help="last, best, or a kept checkpoint.")] = "last",
    columns: Annotated[int, typer.Option(help="Columns of the grid; 0 makes it square.")] = 0,
    option: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="KEY=VALUE", help="An option of the model, such as truncation=0.7."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
) -> None:
    """Draw pictures from a trained model: ganzoo sample runs/00001-dcgan-emoji --n 64 --out grid.png."""
    from zoo.cli.output import check_samples, write_samples
    from zoo.cli.train import pairs
    from zoo.errors import InvalidOptions
    from zoo.training.device import choose_device
    from zoo.use import load

    problems = []
    if n < 1:
        problems.append(f"--n is {n}; it must be at least 1.")
    if seed < 0:
        problems.append(f"--seed is {seed}; it must be at least 0.")
    if columns < 0:
        problems.append(f"--columns is {columns}; it must be at least 0.")
    if problems:
        raise InvalidOptions(problems)
    check_samples(out)
    loaded = load(model, which=which, device=str(choose_device(device)))
    images = loaded.sample(n, seed, **pairs(option or []))  # type: ignore[arg-type]
    typer.echo(write_samples(images, out, seed, columns))
