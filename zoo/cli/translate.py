"""`ganzoo translate`."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["translate"]


def translate(
    model: Annotated[str, typer.Argument(help="A run or model folder, or an official .pth.")],
    pictures: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Pictures, folders of them, or globs.")],
    out: Annotated[Path, typer.Option(help="Folder for the results: PNG files of the inputs' names.")],
    to: Annotated[str, typer.Option(help="b, from domain A to B; or a, back, for models of both ways.")] = "b",
    seed: Annotated[int, typer.Option(help="Of what chance has a part in; picture i takes seed + i.")] = 0,
    which: Annotated[str, typer.Option(help="last, best, or a kept checkpoint.")] = "last",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
) -> None:
    """Translate pictures of any size: ganzoo translate runs/00001-pix2pix-emoji sketches/ --out painted."""
    from zoo.abilities import Translates, lacks
    from zoo.errors import InvalidOptions, ZooError
    from zoo.training.device import choose_device
    from zoo.translation import find_pictures, translate_files
    from zoo.use import load

    problems = []
    if to not in ("a", "b"):
        problems.append(f"--to is {to}; b and a are known.")
    if seed < 0:
        problems.append(f"--seed is {seed}; it must be at least 0.")
    if out.is_file():
        problems.append(f"--out {out} is a file; give a folder.")
    if problems:
        raise InvalidOptions(problems)
    found = find_pictures(pictures)
    loaded = load(model, which=which, device=str(choose_device(device)))
    if not isinstance(loaded, Translates):
        raise lacks(loaded, "translates no pictures", "translation")
    written, failed = translate_files(loaded, found, out, to="a" if to == "a" else "b", seed=seed)
    typer.echo(f"{out}: {len(written)} pictures, {written[0].name} ..." if written else f"{out}: nothing was written")
    if failed:
        named = "\n".join(f"  - {path}: {why}" for path, why in failed)
        raise ZooError(f"{len(failed)} of {len(found)} pictures could not be read:\n{named}")
