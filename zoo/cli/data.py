"""`ganzoo data`: prepare a dataset once, or look at what it holds."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

if TYPE_CHECKING:
    from zoo.data.decode import Crop
    from zoo.data.prepare import Cache

__all__ = ["app"]

app = typer.Typer(help="Prepare data once, or look at what it holds.", no_args_is_help=True)

SOURCE = Annotated[
    str,
    typer.Argument(metavar="SRC", help="A folder, .zip, .parquet, hf:owner/name, or a name such as emoji:style=noto."),
]
YES = Annotated[bool, typer.Option("--yes", help="Agree to a download beforehand; nothing is fetched without.")]
PAIR = Annotated[str, typer.Option("--pair", help="Read SRC as two domains: ab, ba or edges.")]
SPLIT = Annotated[str | None, typer.Option("--split", help="train, val, test or all, where SRC has splits.")]


@app.command()
def prepare(
    source: SOURCE,
    size: Annotated[int, typer.Option("--size", help="Height and width in pixels, 1 to 8192.")],
    crop: Annotated[str, typer.Option("--crop", help="center cuts a square; none changes the aspect.")] = "center",
    channels: Annotated[int, typer.Option("--channels", help="1 (grey) or 3 (colour).")] = 3,
    source_channels: Annotated[
        int | None, typer.Option("--source-channels", help="Of domain A: 1 or 3; as --channels by default.")
    ] = None,
    cache: Annotated[str, typer.Option("--cache", help="auto, raw (pixels) or encoded (original bytes).")] = "auto",
    out: Annotated[
        str | None, typer.Option("--out", metavar="DIR", help="A new folder; otherwise under GANZOO_CACHE.")
    ] = None,
    split: SPLIT = None,
    pair: PAIR = "",
    yes: YES = False,
) -> None:
    """Decode SRC once into memory-mapped records, with labels and captions."""
    from zoo.data.consent import agree
    from zoo.data.prepare import prepare as prepare_source
    from zoo.data.source import open_source

    agree(yes)
    prepared = prepare_source(
        open_source(source, split, pair),
        size=size,
        channels=channels,
        source_channels=source_channels,
        crop=cast("Crop", crop),
        cache=cast("Cache", cache),
        folder=None if out is None else Path(out).expanduser(),
    )
    if prepared.notice:
        print(prepared.notice)
    if prepared.folder is not None:
        model = "dcgan" if "source" not in prepared.fields else "pix2pix" if prepared.spec.paired else "cyclegan"
        print(f"Train on it: ganzoo train {model} --data {prepared.folder} --resolution {size}")


@app.command()
def inspect(
    source: SOURCE,
    split: SPLIT = None,
    pair: PAIR = "",
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    yes: YES = False,
) -> None:
    """Report sizes, modes, labels, captions, duplicates, corrupt files, splits and licence of SRC."""
    from zoo.data.consent import agree
    from zoo.data.inspection import inspect_source
    from zoo.data.source import open_source

    agree(yes)
    found = inspect_source(open_source(source, split, pair))
    print(json.dumps(found.to_json(), indent=1) if json_ else "\n".join(found.lines()))


@app.command()
def fetch(source: SOURCE, split: SPLIT = None, yes: YES = False) -> None:
    """Download SRC from the Hub, once its size and licence were agreed to: ganzoo data fetch hf:owner/name."""
    from zoo.data.consent import agree
    from zoo.data.source import open_source

    agree(yes)
    found = open_source(source, split)
    print(f"{found.name}: {len(found):,} pictures are here; licence: {found.licence or 'not stated'}.")
    print(f"Train on it: ganzoo train dcgan --data {found.reference or source}")
