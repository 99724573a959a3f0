"""Official caption embeddings become safetensors, and nothing in their files is executed."""

import os
import pickle

import numpy as np
import pytest

from ganzoo_hub.embeddings import convert, read_plain
from zoo import InvalidOptions, ZooError, text_encoder
from zoo.data.embedding import embedded, example_rows
from zoo.data.loader import Loader
from zoo.data.prepare import prepare
from zoo.data.source import open_source

from ..data.conftest import noise, save

ROWS = np.random.RandomState(0).randn(3, 2, 8).astype(np.float32)
NAMES = ["001.Bird/Bird_0001_7", "001.Bird/Bird_0002_8", "002.Other/Other_0001_9"]

PYTHON2 = (  # pickle.dumps([numpy.array([[1.5, -2]], "f4")]) of Python 2.7, protocol 0
    b"(lp0\ncnumpy.core.multiarray\n_reconstruct\np1\n(cnumpy\nndarray\np2\n(I0\ntp3\nS'b'\np4\ntp5\nRp6\n(I1\n(I1\nI2\n"
    b"tp7\ncnumpy\ndtype\np8\n(S'f4'\np9\nI0\nI1\ntp10\nRp11\n(I3\nS'<'\np12\nNNNI-1\nI-1\nI0\ntp13\nbI00\n"
    b"S'\\x00\\x00\\xc0?\\x00\\x00\\x00\\xc0'\np14\ntp15\nba."
)


def official(folder, protocol=2, rows=ROWS, names=NAMES):
    folder.mkdir(exist_ok=True)
    (folder / "char-CNN-RNN-embeddings.pickle").write_bytes(pickle.dumps(list(rows), protocol))
    (folder / "filenames.pickle").write_bytes(pickle.dumps(names, protocol))
    return folder


@pytest.fixture
def birds(tmp_path):
    """Pictures of the official names, in class folders."""
    for i, name in enumerate(NAMES):
        save(tmp_path / "birds" / f"{name}.jpg", noise(8, 8, seed=i))
    return tmp_path / "birds"


@pytest.mark.parametrize("protocol", [0, 1, 2, 4, 5])
def test_rows_survive_every_protocol(tmp_path, protocol):
    out = tmp_path / "rows.safetensors"
    assert "6 rows of 8 numbers for 3 pictures" in convert(official(tmp_path / "in", protocol), out)
    encoder = text_encoder(f"precomputed:{out}")
    np.testing.assert_array_equal(encoder.rows, ROWS.reshape(6, 8))
    assert encoder.identity.startswith("precomputed@")
    assert encoder.dim == 8


def test_what_python_2_wrote_is_read(tmp_path):
    (tmp_path / "old.pickle").write_bytes(PYTHON2)
    (found,) = read_plain(tmp_path / "old.pickle")
    np.testing.assert_array_equal(found.value, [[1.5, -2]])


class Call:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("protocol", [0, 2])
def test_code_in_a_pickle_is_refused_by_name(tmp_path, protocol):
    folder = official(tmp_path / "in")
    (folder / "filenames.pickle").write_bytes(pickle.dumps([Call(tmp_path / "ran")], protocol))
    with pytest.raises(ZooError, match=r"filenames.pickle is not read: it asks for (posix|nt).system"):
        convert(folder, tmp_path / "rows.safetensors")
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "rows.safetensors").exists()


@pytest.mark.parametrize(
    ("rows", "names", "message"),
    [
        (ROWS[:2], NAMES, "3 names and 2 embeddings"),
        (["text"] * 3, NAMES, "something else than arrays"),
        (ROWS, [1, 2, 3], "is no list of names"),
        ([ROWS[0], ROWS[1], ROWS[2][:, :4]], NAMES, "of several widths"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path, rows, names, message):
    with pytest.raises(ZooError, match=message):
        convert(official(tmp_path / "in", 2, rows, names), tmp_path / "rows.safetensors")


def test_pictures_without_captions_train_on_precomputed_rows(tmp_path, birds):
    convert(official(tmp_path / "in"), tmp_path / "rows.safetensors")
    reference = f"precomputed:{tmp_path / 'rows.safetensors'}"
    encoder = text_encoder(reference)
    prepared = prepare(open_source(birds), size=8, say=lambda line: None)
    told = embedded(prepared, encoder.identity, reference, lambda line: None)
    assert set(told.spec.captions) == {f"{key} #{i}" for key in prepared.keys for i in range(2)}
    where = [told.captions[i].index(name) + 2 * i for name in told.spec.captions for i in [name_of(told, name)]]
    np.testing.assert_array_equal(example_rows(told), ROWS.reshape(6, 8)[where])
    batch = Loader(told, seed=0, fields=("text", "index"), captions_averaged=2).batch(0, 3)
    np.testing.assert_allclose(batch["text"], ROWS.mean(1)[batch["index"]], rtol=1e-5)


def name_of(prepared, name):
    return next(i for i, texts in enumerate(prepared.captions) if name in texts)


def test_a_picture_without_rows_is_told_by_name(tmp_path, birds):
    convert(official(tmp_path / "in"), tmp_path / "rows.safetensors")
    save(birds / "002.Other" / "new.jpg", noise(8, 8))
    reference = f"precomputed:{tmp_path / 'rows.safetensors'}"
    prepared = prepare(open_source(birds), size=8, say=lambda line: None)
    with pytest.raises(ZooError, match=r"no rows for 1 of 4 pictures: 002.Other/new.jpg"):
        embedded(prepared, text_encoder(reference).identity, reference, lambda line: None)


def test_new_text_and_wrong_files_are_refused_with_what_to_do(tmp_path):
    out = tmp_path / "rows.safetensors"
    convert(official(tmp_path / "in"), out)
    with pytest.raises(ZooError, match="knows no other text"):
        text_encoder(f"precomputed:{out}").encode(["a red bird"])
    for reference in ("precomputed", f"precomputed:{tmp_path / 'none.safetensors'}"):
        with pytest.raises(InvalidOptions, match=r"names no file|there is no such file.*import-embeddings"):
            text_encoder(reference)
    (tmp_path / "x.safetensors").write_bytes(pickle.dumps([1], 2))
    with pytest.raises(ZooError, match=r"holds no rows of captions .*import-embeddings"):
        text_encoder(f"precomputed:{tmp_path / 'x.safetensors'}")


def test_the_command_converts_and_says_what_comes_next(tmp_path, ganzoo):
    out = tmp_path / "rows.safetensors"
    done = ganzoo("import-embeddings", official(tmp_path / "in"), "--out", out)
    assert done.returncode == 0, done.stderr
    assert f"--text-encoder precomputed:{out}" in done.stdout
    again = ganzoo("import-embeddings", tmp_path / "in", "--out", out)
    assert again.returncode != 0
    assert "exists already" in again.stderr
