"""What is public exists, is documented and typed."""

import importlib
import inspect
import pkgutil

import pytest

import zoo
from tests.typing.user_code import use

MODULES = [info.name for info in pkgutil.walk_packages(zoo.__path__, "zoo.") if not info.name.endswith("__main__")]


def test_every_public_name_is_there_and_documented():
    for name in zoo.__all__:
        value = getattr(zoo, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), name
    assert set(zoo.__all__) <= set(dir(zoo))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = zoo.nothing


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_is_public(name):
    module = importlib.import_module(name)
    assert module.__doc__, name
    if name.count(".") == 1 and name in ("zoo.data", "zoo.evaluation", "zoo.metrics", "zoo.training"):
        return
    for public in module.__all__:
        assert hasattr(module, public), public


def test_what_the_types_promise_runs(pictures, tmp_path):
    import shutil

    shutil.copytree(pictures, tmp_path / "data")
    use(tmp_path / "data")
