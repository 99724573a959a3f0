import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.data.conftest import noise, save
from zoo.data.arrays import ArraySource
from zoo.data.decode import decode
from zoo.data.source import open_source
from zoo.errors import InvalidOptions, UnknownName, ZooError


def test_a_name_with_options() -> None:
    source = open_source("emoji:style=noto,items=7,split=test")
    assert (source.name, source.split, len(source)) == ("emoji", "test", 7)
    assert all(item.key.startswith("noto/") for item in source.items)


def test_split_is_an_option_of_a_name() -> None:
    assert open_source("emoji", split="test").split == "test"


def test_a_folder_with_the_name_of_a_dataset_is_neither_until_it_is_said_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "emoji" / "a.png", noise(4, 4))
    with pytest.raises(ZooError, match=r"\./emoji means the latter, ganzoo::emoji the dataset"):
        open_source("emoji")
    assert [item.key for item in open_source("./emoji").items] == ["a.png"]
    assert open_source("ganzoo::emoji:items=3").name == "emoji"


def test_all_bad_options_are_told_at_once() -> None:
    with pytest.raises(InvalidOptions) as caught:
        open_source("emoji:stile=noto,items=many")
    assert len(caught.value.problems) == 2
    assert "Did you mean 'style'" in str(caught.value)


def test_an_unknown_name_has_near_misses_and_a_hint_on_paths() -> None:
    with pytest.raises(UnknownName, match=r"Did you mean 'emoji'(.|\n)*\./emojo"):
        open_source("emojo")


def test_text_that_is_neither_name_nor_path() -> None:
    with pytest.raises(UnknownName, match="my photos!"):
        open_source("my photos!")


@pytest.mark.parametrize("text", ["./gone", "/gone/deep/er", "~/gone-for-good", "gone.zip"])
def test_a_path_that_is_not_there(text: str) -> None:
    with pytest.raises(ZooError, match=r"does not exist.*Give a folder of images"):
        open_source(text)


def test_a_path_with_a_slip_gets_a_near_miss(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    with pytest.raises(ZooError, match="Did you mean 'pictures'"):
        open_source(tmp_path / "pitcures")


def test_an_empty_folder(folder: Path) -> None:
    with pytest.raises(ZooError, match=r"is empty. Put images \(\.png"):
        open_source(folder)


def test_a_folder_without_images(folder: Path) -> None:
    (folder / "a.txt").write_text("x")
    with pytest.raises(ZooError, match=r"1 files and no image among them \(endings: txt\)"):
        open_source(folder)


def test_a_file_instead_of_a_folder(folder: Path) -> None:
    with pytest.raises(ZooError, match=r"is a file, not a folder of images or a .zip. Give the folder it lies in"):
        open_source(save(folder / "a.png", noise(4, 4)))


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_other_archives_are_to_be_unpacked(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"x")
    with pytest.raises(ZooError, match="unpack it"):
        open_source(folder / name)


def test_a_damaged_zip(folder: Path) -> None:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("a.png", b"x" * 1000)
    (folder / "b.zip").write_bytes((folder / "a.zip").read_bytes()[:500])
    with pytest.raises(ZooError, match=r"b.zip is not a zip, or a damaged one"):
        open_source(folder / "b.zip")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission(folder: Path) -> None:
    folder.chmod(0)
    try:
        with pytest.raises(ZooError, match="No permission to read"):
            open_source(folder)
    finally:
        folder.chmod(0o700)


def test_arrays_are_read_back_without_loss() -> None:
    for pixels in (noise(5, 7)[None], noise(5, 7, 1)[None], noise(5, 7, 1)[None, :, :, None]):
        source = ArraySource("x", pixels, [3], captions=[["a"]])
        assert (source.items[0].label, source.items[0].captions) == (3, ("a",))
        decoded = decode(source.read(0), size=5, channels=3)
        np.testing.assert_array_equal(decoded, np.broadcast_to(pixels.reshape(5, 7, -1)[:, 1:6], (5, 5, 3)))


def test_arrays_of_other_shapes_are_refused() -> None:
    for bad in (np.zeros((2, 4, 4, 4), np.uint8), np.zeros((4, 4), np.uint8)):
        with pytest.raises(ZooError, match="uint8"):
            ArraySource("x", bad)
    with pytest.raises(ZooError, match="1 labels were given for 2"):
        ArraySource("x", np.zeros((2, 4, 4), np.uint8), [1])


def test_the_fingerprint_of_arrays_follows_pixels_and_labels() -> None:
    one, two = np.zeros((2, 4, 4), np.uint8), np.ones((2, 4, 4), np.uint8)
    prints = {ArraySource("x", a, b).fingerprint() for a in (one, two) for b in ([0, 1], [1, 0])}
    assert len(prints) == 4
