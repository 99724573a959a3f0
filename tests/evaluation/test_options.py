"""Options of a model's sampling, scored and kept in the protocol."""

import shutil

import pytest
import torch

import zoo
from zoo import InvalidOptions
from zoo.evaluation.samples import ModelSamples
from zoo.evaluation.score import differences, read_scores


@pytest.fixture(scope="module")
def run(pictures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("labelled")
    for i, path in enumerate(sorted(pictures.glob("*.png"))):
        (folder / "data" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / "data" / "ab"[i % 2] / path.name)
    options = {"preset": "tiny", "resolution": 16, "kimg": 0.032, "batch": 8, "condition": "label", "quiet": True}
    return zoo.train("stylegan2", folder / "data", out=folder / "run", **options).folder


def score(run, metrics="pixel-frechet:samples=20", **options):
    (found,) = zoo.evaluate(run, metrics=metrics, quiet=True, **options)
    return found


def test_truncation_and_class_are_part_of_the_protocol(run):
    plain = score(run)
    cut = score(run, truncation="0.5")
    one = score(run, class_="a")
    assert plain.protocol["samples"]["truncation"] is None
    assert differences(plain.protocol, cut.protocol) == ["samples.truncation is 0.5, not None"]
    assert differences(plain.protocol, one.protocol) == ["samples.options.class_ is a, not None"]
    assert len({plain.value, cut.value, one.value}) == 3
    assert {one.value for one in read_scores(run)} >= {plain.value, cut.value, one.value}
    kept = next(each for each in read_scores(run) if each.value == one.value)
    assert differences(kept.protocol, one.protocol) == []
    assert score(run, truncation=1).protocol["samples"] == plain.protocol["samples"]  # the default says nothing


def test_scores_on_the_way_take_options(run, tmp_path):
    asked = {"preset": "tiny", "resolution": 16, "kimg": 0.016, "batch": 8, "quiet": True, "score_samples": 20}
    asked |= {"metrics": "pixel-frechet:samples=20", "condition": "label"}
    data = run.parent / "data"
    cut = zoo.train("stylegan2", data, out=tmp_path / "run", score_options="truncation=0.3", **asked)
    stored = [one.protocol["samples"]["truncation"] for one in read_scores(cut.folder)]
    assert stored
    assert set(stored) == {0.3}
    for wrong, clue in (("truncatoin=0.3", "truncation"), ("truncation", "key=value")):
        with pytest.raises(InvalidOptions, match=clue):
            zoo.train("stylegan2", data, out=tmp_path / "none", score_options=wrong, **asked)


def test_samples_are_those_that_sample_draws(run):
    model = zoo.load(run)
    samples = ModelSamples(model, 10, 3, options={"truncation": 0.3, "class_": "all"})
    pictures = torch.from_numpy(next(iter(samples.batches(10))))
    drawn = model.sample(10, 3, truncation=0.3, class_="all").permute(0, 2, 3, 1)
    assert (pictures - (drawn + 1) * 127.5).abs().max() <= 0.51
    list(samples.batches(4))
    assert samples.labels.tolist() == [(3 + i) % 2 for i in range(10)]


def test_paths_between_truncated_latents_are_shorter(run):
    whole = score(run, "path-length-test-8ch:paths=40")
    near = score(run, "path-length-test-8ch:paths=40", truncation=0.1)
    assert 0 < near.value < whole.value


@pytest.mark.parametrize(
    ("options", "clue"), [({"truncate": 0.5}, "truncation"), ({"truncation": 3}, "2"), ({"class_": "c"}, "a, b")]
)
def test_options_that_the_model_does_not_take(run, options, clue):
    with pytest.raises(InvalidOptions, match=clue):
        score(run, **options)


def test_pictures_take_no_options(pictures):
    with pytest.raises(InvalidOptions, match="truncation: options of a model"):
        zoo.evaluate(pictures, pictures, "pixel-frechet", truncation=0.5, quiet=True)
