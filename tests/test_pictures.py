"""From [-1, 1] to pixels."""

import numpy as np
import pytest
import torch

from zoo.pictures import LETTERS, WIDEST, beside, broken, grid, letters, to_pil, to_uint8


def test_the_exact_map_rounds_and_clips():
    values = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0, -1 + 2 / 255, -1 + 2.9 / 255]).view(1, 1, 1, 7)
    assert to_uint8(values).flatten().tolist() == [0, 0, 128, 255, 255, 1, 1]


def test_every_byte_survives_the_way_to_floats_and_back():
    pixels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert np.array_equal(to_uint8(pixels.float() / 127.5 - 1).flatten(), pixels.flatten().numpy())


def test_grey_and_colour():
    assert to_pil(torch.zeros(1, 1, 4, 4))[0].mode == "L"
    assert to_pil(torch.zeros(1, 3, 4, 4))[0].mode == "RGB"


def test_a_grid_goes_row_by_row_on_white():
    images = torch.full((3, 1, 2, 2), -1.0)
    images[1] = 0.0
    sheet = np.asarray(grid(images, columns=2, gap=1))
    assert sheet.shape == (7, 7)
    assert (sheet[1:3, 1:3] == 0).all()
    assert (sheet[1:3, 4:6] == 128).all()
    assert (sheet[4:6, 1:3] == 0).all()
    assert (sheet[4:6, 4:6] == 255).all()
    assert (sheet[0] == 255).all()


def test_labels_stand_beside_their_rows():
    sheet = grid(torch.zeros(4, 3, 60, 60), columns=2, gap=0)
    page = np.asarray(beside(sheet, ["left", "right"]))
    wide = page.shape[1] - sheet.width
    assert page.shape[0] == sheet.height
    assert np.array_equal(page[:, wide:], np.asarray(sheet))
    for top in (0, 60):
        assert page[top : top + 60, :wide].min() < 128
    assert page[55:65, :wide].min() == 255


@pytest.mark.parametrize(
    "label",
    ["", "one\ntwo", "a word " * 1500, "x" * 10_000, "🍎 👩‍👩‍👧", "תפוח אדום", "\u202eright to left", "\ud800", "\x00"],
)
def test_any_label_is_drawn_in_bounded_width(label):
    sheet = grid(torch.zeros(3, 3, 20, 20), columns=1)
    page = beside(sheet, ["plain", label, ""])
    assert page.height == sheet.height
    assert sheet.width < page.width <= sheet.width + WIDEST + 2 * LETTERS


def test_long_labels_take_lines_and_end_in_an_ellipsis():
    font = letters()
    assert broken("few words", font, 2) == ["few words"]
    lines = broken("many words " * 100, font, 3)
    assert len(lines) == 3
    assert lines[-1].endswith("…")
    assert not lines[0].endswith("…")
    assert all(font.getlength(line) <= WIDEST for line in lines)
