import io
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.data.conftest import noise, save
from zoo.data.arrays import ArraySource
from zoo.data.cache import build_folder, cache_folder
from zoo.data.decode import decode
from zoo.data.decoding import allowed_corrupt, progress_bar
from zoo.data.prepare import prepare
from zoo.data.prepared import MARKER, Prepared, open_prepared
from zoo.data.source import Item, Source, open_source
from zoo.data.writers import RawWriter
from zoo.errors import InvalidOptions, ZooError

Fill = Callable[..., Path]


def everything(prepared: Prepared) -> np.ndarray:
    return prepared.images(np.arange(len(prepared)))


@pytest.mark.parametrize("cache_mode", ["raw", "encoded", "none"])
def test_images_are_those_decoded_one_by_one(fill: Fill, cache_mode: str) -> None:
    source = open_source(fill(5, size=12))
    prepared = prepare(source, size=4, cache=cache_mode)  # type: ignore[arg-type]
    expected = np.stack([decode(source.read(i), size=4, channels=3) for i in range(5)])
    np.testing.assert_array_equal(everything(prepared), expected)
    np.testing.assert_array_equal(prepared.images(np.array([3, 0, 3])), expected[[3, 0, 3]])
    assert prepared.images(np.array([1])).flags["C_CONTIGUOUS"]
    assert (prepared.mode, prepared.folder is None) == (cache_mode, cache_mode == "none")
    assert (prepared.spec.resolution, prepared.spec.channels, prepared.spec.items) == (4, 3, 5)
    assert prepared.keys == tuple(item.key for item in source.items)


def test_labels_captions_and_names_come_along(folder: Path) -> None:
    for name in ("cat/a.png", "dog/b.png", "dog/c.png"):
        save(folder / name, noise(4, 4))
    (folder / "dog" / "b.txt").write_text("a dog\nhund\n")
    for mode in ("raw", "none"):
        prepared = prepare(folder, size=4, cache=mode)  # type: ignore[arg-type]
        assert prepared.labels is not None
        assert prepared.labels.tolist() == [0, 1, 1]
        assert prepared.labels.dtype == np.int64
        assert prepared.class_names == ("cat", "dog")
        assert prepared.captions == ((), ("a dog", "hund"), ())
        assert (prepared.spec.classes, prepared.spec.class_counts) == (2, (1, 2))


def test_partial_labels_are_left_out_with_a_notice(fill: Fill) -> None:
    folder = fill(3)
    (folder / "metadata.jsonl").write_text('{"file_name": "001.png", "label": "cat"}')
    prepared = prepare(folder, size=4)
    assert (prepared.labels, prepared.spec.classes, prepared.captions) == (None, 0, None)
    assert "Only 1 of 3 images are labelled" in prepared.notice


def test_one_channel_to_the_end(fill: Fill) -> None:
    prepared = prepare(fill(2, size=4), size=4, channels=1)
    assert everything(prepared).shape == (2, 4, 4, 1)
    assert prepared.spec.channels == 1


@pytest.mark.parametrize("count", [1, 37])
def test_few_images_are_enough(fill: Fill, count: int) -> None:
    assert len(prepare(fill(count), size=4)) == count


def test_a_second_time_nothing_is_decoded(fill: Fill) -> None:
    said: list[str] = []
    folder = fill(3)
    first = prepare(folder, size=4, say=said.append)
    assert first.folder is not None
    assert [line.split()[0] for line in said] == ["Preparing", "Prepared"]
    assert str(first.folder) in said[1]
    before = (first.folder / MARKER).stat().st_mtime_ns
    second = prepare(folder, size=4, say=said.append)
    assert said[2].startswith("Using 3 images")
    assert second.folder == first.folder
    assert (first.folder / MARKER).stat().st_mtime_ns == before


def test_content_and_every_option_have_a_folder_of_their_own(fill: Fill) -> None:
    folder = fill(3)
    found = {
        prepare(folder, size=4).folder,
        prepare(folder, size=8).folder,
        prepare(folder, size=4, channels=1).folder,
        prepare(folder, size=4, crop="none").folder,
        prepare(folder, size=4, cache="encoded").folder,
    }
    save(folder / "000.png", noise(9, 9))
    found.add(prepare(folder, size=4).folder)
    assert len(found) == 6


