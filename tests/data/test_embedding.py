"""Captions become rows once, and a batch draws them by seed and place alone."""

from pathlib import Path

import numpy as np
import pytest

import zoo.text
from zoo.data.embedding import embedded, example_rows, examples
from zoo.data.embeddings import Embeddings
from zoo.data.loader import Loader
from zoo.data.prepare import prepare
from zoo.data.prepared import Prepared
from zoo.data.source import open_source
from zoo.errors import ZooError
from zoo.text import text_encoder

from .conftest import noise, save


def captioned(folder: Path, captions: list[list[str]], labels: list[int] | None = None) -> Prepared:
    """Items of these captions, prepared at 8 px."""
    for i, texts in enumerate(captions):
        place = folder if labels is None else folder / f"class{labels[i]}"
        image = save(place / f"{i:03d}.png", noise(8, 8, seed=i))
        image.with_suffix(".txt").write_text("\n".join(texts), encoding="utf-8")
    return prepare(open_source(folder), size=8, say=lambda line: None)


def read(prepared: Prepared, reference: str = "hashed:dim=16") -> Prepared:
    return embedded(prepared, text_encoder(reference).identity, reference, lambda line: None)


def test_the_specification_tells_encoder_width_and_examples(folder):
    prepared = read(captioned(folder, [["red"], ["blue", "sky"], ["red", "car"]]))
    spec = prepared.spec
    assert (spec.text_dim, spec.text_encoder) == (16, "hashed:dim=16@1")
    assert set(spec.captions) == {"red", "blue", "sky", "car"}
    expected = text_encoder("hashed:dim=16").encode(spec.captions)
    np.testing.assert_array_equal(example_rows(prepared), expected.numpy())
    assert type(spec).from_json(spec.to_json()) == spec


def test_examples_are_64_chosen_by_hash_and_long_ones_last():
    captions = [[f"caption {i}", "x" * 1000] for i in range(100)]
    chosen = examples(captions)
    assert len(chosen) == len(set(chosen)) == 64
    assert chosen == examples(captions[::-1])
    assert "x" * 1000 not in chosen
    assert examples([["x" * 1000]]) == ("x" * 1000,)


def test_captions_are_embedded_once_and_kept_by_encoder_and_content(folder, monkeypatch):
    prepared = captioned(folder, [["red apple"], ["blue sky"]])
    first = read(prepared)
    told: list[str] = []
    monkeypatch.setattr(zoo.text, "_KEPT", {})
    again = embedded(prepared, "hashed:dim=16@1", "none of this name", told.append)  # no encoder is asked for
    assert told == []
    np.testing.assert_array_equal(again.embeddings.rows, first.embeddings.rows)
    embedded(prepared, "hashed:dim=24@1", "hashed:dim=24", told.append)
    assert len(told) == 1
    assert "Embedding 2 captions" in told[0]


def test_an_encoder_that_changed_is_refused(folder):
    prepared = captioned(folder, [["red apple"], ["blue sky"]])
    with pytest.raises(ZooError, match="embedded by hashed@0, and the encoder here is hashed@1"):
        embedded(prepared, "hashed@0", "hashed", print)


@pytest.mark.parametrize(
    ("captions", "message"),
    [
        ([[], []], "The model needs captions and .* has none. Write one line"),
        ([["red"], [], ["blue"]], r"1 of 3 items of .* have no caption \(001.png\)"),
    ],
)
def test_missing_captions_are_told_by_name(folder, captions, message):
    with pytest.raises(ZooError, match=message):
        read(captioned(folder, captions))


def test_empty_captions_are_told_by_name(folder):
    save(folder / "a.png", noise(8, 8))
    (folder / "metadata.jsonl").write_text('{"file_name": "a.png", "text": ["red", "  "]}\n')
    with pytest.raises(ZooError, match=r"Captions of 1 items of .* are empty \(a.png\)"):
        read(prepare(open_source(folder), size=8, say=lambda line: None))


def test_unusual_captions_are_rows_like_others(folder):
    prepared = read(captioned(folder, [["word " * 2000], ["🍎 👩‍👩‍👧"], ["תפוח אדום", "مرحبا"]]))
    rows = np.asarray(prepared.embeddings.rows)
    assert rows.shape == (4, 16)
    np.testing.assert_allclose((rows**2).mean(1), 1, rtol=1e-6)


