"""`ganzoo mix`."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["mix"]


def mix(
    model: Annotated[str, typer.Argument(help="A run or model folder, hf:owner/name, or an official .pkl or .pth.")],
    rows: Annotated[str, typer.Option(help="Seeds whose pictures keep their layout: 0-3, or 3,14,15.")] = "0-3",
    columns: Annotated[str, typer.Option(help="Seeds that lend their styles: 4-9.")] = "4-9",
    layers: Annotated[str, typer.Option(help="Layers whose styles are lent; coarse ones come first.")] = "0-3",
    out: Annotated[Path, typer.Option(help="A .png, .jpg or .webp sheet.")] = Path("mix.png"),
    which: Annotated[str, typer.Option(help="last, best, or a kept checkpoint.")] = "last",
    option: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="KEY=VALUE", help="An option of the model, such as truncation=0.7."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
) -> None:
    """Cross the styles of pictures: ganzoo mix RUN --rows 0-3 --columns 4-9 --layers 0-3 --out mix.png."""
    from zoo.cli.output import check_picture, numbers, ready_parent
    from zoo.cli.train import pairs
    from zoo.pictures import grid, save
    from zoo.styles import mixed
    from zoo.training.device import choose_device
    from zoo.use import load

    check_picture(out)
    left, top, lent = (numbers(text, name) for text, name in ((rows, "rows"), (columns, "columns"), (layers, "layers")))
    loaded = load(model, which=which, device=str(choose_device(device)))
    images = mixed(loaded, left, top, lent, **pairs(option or []))
    ready_parent(out)
    save(grid(images, columns=len(top) + 1), out)
    typer.echo(f"{out}: styles of the top row in layers {layers} of the pictures at the left")
