"""`ganzoo sample`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from zoo.data.spec import DataSpec

__all__ = ["sample"]

WHOLE, ROW = 64, 8  # pictures without --n: of a grid, of each labelled row

Row = tuple[str, dict[str, Any]]
"""What stands beside a row, and the options that its pictures are drawn with."""


def sample(
    model: Annotated[str, typer.Argument(help="A run or model folder, hf:owner/name, or an official .pkl or .pth.")],
    n: Annotated[
        int | None, typer.Option(help=f"How many pictures: {WHOLE}, or {ROW} for each caption or class.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Picture i is that of seed + i, in every row.")] = 0,
    out: Annotated[
        Path,
        typer.Option(help="A .png (or .jpg, .webp) grid, an .npz of uint8 [N,H,W,C], or a folder of single files."),
    ] = Path("samples.png"),
    text: Annotated[list[str] | None, typer.Option(help="A caption, which becomes a row; repeats.")] = None,
    text_file: Annotated[Path | None, typer.Option(help="A file of captions, one a line.")] = None,
    class_: Annotated[
        list[str] | None, typer.Option("--class", help="A class by name or number, a row; repeats. all is every one.")
    ] = None,
    which: Annotated[str, typer.Option(help="last, best, or a kept checkpoint.")] = "last",
    columns: Annotated[int, typer.Option(help="Columns of the grid; 0 makes it square.")] = 0,
    option: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="KEY=VALUE", help="An option of the model, such as truncation=0.7."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
) -> None:
    """Draw pictures from a trained model: ganzoo sample RUN --n 64 --out grid.png.

    Captions or classes make a row each: ganzoo sample RUN --text "a red apple" --text "blue sky" --n 4
    """
    from zoo.cli.output import check_samples, write_rows, write_samples
    from zoo.cli.train import pairs
    from zoo.training.device import choose_device
    from zoo.use import load

    captions = check(n, seed, columns, text or [], text_file, class_ or [])
    check_samples(out)
    options: dict[str, Any] = pairs(option or [])
    loaded = load(model, which=which, device=str(choose_device(device)))
    if rows := rows_of(loaded.data, captions, class_ or []):
        images = [loaded.sample(n or ROW, seed, **{**options, **one}) for _, one in rows]
        typer.echo(write_rows(images, [label for label, _ in rows], out, seed))
        return
    typer.echo(write_samples(loaded.sample(n or WHOLE, seed, **options), out, seed, columns))


def check(
    n: int | None, seed: int, columns: int, text: Sequence[str], text_file: Path | None, classes: Sequence[str]
) -> list[str]:
    """The captions that are asked for. Raises InvalidOptions with everything that is wrong."""
    from zoo.errors import InvalidOptions

    limits: Mapping[str, tuple[int | None, int]] = {"n": (n, 1), "seed": (seed, 0), "columns": (columns, 0)}
    problems = [
        f"--{name} is {value}; it must be at least {least}."
        for name, (value, least) in limits.items()
        if value is not None and value < least
    ]
    captions = [*text]
    if text_file is not None:
        try:
            lines = text_file.read_text(encoding="utf-8-sig").splitlines()
            captions += [line.strip() for line in lines if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"--text-file {text_file} is no UTF-8 text that can be read: {error}.")
        else:
            problems += [] if captions else [f"--text-file {text_file} holds no caption; write one a line."]
    if not all(map(str.strip, captions)):
        problems.append("--text is empty; say what the picture shows, such as --text 'a red apple'.")
    if captions and classes:
        problems.append("--text and --class each make rows of their own; give one of them, the other as -s.")
    if columns and (captions or classes):
        problems.append("--columns is for a grid without rows; with --text or --class, --n is the length of a row.")
    if problems:
        raise InvalidOptions(problems)
    return captions


def rows_of(data: "DataSpec", captions: Sequence[str], classes: Sequence[str]) -> list[Row]:
    """A row for each caption, or for each class. Raises InvalidOptions for what the model does not know."""
    from zoo.errors import InvalidOptions
    from zoo.labels import class_number

    if classes and not data.classes:
        raise InvalidOptions(["--class was given, but this model was trained without labels."])
    every = list(range(data.classes))
    numbers = every if list(classes) == ["all"] else [class_number(data, word) for word in classes]
    labelled: list[Row] = [
        (data.class_names[number] if data.class_names else f"class {number}", {"class_": number}) for number in numbers
    ]
    return labelled or [(caption, {"text": (caption,)}) for caption in captions]
