"""Official datasets whose labels lie in files of their own formats: CIFAR-10, Oxford flowers, CUB birds."""

import io
import pickle
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import PurePosixPath
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ganzoo_datasets.official import Official, copied, find
from ganzoo_datasets.texts import locate
from zoo.data.arrays import ArraySource
from zoo.data.layout import image_names
from zoo.data.sidecars import Row
from zoo.data.source import Source
from zoo.data.tree import Tree
from zoo.data.tree_source import TreeSource
from zoo.errors import ZooError

__all__ = ["birds", "cifar10", "flowers"]

CIFAR10 = Official(
    "cifar10",
    "https://www.cs.toronto.edu/~kriz/cifar.html",
    "none stated; for research, citing A. Krizhevsky, 2009",
    "60,000 images at 32 px in 10 classes, 163 MB",
    "cifar-10-batches-bin or cifar-10-batches-py, unpacked",
    hub="hf:uoft-cs/cifar10",
    hub_note="not compared with the official files",
)
FLOWERS = Official(
    "flowers",
    "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/",
    "none stated; for research, citing M-E. Nilsback and A. Zisserman, 2008",
    "8,189 images in 102 classes, 345 MB",
    "jpg/image_00001.jpg ..., imagelabels.mat and setid.mat",
    hub="hf:nelorth/oxford-flowers",
    hub_note="not compared with the official files",
)
BIRDS = Official(
    "birds",
    "https://www.vision.caltech.edu/datasets/cub_200_2011/",
    "non-commercial research and education only",
    "11,788 images in 200 classes, 1.2 GB",
    "images/001.Black_footed_Albatross/*.jpg ..., images.txt and train_test_split.txt",
)

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_BATCHES = {"train": [f"data_batch_{i}" for i in range(1, 6)], "test": ["test_batch"]}


def cifar10(
    split: Literal["train", "test", "all"] = "train",  # part of the data to use
) -> Source:
    """CIFAR-10, from the binary or the Python version."""
    if copy := copied(CIFAR10, split):
        return copy
    tree = find(CIFAR10)
    if image_names(tree.names):
        return TreeSource(tree, name="cifar10", split=split, licence=CIFAR10.licence)
    wanted = [batch for name in _BATCHES if split in (name, "all") for batch in _BATCHES[name]]
    parts = [_cifar_batch(tree, batch) for batch in wanted]
    pixels = np.concatenate([images for images, _ in parts])
    images = np.ascontiguousarray(pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    labels = np.concatenate([labels for _, labels in parts])
    return ArraySource(
        "cifar10",
        images,
        labels,
        classes=CIFAR10_CLASSES,
        split=split,
        splits=("train", "test"),
        licence=CIFAR10.licence,
    )


def flowers(
    split: Literal["train", "val", "test", "all"] = "all",  # part of the data to use
) -> Source:
    """Oxford 102 flowers. GANs are trained on `all`: the official train and val have ten images of a class."""
    if copy := copied(FLOWERS, split):
        return copy
    tree = find(FLOWERS)
    names = {_number(name): name for name in image_names(tree.names)}
    labels = _matlab(tree, "imagelabels.mat")["labels"]
    sets = _matlab(tree, "setid.mat")
    splits = {
        name: [names[int(i)] for i in np.sort(sets[column]) if int(i) in names]
        for name, column in (("train", "trnid"), ("val", "valid"), ("test", "tstid"))
    }
    rows = {name: Row(int(labels[i - 1]) - 1) for i, name in names.items() if 1 <= i <= len(labels)}
    return TreeSource(tree, name="flowers", split=split, licence=FLOWERS.licence, splits=splits, rows=rows)


def birds(
    split: Literal["train", "test", "all"] = "train",  # part of the data to use
) -> Source:
    """Caltech-UCSD Birds 200-2011."""
    tree = find(BIRDS)
    rows, splits = _birds(tree, [name for name in image_names(tree.names) if len(PurePosixPath(name).parts) > 1])
    return TreeSource(
        tree, name="birds", split=split, licence=BIRDS.licence, splits=splits, rows=rows, keep=rows.__contains__
    )


def _birds(tree: Tree, names: Sequence[str]) -> tuple[Mapping[str, Row], Mapping[str, Sequence[str]]]:
    """(class of each image by its folder, official split)."""
    numbered, divided = (_table(tree, file) for file in ("images.txt", "train_test_split.txt"))
    training = {path: divided.get(number) == "1" for number, path in numbered.items()}
    known = {"/".join(PurePosixPath(name).parts[-2:]): name for name in names}
    splits: dict[str, list[str]] = {"train": [], "test": []}
    for path, name in known.items():
        if path in training:
            splits["train" if training[path] else "test"].append(name)
    return {name: Row(path.partition("/")[0]) for path, name in known.items() if path in training}, splits


def _table(tree: Tree, file: str) -> dict[str, str]:
    lines = tree.read(_found(tree, file)).decode().splitlines()
    return {parts[0]: parts[1] for line in lines if len(parts := line.split(maxsplit=1)) == 2}


def _found(tree: Tree, file: str) -> str:
    name = locate(tree, file)
    if name is None:
        raise ZooError(f"{tree.location} has no {file}; put it there as it comes with the dataset.")
    return name


def _number(name: str) -> int:
    return int("".join(filter(str.isdigit, PurePosixPath(name).stem)) or 0)


def _matlab(tree: Tree, file: str) -> dict[str, NDArray[Any]]:
    loadmat: Any = import_module("scipy.io").loadmat

    found: dict[str, Any] = loadmat(io.BytesIO(tree.read(_found(tree, file))))
    return {name: np.ravel(values) for name, values in found.items() if not name.startswith("__")}


def _cifar_batch(tree: Tree, batch: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """(pixels [N,3072] by channel, row and column; labels [N])."""
    if (binary := locate(tree, f"{batch}.bin")) is not None:
        records = np.frombuffer(tree.read(binary), np.uint8)
        if records.size % 3073 == 0:
            records = records.reshape(-1, 3073)
            return records[:, 1:], records[:, 0].astype(np.int64)
        raise ZooError(f"{binary} in {tree.location} is cut: its records have 3,073 bytes each. Unpack it again.")
    name = _found(tree, batch)
    try:
        values = _PlainUnpickler(io.BytesIO(tree.read(name)), encoding="bytes").load()
        return np.asarray(values[b"data"], np.uint8).reshape(-1, 3072), np.asarray(values[b"labels"], np.int64)
    except (pickle.UnpicklingError, EOFError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise ZooError(f"{name} in {tree.location} is not a batch of CIFAR-10 ({error}). Unpack it again.") from error


class _PlainUnpickler(pickle.Unpickler):
    """Reads numbers, text, lists, dicts and numpy arrays; refuses everything that could run code."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
            return getattr(np, name)
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return np.empty(0).__reduce__()[0]
        if (module, name) == ("_codecs", "encode"):
            return lambda text, encoding: text.encode(encoding)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not data")
