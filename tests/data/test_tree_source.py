import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.data.conftest import noise, save
from zoo.data.source import open_source
from zoo.data.tree import open_tree
from zoo.data.tree_source import TreeSource
from zoo.errors import ZooError

Fill = Callable[..., Path]


def packed(folder: Path, path: Path, root: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*"), reverse=True):
            if file.is_file():
                archive.write(file, root + file.relative_to(folder).as_posix())
    return path


def keys(source: object) -> list[str]:
    return [item.key for item in source.items]  # type: ignore[attr-defined]


def labels(source: object) -> list[int | None]:
    return [item.label for item in source.items]  # type: ignore[attr-defined]


def test_images_come_sorted_hidden_files_and_others_left_out(fill: Fill) -> None:
    folder = fill(3)
    (folder / ".hidden.png").write_bytes(b"")
    (folder / "readme.md").write_text("x")
    save(folder / ".git" / "a.png", noise(4, 4))
    save(folder / "below" / "a.png", noise(4, 4))
    source = open_source(folder)
    assert keys(source) == ["000.png", "001.png", "002.png", "below/a.png"]
    assert labels(source) == [None] * 4
    assert (source.split, source.splits, source.classes) == (None, (), ())
    assert source.read(0) == (folder / "000.png").read_bytes()
    assert source.size(0) == (folder / "000.png").stat().st_size


def test_class_folders_are_labels(folder: Path) -> None:
    for name in ("dog/b.png", "cat/a.png", "cat/deep/c.png"):
        save(folder / name, noise(4, 4))
    source = open_source(folder)
    assert source.classes == ("cat", "dog")
    assert dict(zip(keys(source), labels(source), strict=True)) == {"cat/a.png": 0, "cat/deep/c.png": 0, "dog/b.png": 1}


def test_split_folders(folder: Path) -> None:
    for name in ("train/dog/b.png", "train/cat/a.png", "val/dog/c.png"):
        save(folder / name, noise(4, 4))
    assert keys(open_source(folder)) == ["train/cat/a.png", "train/dog/b.png"]
    test = open_source(folder, split="test")
    assert (keys(test), labels(test), test.classes) == (["val/dog/c.png"], [1], ("cat", "dog"))
    assert (test.split, test.splits) == ("test", ("train", "test"))
    assert len(open_source(folder, split="all")) == 3
    with pytest.raises(ZooError, match=r"no split 'tset'. Did you mean 'test'.*Known: train, test, all"):
        open_source(folder, split="tset")


def test_a_split_of_what_has_none(fill: Fill) -> None:
    with pytest.raises(ZooError, match="has no splits"):
        open_source(fill(2), split="test")


def test_captions_in_texts_beside_the_images(fill: Fill) -> None:
    folder = fill(2)
    (folder / "000.txt").write_text("\ufeffa red bird\n\n  a bird  \n", encoding="utf-8")
    assert [item.captions for item in open_source(folder).items] == [("a red bird", "a bird"), ()]


def test_metadata_lines(fill: Fill) -> None:
    folder = fill(3)
    rows = [
        {"file_name": "000.png", "text": "one", "label": "dog"},
        {"file_name": "001.png", "captions": ["two", "deux"], "label": "cat"},
        {"file_name": "gone.png", "text": "three"},
    ]
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    source = open_source(folder)
    assert [item.captions for item in source.items] == [("one",), ("two", "deux"), ()]
    assert (source.classes, labels(source)) == (("cat", "dog"), [1, 0, None])
    assert "gone.png" in source.notice


def test_metadata_tables_below_the_root(folder: Path) -> None:
    save(folder / "train" / "a.png", noise(4, 4))
    save(folder / "train" / "b.png", noise(4, 4))
    (folder / "train" / "metadata.csv").write_text('file_name,caption,label\na.png,"one, two",2\nb.png,,0\n')
    source = open_source(folder)
    assert [item.captions for item in source.items] == [("one, two",), ()]
    assert (source.classes, labels(source)) == (("0", "1", "2"), [2, 0])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1 is not JSON"),
        ("[]", "line 1 is not a JSON object"),
        ('{"text": "x"}', "line 1: no `file_name`"),
        ('{"file_name": "000.png", "label": -1}', "line 1: the label -1"),
    ],
)
def test_broken_metadata_names_file_and_line(fill: Fill, line: str, message: str) -> None:
    folder = fill(1)
    (folder / "metadata.jsonl").write_text(line)
    with pytest.raises(ZooError, match=rf"metadata.jsonl, {message}"):
        open_source(folder)


