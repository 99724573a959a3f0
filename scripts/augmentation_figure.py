"""Draw docs/augmentation.png: emoji under every augmentation, the sets of ADA at p = 1.

python scripts/augmentation_figure.py
"""

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from zoo.composition import build_augment
from zoo.data import open_source
from zoo.pictures import to_uint8

OUT = Path(__file__).parent.parent / "docs" / "augmentation.png"
ROWS = ["none", "diffaugment", "instance-noise", "ada:pipe=blit,p=1", "ada:pipe=geom,p=1", "ada:pipe=color,p=1"]
ROWS += ["ada:pipe=filter,p=1", "ada:pipe=noise,p=1", "ada:pipe=cutout,p=1", "ada:pipe=bgc,p=1", "ada:pipe=bgcfnc,p=1"]
COLUMNS, SIZE, LABEL = 9, 64, 150


def on_white(file: bytes) -> np.ndarray:
    """A picture as it is trained on, uint8 [H,W,3]."""
    with Image.open(io.BytesIO(file)) as picture:
        page = Image.new("RGBA", picture.size, "white")
        page.alpha_composite(picture.convert("RGBA"))
    return np.asarray(page.convert("RGB"))


def main() -> None:
    """One row per augmentation, of the same pictures."""
    source = open_source("emoji:style=noto")
    pixels = np.stack([on_white(source.read(i * 97 + 4)) for i in range(COLUMNS)])
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    page = Image.new("RGB", (LABEL + COLUMNS * SIZE, len(ROWS) * SIZE), "white")
    draw = ImageDraw.Draw(page)
    for row, name in enumerate(ROWS):
        torch.manual_seed(row)
        seen, _ = build_augment(name)(images, {})
        draw.text((6, row * SIZE + SIZE // 2 - 6), name.replace("pipe=", "").replace(",p=1", ""), "black")
        for column, picture in enumerate(to_uint8(seen.clamp(-1, 1))):
            page.paste(Image.fromarray(picture), (LABEL + column * SIZE, row * SIZE))
    page.quantize(200).save(OUT, optimize=True)


if __name__ == "__main__":
    main()
