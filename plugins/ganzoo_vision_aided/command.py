"""`ganzoo select-backbone`."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["select_backbone"]


def select_backbone(
    run: Annotated[str, typer.Argument(help="A run folder.")],
    data: Annotated[str | None, typer.Option(help="The real images; the run's own by default.")] = None,
    backbone: Annotated[list[str] | None, typer.Option(help="To try; repeats. The paper's bank by default.")] = None,
    count: Annotated[int, typer.Option(help="Images on each side, at most.")] = 10_000,
    repeats: Annotated[int, typer.Option(help="Sets of samples to average over.")] = 3,
    which: Annotated[str, typer.Option(help="last, best, or a kept checkpoint.")] = "last",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    json_: Annotated[Path | None, typer.Option("--json", help="Write the scores to this file too.")] = None,
) -> None:
    """Choose the frozen model for vision-aided training: ganzoo select-backbone runs/00001-dcgan-emoji."""
    import json
    from dataclasses import asdict

    import zoo
    from ganzoo_vision_aided.continuation import command, content_of, used
    from ganzoo_vision_aided.probe import BANK, rank
    from zoo.data.prepare import prepare

    problems = [
        f"--{name} is {value}; it must be at least {least}."
        for name, value, least in (("count", count, 4), ("repeats", repeats, 1))
        if value < least
    ]
    if problems:
        raise zoo.InvalidOptions(problems)
    model = zoo.load(run, which=which, device=device)
    model.read(None, 1)  # one that draws out of pictures is refused before any network is fetched
    content = content_of(run)
    looked_through = used(content)
    bank = [name for name in backbone or BANK if name not in looked_through]
    if not bank:
        raise zoo.ZooError(f"{run} already looks through {', '.join(looked_through)}; name others with --backbone.")
    source = content["source"]
    spec = model.data
    reals = prepare(
        data or source["source"], size=spec.resolution, channels=spec.channels, crop=source["crop"], say=typer.echo
    )
    typer.echo(f"Linear probes on {min(count, len(reals)):,} reals and as many samples, {repeats} times:")
    scores, missing = rank(model, reals, bank, count=count, repeats=repeats, say=typer.echo)
    if json_ is not None:
        json_.write_text(json.dumps({"scores": [asdict(one) for one in scores], "missing": missing}, indent=1) + "\n")
    if not scores:
        raise zoo.ZooError("No backbone of the bank could be tried.\n" + "\n".join(missing.values()))
    typer.echo("\nAccuracy on held-out halves (0.5 is a guess, 1 tells all apart); the paper takes the highest:")
    for place, one in enumerate(scores, 1):
        typer.echo(f"  {place}. {one.backbone:<22} {one.accuracy:.4f} ± {one.deviation:.4f}")
    best = [*looked_through, scores[0].backbone]
    typer.echo(f"\nGo on with the best:\n  {command(run, content, model, best, data or source['source'])}")
