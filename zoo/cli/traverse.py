"""`ganzoo traverse`."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["traverse"]


def traverse(
    model: Annotated[str, typer.Argument(help="A run or model folder, hf:owner/name, or an official .pkl or .pth.")],
    out: Annotated[Path, typer.Option(help="A .png, .jpg or .webp sheet.")] = Path("traverse.png"),
    code: Annotated[list[str] | None, typer.Option(help="Only this code, by its name; repeats.")] = None,
    columns: Annotated[int, typer.Option(help="Pictures in a row.")] = 10,
    seeds: Annotated[str, typer.Option(help="Seeds whose other inputs stay: 0, or 0-3 for as many rows.")] = "0",
    coordinates: Annotated[int, typer.Option(help="How many latent coordinates, where no code has a name.")] = 8,
    which: Annotated[str, typer.Option(help="last, best, or a kept checkpoint.")] = "last",
    option: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="KEY=VALUE", help="An option of the model, such as truncation=0.7."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
) -> None:
    """Turn one input in each row while all others stay: ganzoo traverse RUN --out traverse.png."""
    from zoo.cli.output import check_picture, numbers, ready_parent
    from zoo.cli.train import pairs
    from zoo.errors import InvalidOptions
    from zoo.pictures import beside, grid, save
    from zoo.training.device import choose_device
    from zoo.traverse import chosen_codes, traversal
    from zoo.use import load

    limits = {"columns": (columns, 2), "coordinates": (coordinates, 1)}
    problems = [
        f"--{name} is {value}; it must be at least {least}." for name, (value, least) in limits.items() if value < least
    ]
    if problems:
        raise InvalidOptions(problems)
    check_picture(out)
    kept = numbers(seeds, "seeds")
    loaded = load(model, which=which, device=str(choose_device(device)))
    codes = chosen_codes(loaded, code or [], coordinates)
    images, labels = traversal(loaded, codes, kept, columns, pairs(option or []))
    ready_parent(out)
    save(beside(grid(images, columns=columns), labels), out)
    typer.echo(f"{out}: {len(labels)} rows of {columns}: {', '.join(one.name for one in codes)}")
