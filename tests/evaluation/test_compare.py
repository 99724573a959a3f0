"""Ranking: equal protocols only, and no score by the network one was trained against."""

import json

import pytest

from zoo import ZooError
from zoo.evaluation.compare import compare
from zoo.evaluation.naming import split_names
from zoo.evaluation.score import Score, keep, read_scores


def run(folder, value, n=100, images=1000, **subject):
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text("{}")
    protocol = {"network": {"name": "x"}, "samples": {"n": n, "seed": 0}}
    keep(folder, [Score("fd-x", {"value": value}, True, protocol, {"images": images, **subject}, ("a note",))])
    return folder


def test_runs_are_ranked_by_equal_protocols_and_the_rest_is_told_why(tmp_path):
    folders = [run(tmp_path / name, score) for name, score in (("a", 3.0), ("b", 1.0), ("c", 2.0))]
    folders.append(run(tmp_path / "d", 0.5, n=50))
    folders.append(run(tmp_path / "e", 0.1, trained_against="x-small (x)"))
    (table,) = compare(folders)
    assert [(line.run[-1], line.rank) for line in table.lines] == [
        ("b", 1),
        ("c", 2),
        ("a", 3),
        ("d", None),
        ("e", None),
    ]
    assert table.lines[3].reason == "samples.n is 50, not 100"
    assert "trained against x-small" in table.lines[4].reason


def test_the_latest_images_of_a_run_count(tmp_path):
    folder = run(tmp_path / "a", 3.0)
    run(folder, 5.0, images=2000)
    assert len(read_scores(folder)) == 2
    (table,) = compare([folder, run(tmp_path / "b", 4.0)])
    assert [(line.run[-1], line.score.value) for line in table.lines] == [("b", 4.0), ("a", 5.0)]


def test_what_cannot_be_compared(tmp_path):
    with pytest.raises(ZooError, match="no run"):
        compare([tmp_path])
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ZooError, match="ganzoo eval"):
        compare([tmp_path])
    (tmp_path / "scores.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(ZooError, match="format 1"):
        compare([tmp_path])


def test_names_are_parted_at_commas_and_options_stay_with_theirs():
    assert split_names("fid,kid:subsets=10,subset=500, pr") == ("fid", "kid:subsets=10,subset=500", "pr")
    assert split_names("none") == ()
