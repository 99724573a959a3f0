import pytest

from zoo.data.spec import DataSpec
from zoo.errors import ZooError


def test_json_gives_an_equal_spec() -> None:
    spec = DataSpec(64, 1, classes=2, items=10, text_dim=512, class_names=("cat", "dog"), class_counts=(3, 7))
    assert DataSpec.from_json(spec.to_json()) == spec


def test_unknown_fields_are_named() -> None:
    with pytest.raises(ZooError, match=r"\['frames'\].*newer ganzoo"):
        DataSpec.from_json({"resolution": 64, "frames": 3})


@pytest.mark.parametrize(
    "values",
    [{"resolution": 0}, {"resolution": 8, "channels": 4}, {"resolution": 8, "classes": -1}, {}],
)
def test_bad_numbers_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(ZooError):
        DataSpec.from_json(values)


def test_names_must_match_the_number_of_classes() -> None:
    with pytest.raises(ZooError, match="1 class names were given for 2"):
        DataSpec(8, classes=2, class_names=("cat",))
    with pytest.raises(ZooError, match="1 class counts were given for 2"):
        DataSpec(8, classes=2, class_counts=(5,))