def numbered(counts: list[int]) -> Embeddings:
    """Captions whose row holds their number, and the number of their item."""
    rows = [(caption, item) for item, count in enumerate(counts) for caption in range(count)]
    numbers = np.split(np.arange(len(rows)), np.cumsum(counts)[:-1])
    return Embeddings.of(np.array(rows, np.float32), [list(map(int, one)) for one in numbers])


def test_one_caption_of_each_item_is_drawn_evenly_by_seed_and_place():
    embeddings = numbered([1, 3, 2])
    items, places = np.tile(np.arange(3), 2000), np.arange(6000)
    drawn = embeddings.drawn(items, 5, places, "text")
    assert (drawn[:, 1] == items).all()
    for item, count in enumerate([1, 3, 2]):
        shares = np.bincount(drawn[items == item, 0].astype(int), minlength=count) / 2000
        np.testing.assert_allclose(shares, 1 / count, atol=0.04)
    np.testing.assert_array_equal(embeddings.drawn(items[7:9], 5, places[7:9], "text"), drawn[7:9])
    assert (embeddings.drawn(items, 6, places, "text") != drawn).any()
    assert (embeddings.drawn(items, 5, places, "wrong_text") != drawn).any()


def test_the_mean_is_of_different_captions_and_of_all_where_there_are_fewer():
    embeddings = numbered([1, 4])
    places = np.arange(500)
    pairs = embeddings.drawn(np.ones(500, int), 0, places, "text", 2)[:, 0]
    assert set(pairs) == {0.5, 1.0, 1.5, 2.0, 2.5}  # of two different ones out of 0, 1, 2, 3
    assert (embeddings.drawn(np.zeros(500, int), 0, places, "text", 2)[:, 0] == 0).all()
    assert (embeddings.drawn(np.ones(500, int), 0, places, "text", 9)[:, 0] == 1.5).all()


def test_batches_bring_text_with_their_images(folder):
    prepared = read(captioned(folder, [[f"caption {i}", f"another {i}"] for i in range(6)]))
    fields = ("image", "text", "index")
    loader = Loader(prepared, seed=3, fields=fields, captions_averaged=2)
    batch = loader.batch(0, 6)
    rows = np.asarray(prepared.embeddings.rows).reshape(6, 2, 16).mean(1)
    np.testing.assert_allclose(batch["text"].numpy(), rows[batch["index"]], rtol=1e-6)
    halves = [Loader(prepared, seed=3, fields=fields, captions_averaged=2, rank=r, world_size=2) for r in range(2)]
    np.testing.assert_array_equal(np.concatenate([h.batch(0, 3)["text"] for h in halves]), batch["text"])


def test_wrong_pairs_are_of_another_class_and_belong_together(folder):
    labels = [0, 0, 0, 0, 1, 1]
    prepared = read(captioned(folder, [[f"caption {i}"] for i in range(6)], labels))
    loader = Loader(prepared, seed=0, fields=("index", "label", "wrong_image", "wrong_text"))
    pictures = prepared.images(np.arange(6)).reshape(6, -1)
    found = set()
    for position in range(0, 120, 12):
        batch = loader.batch(position, 12)
        pixels = ((batch["wrong_image"].permute(0, 2, 3, 1) + 1) * 127.5).round().byte().numpy().reshape(12, -1)
        wrong = np.array([int((pictures == one).all(1).argmax()) for one in pixels])
        assert (prepared.labels[wrong] != batch["label"].numpy()).all()
        rows = prepared.embeddings.rows[prepared.embeddings.numbers]
        np.testing.assert_array_equal(batch["wrong_text"], rows[wrong])
        found |= set(zip(batch["index"].tolist(), wrong.tolist(), strict=True))
    assert len(found) == 2 * 4 * 2  # every pair of different classes comes


@pytest.mark.parametrize("labels", [None, [0, 0, 0]])
def test_without_two_classes_the_wrong_one_is_another_item(folder, labels):
    prepared = read(captioned(folder, [["a"], ["b"], ["c"]], labels))
    loader = Loader(prepared, seed=0, fields=("text", "wrong_text"))
    for position in range(0, 30, 3):
        batch = loader.batch(position, 3)
        assert (batch["text"] != batch["wrong_text"]).any(1).all()


def test_what_the_data_cannot_give_is_refused(folder):
    prepared = captioned(folder, [["red"]])
    with pytest.raises(ZooError, match="its captions have not been embedded"):
        Loader(prepared, seed=0, fields=("text",))
    with pytest.raises(ZooError, match=r"'wrong_image', that of another item, and .* has only one"):
        Loader(prepared, seed=0, fields=("wrong_image",))