def test_labels_of_two_kinds_are_refused(fill: Fill) -> None:
    folder = fill(2)
    (folder / "metadata.jsonl").write_text(
        '{"file_name": "000.png", "label": 1}\n{"file_name": "001.png", "label": "cat"}'
    )
    with pytest.raises(ZooError, match="some are words"):
        open_source(folder)


def test_zip_reads_as_the_folder_does(folder: Path, tmp_path: Path) -> None:
    for name in ("dog/b.png", "cat/a.png"):
        save(folder / name, noise(4, 4))
    (folder / "cat" / "a.txt").write_text("a cat")
    source = open_source(folder)
    for path in (packed(folder, tmp_path / "a.zip"), packed(folder, tmp_path / "b.zip", root="top/")):
        other = open_source(str(path))
        assert other.items == source.items
        assert other.classes == source.classes
        assert [other.read(i) for i in range(2)] == [source.read(i) for i in range(2)]
        assert [other.size(i) for i in range(2)] == [source.size(i) for i in range(2)]


def test_nvidia_layout(folder: Path, tmp_path: Path) -> None:
    names = ["00000/img00000000.png", "00000/img00000001.png", "00001/img00001000.png"]
    for name in names:
        save(folder / name, noise(4, 4))
    (folder / "dataset.json").write_text(json.dumps({"labels": [[names[0], 3], [names[2], 0], [names[1], 1]]}))
    source = open_source(packed(folder, tmp_path / "a.zip"))
    assert (keys(source), labels(source), len(source.classes)) == (names, [3, 1, 0], 4)
    (folder / "dataset.json").write_text('{"labels": null}')
    assert labels(open_source(packed(folder, tmp_path / "b.zip"))) == [None] * 3
    (folder / "dataset.json").write_text(json.dumps({"labels": [[names[0], [0.5, 1]]]}))
    with pytest.raises(ZooError, match="whole numbers"):
        open_source(folder)


def test_fingerprint_follows_the_content(fill: Fill, tmp_path: Path) -> None:
    folder = fill(3)
    first = open_source(folder).fingerprint()
    assert open_source(folder).fingerprint() == first
    os.utime(folder / "000.png", ns=(1, 1))
    second = open_source(folder).fingerprint()
    (folder / "000.txt").write_text("a caption")
    third = open_source(folder).fingerprint()
    assert len({first, second, third}) == 3


@pytest.mark.skipif(os.name == "nt", reason="the file system keeps no time of change")
def test_state_sees_an_edit_that_restores_size_and_time(fill: Fill) -> None:
    folder = fill(2)
    path, source = folder / "000.png", open_source(folder)
    content, status, first, state = path.read_bytes(), path.stat(), source.fingerprint(), source.state()
    assert open_source(folder).state() == state
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert open_source(folder).fingerprint() == first
    assert open_source(folder).state() != state


def test_fingerprint_of_a_zip_is_that_of_its_content(fill: Fill, tmp_path: Path) -> None:
    folder = fill(2)
    one, two = packed(folder, tmp_path / "one.zip"), packed(folder, tmp_path / "two.zip")
    os.utime(two, ns=(1, 1))
    assert open_source(one).fingerprint() == open_source(two).fingerprint()
    save(folder / "000.png", noise(8, 8, seed=99))
    assert open_source(packed(folder, tmp_path / "two.zip")).fingerprint() != open_source(one).fingerprint()


def test_a_link_that_leads_back_is_followed_once(fill: Fill) -> None:
    folder = fill(1)
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    assert keys(open_source(folder)) == ["000.png"]


def test_images_can_be_chosen_and_split_by_the_caller(fill: Fill) -> None:
    splits = {"train": ["000.png"], "test": ["001.png", "002.png"]}
    source = TreeSource(open_tree(fill(4)), split="test", splits=splits)
    assert keys(source) == ["001.png", "002.png"]
    assert keys(TreeSource(open_tree(fill(4)), keep=lambda name: name > "002")) == ["002.png", "003.png"]
