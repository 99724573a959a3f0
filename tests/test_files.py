"""Whole or not at all."""

import errno

import pytest

from zoo import ZooError
from zoo.files import explained, make_folder, read_json, replace_file, write_json


def test_a_file_changes_only_when_the_block_ends_well(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})

    def fail() -> None:
        with replace_file(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert read_json(path) == {"a": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_what_the_disk_says_becomes_what_to_do(tmp_path):
    with pytest.raises(ZooError, match=r"No space left while writing .*GB are free"), explained(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(ZooError, match="--out"), explained(tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied")
    with pytest.raises(FileNotFoundError), explained(tmp_path):
        raise FileNotFoundError


def test_a_folder_below_a_file_says_what_to_do(tmp_path):
    (tmp_path / "a").write_text("")
    for folder in (tmp_path / "a", tmp_path / "a" / "b"):
        with pytest.raises(ZooError, match=r"No folder .*a.* can be made here: .*--out"):
            make_folder(folder)
    make_folder(tmp_path / "b" / "c")
    make_folder(tmp_path / "b" / "c")
    assert (tmp_path / "b" / "c").is_dir()


def test_broken_json_is_named(tmp_path):
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(ZooError, match=r"x\.json is not readable"):
        read_json(tmp_path / "x.json")
