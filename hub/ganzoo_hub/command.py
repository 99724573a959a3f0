"""`ganzoo import`."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["import_embeddings", "import_model"]


def import_model(
    file: Annotated[str, typer.Argument(metavar="FILE_OR_URL", help="An official .pkl or .pth.")],
    out: Annotated[Path, typer.Option(help="A new folder for the model.")],
    as_: Annotated[
        str | None, typer.Option("--as", metavar="ARCH", help="Its architecture; told from the file if not given.")
    ] = None,
) -> None:
    """Take over official weights, running nothing in their file: ganzoo import ffhq.pkl --as stylegan2 --out ffhq."""
    from ganzoo_hub.download import local
    from ganzoo_hub.importing import import_file
    from zoo.training.run import check_new

    check_new(out)
    with local(file) as path:
        found = import_file(path, out, as_, source=file if path != Path(file) else "")
    plan, whole = found.plan, "generator, its average and discriminator" if found.live else "generator alone"
    data = plan.data
    kind = f"{data.resolution} px, {data.channels} channels" + (f", {data.classes} classes" if data.classes else "")
    typer.echo(f"{plan.architecture} at {kind} ({whole}) is in {out}.")
    typer.echo(f"Its terms: {plan.provenance['licence']}")
    typer.echo(f"Next: ganzoo sample {out} --n 16 --out grid.png")


def import_embeddings(
    folder: Annotated[Path, typer.Argument(help="With char-CNN-RNN-embeddings.pickle and filenames.pickle.")],
    out: Annotated[Path, typer.Option(help="A new .safetensors file.")],
) -> None:
    """Convert official caption embeddings, running nothing in their files: ganzoo import-embeddings birds/train."""
    from ganzoo_hub.embeddings import convert
    from zoo.errors import InvalidOptions

    if out.suffix != ".safetensors" or out.exists():
        why = "exists already" if out.exists() else "does not end in .safetensors"
        raise InvalidOptions([f"--out {out} {why}; give a new name that ends so."])
    typer.echo(convert(folder, out))
    typer.echo(f"Next: ganzoo train gan-cls --data DATA --text-encoder precomputed:{out}")
