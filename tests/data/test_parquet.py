"""Parquet files as data: what the Hub stores, and what others write."""

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from zoo import ZooError
from zoo.data import Loader, open_source
from zoo.data.prepare import prepare

NAMES = ["cat", "dog", "fish"]


def picture(value: int) -> bytes:
    """A PNG of 8 px in one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (value, 0, 255 - value)).save(buffer, "PNG")
    return buffer.getvalue()


def write(path: Path, start: int, n: int, features: bool = True, **more: list[object]) -> Path:
    """Rows with pictures as `datasets` writes them, in groups of four rows."""
    rows = [{"bytes": picture(start + i), "path": f"{start + i}.png"} for i in range(n)]
    columns: dict[str, object] = {"img": rows, "label": [(start + i) % 3 for i in range(n)], **more}
    table = pa.table(columns)
    if features:
        about = {"img": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": NAMES}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": about}})})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=4)
    return path


def colours(source) -> list[int]:
    return [np.asarray(Image.open(io.BytesIO(source.read(i))))[0, 0, 0] for i in range(len(source))]


def test_a_folder_of_parquet_is_data_with_labels_captions_and_splits(tmp_path):
    captions = [["a cat", " "], ["a dog"]]
    for number, start in enumerate((0, 10)):
        name = f"train-{number:05}-of-00002-abcdef.parquet"
        write(tmp_path / "data" / name, start, 10, caption=[captions[i % 2] for i in range(10)])
    write(tmp_path / "data" / "test-00000-of-00001.parquet", 100, 3, caption=[["a fish"]] * 3)
    source = open_source(tmp_path)
    assert (len(source), source.split, source.splits, source.classes) == (20, "train", ("train", "test"), tuple(NAMES))
    assert colours(source) == list(range(20))
    assert [item.label for item in source.items[:4]] == [0, 1, 2, 0]
    assert source.items[0].captions == ("a cat",)
    assert len({item.key for item in source.items}) == 20
    assert colours(open_source(tmp_path, "test")) == [100, 101, 102]
    assert len(open_source(tmp_path, "all")) == 23
    with pytest.raises(ZooError, match="no split 'val'"):
        open_source(tmp_path, "val")


def test_it_is_prepared_and_loaded_as_all_data(tmp_path):
    path = write(tmp_path / "a.parquet", 0, 9)
    prepared = prepare(open_source(str(path)), size=8)
    batch = Loader(prepared, seed=0, fields=("image", "label", "index")).batch(position=0, size=9)
    red = ((batch["image"][:, 0, 0, 0] + 1) * 127.5).round().int()
    assert red.tolist() == batch["index"].tolist()
    assert (batch["label"] == batch["index"] % 3).all()
    assert prepared.spec.class_names == tuple(NAMES)


def test_rows_are_read_in_any_order_and_from_several_threads(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    source = open_source(write(tmp_path / "a.parquet", 0, 50))
    order = np.random.default_rng(0).permutation(50)
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(source.read, order))
    assert read == [picture(i) for i in order]


def test_the_fingerprint_follows_the_file(tmp_path):
    path = write(tmp_path / "a.parquet", 0, 5)
    before = open_source(path).fingerprint()
    assert open_source(path).fingerprint() == before
    write(path, 1, 5)
    assert open_source(path).fingerprint() != before


def test_plain_columns_of_other_makers(tmp_path):
    pq.write_table(pa.table({"jpg": [picture(7)], "class": [2], "text": ["seven"]}), tmp_path / "a.parquet")
    source = open_source(tmp_path / "a.parquet")
    assert source.read(0) == picture(7)
    assert (source.classes, source.items[0].label, source.items[0].captions) == (("0", "1", "2"), 2, ("seven",))


def test_unlabelled_rows_and_rows_without_a_picture(tmp_path):
    table = pa.table(
        {"image": [{"bytes": None, "path": "x.png"}, {"bytes": picture(1), "path": None}], "label": [-1, 0]}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    source = open_source(tmp_path / "a.parquet")
    assert [item.label for item in source.items] == [None, 0]
    with pytest.raises(ValueError, match=r"row 0 of a\.parquet holds no picture"):
        source.read(0)


def test_what_is_no_picture_data_is_told(tmp_path):
    write(tmp_path / "one" / "a.parquet", 0, 2)
    write(tmp_path / "one" / "b.parquet", 0, 2, caption=["a", "b"])
    with pytest.raises(ZooError, match="do not have the same columns"):
        open_source(tmp_path / "one")
    pq.write_table(pa.table({"text": ["a"], "n": [1]}), tmp_path / "text.parquet")
    with pytest.raises(ZooError, match=r"no column with pictures.*There: text, n"):
        open_source(tmp_path / "text.parquet")
    pq.write_table(pa.table({"left": [b"a"], "right": [b"b"]}), tmp_path / "two.parquet")
    with pytest.raises(ZooError, match=r"several columns with pictures \(left, right\)"):
        open_source(tmp_path / "two.parquet")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ZooError, match="not read as parquet"):
        open_source(tmp_path / "torn.parquet")


def test_two_pictures_a_row_are_settled_by_name_with_a_notice(tmp_path):
    rows = [{"bytes": picture(1), "path": None}]
    pq.write_table(pa.table({"mask": rows, "image": [{"bytes": picture(2), "path": None}]}), tmp_path / "a.parquet")
    source = open_source(tmp_path / "a.parquet")
    assert source.read(0) == picture(2)
    assert "those of image; mask, image are there" in source.notice


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    path = write(tmp_path / "a.parquet", 0, 2)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ZooError, match="hub-data"):
        open_source(path)
