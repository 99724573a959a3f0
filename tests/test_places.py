"""What a word names: disk, Hub or catalogue."""

from pathlib import Path

import pytest

import zoo
from zoo import UnknownName, ZooError
from zoo.places import Place, place_of


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        (Path("dcgan/emoji"), "disk"),
        ("./dcgan/emoji", "disk"),
        ("../dcgan", "disk"),
        ("/dcgan/emoji", "disk"),
        ("~/dcgan/emoji", "disk"),
        ("dcgan/emoji.pkl", "disk"),
        ("dcgan/emoji.PTH", "disk"),
        ("dcgan/emoji.safetensors", "disk"),
        ("runs/00001-dcgan-emoji", "disk"),
        ("nowhere", "disk"),
        ("owner/name", "disk"),
        ("dcgan", "disk"),
        ("dcgan/", "disk"),
        ("*/emoji", "disk"),
        ("hf:owner/name", "hub"),
        ("hf:owner/name@v1", "hub"),
        ("hf://owner/name", "hub"),
        ("hf:dcgan/emoji.pkl", "hub"),
        ("dcgan/emoji", "catalogue"),
        ("ganzoo::dcgan/emoji", "catalogue"),
        ("projected-gan/ffhq", "catalogue"),
    ],
    ids=str,
)
def test_the_form_decides(where, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert place_of(where) == Place(kind, str(where))


def test_a_name_that_is_both_is_an_error_that_shows_the_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dcgan" / "emoji").mkdir(parents=True)
    with pytest.raises(ZooError, match=r"write \./dcgan/emoji;"):
        place_of("dcgan/emoji")
    assert place_of("./dcgan/emoji").kind == "disk"
    assert place_of(Path("dcgan/emoji")).kind == "disk"


def test_a_url_and_what_is_nowhere_are_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ZooError, match="is a URL; take it over first: ganzoo import https://x/y"):
        place_of("https://x/y")
    with pytest.raises(UnknownName, match=r"There is no run 'owner/name'.*written hf:owner/name"):
        zoo.load("owner/name")
    with pytest.raises(UnknownName, match="no-such-data"):
        zoo.load("dcgan/no-such-data")


def test_a_single_file_points_to_its_folder(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "generator.safetensors").write_bytes(b"")
    with pytest.raises(ZooError, match=f"Its model is the folder: {tmp_path}"):
        zoo.load(tmp_path / "generator.safetensors")
