"""Files through a model that translates: found, read, translated, written."""

import glob
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from PIL import Image

from zoo.abilities import Translates
from zoo.any_pictures import channels_taken
from zoo.data.decode import CorruptImageError, flatten, open_image
from zoo.data.layout import EXTENSIONS
from zoo.errors import ZooError
from zoo.files import make_folder
from zoo.model import Model
from zoo.pictures import as_picture, save

__all__ = ["find_pictures", "read_picture", "translate_files"]


def find_pictures(inputs: Sequence[str]) -> dict[Path, str]:
    """Files with the name, without suffix, that each result will have: that below its folder, numbered on a clash.

    An input is a file, a folder whose pictures are taken at any depth, or a glob. Raises ZooError for one that names
    nothing.
    """
    found: dict[Path, str] = {}
    taken: set[str] = set()
    for text in inputs:
        for path, name in pictures_of(text):
            unique, number = name, 1
            while unique in taken and path not in found:
                number += 1
                unique = f"{name}-{number}"
            taken.add(unique)
            found.setdefault(path, unique)
    return found


def pictures_of(text: str) -> list[tuple[Path, str]]:
    """(file, name of its result) of one input, sorted."""
    path = Path(text).expanduser()
    if path.is_dir():
        inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in EXTENSIONS and file.is_file())
        if not inside:
            raise ZooError(f"{text} holds no pictures ({', '.join(EXTENSIONS[:4])}, ...).")
        return [(file, file.relative_to(path).with_suffix("").as_posix()) for file in inside]
    if path.is_file():
        return [(path, path.stem)]
    matching = sorted(Path(one) for one in glob.glob(str(path), recursive=True))  # noqa: PTH207  absolute ones as well
    files = [file for file in matching if file.is_file()]
    if not files:
        raise ZooError(f"{text} is no file and no folder, and as a pattern it finds nothing.")
    return [(file, file.stem) for file in files]


def read_picture(path: Path) -> Image.Image:
    """The upright picture in a file. Raises CorruptImageError, which says why not."""
    try:
        return open_image(path.read_bytes())
    except (MemoryError, CorruptImageError):
        raise
    except Exception as error:  # decoders of foreign bytes raise nearly anything
        raise CorruptImageError("it is no readable picture") from error


def translate_files(
    model: Translates, pictures: Mapping[Path, str], out: Path, *, to: Literal["a", "b"] = "b", seed: int = 0
) -> tuple[list[Path], list[tuple[Path, str]]]:
    """Write the translation of each picture as PNG under `out`: (files written, (picture, why) of the unreadable)."""
    assert isinstance(model, Model)
    channels = channels_taken(model, to)
    written, failed = [], []
    for i, (path, name) in enumerate(pictures.items()):
        try:
            pixels = flatten(read_picture(path), channels)
        except CorruptImageError as error:
            failed.append((path, str(error)))
            continue
        result = out / f"{name}.png"
        make_folder(result.parent)
        save(as_picture(model.translate(pixels, to=to, seed=seed + i)), result)
        written.append(result)
    return written, failed
