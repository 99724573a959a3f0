"""`ganzoo traverse`."""

from PIL import Image

import zoo


def test_traverse_writes_a_labelled_sheet(run, tmp_path):
    folder, out = tmp_path / "run", tmp_path / "sheets" / "a.png"
    zoo.train("infogan", "emoji", out=folder, preset="tiny", resolution=16, kimg=0.008, quiet=True)
    given = ("traverse", str(folder), "--device", "cpu", "--out")
    code, said, _ = run(*given, str(out), "--columns", "4")
    assert code == 0
    assert "3 rows of 4: category 1, code 1, code 2" in said
    with Image.open(out) as sheet:
        assert sheet.height == 3 * 18 + 2
        assert sheet.width > 4 * 18 + 2
        margin = sheet.convert("L").crop((0, 0, sheet.width - 4 * 18 - 2, 18))
        assert margin.getextrema()[0] < 64  # the label is written there
    code, said, _ = run(*given, str(out), "--code", "code 2", "--seeds", "0-1")
    assert code == 0
    assert "2 rows of 10: code 2" in said
    code, _, err = run(*given, str(tmp_path / "b.gif"))
    assert code == 1
    assert ".png" in err
    code, _, err = run(*given, str(out), "--columns", "1", "--coordinates", "0")
    assert code == 1
    assert "--columns is 1" in err
    assert "--coordinates is 0" in err
    code, _, err = run(*given, str(out), "--code", "colour")
    assert code == 1
    assert "category 1, code 1, code 2" in err
