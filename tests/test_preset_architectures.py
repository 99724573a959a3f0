"""Architectures that are another's networks with other settings and parts."""

from textwrap import dedent

import pytest

import zoo
from tests import fake_plugins
from tests.fake_plugins import FakePlugins
from zoo import DataSpec, ZooError
from zoo.options import describe
from zoo.plugins import registry
from zoo.training.plan import model_class

fakes = fake_plugins.fakes

PLUGIN = """
    from zoo.registry import Entry

    def ganzoo_architectures():
        yield Entry("sharp", "sharp_presets:PRESETS", "dcgan with hinge", needs=("image",), base="dcgan")
        yield Entry("blunt", "sharp_presets:WRONG", "no presets", base="dcgan")
"""
PRESETS = """
    import zoo

    def tiny(data):
        return zoo.Preset(zoo.configuration("dcgan", "tiny", data, z_dim=3), zoo.Parts("hinge"))

    PRESETS = {"default": tiny, "tiny": tiny}
    WRONG = 3
"""


@pytest.fixture
def sharp(fakes: FakePlugins) -> None:
    fakes.add("sharp", {"sharp": "sharp"}, {"sharp": dedent(PLUGIN), "sharp_presets": dedent(PRESETS)})


@pytest.mark.usefixtures("sharp")
def test_it_is_its_base_with_other_presets() -> None:
    model = zoo.create("sharp", resolution=16, training=True, g_width=5)
    assert isinstance(model, model_class("dcgan"))
    assert (model.config.z_dim, model.config.g_width) == (3, 5)
    assert type(model.critic.game).__name__ == "Hinge"
    assert set(model_class("sharp").presets) == {"default", "tiny"}
    assert model.sampling_state().keys() == zoo.create("dcgan", preset="tiny", resolution=16).state_dict().keys()


@pytest.mark.usefixtures("sharp")
def test_its_options_are_those_of_its_base() -> None:
    target = registry().options_target(registry().find("architecture", "sharp"))
    assert "z_dim" in {option.name for option in describe(target)}


@pytest.mark.usefixtures("sharp")
def test_a_target_that_is_no_mapping_is_its_plugins_fault() -> None:
    with pytest.raises(ZooError, match="no mapping of presets"):
        zoo.create("blunt", data=DataSpec(16))
