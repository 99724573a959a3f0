"""R-precision of a text model, from its samples to the number in scores.json."""

import numpy as np
import pytest
import torch

import zoo
import zoo.data.embedding
import zoo.data.prepare
from tests.cli.conftest import fakes
from tests.text_model import captioned, install
from zoo import ZooError
from zoo.evaluation.samples import ModelSamples
from zoo.evaluation.score import read_scores

__all__ = ["fakes"]

METRIC = "r-precision-test-8ch:encoder=hashed,among=3,samples=60"


@pytest.fixture
def painter(fakes, tmp_path):
    """A run whose generator paints the right colour, whatever it learned."""
    install(fakes)
    data = captioned(tmp_path / "data", 60)
    options = {"text_encoder": "hashed:dim=256", "resolution": 8, "quiet": True, "kimg": 0.016}
    return zoo.train("painter", data, out=tmp_path / "run", **options).folder, data


def test_samples_are_drawn_by_the_data_s_captions_each_by_its_seed(painter):
    folder, data = painter
    model = zoo.load(folder)
    prepared = zoo.data.prepare.prepare(data, size=8, say=lambda line: None)
    told = zoo.data.embedding.embedded(prepared, model.data.text_encoder, "", lambda line: None)
    samples = ModelSamples(model, 200, captions=told)
    pictures = np.concatenate(list(samples.batches(64)))
    assert len(samples.captions) == 200
    assert len(set(samples.captions)) > 90  # of 120
    shifted = ModelSamples(model, 10, 5, captions=told)
    assert np.array_equal(*shifted.batches(10), pictures[5:15])
    assert shifted.captions == samples.captions[5:15]
    row = zoo.text_encoder("hashed:dim=256").encode(samples.captions[3])
    torch.testing.assert_close(samples.drawn(3, 1)["text"], row)
    assert samples.facts()["captions"] == "data, everything in it"


def test_the_number_stands_between_chance_and_reals(painter):
    folder, data = painter
    (score,) = zoo.evaluate(folder, metrics=METRIC, n=60, quiet=True)
    assert list(score.values) == ["value", "real", "chance"]
    assert score.values["chance"] == 1 / 3
    assert 0 <= score.value <= 1
    assert score.values["real"] > 0.5  # colours are told apart, numbers are not
    assert not score.lower_is_better
    assert score.name == "r-precision-test-8ch"
    assert read_scores(folder)[-1].values == score.values
    (again,) = zoo.evaluate(folder, metrics=METRIC, n=60, held_out=data, quiet=True)
    assert again.values["real"] > 0.5


def test_pictures_with_captions_are_scored_without_a_model(painter):
    _, data = painter
    (score,) = zoo.evaluate(data, data, metrics=METRIC, quiet=True)
    assert score.value > 0.5


def test_what_it_cannot_measure_is_told(painter, pictures):
    folder, _ = painter
    with pytest.raises(ZooError, match="needs captions, and the reference pictures have none"):
        zoo.evaluate(folder, pictures, metrics=METRIC, n=20, quiet=True)
    with pytest.raises(ZooError, match=r"among 100 different captions and there are \d+; take more"):
        zoo.evaluate(folder, metrics="r-precision-test-8ch:encoder=hashed", n=20, quiet=True)
