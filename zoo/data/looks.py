"""What the pictures of a source look like, at a glance."""

import io

from PIL import Image

from zoo.data.source import Source

__all__ = ["looks"]

UNKNOWN_SIDE = 64


def looks(source: Source, field: str = "image") -> tuple[int, bool]:
    """The middle one of the shorter sides, and whether all is grey, of up to 32 pictures spread over the source."""
    sides, modes = [], set()
    for i in range(0, len(source.items), max(len(source.items) // 32, 1)):
        try:
            with Image.open(io.BytesIO(source.read(i, field))) as picture:
                sides.append(min(picture.size))
                modes.add(picture.mode)
        except Exception:  # whatever decoders raise at foreign bytes; preparing names the corrupt files
            continue
    if not sides:
        return UNKNOWN_SIDE, False
    return max(sorted(sides)[len(sides) // 2], 4), modes <= {"1", "L", "I", "I;16", "F"}
