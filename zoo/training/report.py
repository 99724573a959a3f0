"""A run's report: one HTML file that opens without a network."""

import base64
import html
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from zoo.files import read_json, replace_file

__all__ = ["write_report"]

PICTURES = 12  # grids of the history that the report shows
COLOURS = ("#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2", "#be185d", "#4d7c0f")
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2rem auto;padding:0 1rem;color:#1f2937}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}figure{margin:0}figcaption{color:#6b7280;font-size:13px}
.pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(320px,1fr));gap:1rem}img{width:100%;height:auto}
svg{width:100%;height:auto;background:#f9fafb;border:1px solid #e5e7eb}
pre{background:#f3f4f6;padding:1rem;overflow:auto}
.key span{margin-right:1.2em;font-size:13px;white-space:nowrap}
"""


def write_report(folder: Path, columns: Sequence[str] = ()) -> Path:
    """Write `report.html` into a run folder from its log, pictures, configuration and environment.

    `columns` says what each row of the sample grid holds, where its pictures belong together.
    """
    lines = [json.loads(text) for text in read_text(folder / "metrics.jsonl").splitlines() if text]
    config, surroundings = read_json(folder / "config.json"), folder / "environment.json"
    environment = read_json(surroundings) if surroundings.exists() else {}  # a run that was shared has none
    title = f"{config['architecture']} on {(config.get('source') or {}).get('source', '?')}"
    sections = [
        f"<h1>{html.escape(title)}</h1><p>{html.escape(summary(lines))}</p>",
        latest(folder, columns),
        chart("Losses", lines, "loss"),
        chart("Logits of reals and fakes", lines, "health", ("/d_real", "/d_fake")),
        chart("Signs of the logits (r_t) and diversity", lines, "health", ("/r_real", "/r_fake", "/diversity")),
        chart("Gradient norms", lines, "health", ("/gradient_norm",)),
        *scores(lines),
        logits(folder),
        neighbours(folder),
        cloud(folder),
        history(folder),
        f"<h2>Configuration</h2><pre>{html.escape(json.dumps(config, indent=2))}</pre>",
        f"<h2>Environment</h2><pre>{html.escape(json.dumps(environment, indent=2))}</pre>",
    ]
    head = f'<meta charset="utf-8"><title>{html.escape(title)}</title><style>{STYLE}</style>'
    page = f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(sections)}</body></html>\n'
    with replace_file(folder / "report.html") as temporary:
        temporary.write_text(page, encoding="utf-8")
    return folder / "report.html"


def read_text(path: Path) -> str:
    """A file's text, or nothing."""
    return path.read_text(encoding="utf-8") if path.exists() else ""


def summary(lines: Sequence[Mapping[str, Any]]) -> str:
    """How long and how fast."""
    if not lines:
        return "No line of the log was written."
    seconds = max(line["time"]["seconds"] for line in lines)
    images = lines[-1]["images"]
    return f"{images:,} images in {seconds / 60:.1f} minutes, {images / max(seconds, 1e-9):.0f} images per second."


def grids(folder: Path) -> list[Path]:
    """Sample grids in order."""
    return sorted(path for path in (folder / "samples").glob("*.png") if path.stem.isdigit())


def latest(folder: Path, columns: Sequence[str]) -> str:
    """The newest samples beside the real images."""
    newest = grids(folder)[-1:]
    shown = f": in each row {', '.join(columns)}" if columns else ""
    pair = [(path, f"samples at {int(path.stem):,} images{shown}") for path in newest]
    real = folder / "samples" / "real.png"
    if real.exists():
        pair.append((real, "real images"))
    return f'<h2>Latest</h2><div class="pictures">{"".join(figure(*item) for item in pair)}</div>'


def history(folder: Path) -> str:
    """Grids spread evenly over the run."""
    paths = grids(folder)
    step = max(-(-len(paths) // PICTURES), 1)
    shown = paths[::-1][::step][::-1]
    figures = "".join(figure(path, f"{int(path.stem):,} images") for path in shown)
    return f'<h2>History</h2><div class="pictures">{figures}</div>'


def figure(path: Path, caption: str) -> str:
    """A picture inside the page, as WebP."""
    buffer = io.BytesIO()
    with Image.open(path) as picture:
        picture.convert("RGB").save(buffer, "WEBP", quality=85)
    data = base64.b64encode(buffer.getvalue()).decode()
    image = f'<img alt="{html.escape(caption)}" src="data:image/webp;base64,{data}">'
    return f"<figure>{image}<figcaption>{html.escape(caption)}</figcaption></figure>"


def chart(title: str, lines: Sequence[Mapping[str, Any]], group: str, endings: tuple[str, ...] = ("",)) -> str:
    """Curves of a group's values whose names end so, in that order, against images, as SVG; empty without any."""
    logged = sorted({name for line in lines for name in line.get(group, {})})
    names = list(dict.fromkeys(name for ending in endings for name in logged if name.endswith(ending)))
    curves = {
        name: [(line["images"], line[group][name]) for line in lines if name in line.get(group, {})] for name in names
    }
    curves = {name: points for name, points in curves.items() if len(points) > 1}
    if not curves:
        return ""
    key = "".join(
        f'<span style="color:{colour(i)}">&#9632; {html.escape(name)}</span>' for i, name in enumerate(curves)
    )
    return f'<h2>{html.escape(title)}</h2><div class="key">{key}</div>{svg(list(curves.values()))}'


def scores(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """A chart for each score: their units differ."""
    names = sorted({name for line in lines for name in line.get("score", {})})
    return [chart(f"Score {name}", only(lines, name), "score") for name in names]


def only(lines: Sequence[Mapping[str, Any]], name: str) -> list[dict[str, Any]]:
    """The lines that hold a score, with that one alone."""
    return [{**line, "score": {name: line["score"][name]}} for line in lines if name in line.get("score", {})]


def logits(folder: Path) -> str:
    """Histograms of real and fake logits by critic, one row for each of some snapshots."""
    if not (folder / "logits.json").exists():
        return ""
    stored = read_json(folder / "logits.json")
    parts = []
    for critic in dict.fromkeys(name for shot in stored.values() for name in shot):
        shots = [(int(images), shot[critic]) for images, shot in stored.items() if critic in shot]
        step = max(-(-len(shots) // PICTURES), 1)
        parts.append(
            f"<figure>{ridges(shots[::-1][::step][::-1])}<figcaption>{html.escape(critic)}</figcaption></figure>"
        )
    key = f'<span style="color:{COLOURS[0]}">&#9632; reals</span><span style="color:{COLOURS[1]}">&#9632; fakes</span>'
    return f'<h2>Histograms of logits over time</h2><div class="key">{key}</div>{"".join(parts)}'


def ridges(shots: Sequence[tuple[int, Mapping[str, Any]]], width: int = 1000, row: int = 44) -> str:
    """Rows of two outlines each over one axis of logits."""
    low, high = min(shot["low"] for _, shot in shots), max(shot["high"] for _, shot in shots)
    left, height = 60, row * len(shots) + 30
    drawn = []
    for i, (images, shot) in enumerate(shots):
        base = row * (i + 1) + 4
        drawn.append(f'<text x="{left - 6}" y="{base}" font-size="12" text-anchor="end">{images / 1000:.3g}k</text>')
        drawn.append(f'<line x1="{left}" x2="{width}" y1="{base}" y2="{base}" stroke="#e5e7eb"/>')
        for name, tint in (("real", COLOURS[0]), ("fake", COLOURS[1])):
            counts = shot[name]
            top, gap = max([*counts, 1]), (shot["high"] - shot["low"]) / len(counts)
            points = []
            for place, count in enumerate([0, *counts, 0]):
                value = shot["low"] + gap * min(max(place - 0.5, 0), len(counts))  # from the baseline and back to it
                across = left + (width - left - 10) * (value - low) / max(high - low, 1e-9)
                points.append(f"{across:.1f},{base - (row - 8) * count / top:.1f}")
            drawn.append(f'<polyline fill="{tint}" fill-opacity="0.15" stroke="{tint}" points="{" ".join(points)}"/>')
    for i in range(4):
        value = low + (high - low) * i / 3
        across, anchor = left + (width - left - 10) * i / 3, "end" if i == 3 else "middle"
        drawn.append(
            f'<text x="{across:.1f}" y="{height - 6}" font-size="12" text-anchor="{anchor}">{value:.3g}</text>'
        )
    return f'<svg viewBox="0 0 {width} {height}" role="img">{"".join(drawn)}</svg>'


def neighbours(folder: Path) -> str:
    """Samples beside the training images nearest to them."""
    path, facts = folder / "samples" / "neighbours.png", folder / "figures.json"
    if not (path.exists() and facts.exists()):
        return ""
    through = read_json(facts)["through"]
    caption = f"left: samples; right of each the training images nearest to it by {through}"
    return f"<h2>Nearest training images</h2>{figure(path, caption)}"


def cloud(folder: Path) -> str:
    """Reals and fakes on the two main directions of the reals' features."""
    path = folder / "figures.json"
    if not path.exists():
        return ""
    stored = read_json(path)
    real, fake = stored["real"], stored["fake"]
    (x0, x1), (y0, y1) = ((min(axis), max(axis)) for axis in zip(*real, *fake, strict=True))
    dots = []
    for points, tint in ((real, COLOURS[0]), (fake, COLOURS[1])):
        for x, y in points:
            across, down = 10 + 980 * (x - x0) / max(x1 - x0, 1e-9), 490 - 480 * (y - y0) / max(y1 - y0, 1e-9)
            dots.append(f'<circle cx="{across:.1f}" cy="{down:.1f}" r="2.5" fill="{tint}" fill-opacity="0.45"/>')
    key = f'<span style="color:{COLOURS[0]}">&#9632; reals</span><span style="color:{COLOURS[1]}">&#9632; fakes</span>'
    title = f"Main directions of the reals: {stored['through']}"
    picture = f'<svg viewBox="0 0 1000 500" role="img">{"".join(dots)}</svg>'
    return f'<h2>{html.escape(title)}</h2><div class="key">{key}</div>{picture}'


def colour(i: int) -> str:
    """The i-th curve's colour."""
    return COLOURS[i % len(COLOURS)]


def svg(curves: list[list[tuple[float, float]]], width: int = 1000, height: int = 300) -> str:
    """Curves in one frame with four marks on each axis."""
    xs = [x for curve in curves for x, _ in curve]
    ys = sorted(y for curve in curves for _, y in curve)
    low, high = ys[len(ys) // 100], ys[-1 - len(ys) // 100]  # one spike must not flatten the rest
    low, high = (low, high) if high > low else (low - 1, high + 1)
    left, bottom, top = 60, height - 25, 10

    def place(x: float, y: float) -> tuple[float, float]:
        across = left + (width - left - 10) * (x - min(xs)) / max(max(xs) - min(xs), 1)
        share = (min(max(y, low), high) - low) / (high - low)
        return across, bottom - (bottom - top) * share

    marks = []
    for i in range(4):
        value, images = low + (high - low) * i / 3, min(xs) + (max(xs) - min(xs)) * i / 3
        (x, y), anchor = place(images, value), "end" if i == 3 else "middle"
        marks.append(f'<line x1="{left}" x2="{width}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e5e7eb"/>')
        marks.append(f'<text x="{left - 6}" y="{y + 4:.1f}" font-size="12" text-anchor="end">{value:.3g}</text>')
        marks.append(
            f'<text x="{x:.1f}" y="{height - 8}" font-size="12" text-anchor="{anchor}">{images / 1000:.3g}k</text>'
        )
    paths = []
    for i, curve in enumerate(curves):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in curve))
        paths.append(f'<polyline fill="none" stroke="{colour(i)}" stroke-width="1.5" points="{points}"/>')
    return f'<svg viewBox="0 0 {width} {height}" role="img">{"".join(marks)}{"".join(paths)}</svg>'
