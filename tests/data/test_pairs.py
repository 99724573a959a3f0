"""Two domains: found in folders, paired or not, prepared and loaded; and what is wrong with them."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.data.conftest import noise, save
from zoo.data.edges import Canny, canny
from zoo.data.inspection import inspect_source
from zoo.data.layout import domain_of, domains_of
from zoo.data.loader import Loader
from zoo.data.order import permutation, stream
from zoo.data.pairs import partner_name
from zoo.data.prepare import prepare
from zoo.data.prepared import Prepared, open_prepared
from zoo.data.source import open_source
from zoo.errors import InvalidOptions, ZooError

Put = Callable[..., Path]


@pytest.fixture
def put(folder: Path) -> Put:
    """Write different pictures of those names; `size` is (width, height)."""

    def write(*names: str, size: tuple[int, int] = (8, 8), seed: int = 0) -> Path:
        for i, name in enumerate(names):
            save(folder / name, noise(size[1], size[0], seed=seed + i))
        return folder

    return write


def numbered(folder: Path, domain: str, count: int, first: int = 0) -> None:
    """Pictures 000.png, 001.png, ... whose every pixel is their number, darker to the left by the column."""
    for i in range(count):
        pixels = np.full((8, 8, 3), first + 10 * i, np.uint8) + np.arange(8, dtype=np.uint8)[None, :, None]
        save(folder / domain / f"{i:03d}.png", pixels)


def pixels_of(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("A/x.png", ("", "A", "x.png", False)),
        ("trainB/x.png", ("train", "B", "x.png", True)),
        ("test_A/x.png", ("test", "A", "x.png", True)),
        ("train/A/day/x.png", ("train", "A", "day/x.png", False)),
        ("B/val/x.png", ("val", "B", "x.png", False)),
        ("x.png", None),
        ("train/x.png", None),
        ("NBA/x.png", None),
    ],
)
def test_what_names_say(name: str, expected: object) -> None:
    assert domain_of(name) == expected


def test_splits_of_domains() -> None:
    found = domains_of(["trainA/1.png", "trainB/2.png", "valA/3.png", "valB/4.png"])
    assert found == {"train": (("trainA/1.png",), ("trainB/2.png",)), "test": (("valA/3.png",), ("valB/4.png",))}
    assert domains_of(["A/1.png", "notes/2.png"]) == {}


@pytest.mark.parametrize("key", ["A/one.png", "B/one.jpg", "trainA/one_A.png", "train/B/one_B.jpg", "one.webp"])
def test_partners_share_a_name(key: str) -> None:
    assert partner_name(key) == "one"


def test_folders_are_paired_by_name_whatever_the_suffix(put: Put) -> None:
    put("A/1.png", "A/2.png", "A/10.png")
    folder = put("B/1.webp", "B/2.png", "B/10.bmp", seed=50)
    there, back = open_source(folder, pair="ab"), open_source(folder, pair="ba")
    assert (there.fields, there.other) == (("image", "source"), None)
    assert [item.key for item in there.items] == ["B/1.webp", "B/10.bmp", "B/2.png"]
    np.testing.assert_array_equal(pixels_of(there.read(2, "source")), noise(8, 8, seed=1))
    np.testing.assert_array_equal(pixels_of(there.read(2)), noise(8, 8, seed=51))
    assert there.read(0, "source") == back.read(0)
    assert len({there.fingerprint(), back.fingerprint()}) == 2


def test_names_without_a_partner_are_told(put: Put) -> None:
    folder = put("A/1.png", "A/2.png", "B/1.png", "B/3.png")
    with pytest.raises(ZooError, match=r"2 pictures have no partner .*: A/2\.png, B/3\.png\. .*--pair ab:match=none"):
        open_source(folder, pair="ab")
    assert open_source(folder, pair="ab:match=none").other is not None


def test_two_pictures_of_one_name_are_told(put: Put) -> None:
    folder = put("A/1.png", "A/1.webp", "B/1.png")
    with pytest.raises(ZooError, match=r"A/1\.png and A/1\.webp would be pairs of one picture"):
        open_source(folder, pair="ab")


def test_train_and_test_folders_are_no_pairs_unless_asked(put: Put) -> None:
    folder = put("trainA/1_A.png", "trainA/2_A.png", "trainB/1_B.png", "trainB/2_B.png", "testA/5.png", "testB/6.png")
    source = open_source(folder)
    assert source.other is not None
    assert (len(source), len(source.other), source.splits) == (2, 2, ("train", "test"))
    assert [item.key for item in source.other.items] == ["trainA/1_A.png", "trainA/2_A.png"]
    held_out = source.held_out()
    assert held_out is not None
    assert held_out.other is not None
    assert (held_out.items[0].key, held_out.other.items[0].key) == ("testB/6.png", "testA/5.png")
    assert open_source(folder, pair="ab:match=names").fields == ("image", "source")
    swapped = open_source(folder, pair="ba")
    assert swapped.other is not None
    assert (swapped.items[0].key, swapped.other.items[0].key) == ("trainA/1_A.png", "trainB/1_B.png")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("A/1.png",), "domain B is empty"),
        (("trainB/1.png", "trainB/2.png"), "domain A of the split train is empty"),
        (("trainA/1.png", "trainB/2.png", "testA/3.png"), "domain B of the split test is empty"),
    ],
)
def test_an_empty_domain_is_told(put: Put, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(ZooError, match=message):
        open_source(put(*names), pair="ab")


def test_halves_of_one_picture(put: Put) -> None:
    folder = put("train/1.png", "val/2.png", size=(16, 8))
    source = open_source(folder, pair="ab")
    whole = noise(8, 16)
    np.testing.assert_array_equal(pixels_of(source.read(0, "source")), whole[:, :8])
    np.testing.assert_array_equal(pixels_of(source.read(0)), whole[:, 8:])
    assert "A is its left half" in source.notice
    held_out = source.held_out()
    assert held_out is not None
    assert held_out.items[0].key == "val/2.png"
    np.testing.assert_array_equal(pixels_of(open_source(folder, pair="ba").read(0)), whole[:, :8])


def test_an_odd_width_has_no_halves(put: Put) -> None:
    with pytest.raises(ZooError, match=r"000\.png of pictures is 7 px wide, which makes no two equal halves"):
        prepare(open_source(put("000.png", size=(7, 4)), pair="ab"), size=4, say=print)


def test_sizes_that_differ_within_a_pair_are_told(put: Put) -> None:
    put("A/1.png", "A/2.png", "B/1.png")
    folder = put("B/2.png", size=(6, 4))
    source = open_source(folder, pair="ab")
    with pytest.raises(ZooError, match=r"sizes of a pair differ: A/2\.png is 8x8 px, B/2\.png 6x4 px"):
        prepare(source, size=4, say=print)
    found = inspect_source(source)
    assert (found.pairs, [key for key, _ in found.unequal]) == (2, ["B/2.png"])
    assert any("A/2.png is 8x8 px, B/2.png 6x4 px" in line for line in found.lines())


def test_turned_pictures_count_as_they_are_looked_at(put: Put) -> None:
    folder = put("A/1.png", size=(8, 4))
    exif = Image.Exif()
    exif[0x0112] = 6
    save(folder / "B" / "1.jpg", noise(8, 4), exif=exif)
    assert len(prepare(open_source(folder, pair="ab"), size=4, say=print)) == 1


@pytest.mark.parametrize(
    ("pair", "error", "message"),
    [
        ("abb", ZooError, "known are ab, ba, edges. Did you mean"),
        ("ab:match=maybe", InvalidOptions, "match"),
        ("edges:sigma=-1", InvalidOptions, "sigma"),
    ],
)
def test_pairs_that_are_not_known(put: Put, pair: str, error: type[ZooError], message: str) -> None:
    with pytest.raises(error, match=message):
        open_source(put("1.png"), pair=pair)


def test_a_set_of_single_pictures_has_no_domains() -> None:
    with pytest.raises(ZooError, match=r"emoji has one picture of each item.*--pair edges"):
        open_source("emoji:items=5", pair="ab")
    with pytest.raises(ZooError, match="paired already"):
        open_source("emoji:items=5,pair=twemoji+noto", pair="edges")


def test_emoji_from_one_style_to_the_other() -> None:
    there, back = (open_source(f"emoji:items=9,pair={pair}") for pair in ("twemoji+noto", "noto+twemoji"))
    swapped = open_source("emoji:items=9,pair=twemoji+noto", pair="ba")
    for i in range(9):
        assert there.read(i) == back.read(i, "source") == swapped.read(i, "source")
        assert there.read(i, "source") == back.read(i) == swapped.read(i)
    held_out = there.held_out()
    assert held_out is not None
    assert (len(held_out), held_out.fields) == (192, ("image", "source"))
    assert not {item.key for item in held_out.items} & {item.key for item in open_source("emoji:style=noto").items}
    apart = open_source("emoji:items=9,pair=twemoji+noto", pair="ab:match=none")
    assert apart.other is not None
    assert apart.other.read(3) == there.read(3, "source")
    with pytest.raises(InvalidOptions, match="says both styles"):
        open_source("emoji:style=noto,pair=twemoji+noto")


def paired(place: Path, count: int = 9, **options: object) -> Prepared:
    """B is A with every value 100 higher."""
    numbered(place, "A", count)
    numbered(place, "B", count, first=100)
    return prepare(open_source(place, pair="ab"), size=8, say=print, **options)  # type: ignore[arg-type]


def test_prepared_pairs_know_their_channels(folder: Path, tmp_path: Path) -> None:
    prepared = paired(folder, source_channels=1, folder=tmp_path / "kept")
    spec = prepared.spec
    assert (spec.channels, spec.source_channels, spec.paired, prepared.fields) == (3, 1, True, ("image", "source"))
    assert prepared.images(np.array([2]), "source").shape == (1, 8, 8, 1)
    again = open_prepared(tmp_path / "kept")
    np.testing.assert_array_equal(again.images(np.arange(9), "source"), prepared.images(np.arange(9), "source"))
    assert again.spec == spec
    assert prepare(open_source(tmp_path / "kept"), size=8, source_channels=1, say=print).folder == tmp_path / "kept"


@pytest.mark.parametrize("cache", ["raw", "encoded", "none"])
def test_pairs_are_cut_and_mirrored_alike(folder: Path, cache: str) -> None:
    prepared = paired(folder, cache=cache)
    loader = Loader(prepared, seed=3, fields=("image", "source", "index"), mirror=True, crop=4)
    batch = loader.batch(0, 60)
    assert batch["image"].shape == batch["source"].shape == (60, 3, 4, 4)
    assert torch.allclose((batch["image"] - batch["source"]) * 127.5, torch.tensor(100.0), atol=1e-3)
    ends = ((batch["source"][:, 0, 0, [0, -1]] + 1) * 127.5).round().long().remainder(10)
    assert set(map(tuple, ends.tolist())) == {(i, i + 3) for i in range(5)} | {(i + 3, i) for i in range(5)}


def test_crops_follow_the_place_not_the_batch(folder: Path) -> None:
    prepared = paired(folder)
    whole = Loader(prepared, seed=3, fields=("source",), crop=5).batch(0, 24)["source"]
    pieces = Loader(prepared, seed=3, fields=("source",), crop=5)
    assert torch.equal(torch.cat([pieces.batch(place, 6)["source"] for place in range(0, 24, 6)]), whole)
    ranks = [Loader(prepared, seed=3, fields=("source",), crop=5, rank=rank, world_size=2) for rank in (0, 1)]
    assert torch.equal(torch.cat([loader.batch(0, 12)["source"] for loader in ranks]), whole)


def test_crops_are_of_what_is_there(folder: Path) -> None:
    with pytest.raises(ValueError, match="crops of 9 px"):
        Loader(paired(folder), seed=0, crop=9)


@pytest.mark.parametrize("cache", ["raw", "encoded", "none"])
def test_domains_of_different_numbers_run_by_themselves(folder: Path, cache: str, tmp_path: Path) -> None:
    numbered(folder, "trainA", 7)
    numbered(folder, "trainB", 4, first=100)
    prepared = prepare(open_source(folder), size=8, cache=cache, say=print)  # type: ignore[arg-type]
    assert (len(prepared), prepared.count("source"), prepared.spec.items, prepared.spec.paired) == (4, 7, 7, False)
    loader = Loader(prepared, seed=5, fields=("image", "source"))
    batch = loader.batch(0, 28)
    image, source = (((batch[field][:, 0, 0, 0] + 1) * 127.5).round().long() for field in ("image", "source"))
    expected = [permutation(stream(5, "source"), place // 7, 7)[place % 7] for place in range(28)]
    assert (source // 10).tolist() == expected
    assert ((image - 100) // 10).tolist() == [permutation(5, place // 4, 4)[place % 4] for place in range(28)]
    assert "4 images and a batch takes 5" in loader.notice(5)


def test_unpaired_domains_stay_so_on_the_disk(folder: Path, tmp_path: Path) -> None:
    numbered(folder, "trainA", 5)
    numbered(folder, "trainB", 3, first=100)
    prepare(open_source(folder), size=8, source_channels=1, folder=tmp_path / "kept", say=print)
    again = open_source(tmp_path / "kept")
    assert again.other is not None
    assert (len(again), len(again.other)) == (3, 5)
    swapped = prepare(open_source(tmp_path / "kept", pair="ba"), size=8, say=print)
    assert (len(swapped), swapped.count("source")) == (5, 3)
    (tmp_path / "kept" / "source" / "image-00000.npy").unlink()
    with pytest.raises(ZooError, match=r"source is damaged: image-00000\.npy is missing"):
        open_prepared(tmp_path / "kept")


def test_a_model_without_pairs_draws_its_sources_apart(folder: Path) -> None:
    prepared = paired(folder, 14)
    together = Loader(prepared, seed=0, fields=("image", "source")).batch(0, 40)
    apart = Loader(prepared, seed=0, fields=("image", "source"), pairs=False, mirror=True, crop=4).batch(0, 40)
    difference = ((together["image"] - together["source"]) * 127.5)[:, 0, 0, 0]
    assert torch.allclose(difference, torch.tensor(100.0), atol=1e-3)
    rows = apart["image"][:, 0, 0, 0] - apart["source"][:, 0, 0, 0]
    assert len(rows.unique()) > 12
    falls = {field: (apart[field][:, 0, 0, 0] > apart[field][:, 0, 0, 3]) for field in ("image", "source")}
    assert not torch.equal(falls["image"], falls["source"])


def test_an_edge_is_one_line_where_the_step_is() -> None:
    grey = np.zeros((20, 20), np.float32)
    grey[:, 10:] = 1
    lines = canny(grey)
    assert (lines.sum(axis=1) == 1).all()
    assert set(np.nonzero(lines)[1]) <= {9, 10}
    assert not canny(np.full((20, 20), 0.5, np.float32)).any()
    assert (canny(grey.T) == lines.T).all()


def test_a_disc_has_a_closed_outline_of_its_radius() -> None:
    from scipy import ndimage

    rows, columns = np.mgrid[:64, :64] - 31.5
    radius = np.hypot(rows, columns)
    lines = canny((radius < 20).astype(np.float32))
    assert np.abs(radius[lines] - 20).max() < 1.2
    assert np.abs(radius[lines].mean() - 20) < 0.3
    assert ndimage.label(~lines)[1] == 2
    assert 2 * 20 * 2**0.5 * 2 * 0.9 < lines.sum() < 2 * np.pi * 20 * 1.2


def test_weak_edges_live_by_strong_ones() -> None:
    grey = np.zeros((30, 60), np.float32)
    grey[10:] = 0.5
    grey[10:, :] += np.linspace(0, 0.4, 60, dtype=np.float32) - 0.4
    chosen = Canny(low=0.05, high=0.3)
    lines = canny(grey, chosen)
    strong = canny(grey, Canny(low=0.3, high=0.3))
    weak = canny(grey, Canny(low=0.05, high=0.05))
    assert strong.sum() < lines.sum()
    assert not (lines & ~weak).any()


def test_noise_is_blurred_away() -> None:
    grey = 0.5 + 0.04 * np.random.RandomState(0).randn(64, 64).astype(np.float32)
    assert canny(grey, Canny(sigma=3)).sum() < canny(grey, Canny(sigma=0.5)).sum()


def test_edges_of_any_source_are_drawn_at_its_size(put: Put) -> None:
    folder = put("train/1.png", "train/2.png", "test/3.png", size=(32, 24))
    source = open_source(folder, pair="edges")
    assert (source.fields, source.split, source.name) == (("image", "source"), "train", "pictures-edges")
    prepared = prepare(source, size=16, source_channels=1, say=print)
    lines = prepared.images(np.arange(2), "source")
    assert set(np.unique(lines)) == {0, 255}
    expected = canny(np.asarray(Image.fromarray(prepared.images(np.array([0]))[0]).convert("L"), np.float32) / 255)
    assert (lines[0, :, :, 0] == np.where(expected, 0, 255)).mean() > 0.95
    finer = prepare(open_source(folder, pair="edges:sigma=0.5"), size=16, source_channels=1, say=print)
    assert finer.folder != prepared.folder
    assert (finer.images(np.arange(2), "source") == 0).sum() > (lines == 0).sum()
    assert prepare(open_source(folder, pair="edges"), size=16, source_channels=1, say=print).folder == prepared.folder
    assert source.held_out() is not None


def test_official_pairs_lie_as_their_pages_say(put: Put, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZOO_DATA", str(folder))
    put("facades/train/1.jpg", "facades/val/2.jpg", "facades/test/3.jpg", size=(16, 8))
    put("maps/train/1.jpg", "maps/val/1.jpg", size=(16, 8))
    put("edges2shoes/train/1_AB.jpg", "edges2shoes/val/1_AB.jpg", size=(16, 8))
    put(*(f"horse2zebra/{split}{domain}/1.jpg" for split in ("train", "test") for domain in "AB"))
    facades = open_source("facades")
    assert (facades.splits, facades.fields) == (("train", "val", "test"), ("image", "source"))
    assert facades.read(0, "source") == open_source("facades:direction=ab").read(0)
    assert open_source("edges2shoes").held_out() is not None
    assert len(open_source("maps:split=test")) == 1
    horses = open_source("horse2zebra")
    assert horses.other is not None
    assert (horses.items[0].key, horses.other.items[0].key) == ("trainB/1.jpg", "trainA/1.jpg")
