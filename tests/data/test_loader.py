from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from zoo.data.arrays import ArraySource
from zoo.data.loader import Loader
from zoo.data.order import coins, permutation
from zoo.data.prepare import prepare
from zoo.data.prepared import Prepared
from zoo.errors import ZooError

Fill = Callable[..., Path]


def numbered(count: int, size: int = 4, labels: bool = True) -> Prepared:
    """Pictures whose every pixel in the left half is their number, right half 255 less it."""
    images = np.zeros((count, size, size, 3), np.uint8)
    images[:, :, : size // 2] = np.arange(count).reshape(-1, 1, 1, 1)
    images[:, :, size // 2 :] = 255 - np.arange(count).reshape(-1, 1, 1, 1)
    given = np.arange(count) % 3 if labels else None
    return prepare(ArraySource("numbered", images, given), size=size)


def stream(loader: Loader, batches: int, size: int) -> list[int]:
    stride = size * loader.world_size
    return [int(i) for k in range(batches) for i in loader.batch(k * stride, size)["index"]]


def test_pictures_are_floats_in_channels_last() -> None:
    prepared = numbered(10)
    batch = Loader(prepared, seed=0, fields=("image", "label", "index")).batch(0, 6)
    assert list(batch) == ["image", "label", "index"]
    image, label, index = batch.values()
    assert (image.shape, image.dtype) == ((6, 3, 4, 4), torch.float32)
    assert image.is_contiguous(memory_format=torch.channels_last)
    assert label.dtype == index.dtype == torch.int64
    pixels = prepared.images(index.numpy()).transpose(0, 3, 1, 2)
    expected = torch.from_numpy(pixels.astype(np.float32)) / 127.5 - 1
    assert torch.equal(image, expected)
    assert torch.equal(label, index % 3)


def test_extremes_are_exact() -> None:
    image = Loader(numbered(1), seed=0).batch(0, 1)["image"]
    assert (image.min().item(), image.max().item()) == (-1, 1)


def test_the_order_is_the_permutation_of_each_pass_and_wraps() -> None:
    expected = [int(permutation(5, place // 10, 10)[place % 10]) for place in range(40)]
    assert stream(Loader(numbered(10), seed=5, fields=("index",)), 10, 4) == expected
    assert Counter(expected[:30]) == dict.fromkeys(range(10), 3)


def test_the_order_is_a_pure_function_of_the_position() -> None:
    prepared = numbered(10)
    straight = stream(Loader(prepared, seed=1, fields=("index",)), 8, 4)
    loader = Loader(prepared, seed=1, fields=("index",), prefetch=3)
    for position in (20, 4, 28, 4, 0):
        assert loader.batch(position, 4)["index"].tolist() == straight[position : position + 4]
    assert loader.batch(3, 7)["index"].tolist() == straight[3:10]


def test_other_seeds_other_orders() -> None:
    prepared = numbered(50)
    orders = {tuple(stream(Loader(prepared, seed=seed, fields=("index",)), 1, 50)) for seed in range(4)}
    assert len(orders) == 4


@pytest.mark.parametrize("prefetch", [0, 2])
def test_ranks_together_are_one(prefetch: int) -> None:
    prepared = numbered(10)
    options = {"seed": 2, "fields": ("image", "index"), "mirror": True, "prefetch": prefetch}
    one = Loader(prepared, **options)  # type: ignore[arg-type]
    ranks = [Loader(prepared, rank=rank, world_size=2, **options) for rank in range(2)]  # type: ignore[arg-type]
    for position in range(0, 48, 12):
        whole = one.batch(position, 12)
        parts = [loader.batch(position, 6) for loader in ranks]
        for field in whole:
            assert torch.equal(whole[field], torch.cat([part[field] for part in parts]))


def test_flips_follow_the_place_not_the_batch() -> None:
    prepared = numbered(10)
    plain = Loader(prepared, seed=3).batch(0, 60)["image"]
    flips = torch.from_numpy(coins(3, np.arange(60), "mirror"))
    assert 15 < int(flips.sum()) < 45
    expected = torch.where(flips[:, None, None, None], plain.flip(3), plain)
    loader = Loader(prepared, seed=3, mirror=True)
    assert torch.equal(loader.batch(0, 60)["image"], expected)
    pieces = [loader.batch(position, 5)["image"] for position in range(0, 60, 5)]
    assert torch.equal(torch.cat(pieces), expected)


def test_raw_encoded_and_none_give_the_same_batches(fill: Fill) -> None:
    folder = fill(9, size=8)
    (folder / "003.png").write_bytes(b"corrupt")
    fields = ("image", "index")
    loaders = [
        Loader(prepare(folder, size=4, cache=mode), seed=0, fields=fields, mirror=True)  # type: ignore[arg-type]
        for mode in ("raw", "encoded", "none")
    ]
    for position in (0, 5, 10):
        first, *others = [loader.batch(position, 5) for loader in loaders]
        for other in others:
            assert all(torch.equal(first[field], other[field]) for field in fields)


def test_a_small_set_repeats_with_a_notice() -> None:
    loader = Loader(numbered(3), seed=0, fields=("index",), world_size=2)
    assert Counter(loader.batch(0, 6)["index"].tolist()) == {0: 2, 1: 2, 2: 2}
    assert "numbered has 3 images and a batch takes 12" in loader.notice(6)
    assert loader.notice(1) == ""


def test_a_set_of_one_image() -> None:
    assert Loader(numbered(1), seed=0, fields=("index",)).batch(7, 4)["index"].tolist() == [0] * 4


def test_grey_has_one_channel() -> None:
    prepared = prepare(ArraySource("x", np.zeros((2, 4, 4), np.uint8)), size=4, channels=1)
    assert Loader(prepared, seed=0).batch(0, 2)["image"].shape == (2, 1, 4, 4)


def test_no_global_generator_is_touched() -> None:
    torch.manual_seed(0)
    np.random.seed(0)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # type: ignore[index,union-attr]
    with Loader(numbered(10), seed=0, mirror=True) as loader:
        for position in range(0, 40, 4):
            loader.batch(position, 4)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]  # type: ignore[index,union-attr]


def test_batches_belong_to_the_caller() -> None:
    loader = Loader(numbered(10), seed=0)
    first = loader.batch(0, 4)["image"]
    kept = first.clone()
    loader.batch(4, 4)["image"].zero_()
    first.mul_(2)
    assert torch.equal(loader.batch(0, 4)["image"], kept)


def test_an_error_ahead_surfaces_at_its_batch(fill: Fill) -> None:
    folder = fill(8)
    prepared = prepare(folder, size=4, cache="none")
    order = permutation(0, 0, 8).tolist()
    with Loader(prepared, seed=0, prefetch=1) as loader:
        (folder / f"{order[4]:03d}.png").unlink()
        loader.batch(0, 2)
        loader.batch(2, 2)
        with pytest.raises(ZooError, match="was readable when the data was prepared"):
            loader.batch(4, 2)


def test_a_closed_loader_still_answers() -> None:
    loader = Loader(numbered(10), seed=0, fields=("index",))
    first = loader.batch(0, 4)["index"]
    loader.close()
    loader.close()
    assert torch.equal(loader.batch(0, 4)["index"], first)


def test_missing_labels_are_told() -> None:
    with pytest.raises(ZooError, match=r"needs labels and numbered has none.*--condition none"):
        Loader(numbered(3, labels=False), seed=0, fields=("image", "label"))


@pytest.mark.parametrize(
    ("field", "message"),
    [("source", "has only: image"), ("text", "it has no captions"), ("lable", "Did you mean 'label'")],
)
def test_fields_that_are_not_there(field: str, message: str) -> None:
    with pytest.raises(ZooError, match=message):
        Loader(numbered(3), seed=0, fields=(field,))


@pytest.mark.parametrize("options", [{"rank": 2, "world_size": 2}, {"rank": -1}])
def test_impossible_ranks(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="rank"):
        Loader(numbered(3), seed=0, **options)  # type: ignore[arg-type]


def test_impossible_batches() -> None:
    loader = Loader(numbered(3), seed=0)
    for position, size in ((-1, 4), (0, 0)):
        with pytest.raises(ValueError, match="at least"):
            loader.batch(position, size)


def test_masks_are_truths_of_one_channel() -> None:
    class Masked(ArraySource):
        fields = ("image", "mask")

    pixels = np.zeros((2, 4, 4), np.uint8)
    pixels[:, :2] = 255
    batch = Loader(prepare(Masked("masked", pixels), size=4), seed=0, fields=("image", "mask")).batch(0, 2)
    assert (batch["mask"].dtype, batch["mask"].shape) == (torch.bool, (2, 1, 4, 4))
    assert batch["mask"][:, 0, :, 0].tolist() == [[True, True, False, False]] * 2


def test_another_device_gets_floats_too() -> None:
    batch = Loader(numbered(4), seed=0, fields=("image", "index"), device="meta").batch(0, 4)
    image = batch["image"]
    assert (image.device.type, image.dtype, image.shape) == ("meta", torch.float32, (4, 3, 4, 4))
    assert image.is_contiguous(memory_format=torch.channels_last)
    assert batch["index"].dtype == torch.int64


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_gpu_sees_what_the_cpu_sees() -> None:
    prepared = numbered(10)
    here, there = (Loader(prepared, seed=0, mirror=True, device=device) for device in ("cpu", "cuda"))
    for position in range(0, 30, 6):
        difference = there.batch(position, 6)["image"].cpu() - here.batch(position, 6)["image"]
        assert difference.abs().max() < 1e-6
