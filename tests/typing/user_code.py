"""The types as a user sees them; checked by mypy and pyright, run by tests/test_public.py."""

from pathlib import Path
from typing import assert_type

from torch import Tensor

import zoo
from zoo.training.run import Run


def use(folder: Path) -> None:
    """What the README shows."""
    model = zoo.create("dcgan", preset="tiny", resolution=16, z_dim=4)
    assert_type(model, zoo.Model)
    assert_type(model.sample(2, seed=1), Tensor)
    assert_type(zoo.list_models("dc*"), list[str])
    run = zoo.train("dcgan", folder, out=folder / "run", preset="tiny", resolution=16, kimg=0.008, quiet=True)
    assert_type(run, Run)
    assert_type(run.folder, Path)
    assert_type(run.load(), zoo.Model)
    loaded = zoo.load(run.folder)
    assert_type(loaded, zoo.Model)
    assert_type(loaded.device.type, str)
    spec = zoo.DataSpec(resolution=16)
    assert_type(spec.class_names, tuple[str, ...])
