import json
from pathlib import Path

import numpy as np
from PIL import Image

from tests.data.conftest import noise, save
from zoo.data.inspection import inspect_source
from zoo.data.source import open_source


def test_everything_is_counted(folder: Path) -> None:
    save(folder / "cat" / "a.png", noise(8, 6))
    save(folder / "cat" / "b.png", noise(8, 6))
    save(folder / "dog" / "c.jpg", noise(8, 8, 1))
    save(folder / "dog" / "d.png", noise(8, 8, 4))
    save(folder / "dog" / "e.png", np.zeros((8, 8), np.uint16))
    exif = Image.Exif()
    exif[0x0112] = 6
    save(folder / "dog" / "f.png", noise(4, 8, seed=1), exif=exif)
    (folder / "dog" / "g.png").write_bytes(b"nonsense")
    (folder / "cat" / "a.txt").write_text("one\ntwo")
    found = inspect_source(open_source(folder))
    assert found.items == 7
    assert found.sizes == {"8x8": 3, "6x8": 2, "8x4": 1}
    assert found.modes == {"RGB": 3, "L": 1, "RGBA": 1, "I;16": 1}
    assert found.channels == {"colour": 3, "grey": 2, "colour+transparency": 1}
    assert found.formats == {"PNG": 5, "JPEG": 1}
    assert found.rotated == 1
    assert found.labels == {"cat": 2, "dog": 5}
    assert (found.labelled, found.captioned, found.captions) == (7, 1, 2)
    assert found.duplicates == (("cat/a.png", "cat/b.png"),)
    assert [key for key, _ in found.corrupt] == ["dog/g.png"]
    assert (found.split, found.splits) == (None, ())
    text = "\n".join(found.lines())
    for part in ("7 items", "has none", "8x8 (3)", "cat/a.png = cat/b.png", "dog/g.png", "1 turned by EXIF"):
        assert part in text
    assert json.loads(json.dumps(found.to_json()))["labels"] == {"cat": 2, "dog": 5}


def test_many_classes_are_cut_in_the_text_only(folder: Path) -> None:
    for i in range(25):
        save(folder / f"class{i:02d}" / "a.png", noise(4, 4, seed=i))
    found = inspect_source(open_source(folder))
    assert len(found.labels) == 25
    assert any("and 5 more" in line for line in found.lines())
