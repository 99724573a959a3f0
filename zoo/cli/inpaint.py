"""`ganzoo inpaint`."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["inpaint"]


def inpaint(
    model: Annotated[str, typer.Argument(help="A run or model folder, or an official .pth.")],
    pictures: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Pictures, folders of them, or globs.")],
    out: Annotated[Path, typer.Option(help="A .png for one picture, or a folder: PNG files of the inputs' names.")],
    mask: Annotated[
        Path | None, typer.Option(help="A black and white picture, white to be filled; else a hole as in training.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of holes and of what is drawn by chance; picture i takes seed + i.")] = 0,
    which: Annotated[str, typer.Option(help="last, best, or a kept checkpoint.")] = "last",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
) -> None:
    """Fill what is missing, all else stays: ganzoo inpaint RUN photo.png --mask hole.png --out filled.png."""
    from zoo.abilities import Inpaints, lacks
    from zoo.cli.output import ready_parent
    from zoo.data.decode import CorruptImageError
    from zoo.errors import InvalidOptions, ZooError
    from zoo.pictures import save
    from zoo.training.device import choose_device
    from zoo.translation import find_pictures, read_picture
    from zoo.use import load

    problems = []
    if seed < 0:
        problems.append(f"--seed is {seed}; it must be at least 0.")
    if out.suffix and out.suffix.lower() != ".png":
        problems.append(f"--out {out}: give a .png, which keeps known pixels as they are, or a folder.")
    found = find_pictures(pictures)
    if out.suffix and len(found) > 1:
        problems.append(f"--out {out} is one file for {len(found)} pictures; give a folder.")
    if not out.suffix and out.is_file():
        problems.append(f"--out {out} is a file; give a folder.")
    if problems:
        raise InvalidOptions(problems)
    try:
        given = None if mask is None else read_picture(mask)
    except CorruptImageError as error:
        raise ZooError(f"--mask {mask}: {error}.") from error
    loaded = load(model, which=which, device=str(choose_device(device)))
    if not isinstance(loaded, Inpaints):
        raise lacks(loaded, "fills no holes", tag="inpainting")
    failed = []
    for i, (path, name) in enumerate(found.items()):
        result = out if out.suffix else out / f"{name}.png"
        try:
            filled = loaded.inpaint(read_picture(path), given, seed=seed + i)
        except (ZooError, CorruptImageError) as error:
            failed.append(f"{path}: {error}")
            continue
        ready_parent(result)
        save(filled, result)
        typer.echo(f"{result}")
    if failed:
        named = "\n".join(f"  - {problem}" for problem in failed)
        raise ZooError(f"{len(failed)} of {len(found)} pictures could not be filled:\n{named}")
