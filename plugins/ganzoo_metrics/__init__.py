"""Scores that need no download."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_metrics"]


@hookimpl
def ganzoo_metrics() -> Iterator[Entry]:
    """Distances between samples and data."""
    yield Entry(
        "pixel-frechet",
        "ganzoo_metrics.pixel:PixelFrechet",
        "Frechet distance of Gaussians fitted to 8 px thumbnails: layout and colour only, not FID",
        tags=("offline",),
    )
