"""The directory of known plugins: what stands in it is sound, and who misses a name is told who has it."""

import json
from pathlib import Path

import pytest

from zoo import directory
from zoo.directory import Supplier, read_directory, suppliers_of
from zoo.errors import UnknownName, ZooError
from zoo.plugins import registry

GIGAGAN = {
    "distribution": "ganzoo-gigagan",
    "page": "https://example.org/gigagan",
    "owner": "A. Author",
    "summary": "GigaGAN",
    "supplies": {"architecture": ["gigagan"], "discriminator": ["gigagan-multi"]},
}


def written(folder: Path, *plugins: object) -> Path:
    path = folder / "directory.json"
    path.write_text(json.dumps({"about": "", "plugins": plugins}))
    return path


def test_the_directory_of_this_repository_is_sound_and_names_nothing_of_ours():
    for one in read_directory():
        assert one.distribution != "ganzoo"
        for kind, names in one.supplies.items():
            assert not set(names) & set(registry().names(kind)), one.distribution


def test_a_missed_name_is_answered_with_its_plugin(tmp_path, monkeypatch):
    monkeypatch.setattr(directory.suppliers_of, "__defaults__", (written(tmp_path, GIGAGAN),))
    with pytest.raises(UnknownName) as missed:
        registry().find("architecture", "gigagan")
    told = "It comes with ganzoo-gigagan by A. Author (https://example.org/gigagan): pip install ganzoo-gigagan"
    assert told in str(missed.value)


def test_suppliers_are_found_by_any_name_they_supply(tmp_path):
    path = written(tmp_path, GIGAGAN)
    (found,) = suppliers_of("gigagan-multi", path)
    assert found == Supplier(**{**GIGAGAN, "supplies": {k: tuple(v) for k, v in GIGAGAN["supplies"].items()}})
    assert suppliers_of("giga", path) == []
    assert suppliers_of("gigagan", tmp_path / "absent.json") == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"page": "http://example.org"}, "no https URL"),
        ({"distribution": "ganzoo gigagan; rm"}, "no name that pip installs"),
        ({"supplies": {"architectures": ["gigagan"]}}, "'architectures' is no kind"),
        ({"supplies": {"architecture": "gigagan"}}, "a list of names"),
        ({"supplies": {}}, "maps kinds to lists"),
        ({"summary": "two\nlines"}, "summary is one line"),
        ({"stars": 5}, "exactly distribution"),
    ],
)
def test_what_is_wrong_with_an_entry_is_said(tmp_path, changed, told):
    with pytest.raises(ZooError, match=told):
        read_directory(written(tmp_path, {**GIGAGAN, **changed}))


def test_a_plugin_is_listed_once(tmp_path):
    with pytest.raises(ZooError, match="ganzoo-gigagan is listed twice"):
        read_directory(written(tmp_path, GIGAGAN, GIGAGAN))
