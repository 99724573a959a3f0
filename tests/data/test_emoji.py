import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import ganzoo_datasets
from ganzoo_datasets.emoji import emoji
from zoo.data.prepare import prepare
from zoo.errors import ZooError

HOME = Path(ganzoo_datasets.__file__).parent / "emoji"


def codes(source: object) -> list[str]:
    return [item.key.partition("/")[2] for item in source.items]  # type: ignore[attr-defined]


def test_all_base_emoji_are_there_in_code_point_order() -> None:
    found = codes(emoji(split="all"))
    assert len(found) == len(set(found)) == 1911
    assert found == sorted(found)


def test_every_tenth_is_test() -> None:
    whole, train, test = (codes(emoji(split=split)) for split in ("all", "train", "test"))  # type: ignore[arg-type]
    assert test == whole[::10]
    assert (len(train), len(test)) == (1719, 192)
    assert sorted(train + test) == whole


def test_what_an_item_says() -> None:
    source = emoji(split="all")
    found = {item.key: item for item in source.items}
    grin = found["twemoji/1f600"]
    assert source.classes[grin.label or 0] == "Smileys & Emotion"
    assert grin.captions[0] == "grinning face"
    assert all(item.captions and all(item.captions) and "_" not in "".join(item.captions) for item in source.items)
    assert set(Counter(item.label for item in source.items)) == set(range(10))
    assert (source.split, source.splits) == ("all", ("train", "test"))
    assert "CC-BY 4.0" in source.licence


def test_both_styles_lie_side_by_side() -> None:
    both, twemoji, noto = (emoji(style=style, split="test") for style in ("both", "twemoji", "noto"))  # type: ignore[arg-type]
    assert len(both) == 2 * len(noto)
    assert [item.key for item in both.items[::2]] == [item.key for item in twemoji.items]
    assert [item.key for item in both.items[1::2]] == [item.key for item in noto.items]
    assert [item.label for item in twemoji.items] == [item.label for item in noto.items]
    assert codes(twemoji) == codes(noto)
    assert "Apache-2.0" in noto.licence
    assert both.read(1) == noto.read(0)


def test_subsets_are_fixed_and_nested() -> None:
    small, large = codes(emoji(items=100)), codes(emoji(items=200))
    assert (len(small), len(large)) == (100, 200)
    assert set(small) < set(large) < set(codes(emoji()))
    assert small == codes(emoji(items=100, style="noto"))
    assert len(emoji(items=100, style="both")) == 200
    for number in (0, 1720):
        with pytest.raises(ZooError, match=r"split=train has 1 to 1,719 emoji"):
            emoji(items=number)


def test_a_second_style_as_source() -> None:
    prepared = prepare(emoji(items=5, pair="noto+twemoji"), size=64)
    noto = prepare(emoji(items=5, style="noto"), size=64)
    indices = np.arange(5)
    assert prepared.fields == ("image", "source")
    np.testing.assert_array_equal(prepared.images(indices, "source"), noto.images(indices))
    assert (prepared.images(indices) != noto.images(indices)).any()


def test_pictures_are_drawn_on_white() -> None:
    prepared = prepare(emoji(items=50), size=64)
    images = prepared.images(np.arange(50))
    assert images.shape == (50, 64, 64, 3)
    corners = images[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners == 255).all(-1).mean() > 0.8
    assert images.std() > 40


def test_options_change_the_fingerprint() -> None:
    sources = [emoji(), emoji(style="noto"), emoji(split="test"), emoji(items=5), emoji(pair="noto+twemoji")]
    assert len({source.fingerprint() for source in sources}) == 5
    assert emoji().fingerprint() == sources[0].fingerprint()


def test_the_files_are_small_and_their_licences_beside_them() -> None:
    assert sum(file.stat().st_size for file in HOME.iterdir() if file.is_file()) < 12_000_000
    assert zipfile.ZipFile(HOME / "emoji.zip").testzip() is None
    card = (HOME / "README.md").read_text(encoding="utf-8")
    for word in ("CC-BY 4.0", "Apache-2.0", "Twemoji", "Noto Emoji", "1,911"):
        assert word in card
    assert {file.name for file in HOME.glob("LICENSE*")} == {"LICENSE-DATA", "LICENSE-NOTO", "LICENSE-TWEMOJI"}
