"""Writing samples and walks where the user wants them, whole or not at all."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from zoo.errors import InvalidOptions, ZooError
from zoo.files import make_folder, replace_file, write_json
from zoo.pictures import beside, grid, save, to_pil, to_uint8

__all__ = [
    "check_picture",
    "check_samples",
    "numbers",
    "parse_seeds",
    "ready_parent",
    "write_rows",
    "write_samples",
    "write_walk",
]

PICTURES = (".png", ".jpg", ".jpeg", ".webp")


def check_samples(out: Path) -> None:
    """Refuse, before any work, what `write_samples` could not write."""
    suffix = out.suffix.lower()
    if suffix and suffix not in (*PICTURES, ".npz"):
        raise InvalidOptions([f"--out {out}: known are {', '.join(PICTURES)}, .npz, and a folder (no suffix)."])
    if not suffix and out.is_file():
        raise ZooError(f"--out {out} is a file; give a folder.")


def write_samples(images: Tensor, out: Path, seed: int, columns: int = 0) -> str:
    """A grid, an .npz, or a folder with a PNG per seed, by the suffix of `out`; tells what was written."""
    suffix = out.suffix.lower()
    if suffix in PICTURES:
        ready_parent(out)
        save(grid(images, columns or None), out)
        return f"{out}: a grid of {len(images)} pictures, seeds {seed} to {seed + len(images) - 1}"
    if suffix == ".npz":
        ready_parent(out)
        with replace_file(out) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, images=to_uint8(images), seeds=np.arange(seed, seed + len(images)))
        return f"{out}: images uint8 [N,H,W,C] and their seeds, {len(images)} of them"
    make_folder(out)
    for i, picture in enumerate(to_pil(images)):
        save(picture, out / f"seed{seed + i:06d}.png")
    return f"{out}: {len(images)} PNG files, seeds {seed} to {seed + len(images) - 1}"


def write_rows(images: Sequence[Tensor], labels: Sequence[str], out: Path, seed: int) -> str:
    """Rows of pictures with what each shows: a grid with labels, an .npz, or a folder; tells what was written."""
    per_row, suffix = len(images[0]), out.suffix.lower()
    told = f"{len(labels)} rows of {per_row} pictures, seeds {seed} to {seed + per_row - 1}"
    if suffix in PICTURES:
        ready_parent(out)
        save(beside(grid(torch.cat(list(images)), columns=per_row), labels), out)
        return f"{out}: {told}"
    if suffix == ".npz":
        ready_parent(out)
        seeds = np.tile(np.arange(seed, seed + per_row), len(labels))
        with replace_file(out) as temporary, temporary.open("wb") as file:
            np.savez_compressed(
                file, images=to_uint8(torch.cat(list(images))), seeds=seeds, rows=np.repeat(np.array(labels), per_row)
            )
        return f"{out}: images uint8 [N,H,W,C], their seeds and what their rows show: {told}"
    make_folder(out)
    for i, row in enumerate(images):
        for j, picture in enumerate(to_pil(row)):
            save(picture, out / f"row{i:04d}-seed{seed + j:06d}.png")
    write_json(out / "rows.json", list(labels))
    return f"{out}: PNG files of {told}; rows.json says what they show"


def write_walk(images: Tensor, out: Path, frames: int, size: int) -> str:
    """An endless GIF, or a sheet with a row per pair of seeds."""
    ready_parent(out)
    if out.suffix.lower() == ".png":
        save(grid(images, columns=frames), out)
        return f"{out}: {len(images) // frames} rows of {frames} frames"
    big = [
        picture.resize((picture.width * size, picture.height * size), Image.Resampling.NEAREST)
        for picture in to_pil(images)
    ]
    with replace_file(out) as temporary:
        big[0].save(temporary, format="GIF", save_all=True, append_images=big[1:], duration=60, loop=0)
    return f"{out}: {len(big)} frames"


def ready_parent(out: Path) -> None:
    """The folder of `out`, made if it is not there."""
    make_folder(out.parent)


def check_picture(out: Path) -> None:
    """Refuse, before any work, a name that is no picture's."""
    if out.suffix.lower() not in PICTURES:
        raise InvalidOptions([f"--out {out}: give a name that ends in {', '.join(PICTURES)}."])


def parse_seeds(text: str) -> list[int]:
    """ "0-3,9" -> [0, 1, 2, 3, 9]; at least two."""
    seeds = numbers(text, "seeds")
    if len(seeds) < 2:
        raise InvalidOptions([f"--seeds {text}: a walk needs at least two."])
    return seeds


def numbers(text: str, option: str) -> list[int]:
    """ "0-3,9" -> [0, 1, 2, 3, 9]."""
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdigit() or (dash and not last.isdigit()):
            raise InvalidOptions([f"--{option} {text}: write 0-7, or 3,14,15."])
        found += range(int(first), int(last if dash else first) + 1)
    return found
