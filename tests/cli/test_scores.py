"""`ganzoo eval`, `compare` and `probe` as they are typed."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

import zoo

METRICS = "fd-test-8ch,pixel-frechet:samples=10"


@pytest.fixture(scope="module")
def labelled(pictures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("labelled")
    for i, path in enumerate(sorted(pictures.glob("*.png"))):
        (folder / "ab"[i % 2]).mkdir(exist_ok=True)
        shutil.copy(path, folder / "ab"[i % 2] / path.name)
    return folder


@pytest.fixture(scope="module")
def trained(labelled, tmp_path_factory):
    options = {"preset": "tiny", "resolution": 16, "kimg": 0.016, "batch": 8, "quiet": True}
    return zoo.train("dcgan", labelled, out=tmp_path_factory.mktemp("runs") / "run", **options).folder


def noise(folder, n, mode="RGB"):
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (n, 16, 16, 3), dtype=np.uint8)
    for i in range(n):
        Image.fromarray(pixels[i]).convert(mode).save(folder / f"{i}.png")
    return str(folder)


def test_a_run_is_scored_and_compared(run, trained, tmp_path):
    code, told, errors = run("eval", str(trained), "--metrics", METRICS, "--n", "20", "--seed", "3")
    assert code == 0, errors
    lines = told.splitlines()
    assert lines[0].split() == ["score", "value", "samples", "reference"]
    assert [line.split()[0] for line in lines[1:]] == ["fd-test-8ch", "pixel-frechet"]
    assert "scores.json" in errors
    assert "Note: 20 samples" in errors
    other = shutil.copytree(trained, tmp_path / "other")
    assert run("eval", str(other), "--metrics", "fd-test-8ch", "--n", "12", "-q")[0] == 0
    (other / "scores.json").unlink()
    assert run("eval", str(other), "--metrics", "fd-test-8ch", "--n", "12", "-q")[0] == 0
    code, told, errors = run("compare", str(trained), str(other))
    assert code == 0, errors
    assert "fd-test-8ch (lower is better)" in told
    assert "not ranked: samples.n is" in told
    tables = json.loads(run("compare", str(trained), str(other), "--json")[1])
    assert [table["score"] for table in tables] == ["fd-test-8ch", "pixel-frechet"]
    assert sorted(one["rank"] or 0 for one in tables[0]["runs"]) == [0, 1]


def test_scores_as_json_hold_their_protocol(run, trained, pictures, tmp_path):
    code, told, _ = run("eval", str(trained), "--metrics", "fd-test-8ch", "--n", "8", "--json", "-s", "class_=none")
    assert code == 0
    (score,) = json.loads(told)
    assert score["protocol"]["samples"]["n"] == 8
    code, told, errors = run(
        "eval", noise(tmp_path / "noise", 4), "--data", str(pictures), "--metrics", "fd-test-8ch", "--json", "-q"
    )
    assert (code, errors) == (0, "")
    assert json.loads(told)[0]["subject"]["pictures"].endswith("noise")


def test_an_unreadable_reference_picture_is_left_out_and_named(run, trained, tmp_path):
    folder = noise(tmp_path / "real", 8)
    (tmp_path / "real" / "3.png").write_bytes(b"\x89PNG cut short")
    code, told, errors = run("eval", str(trained), "--data", folder, "--metrics", "fd-test-8ch", "--n", "8")
    assert code == 0, errors
    assert "(7," in told
    assert "3.png" in errors


def test_a_probe_prints_three_kinds_of_features(run, trained, labelled):
    pytest.importorskip("sklearn.svm")
    code, told, errors = run("probe", str(trained), "--data", str(labelled))
    assert code == 0, errors
    assert [line.split("  ")[0] for line in told.splitlines()[1:]] == [
        "discriminator",
        "random discriminator",
        "pixels",
    ]
    assert "20 images learnt from, 4 tested on" in errors
    assert len(json.loads(run("probe", str(trained), "--data", str(labelled), "--json")[1])) == 3


@pytest.mark.parametrize(
    ("words", "clues"),
    [
        (["eval", "RUN", "--metrics", "fidd"], ["fidd", "fid"]),
        (["eval", "RUN", "--metrics", "fd-test-8ch", "--n", "1"], ["at least 2"]),
        (["eval", "RUN", "--metrics", "fd-test-8ch", "-s", "truncation"], ["key=value"]),
        (["eval", "RUN", "--metrics", "fd-test-8ch", "-s", "truncation=0.7"], ["truncation"]),
        (["eval", "RUN", "--metrics", "fd-test-8ch", "--which", "best9"], ["best9"]),
        (["eval", "RUN", "--metrics", "fid:weights=/no/file.pth"], ["/no/file.pth"]),
        (["eval", "ONE", "--data", "PICTURES", "--metrics", "fd-test-8ch"], ["at least two"]),
        (["eval", "PICTURES", "--data", "ONE", "--metrics", "fd-test-8ch"], ["at least two"]),
        (["eval", "GREY", "--data", "PICTURES", "--metrics", "fd-test-8ch"], ["grey", "coloured"]),
        (["eval", "/no/such/run", "--data", "PICTURES"], ["/no/such/run"]),
        (["compare", "PICTURES"], ["no run"]),
        (["probe", "RUN", "--data", "PICTURES"], ["no labels"]),
        (["probe", "/no/such/run", "--data", "emoji"], ["/no/such/run"]),
    ],
)
def test_bad_input_gets_one_message(run, trained, pictures, tmp_path, words, clues):
    places = {"RUN": str(trained), "PICTURES": str(pictures)}
    places |= {"ONE": noise(tmp_path / "one", 1), "GREY": noise(tmp_path / "grey", 4, "L")}
    code, told, errors = run(*(places.get(word, word) for word in words))
    assert (code, told) == (1, "")
    assert "Traceback" not in errors
    for clue in clues:
        assert clue in errors, clue
