"""The report: curves, pictures, and nothing that needs a network."""

import json

import pytest
from PIL import Image

from zoo.training.report import ridges, svg, write_report


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "samples").mkdir()
    for images in (0, 100, 200):
        Image.new("RGB", (8, 8), (images, 0, 0)).save(tmp_path / "samples" / f"{images:09d}.png")
    Image.new("L", (8, 8)).save(tmp_path / "samples" / "real.png")
    lines = [
        {
            "step": i,
            "images": 100 * i,
            "loss": {"D/real": 1.0 / i, "G/adv": float(i)},
            "health": {"critic/d_real": 0.5, "D/gradient_norm": 2.0},
            "time": {"seconds": 2.0 * i},
        }
        for i in (1, 2, 3)
    ]
    lines.append({**lines[0], "loss": {}, "health": {}, "score": {"pixel-frechet": 3.0}})
    lines.append({**lines[1], "loss": {}, "health": {}, "score": {"pixel-frechet": 2.0}})
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "a<b", "source": {"source": "emoji"}}))
    (tmp_path / "environment.json").write_text("{}")
    return tmp_path


def test_it_stands_alone_and_shows_everything(folder):
    page = write_report(folder).read_text()
    for title in ("Losses", "Logits of reals", "Gradient norms", "Score pixel-frechet", "History", "Configuration"):
        assert title in page, title
    assert page.count("<svg") == 4
    assert page.count("data:image/webp;base64,") == 2 + 3
    assert "https://" not in page
    assert "src=" in page
    assert "a&lt;b on emoji" in page


def test_curves_run_from_left_to_right_within_the_frame():
    picture = svg([[(0.0, 0.0), (10.0, 1.0)]], width=200, height=100)
    points = picture.split('points="')[1].split('"')[0].split()
    (x1, y1), (x2, y2) = (tuple(map(float, point.split(","))) for point in points)
    assert x1 < x2
    assert y1 > y2  # up is smaller in SVG
    assert 0 <= x1 <= x2 <= 200
    assert 0 <= y2 <= y1 <= 100


def test_a_run_without_a_log_has_a_report_too(folder):
    (folder / "metrics.jsonl").unlink()
    assert "No line of the log" in write_report(folder).read_text()


def test_histograms_neighbours_and_the_cloud_of_features(folder):
    shot = {"critic": {"low": -2.0, "high": 3.0, "real": [0, 4, 1], "fake": [5, 0, 0]}}
    (folder / "logits.json").write_text(json.dumps({"0": shot, "200": shot}))
    facts = {"through": "thumbnails", "real": [[0, 1], [2, 3]], "fake": [[1, 1]]}
    (folder / "figures.json").write_text(json.dumps(facts))
    Image.new("RGB", (8, 8)).save(folder / "samples" / "neighbours.png")
    page = write_report(folder).read_text()
    for title in ("Histograms of logits", "Nearest training images", "Main directions of the reals: thumbnails"):
        assert title in page, title
    assert page.count("<circle") == 3
    assert page.count('fill-opacity="0.15"') == 4


def test_outlines_of_a_histogram_begin_and_end_on_their_baseline():
    picture = ridges([(0, {"low": -2.0, "high": 3.0, "real": [7, 4, 1], "fake": [5, 0, 3]})])
    base = picture.split("<line ")[1].split('y1="')[1].split('"')[0]
    for outline in picture.split('points="')[1:]:
        points = [point.split(",") for point in outline.split('"')[0].split()]
        assert [float(points[0][1]), float(points[-1][1])] == [float(base)] * 2
        assert len(points) == 3 + 2
