import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.data.conftest import noise
from zoo.data.decode import CorruptImageError, area, decode, fit

Pixels = NDArray[np.uint8]


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png16(values: NDArray[np.uint16]) -> bytes:
    """A 16-bit PNG of [H,W,C], written by hand: Pillow writes none in colour."""
    height, width, channels = values.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def rounded(values: Any) -> Pixels:
    return np.floor(np.asarray(values, np.float64) + 0.5).astype(np.uint8)


def on_white(colour: NDArray[Any], alpha: NDArray[Any]) -> Pixels:
    share = alpha.astype(np.float64)[..., None] / 255
    return rounded(colour * share + 255 * (1 - share))


def test_shrinking_by_a_whole_factor_is_the_mean_of_blocks() -> None:
    pixels = noise(32, 32)
    expected = rounded(pixels.reshape(8, 4, 8, 4, 3).mean((1, 3)))
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(pixels)), size=8, channels=3), expected)


def test_shrinking_by_a_fraction_weighs_pixels_by_their_share() -> None:
    pixels = noise(6, 9)
    blocks = pixels.repeat(4, 0).repeat(5, 1).reshape(4, 6, 5, 9, 3)
    difference = area(pixels, 4, 5).astype(float) - blocks.mean((1, 3))
    assert np.abs(difference).max() <= 0.5 + 1e-3


def test_a_constant_picture_stays_constant() -> None:
    for value in (0, 1, 128, 255):
        assert (fit(np.full((37, 23, 3), value, np.uint8), 16) == value).all()
        assert (fit(np.full((5, 5, 1), value, np.uint8), 16) == value).all()


def test_center_cuts_and_none_squeezes() -> None:
    pixels = np.zeros((4, 8, 3), np.uint8)
    pixels[:, 2:6] = 200
    assert (fit(pixels, 4, "center") == 200).all()
    assert fit(pixels, 4, "none")[0, :, 0].tolist() == [0, 200, 200, 0]


def test_a_side_grows_while_the_other_shrinks() -> None:
    assert fit(noise(4, 32), 16, "none").shape == (16, 16, 3)


def test_grey_is_repeated_and_colour_becomes_luma() -> None:
    grey = noise(8, 8, 1)
    content = encoded(Image.fromarray(grey))
    np.testing.assert_array_equal(decode(content, size=8, channels=3), np.repeat(grey[..., None], 3, 2))
    np.testing.assert_array_equal(decode(content, size=8, channels=1)[..., 0], grey)
    colour = noise(8, 8)
    luma = decode(encoded(Image.fromarray(colour)), size=8, channels=1)[..., 0]
    assert np.abs(luma - colour @ np.array([0.299, 0.587, 0.114])).max() <= 0.51


def test_transparency_is_composed_on_white() -> None:
    pixels = noise(8, 8, 4)
    expected = on_white(pixels[..., :3], pixels[..., 3])
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(pixels)), size=8, channels=3), expected)


def test_grey_with_transparency() -> None:
    pixels = noise(8, 8, 2)
    expected = on_white(pixels[..., :1], pixels[..., 1])
    content = encoded(Image.fromarray(pixels, "LA") if pixels.ndim == 2 else Image.fromarray(pixels))
    np.testing.assert_array_equal(decode(content, size=8, channels=1), expected)
    np.testing.assert_array_equal(decode(content, size=8, channels=3), expected.repeat(3, 2))


@pytest.mark.parametrize("transparency", [None, 1])
def test_palette_with_and_without_a_transparent_entry(transparency: int | None) -> None:
    indices = np.arange(16, dtype=np.uint8).reshape(4, 4) % 3
    image = Image.fromarray(indices).convert("L")
    image = Image.frombytes("P", (4, 4), indices.tobytes())
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    colours = np.array([[10, 20, 30], [40, 50, 60], [70, 80, 90]], np.uint8)
    if transparency is not None:
        colours[transparency] = 255
    content = encoded(image) if transparency is None else encoded(image, transparency=transparency)
    np.testing.assert_array_equal(decode(content, size=4, channels=3), colours[indices])


def test_colour_with_one_transparent_colour() -> None:
    pixels = np.full((4, 4, 3), 9, np.uint8)
    pixels[0] = (1, 2, 3)
    decoded = decode(encoded(Image.fromarray(pixels), transparency=(1, 2, 3)), size=4, channels=3)
    assert (decoded[0] == 255).all()
    assert (decoded[1:] == 9).all()


def test_black_and_white() -> None:
    bits = noise(8, 8, 1) > 127
    decoded = decode(encoded(Image.fromarray(bits)), size=8, channels=1)[..., 0]
    np.testing.assert_array_equal(decoded, bits * np.uint8(255))


def test_sixteen_bit_grey_is_scaled_not_clipped() -> None:
    values = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    for content in (encoded(Image.fromarray(values)), png16(values[..., None])):
        np.testing.assert_array_equal(decode(content, size=64, channels=1)[..., 0], rounded(values / 257.0))


@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bit_colour_is_within_one_level(channels: int) -> None:
    values = np.random.RandomState(0).randint(0, 65536, (8, 8, channels)).astype(np.uint16)
    if channels == 4:
        values[..., 3] = 65535
    difference = decode(png16(values), size=8, channels=3).astype(float) - values[..., :3] / 257
    assert np.abs(difference).max() <= 1


def test_cmyk() -> None:
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    decoded = decode(encoded(image, "JPEG", quality=100), size=8, channels=3)
    assert np.abs(decoded.astype(int) - [255, 0, 0]).max() <= 3


@pytest.mark.parametrize(("orientation", "turned"), [(3, 2), (6, 3), (8, 1)])
def test_exif_orientation_is_honoured(orientation: int, turned: int) -> None:
    pixels = noise(8, 8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(Image.fromarray(pixels), exif=exif)
    np.testing.assert_array_equal(decode(content, size=8, channels=3), np.rot90(pixels, turned))


def test_what_is_no_picture_is_corrupt() -> None:
    whole = encoded(Image.fromarray(noise(64, 64)))
    for content in (b"", b"text", whole[: len(whole) // 2]):
        with pytest.raises(CorruptImageError, match=r"."):
            decode(content, size=8, channels=3)
    with pytest.raises(CorruptImageError, match=r"^it is no readable picture$"):
        decode(b"text", size=8, channels=3)


def test_values_without_a_known_range_are_refused() -> None:
    for values in (np.zeros((4, 4), np.float32), np.full((4, 4), 1 << 20, np.int32)):
        with pytest.raises(CorruptImageError, match="known range"):
            decode(encoded(Image.fromarray(values), "TIFF"), size=4, channels=3)
