import json
import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from zoo.errors import UnknownName, ZooError
from zoo.registry import KINDS, Entry, Registered, Registry, install_command, plural


def entry(name: str, target: str = "json:dumps", **more: Any) -> Entry:
    return Entry(name, target, "a thing for tests", **more)


def registered(name: str, kind: str = "loss", distribution: str = "one", **more: Any) -> Registered:
    return Registered(entry(name, **more), kind, "plugin", distribution, "1.0")


def test_an_entry_is_frozen_hashable_and_can_be_copied() -> None:
    made = entry("dcgan", traits={"role": "join"}, tags=["a", "b"])
    assert made.tags == ("a", "b")
    assert hash(made) == hash(entry("dcgan", tags=("a", "b")))
    assert pickle.loads(pickle.dumps(made)) == made
    with pytest.raises(FrozenInstanceError):
        made.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"name": "DCGAN"}, "lower case"),
        ({"name": "a_b"}, "lower case"),
        ({"name": "a/"}, "lower case"),
        ({"name": ""}, "lower case"),
        ({"target": "no_colon"}, "'package.module:Object'"),
        ({"target": "a b:C"}, "'package.module:Object'"),
        ({"summary": "two\nlines"}, "summary: one line"),
        ({"summary": " "}, "summary: one line"),
        ({"paper": "DCGAN"}, "arXiv id"),
        ({"tags": "one"}, "tags is a tuple"),
        ({"presets": {"paper": ""}}, "paper: one line"),
    ],
)
def test_a_malformed_entry_is_refused(given: dict[str, object], problem: str) -> None:
    good: dict[str, object] = {"name": "good", "target": "a.b:C", "summary": "fine"}
    with pytest.raises(ValueError, match=problem):
        Entry(**{**good, **given})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["dcgan", "clip-vit-b32", "v1.5", "projected-gan/ffhq-256", "2d"])
def test_names_that_are_fine(name: str) -> None:
    assert entry(name).name == name


def test_find_by_bare_and_qualified_name_and_plural_kind() -> None:
    one = registered("hinge")
    registry = Registry([one])
    assert registry.find("loss", "hinge") is one
    assert registry.find("losses", "one::hinge") is one


def test_distribution_names_compare_as_package_indexes_do() -> None:
    one = registered("hinge", distribution="Ganzoo_Extra.Losses")
    assert Registry([one]).find("loss", "ganzoo-extra-losses::hinge") is one


def test_a_clash_names_both_and_qualifying_resolves_it() -> None:
    one, two = registered("hinge"), registered("hinge", distribution="two")
    registry = Registry([one, two])
    with pytest.raises(ZooError, match="'one::hinge' or 'two::hinge'") as caught:
        registry.find("loss", "hinge")
    assert not isinstance(caught.value, UnknownName)
    assert registry.find("loss", "two::hinge") is two
    assert registry.names("loss") == ["one::hinge", "two::hinge"]


def test_an_unknown_name_gets_near_misses_other_kinds_and_troubles() -> None:
    trouble = "Plugin 'p' of dist is broken: ImportError: no x. Mend it: pip install x"
    registry = Registry([registered("hinge"), registered("dcgan", "architecture")], [trouble])
    with pytest.raises(UnknownName) as caught:
        registry.find("loss", "hnge")
    assert str(caught.value).splitlines() == [
        "No loss is named 'hnge'. Did you mean 'hinge'?",
        trouble,
        "See them all: ganzoo list losses",
    ]
    with pytest.raises(UnknownName, match="'dcgan' is an architecture, not a loss"):
        registry.find("loss", "dcgan")
    with pytest.raises(UnknownName, match="Did you mean 'hinge'"):
        registry.find("loss", "HINGE")


def test_an_unknown_name_in_an_empty_kind_says_so() -> None:
    with pytest.raises(UnknownName, match="No metric is registered at all"):
        Registry().find("metric", "fid")


def test_an_unknown_kind_gets_near_misses() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'losses' or 'loss'"):
        Registry().find("loses", "hinge")


def test_everywhere_crosses_kinds() -> None:
    model, network = registered("dcgan", "architecture"), registered("dcgan", "discriminator")
    registry = Registry([network, model, registered("dcgan-2")])
    assert registry.everywhere("dcgan") == [model, network]
    assert registry.everywhere("one::dcgan") == [model, network]
    with pytest.raises(UnknownName, match=r"Nothing is named 'dcgn'\. Did you mean 'dcgan'"):
        registry.everywhere("dcgn")
    with pytest.raises(UnknownName, match="two::dcgan"):
        registry.everywhere("two::dcgan")


def test_select_filters_by_kind_wildcard_and_tags_and_sorts() -> None:
    registry = Registry(
        [
            registered("stylegan2", "architecture", tags=("style", "large")),
            registered("dcgan", "architecture", tags=("small",)),
            registered("stylegan", "architecture", tags=("style",)),
            registered("dcgan", "discriminator"),
        ]
    )

    def names(*arguments: object) -> list[str]:
        return [one.name for one in registry.select(*arguments)]  # type: ignore[arg-type]

    assert names("architectures") == ["dcgan", "stylegan", "stylegan2"]
    assert names(None, "dc*") == ["dcgan", "dcgan"]
    assert names(None, "one::style*") == ["stylegan", "stylegan2"]
    assert names("architecture", "*", ["style", "large"]) == ["stylegan2"]
    assert names("loss") == []


def test_load_imports_the_target() -> None:
    registry = Registry([registered("dumps"), registered("nested", target="json:JSONDecoder.decode")])
    assert registry.load("loss", "dumps") is json.dumps
    assert registry.load("loss", "nested") is json.JSONDecoder.decode


def test_load_tells_the_true_cause_the_module_and_the_command() -> None:
    registry = Registry([registered("broken", target="absent_module_x.y:Z", extras=("fast", "more"))])
    with pytest.raises(ZooError) as caught:
        registry.load("loss", "broken")
    assert str(caught.value).splitlines() == [
        "The loss 'broken' of plugin 'plugin' (one 1.0) does not load.",
        "Importing absent_module_x.y failed: ModuleNotFoundError: No module named 'absent_module_x'",
        'Mend it: pip install "one[fast,more]"',
    ]
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_load_of_an_object_that_is_not_there() -> None:
    with pytest.raises(ZooError, match="AttributeError: module 'json' has no attribute 'Absent'"):
        Registry([registered("broken", target="json:Absent")]).load("loss", "broken")


def test_install_commands_never_fetch_ganzoo_by_name() -> None:
    assert install_command("other") == "pip install other"
    assert install_command("other", ["x"], upgrade=True) == 'pip install --upgrade "other[x]"'
    assert install_command("ganzoo") == "pip install -e .  (in the checkout of ganzoo)"
    assert install_command("ganzoo", ["digits"]) == 'pip install -e ".[digits]"  (in the checkout of ganzoo)'


def test_plurals() -> None:
    assert [plural(kind) for kind in KINDS] == [
        "architectures",
        "losses",
        "regularizers",
        "augmentations",
        "backbones",
        "discriminators",
        "text-encoders",
        "datasets",
        "metrics",
        "weights",
        "importers",
    ]