def test_progress_is_told(fill: Fill) -> None:
    seen: list[tuple[int, int]] = []
    prepare(fill(3), size=4, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_a_few_corrupt_files_are_skipped_and_named_alike_in_all_modes(fill: Fill) -> None:
    folder = fill(10)
    (folder / "004.png").write_bytes(b"nonsense")
    for mode in ("raw", "encoded", "none"):
        said: list[str] = []
        prepared = prepare(folder, size=4, cache=mode, say=said.append)  # type: ignore[arg-type]
        assert len(prepared) == 9
        assert "004.png" not in prepared.keys
        assert [key for key, _ in prepared.skipped] == ["004.png"]
        assert any("004.png" in line for line in said)
        np.testing.assert_array_equal(
            prepared.images(np.array([4]))[0], decode((folder / "005.png").read_bytes(), size=4, channels=3)
        )


def test_many_corrupt_files_stop_and_leave_nothing(fill: Fill, cache: Path) -> None:
    folder = fill(37)
    for i in range(4):
        (folder / f"{i:03d}.png").write_bytes(b"nonsense")
    with pytest.raises(ZooError, match=r"Too many of the 37 files(.|\n)*000.png(.|\n)*003.png"):
        prepare(folder, size=4)
    assert [path.name for path in cache.iterdir()] == ["locks"]


def test_how_many_may_be_corrupt() -> None:
    assert [allowed_corrupt(n) for n in (1, 2, 3, 5, 7, 100, 300, 1000)] == [0, 0, 1, 2, 3, 3, 3, 10]


def test_the_only_image_is_corrupt(folder: Path) -> None:
    (folder / "a.png").write_bytes(b"nonsense")
    with pytest.raises(ZooError, match="Too many of the 1 files"):
        prepare(folder, size=4)


def test_all_bad_options_are_told_at_once(fill: Fill) -> None:
    with pytest.raises(InvalidOptions) as caught:
        prepare(fill(1), size=0, channels=2, crop="left", cache="much")  # type: ignore[arg-type]
    assert len(caught.value.problems) == 4


def test_a_folder_of_ones_own(fill: Fill, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "prepared"
    prepared = prepare(fill(3), size=4, folder=out)
    assert prepared.folder == out
    assert prepare(fill(3), size=8, folder=tmp_path / "other").folder == tmp_path / "other"
    with pytest.raises(ZooError, match="holds other prepared data"):
        prepare(fill(3), size=8, folder=out)
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "thesis.txt").write_text("x")
    with pytest.raises(ZooError, match="exists and is not prepared data"):
        prepare(fill(3), size=4, folder=tmp_path / "foreign")
    assert sorted(path.name for path in out.parent.iterdir()) == ["prepared"]


def test_a_prepared_folder_is_a_source(fill: Fill, tmp_path: Path) -> None:
    prepared = prepare(fill(3, size=16), size=8, folder=tmp_path / "out")
    source = open_source(tmp_path / "out")
    assert [item.key for item in source.items] == list(prepared.keys)
    assert prepare(source, size=8).folder == tmp_path / "out"
    smaller = prepare(source, size=4)
    expected = np.floor(everything(prepared).reshape(3, 4, 2, 4, 2, 3).mean((2, 4)) + 0.5)
    np.testing.assert_array_equal(everything(smaller), expected)


def test_an_encoded_folder_keeps_the_original_bytes(fill: Fill, tmp_path: Path) -> None:
    folder = fill(2, size=16)
    prepare(folder, size=4, cache="encoded", folder=tmp_path / "out")
    source = open_source(tmp_path / "out")
    assert [source.read(i) for i in range(2)] == [(folder / f"00{i}.png").read_bytes() for i in range(2)]
    np.testing.assert_array_equal(everything(prepare(source, size=16)), everything(prepare(folder, size=16)))


def test_large_data_stays_encoded(fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.data.prepare.RAW_LIMIT", 100)
    said: list[str] = []
    prepared = prepare(fill(3), size=8, say=said.append)
    assert prepared.mode == "encoded"
    assert "576 bytes of pixels is more than 100 bytes" in said[0]


def test_a_damaged_folder_is_told_or_built_anew(fill: Fill, tmp_path: Path) -> None:
    folder = fill(3)
    prepared = prepare(folder, size=4)
    assert prepared.folder is not None
    shard = prepared.folder / "image-00000.npy"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-10])
    with pytest.raises(ZooError, match=r"damaged: image-00000.npy is missing or cut"):
        open_prepared(prepared.folder)
    again = prepare(folder, size=4)
    assert again.folder == prepared.folder
    assert shard.read_bytes() == whole


def test_a_newer_format_is_refused(fill: Fill, tmp_path: Path) -> None:
    prepare(fill(1), size=4, folder=tmp_path / "out")
    marker = tmp_path / "out" / MARKER
    marker.write_text(json.dumps({**json.loads(marker.read_text()), "format": 99}))
    with pytest.raises(ZooError, match=r"newer ganzoo \(format 99"):
        open_source(tmp_path / "out")
    marker.write_text("{")
    with pytest.raises(ZooError, match="is damaged"):
        open_source(tmp_path / "out")


def test_a_folder_without_marker_is_not_prepared(folder: Path) -> None:
    with pytest.raises(ZooError, match="holds no prepared data"):
        open_prepared(folder)


def test_a_file_that_vanishes_later_is_named(fill: Fill) -> None:
    folder = fill(3)
    prepared = prepare(folder, size=4, cache="none")
    (folder / "001.png").unlink()
    with pytest.raises(ZooError, match=r"001.png was readable when the data was prepared"):
        prepared.images(np.array([1]))


def test_no_room_for_the_cache(fill: Fill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(ZooError, match="cannot be written"):
        prepare(fill(1), size=4)


def test_full_disk_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "part").write_text("x")
        raise OSError(28, "No space left on device")

    with pytest.raises(ZooError, match="No space left while preparing"):
        build_folder(tmp_path / "out", fail, alone=True)
    assert list(tmp_path.iterdir()) == []


