"""Our own plugins owe what the kit asks of everybody's; besides, every augmentation trains every game."""

import dataclasses

import pytest

import zoo
from zoo.compatibility import combine
from zoo.plugins import plugins, registry
from zoo.testing import Check, checks_of
from zoo.testing.architectures import train
from zoo.testing.toy_data import DATA
from zoo.training.engine import Training
from zoo.training.plan import model_class, usual_parts

OURS = [state.qualified for state in plugins() if state.distribution == "ganzoo" and state.status == "loaded"]
CHECKS = [pytest.param(check, id=check.name) for name in OURS for check in checks_of(name)]


@pytest.mark.parametrize("check", CHECKS)
def test_our_plugins_conform(check: Check):
    check.run()


@pytest.mark.parametrize("name", zoo.list_models())
@pytest.mark.parametrize("augment", [*registry().names("augmentation"), "ada:p=0.9,pipe=bgcfnc", "apa:p=0.5"])
def test_every_augmentation_trains_every_game(name, augment):
    plan = model_class(name).presets["tiny"](DATA)
    parts = plan.parts or usual_parts(model_class(name), plan.config)
    if parts is None:
        pytest.skip(f"{name} plays no game")
    if combine(name, parts.loss, augment=augment):
        parts = dataclasses.replace(parts, loss="non-saturating")
    model = model_class(name)(plan.config, DATA)
    model.build_critics(dataclasses.replace(parts, augment=augment))
    train(Training(model), 0, 2)
