"""`ganzoo import`, `push`, `pull`, `verify` and `search`."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["import_embeddings", "import_model", "pull", "push", "search", "verify"]


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


def push(
    run: Annotated[str, typer.Argument(help="A run or model folder.")],
    repository: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="Where to, on the Hub.")],
    licence: Annotated[
        str, typer.Option("--licence", "--license", help="Of the weights, such as cc-by-4.0; there is no default.")
    ] = "",
    data_licence: Annotated[
        str, typer.Option("--data-licence", "--data-license", help="Of the data, where it does not state its own.")
    ] = "",
    private: Annotated[
        bool | None, typer.Option("--private/--public", help="Who may see a repository that is new.")
    ] = None,
    revision: Annotated[str, typer.Option(help="A branch other than main.")] = "",
    pr: Annotated[bool, typer.Option("--pr", help="Propose it as a pull request.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the files, send nothing.")] = False,
    which: Annotated[str, typer.Option(help="last, best, or a kept checkpoint.")] = "last",
    with_discriminator: Annotated[
        bool, typer.Option("--with-discriminator", help="The critics too, to train on from it.")
    ] = False,
    with_optimizer: Annotated[
        bool, typer.Option("--with-optimizer", help="The whole checkpoint too, to resume from.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Publish a run on the Hub, in one commit: ganzoo push runs/00001-dcgan-emoji me/emoji --licence cc-by-4.0."""
    from ganzoo_hub.push import push as publish

    publish(
        run,
        repository,
        licence=licence,
        data_licence=data_licence,
        private=private,
        revision=revision,
        pr=pr,
        dry_run=dry_run,
        which=which,
        with_discriminator=with_discriminator,
        with_optimizer=with_optimizer,
        quiet=quiet,
    )


def pull(
    model: Annotated[str, typer.Argument(metavar="ID", help="hf:owner/name[@revision]; hf: may be left out.")],
    to: Annotated[Path | None, typer.Option(metavar="DIR", help="Copy it to a new folder, besides the cache.")] = None,
) -> None:
    """Fetch a model from the Hub as it is now, and verify it: ganzoo pull owner/name --to DIR."""
    from ganzoo_hub.pull import pull as fetched

    found = fetched(model, to)
    size = sum(record.size for record in found.manifest.files.values())
    typer.echo(f"{found.reference}: {len(found.manifest.files)} files, {size / 1e6:,.1f} MB, verified, in the cache.")
    place = f'"{found.reference}"' if to is None else f'"{to}"'
    typer.echo(f"{'' if to is None else f'Copied to {to}. '}Next: ganzoo sample {place.strip(chr(34))} --out grid.png")


def verify(
    model: Annotated[str, typer.Argument(metavar="ID|DIR", help="A pulled folder, or hf:owner/name[@revision].")],
) -> None:
    """Compare a pulled or cached model with the sha256 of its files: ganzoo verify owner/name."""
    from ganzoo_hub.pull import verify as verified

    place, whole, absent = verified(model)
    for name, record in whole.items():
        typer.echo(f"{name}: {record.size:,} bytes, sha256 {record.sha256}")
    left = f" Not here, since no load asked for it: {', '.join(absent)}." if absent else ""
    typer.echo(f"{place}: all {len(whole)} files that are here are as config.json says.{left}")


def search(
    query: Annotated[str, typer.Argument(help="Words in the name; everything without.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many.")] = 30,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List models on the Hub that are tagged ganzoo: ganzoo search emoji."""
    import json
    from dataclasses import asdict

    from ganzoo_hub.search import search as listed
    from zoo.cli.table import columns

    found = listed(query, limit)
    if json_:
        typer.echo(json.dumps([asdict(one) for one in found], indent=1))
        return
    if not found:
        typer.echo(f"Nothing on the Hub is tagged ganzoo{f' and called like {query!r}' if query else ''}.")
        return
    rows = [[one.repository, one.architecture, f"{one.downloads:,}", str(one.likes), one.updated] for one in found]
    typer.echo("\n".join(columns([["model", "architecture", "downloads", "likes", "updated"], *rows])))
    typer.echo(f"Load one: ganzoo sample hf:{found[0].repository} --out grid.png")


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
