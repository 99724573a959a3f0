"""`ganzoo compare`."""

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["compare"]


def compare(
    runs: Annotated[list[str], typer.Argument(help="Run folders that ganzoo eval has scored.")],
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Rank runs by their scores where these were measured in the same way: ganzoo compare runs/*."""
    from zoo.cli.table import columns
    from zoo.evaluation.compare import compare as tables

    found = tables([Path(run) for run in runs])
    if json_:
        content = [
            {
                "score": table.name,
                "runs": [
                    {"run": one.run, "rank": one.rank, "reason": one.reason, **one.score.to_json()}
                    for one in table.lines
                ],
            }
            for table in found
        ]
        typer.echo(json.dumps(content, indent=1))
        return
    for table in found:
        better = "lower" if table.lines[0].score.lower_is_better else "higher"
        typer.echo(f"{table.name} ({better} is better)")
        rows = [
            [str(one.rank or "-"), one.run, one.score.shown(), f"not ranked: {one.reason}" if one.reason else ""]
            for one in table.lines
        ]
        typer.echo("\n".join(columns(rows, indent="  ")))
