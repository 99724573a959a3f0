import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from tests.data.conftest import noise, save
from zoo.data.decode import decode
from zoo.data.source import open_source
from zoo.errors import UnknownName, ZooError

NAMES = (
    "ffhq",
    "celeba-hq",
    "celeba",
    "afhq",
    "afhqv2",
    "lsun-church",
    "lsun-bedroom",
    "cifar10",
    "imagenet",
    "metfaces",
    "flowers",
    "birds",
)

Put = Callable[..., None]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Write pictures of those names below $GANZOO_DATA/<dataset>."""
    monkeypatch.setenv("GANZOO_DATA", str(tmp_path / "sets"))

    def write(dataset: str, *names: str) -> None:
        for i, name in enumerate(names):
            save(tmp_path / "sets" / dataset / name, noise(4, 4, seed=i))

    return write


def keys(source: object) -> list[str]:
    return [item.key for item in source.items]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_there_is_explained(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GANZOO_DATA", raising=False)
    with pytest.raises(ZooError, match=r"GANZOO_DATA is not set") as caught:
        open_source(name)
    for part in ("https://", "licence:", "size:", "export GANZOO_DATA=", f"$GANZOO_DATA/{name}"):
        assert part in str(caught.value)
    monkeypatch.setenv("GANZOO_DATA", str(tmp_path))
    with pytest.raises(ZooError) as caught:
        open_source(name)
    assert f"{tmp_path}/{name}" in str(caught.value)


def test_ffhq_takes_the_large_images_and_no_labels(put: Put) -> None:
    put(
        "ffhq",
        "images1024x1024/00000/00000.png",
        "images1024x1024/01000/01000.png",
        "thumbnails128x128/00000/00000.png",
    )
    source = open_source("ffhq")
    assert keys(source) == ["images1024x1024/00000/00000.png", "images1024x1024/01000/01000.png"]
    assert (source.classes, source.splits, source.items[0].label) == ((), (), None)
    assert "CC BY-NC-SA" in source.licence


def test_a_zip_serves_too(put: Put, tmp_path: Path) -> None:
    put("other", "00000/a.png")
    with zipfile.ZipFile(tmp_path / "sets" / "metfaces.zip", "w") as archive:
        archive.write(tmp_path / "sets" / "other" / "00000" / "a.png", "images/a.png")
    assert len(open_source("metfaces")) == 1
    folder = tmp_path / "sets" / "metfaces"
    folder.mkdir()
    (tmp_path / "sets" / "metfaces.zip").rename(folder / "metfaces-64.zip")
    assert len(open_source("metfaces")) == 1
    (folder / "metfaces-32.zip").write_bytes((folder / "metfaces-64.zip").read_bytes())
    with pytest.raises(ZooError, match=r"holds metfaces-32.zip, metfaces-64.zip; say which: --data .*metfaces-32.zip"):
        open_source("metfaces")


def test_animals_are_classes_and_val_is_test(put: Put) -> None:
    put("afhq", "train/cat/a.png", "train/dog/b.png", "train/wild/c.png", "val/dog/d.png")
    source = open_source("afhq:split=test")
    assert (source.classes, source.items[0].label) == (("cat", "dog", "wild"), 1)
    dogs = open_source("afhq:animal=dog,split=all")
    assert (keys(dogs), dogs.classes) == (["train/dog/b.png", "val/dog/d.png"], ())


def test_celeba_partitions_and_attributes(put: Put, tmp_path: Path) -> None:
    put("celeba", *[f"img_align_celeba/00000{i}.jpg" for i in (1, 2, 3)])
    (tmp_path / "sets/celeba/list_eval_partition.txt").write_text("000001.jpg 0\n000002.jpg 2\n000003.jpg 0\n")
    table = "3\nBald Smiling\n000001.jpg -1 1\n000002.jpg 1 -1\n000003.jpg 1 -1\n"
    (tmp_path / "sets/celeba/list_attr_celeba.txt").write_text(table)
    source = open_source("celeba:attribute=Smiling")
    assert (source.split, source.splits) == ("train", ("train", "test"))
    assert [item.label for item in source.items] == [1, 0]
    assert source.classes == ("0 without Smiling", "1 with Smiling")
    assert keys(open_source("celeba:split=test")) == ["img_align_celeba/000002.jpg"]
    with pytest.raises(UnknownName, match="Did you mean 'Smiling'"):
        open_source("celeba:attribute=Smilling")


def test_lmdb_and_packed_files_are_told(put: Put, tmp_path: Path) -> None:
    put("lsun-church")
    (tmp_path / "sets/lsun-church").mkdir(parents=True)
    (tmp_path / "sets/lsun-church/data.mdb").write_bytes(b"x")
    with pytest.raises(ZooError, match=r"LMDB, which is not read. Export"):
        open_source("lsun-church")
    (tmp_path / "sets/cifar10").mkdir()
    (tmp_path / "sets/cifar10/cifar-10-python.tar.gz").write_bytes(b"x")
    with pytest.raises(ZooError, match="still packed"):
        open_source("cifar10")


def cifar_pixels() -> np.ndarray:
    return np.random.RandomState(0).randint(0, 256, (6, 3072)).astype(np.uint8)


def check_cifar() -> None:
    pixels = cifar_pixels()
    for split, rows in (("train", [0, 1, 2, 3, 4]), ("test", [5]), ("all", [0, 1, 2, 3, 4, 5])):
        source = open_source(f"cifar10:split={split}")
        assert [item.label for item in source.items] == rows
        for i, row in enumerate(rows):
            expected = pixels[row].reshape(3, 32, 32).transpose(1, 2, 0)
            np.testing.assert_array_equal(decode(source.read(i), size=32, channels=3), expected)
    assert (source.splits, source.classes[5]) == (("train", "test"), "dog")


BATCHES = [*[f"data_batch_{i}" for i in range(1, 6)], "test_batch"]


def test_cifar10_binary(put: Put, tmp_path: Path) -> None:
    home = tmp_path / "sets" / "cifar10" / "cifar-10-batches-bin"
    home.mkdir(parents=True)
    for i, name in enumerate(BATCHES):
        (home / f"{name}.bin").write_bytes(bytes([i]) + cifar_pixels()[i].tobytes())
    check_cifar()
    (home / "test_batch.bin").write_bytes(b"cut")
    with pytest.raises(ZooError, match=r"test_batch.bin.*is cut"):
        open_source("cifar10:split=test")


def test_cifar10_python(put: Put, tmp_path: Path) -> None:
    home = tmp_path / "sets" / "cifar10" / "cifar-10-batches-py"
    home.mkdir(parents=True)
    for i, name in enumerate(BATCHES):
        values = {b"data": cifar_pixels()[i : i + 1], b"labels": [i], b"filenames": [b"x.png"]}
        (home / name).write_bytes(pickle.dumps(values, protocol=2))
    check_cifar()


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("owned"),)  # type: ignore[return-value]


def test_a_pickle_that_runs_code_is_refused(put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "sets" / "cifar10"
    home.mkdir(parents=True)
    (home / "test_batch").write_bytes(pickle.dumps({b"data": Evil(), b"labels": []}))
    with pytest.raises(ZooError, match=r"test_batch.*is not a batch of CIFAR-10.*which is not data"):
        open_source("cifar10:split=test")
    assert not (tmp_path / "owned").exists()


def test_imagenet_with_a_flat_val(put: Put) -> None:
    put("imagenet", "train/n02/a.JPEG", "train/n01/b.JPEG", "val/c.JPEG")
    source = open_source("imagenet")
    assert (source.classes, [item.label for item in source.items]) == (("n01", "n02"), [0, 1])
    assert open_source("imagenet:split=test").items[0].label is None


def test_flowers_from_their_tables(put: Put, tmp_path: Path) -> None:
    put("flowers", *[f"jpg/image_0000{i}.jpg" for i in (1, 2, 3)])
    home = tmp_path / "sets" / "flowers"
    savemat(home / "imagelabels.mat", {"labels": np.array([[3, 1, 2]])})
    savemat(home / "setid.mat", {"trnid": [[3]], "valid": [[1]], "tstid": [[2]]})
    source = open_source("flowers")
    assert ([item.label for item in source.items], source.split) == ([2, 0, 1], "all")
    assert keys(open_source("flowers:split=test")) == ["jpg/image_00002.jpg"]
    (home / "setid.mat").unlink()
    with pytest.raises(ZooError, match=r"has no setid.mat"):
        open_source("flowers")


def test_birds_with_their_official_split(put: Put, tmp_path: Path) -> None:
    put("birds", "images/001.Auk/a.jpg", "images/002.Owl/b.jpg", "images/002.Owl/c.jpg")
    home = tmp_path / "sets" / "birds"
    (home / "images.txt").write_text("1 001.Auk/a.jpg\n2 002.Owl/b.jpg\n3 002.Owl/c.jpg\n")
    (home / "train_test_split.txt").write_text("1 1\n2 0\n3 1\n")
    source = open_source("birds")
    assert source.classes == ("001.Auk", "002.Owl")
    assert [(item.key, item.label) for item in source.items] == [
        ("images/001.Auk/a.jpg", 0),
        ("images/002.Owl/c.jpg", 1),
    ]
    assert keys(open_source("birds:split=test")) == ["images/002.Owl/b.jpg"]


@pytest.mark.parametrize("name", ["celeba-hq", "lsun-bedroom", "lsun-church", "metfaces"])
def test_sets_that_are_a_heap_of_images(name: str, put: Put) -> None:
    put(name, "a/1.png", "b/2.png")
    source = open_source(name)
    assert (len(source), source.splits) == (2, ())
    assert source.classes == (("a", "b") if name == "celeba-hq" else ())
