"""The card of a run: whole, honest, read by the Hub's own client, and free of paths."""

import json

import pytest
from huggingface_hub import ModelCard

import zoo
from ganzoo_hub.card import generate
from ganzoo_hub.schema import SECTIONS, check_card, parse_card
from zoo import InvalidOptions, ZooError
from zoo.evaluation.score import Score, keep


@pytest.fixture(scope="module")
def run(tmp_path_factory, pictures):
    """A run of two steps on a folder, scored, with a score of other weights beside."""
    folder = tmp_path_factory.mktemp("runs") / "first"
    zoo.train("dcgan", pictures, out=folder, preset="tiny", resolution=16, kimg=0.032, quiet=True, device="cpu")
    protocol = {
        "network": {"name": "x-net", "sha256": "ab" * 32},
        "reference": {"source": str(pictures), "split": "train", "n": 24},
        "samples": {"n": 100, "seed": 0, "truncation": None},
    }
    images = json.loads((folder / "checkpoints" / "last.json").read_text())["images"]
    keep(
        folder,
        [
            Score("pr-x", {"precision": 0.75, "recall": 0.5}, False, protocol, {"images": images}, ("100 are few.",)),
            Score("fd-x", {"value": 3.25}, True, protocol, {"images": images, "trained_against": "x-small (x)"}),
            Score("fd-x", {"value": 99.0}, True, protocol, {"images": images + 1}),
            Score("kid-x", {"value": float("nan")}, True, protocol, {"images": images}),
        ],
    )
    return folder


def test_the_front_matter_is_read_by_the_hubs_client(run):
    about = ModelCard(generate(run, licence="cc-by-4.0", name="me/first-gan")).data
    assert (about.license, about.library_name, about.pipeline_tag) == (
        "cc-by-4.0",
        "ganzoo",
        "unconditional-image-generation",
    )
    assert {"ganzoo", "dcgan"} <= set(about.tags)
    assert about.model_name == "first-gan"
    values = {result.metric_name: result.metric_value for result in about.eval_results}
    assert values == {"pr-x precision": 0.75, "pr-x recall": 0.5, "fd-x": 3.25}
    assert all(result.metric_args["network"]["sha256"] == "ab" * 32 for result in about.eval_results)


def test_every_section_stands_there_with_cost_protocol_and_notes(run):
    matter, body = parse_card(generate(run, licence="mit"), "card")
    assert [line[3:] for line in body.splitlines() if line.startswith("## ")] == list(SECTIONS)
    training = matter["ganzoo"]["training"]
    assert training["images"] == 32
    assert 0 < training["hours"] < 0.1 or training["hours"] == 0.0
    assert "core" in training["hardware"]
    for text in ("100 are few", "samples.n 100", "x-small", "24 pictures are few", "1511.06434", "random weights"):
        assert text in body, text
    assert "| fd-x | 99 |" not in body


def test_what_is_unknown_is_said_and_paths_are_not(run, pictures):
    matter, body = parse_card(generate(run, licence="mit"), "card")
    assert matter["ganzoo"]["licences"] == {"code": "Apache-2.0", "weights": "mit", "data": "unknown"}
    assert "datasets" not in matter
    text = generate(run, licence="mit", data_licence="CC0-1.0")
    assert parse_card(text, "card")[0]["ganzoo"]["licences"]["data"] == "CC0-1.0"
    assert str(pictures.parent) not in text
    assert str(run.parent) not in text
    assert "Whether it memorises training pictures was not measured." in body


def test_the_three_lines_work_as_pasted(run, tmp_path, monkeypatch):
    text = generate(run, licence="mit")
    code = text.split("```python\n")[1].split("```")[0].replace("PATH/OF/THIS/FOLDER", str(run))
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert (tmp_path / "samples.png").stat().st_size > 100
    assert 'zoo.load("hf:me/gan")' in generate(run, licence="mit", name="me/gan")


def test_there_is_no_default_licence(run):
    with pytest.raises(InvalidOptions, match="no licence is given"):
        generate(run, licence="")
    with pytest.raises(InvalidOptions, match="no identifier"):
        generate(run, licence="Apache 2.0")
    with pytest.raises(TypeError):
        generate(run)
    matter, _ = parse_card(generate(run, licence="lab-only-1.0"), "card")
    assert (matter["license"], matter["license_name"]) == ("other", "lab-only-1.0")
    with pytest.raises(ZooError, match="no run"):
        generate(run.parent, licence="mit")


def test_a_registered_dataset_brings_its_name_and_licence(tmp_path):
    folder = tmp_path / "run"
    zoo.train("dcgan", "emoji:items=16", out=folder, preset="tiny", resolution=16, kimg=0.016, quiet=True, device="cpu")
    matter, body = parse_card(generate(folder, licence="cc-by-4.0", grid=""), "card")
    assert matter["datasets"] == ["emoji"]
    assert "CC-BY 4.0" in matter["ganzoo"]["licences"]["data"]
    assert "None was measured" in body
    assert "![" not in body


def test_a_broken_card_is_told_everything_at_once(run):
    text = generate(run, licence="mit", name="me/gan")
    check_card(text, "here")
    broken = text.replace("license: mit", "license: free").replace("## Citation", "## Cited")
    broken = broken.replace("library_name: ganzoo", "library_name: other").replace("    hours:", "    hour:")
    with pytest.raises(InvalidOptions) as told:
        check_card(broken, "here")
    for problem in ("license is 'free'", "'## Citation'", "library_name must be ganzoo", "training.hours is missing"):
        assert problem in str(told.value)
    for text, problem in (("no front matter", "begins with front matter"), ("---\na: [\n---\n", "is not YAML")):
        with pytest.raises(InvalidOptions, match=problem):
            check_card(text, "here")


def test_models_of_texts_and_classes_say_how_to_ask_them(tmp_path):
    folder = tmp_path / "run"
    settings = {"preset": "tiny", "resolution": 16, "kimg": 0.016, "quiet": True, "device": "cpu"}
    zoo.train("cgan", "emoji:items=16", out=folder, **settings)
    text = generate(folder, licence="mit")
    assert 'A class by name or number: `model.sample(8, class_="Smileys & Emotion")`.' in text
    assert "class-conditional" in parse_card(text, "card")[0]["tags"]