def test_shards_read_as_one(tmp_path: Path) -> None:
    from zoo.data.records import RawRecords

    images = np.stack([noise(4, 4, seed=i) for i in range(7)])
    writer = RawWriter(tmp_path, "image", 4, 3, shard_bytes=100)  # two images each
    for image in images:
        writer.append(b"", image)
    files = writer.close()
    assert len(files) == 4
    assert [np.load(tmp_path / file).shape[0] for file in files] == [2, 2, 2, 1]
    indices = np.array([6, 0, 3, 3, 1])
    np.testing.assert_array_equal(RawRecords([tmp_path / file for file in files]).take(indices), images[indices])


class Slow(ArraySource):
    """Takes its time, so that builds can be caught half done."""

    def read(self, i: int, field: str = "image") -> bytes:
        time.sleep(0.02)
        return super().read(i, field)


def _prepare_slowly(results: "multiprocessing.Queue[object]") -> None:
    said: list[str] = []
    images = np.arange(20 * 16, dtype=np.uint8).reshape(20, 4, 4)
    prepared = prepare(Slow("slow", images), size=4, channels=1, say=said.append)
    results.put((str(prepared.folder), everything(prepared).tobytes(), said[-1].split()[0]))


def test_two_processes_preparing_the_same_end_well(cache: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [context.Process(target=_prepare_slowly, args=(results,)) for _ in range(2)]
    for process in processes:
        process.start()
    found = [results.get(timeout=30) for _ in processes]
    for process in processes:
        process.join()
    assert found[0][:2] == found[1][:2]
    assert {last for *_, last in found} == {"Prepared", "Using"}
    assert len([path for path in cache.iterdir() if path.name != "locks"]) == 1


SLOW_BUILD = """
    import numpy as np
    from tests.data.test_prepare import Slow
    from zoo.data.prepare import prepare
    prepare(Slow("slow", np.zeros((500, 4, 4), np.uint8)), size=4)
"""


def test_a_killed_build_is_not_taken_for_whole(cache: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SLOW_BUILD)], env=dict(os.environ), stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 20
    while not list(cache.glob(".*.tmp/image-00000.npy")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(list(cache.glob(".*.tmp"))) == 1
    assert not list(cache.glob("slow*"))
    source = ArraySource("slow", np.zeros((500, 4, 4), np.uint8))
    prepared = prepare(source, size=4)
    assert len(prepared) == 500
    assert not list(cache.glob(".*.tmp"))


def test_a_lost_race_without_locks_keeps_the_winner(tmp_path: Path) -> None:
    target = tmp_path / "out"

    def lose(folder: Path) -> None:
        (folder / "mine").write_text("late")
        target.mkdir()
        (target / "winner").write_text("first")

    build_folder(target, lose, alone=False)
    assert [path.name for path in target.iterdir()] == ["winner"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_further_pictures_of_an_item_stay_aligned() -> None:
    class Pair(Source):
        name, fields = "pair", ("image", "source")

        def __init__(self) -> None:
            self.items = [Item(str(i)) for i in range(4)]

        def read(self, i: int, field: str = "image") -> bytes:
            shift = 100 if field == "source" else 0
            return ArraySource("x", np.full((1, 4, 4), i + shift, np.uint8)).read(0)

        def fingerprint(self) -> str:
            return "pair"

    for mode in ("raw", "encoded", "none"):
        prepared = prepare(Pair(), size=4, cache=mode)  # type: ignore[arg-type]
        assert prepared.fields == ("image", "source")
        indices = np.array([2, 1])
        both = [prepared.images(indices, field)[:, 0, 0, 0].tolist() for field in prepared.fields]
        assert both == [[2, 1], [102, 101]]


def test_the_cache_is_where_it_is_said_to_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_folder() == tmp_path / "cache" / "data"
    monkeypatch.delenv("GANZOO_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "ganzoo" / "data"


def test_a_damaged_entry_of_a_zip_is_a_corrupt_file(fill: Fill, tmp_path: Path) -> None:
    folder = fill(8, size=16)
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
        offset = archive.getinfo("002.png").header_offset + 100
    content = bytearray(path.read_bytes())
    content[offset] ^= 255
    path.write_bytes(content)
    prepared = prepare(path, size=4)
    assert [key for key, _ in prepared.skipped] == ["002.png"]
    assert "CRC" in prepared.skipped[0][1]


def test_a_terminal_sees_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", stream)
    with progress_bar("Decoding pictures") as advance:
        advance(1, 2)
    assert "Decoding pictures" in stream.getvalue()


def test_public_names_load_when_first_used() -> None:
    program = """
        import sys
        import zoo.data
        assert not {"numpy", "PIL", "torch"} & set(sys.modules)
        assert all(getattr(zoo.data, name) is not None for name in zoo.data.__all__)
        try:
            zoo.data.nonsense
        except AttributeError as error:
            assert "nonsense" in str(error)
        else:
            raise SystemExit("no error")
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)
