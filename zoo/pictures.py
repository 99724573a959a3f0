"""From tensors in [-1, 1] to pictures that people look at."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

__all__ = ["beside", "grid", "to_pil", "to_uint8"]

LETTERS = 12  # px, height of the text in a sheet
WIDEST = 300  # px, of a line of text
CONTROLS = ("Cc", "Zl", "Zp")  # characters that would break a line, or nothing but a terminal knows
LONGEST = 1000  # characters of a text that are looked at


def to_uint8(images: Tensor) -> np.ndarray:
    """uint8 [N,H,W,C] of images [N,C,H,W]: (x + 1)·127.5 rounded, clipped to 0..255."""
    scaled = ((images.detach().float().cpu() + 1) * 127.5).round().clamp(0, 255)
    return scaled.byte().permute(0, 2, 3, 1).contiguous().numpy()


def to_pil(images: Tensor) -> list[Image.Image]:
    """PIL images of [N,C,H,W] in [-1, 1], grey or RGB."""
    return [as_picture(array) for array in to_uint8(images)]


def grid(images: Tensor, columns: int | None = None, gap: int = 2) -> Image.Image:
    """One picture of all images, row by row, on white; as square as it gets unless `columns` is given."""
    arrays = to_uint8(images)
    n, height, width, channels = arrays.shape
    across = columns or max(round(n**0.5), 1)
    rows = -(-n // across)
    size = (rows * (height + gap) + gap, across * (width + gap) + gap, channels)
    sheet = np.full(size, 255, dtype=np.uint8)
    for i, array in enumerate(arrays):
        top, left = i // across * (height + gap) + gap, i % across * (width + gap) + gap
        sheet[top : top + height, left : left + width] = array
    return as_picture(sheet)


def beside(sheet: Image.Image, labels: Sequence[str]) -> Image.Image:
    """The sheet with a text at the left of each of its rows, which are of one height.

    A long text is broken into as many lines as fit beside its row, and ends in an ellipsis where more is left.
    """
    font = letters()
    margin = LETTERS // 2
    lines = max(round(sheet.height / len(labels) / (1.3 * LETTERS)), 1)
    texts = ["\n".join(broken(label, font, lines)) for label in labels]
    wide = 2 * margin + max(round(font.getlength(line)) for text in texts for line in text.split("\n"))
    page = Image.new("RGB", (wide + sheet.width, sheet.height), "white")
    page.paste(sheet, (wide, 0))
    for i, text in enumerate(texts):
        place = (wide - margin, sheet.height * (2 * i + 1) // (2 * len(labels)))
        ImageDraw.Draw(page).multiline_text(place, text, fill="black", font=font, anchor="rm", align="right")
    return page


def letters() -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """A font of many scripts where the system has one, else Pillow's own."""
    try:
        return ImageFont.truetype("DejaVuSans.ttf", LETTERS)
    except OSError:
        return ImageFont.load_default(LETTERS)


def broken(text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, lines: int) -> list[str]:
    """A text in at most so many lines of at most `WIDEST` pixels; what does not fit gives way to an ellipsis."""
    sound = text[:LONGEST].encode("utf-8", "replace").decode()
    words = "".join(" " if unicodedata.category(c) in CONTROLS else c for c in sound).split()
    found = [""]
    for word in words:
        longer = f"{found[-1]} {word}".strip()
        if font.getlength(longer) <= WIDEST or not found[-1]:
            found[-1] = longer
        else:
            found.append(word)
    more = len(found) > lines or len(text) > LONGEST
    return [cut(line, font, more and i == lines - 1) for i, line in enumerate(found[:lines])]


def cut(line: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, more: bool) -> str:
    """A line shortened to `WIDEST`, with an ellipsis where it was, or where more would follow."""
    if not more and font.getlength(line) <= WIDEST:
        return line
    while line and font.getlength(f"{line}…") > WIDEST:
        line = line[:-1]
    return f"{line}…"


def as_picture(array: np.ndarray) -> Image.Image:
    """A PIL image of uint8 [H,W,1] or [H,W,3]."""
    return Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)


def save(picture: Image.Image, path: Path) -> None:
    """Write a picture whole or not at all; the suffix chooses the format."""
    from zoo.files import replace_file

    with replace_file(path) as temporary:
        picture.save(temporary, format=Image.registered_extensions().get(path.suffix.lower(), "PNG"))
