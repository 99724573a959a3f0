"""Batches by image counter: a pure function of seed, counter and world size (C14), computed ahead by one
thread."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.data.order import Others, coins, corners, permutation, place, stream
from zoo.data.prepared import Prepared
from zoo.data.source import IMAGE_FIELDS
from zoo.errors import ZooError, near_misses

__all__ = ["Loader"]

TEXT_FIELDS = ("text", "wrong_text")
WRONG_FIELDS = ("wrong_image", "wrong_text")
KNOWN_FIELDS = (*IMAGE_FIELDS, "label", "index", "text", *WRONG_FIELDS)


class Loader:
    """The endless stream of a prepared dataset: pass after pass, each in its own order, none cut short.

    Place p of the stream shows item `permutation(seed, p // items)[p % items]`, mirrored by a coin of (seed,
    p) when `mirror`; of larger pictures it shows `crop` x `crop` pixels at a corner drawn from (seed, p). All
    pictures of an item move alike. A `source` that belongs to no image, or with `pairs` false, runs through an
    order of its own and is mirrored and cut by draws of its own. `text` is the mean of `captions_averaged` embedded
    captions, drawn for (seed, p). The `wrong_image` and `wrong_text` of a place belong to another item, drawn
    likewise: of another class where there are several. Rank r of a batch of `size` per rank reads the places
    position + r * size + (0, 1, ..., size - 1). One thread computes up to `prefetch` following batches; it holds
    no state and draws from no global generator.

    Raises ZooError for a field that the data has not.
    """

    def __init__(
        self,
        prepared: Prepared,
        *,
        seed: int,
        fields: Sequence[str] = ("image",),
        mirror: bool = False,
        captions_averaged: int = 1,
        crop: int | None = None,
        pairs: bool = True,
        rank: int = 0,
        world_size: int = 1,
        device: torch.device | str = "cpu",
        prefetch: int = 2,
    ) -> None:
        if not 0 <= rank < world_size:
            raise ValueError(f"rank {rank} of {world_size}")
        for field in fields:
            _check(prepared, field)
        self.prepared = prepared
        self.seed, self.fields, self.mirror = seed, tuple(dict.fromkeys(fields)), mirror
        self.captions_averaged = captions_averaged
        self.crop = crop or prepared.spec.resolution
        if self.crop > prepared.spec.resolution:
            raise ValueError(f"crops of {self.crop} px out of pictures of {prepared.spec.resolution} px")
        self.apart = ("source",) if not (pairs and prepared.spec.paired) else ()  # fields with an order of their own
        self.rank, self.world_size = rank, world_size
        self.device = torch.device(device)
        self._permutation = lru_cache(maxsize=4)(self._compute_permutation)
        self._others = Others(groups(prepared)) if set(WRONG_FIELDS) & set(fields) else None
        self._prefetch = prefetch
        self._thread = ThreadPoolExecutor(1, "ganzoo-loader") if prefetch > 0 else None
        self._ahead: dict[tuple[int, int], Future[dict[str, Tensor]]] = {}

    def batch(self, position: int, size: int) -> dict[str, Tensor]:
        """This rank's `size` items when `position` images have been consumed by all ranks together.

        `image` (and `source`, `wrong_image`) float32 [size,C,H,W] in [-1,1], channels_last; `mask` bool
        [size,1,H,W]; `label` and `index` int64 [size]; `text` and `wrong_text` float32 [size,text_dim]. The tensors
        are the caller's own. Raises what the prefetching thread ran into.
        """
        if position < 0 or size < 1:
            raise ValueError(f"position {position} and size {size}: at least 0 and 1")
        ahead = self._ahead.pop((position, size), None)
        if ahead is None:
            batch = self._host_batch(position, size)
            self._look_ahead(position, size)
        else:
            self._look_ahead(position, size)
            batch = ahead.result()
        return {field: self._on_device(tensor) for field, tensor in batch.items()}

    def indices(self, position: int, size: int, field: str = "image") -> NDArray[np.int64]:
        """The items of this rank's batch: int64 [size]."""
        order = field if field in self.apart else ""
        length = self.prepared.count(field)
        epochs, offsets = place(self._places(position, size), length)
        items = np.empty(size, np.int64)
        for epoch in np.unique(epochs).tolist():
            here = epochs == epoch
            items[here] = self._permutation(epoch, length, order)[offsets[here]]
        return items

    def notice(self, size: int) -> str:
        """A line for the user when a batch of `size` per rank repeats images, else empty."""
        together = size * self.world_size
        fewest = min(self.prepared.count(field) for field in ("image", *self.apart))
        if fewest >= together:
            return ""
        return (
            f"{self.prepared.name} has {fewest:,} images and a batch takes {together:,}: "
            "every batch shows some of them more than once."
        )

    def close(self) -> None:
        """Stop the prefetching thread; the loader can still be asked, without it."""
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)
        self._thread = None
        self._ahead.clear()

    def __enter__(self) -> "Loader":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _look_ahead(self, position: int, size: int) -> None:
        """Start on the batches that follow; forget those that no longer do."""
        stride = size * self.world_size
        wanted = [(position + k * stride, size) for k in range(1, self._prefetch + 1)]
        for key in [key for key in self._ahead if key not in wanted]:
            self._ahead.pop(key).cancel()
        if self._thread is None:
            return
        for key in wanted:
            if key not in self._ahead:
                self._ahead[key] = self._thread.submit(self._host_batch, *key)

    def _compute_permutation(self, epoch: int, length: int, order: str) -> NDArray[np.int64]:
        return permutation(stream(self.seed, order) if order else self.seed, epoch, length)

    def _places(self, position: int, size: int) -> NDArray[np.int64]:
        return position + self.rank * size + np.arange(size, dtype=np.int64)

    def _host_batch(self, position: int, size: int) -> dict[str, Tensor]:
        """A batch in the host's memory; pictures are floats already when they stay there, else bytes."""
        indices, places = self.indices(position, size), self._places(position, size)
        others = indices if self._others is None else self._others.drawn(indices, self.seed, places)
        batch: dict[str, Tensor] = {}
        for field in self.fields:
            if field == "index":
                batch[field] = torch.from_numpy(indices)
            elif field == "label":
                assert self.prepared.labels is not None
                batch[field] = torch.from_numpy(self.prepared.labels[indices])
            elif field in TEXT_FIELDS:
                batch[field] = self._text(field, others if field in WRONG_FIELDS else indices, places)
            elif field == "wrong_image":
                batch[field] = self._picture("image", others, places, "wrong_")
            else:
                items = self.indices(position, size, field)
                batch[field] = self._picture(field, items, places, f"{field}_" if field in self.apart else "")
        if self.device.type == "cuda":
            return {field: tensor.pin_memory() for field, tensor in batch.items()}
        return batch

    def _text(self, field: str, items: NDArray[np.int64], places: NDArray[np.int64]) -> Tensor:
        embeddings = self.prepared.embeddings
        assert embeddings is not None
        return torch.from_numpy(embeddings.drawn(items, self.seed, places, field, self.captions_averaged))

    def _picture(self, field: str, items: NDArray[np.int64], places: NDArray[np.int64], whose: str = "") -> Tensor:
        """Items as they lie at these places; `whose` names the draws of what does not move with the image."""
        pixels = self.prepared.images(items, field)  # [N,H,W,C]
        if (room := self.prepared.spec.resolution - self.crop) > 0:
            pixels = _cut(pixels, corners(self.seed, places, f"{whose}crop", room + 1), self.crop)
        if self.mirror:
            flips = coins(self.seed, places, f"{whose}mirror")
            pixels[flips] = np.take(pixels[flips], np.arange(pixels.shape[2] - 1, -1, -1), axis=2)
        if field == "mask":
            return torch.from_numpy(pixels[:, None, :, :, 0] > 127)
        if self.device.type == "cpu":
            return torch.from_numpy(_to_float(pixels)).permute(0, 3, 1, 2)
        return torch.from_numpy(pixels).permute(0, 3, 1, 2)

    def _on_device(self, tensor: Tensor) -> Tensor:
        if self.device.type == "cpu":
            return tensor
        # only pinned memory may be copied while the host goes on
        moved = tensor.to(self.device, non_blocking=self.device.type == "cuda")
        return moved.float().div_(127.5).sub_(1) if moved.dtype == torch.uint8 else moved


def _cut(pixels: NDArray[np.uint8], corners: NDArray[np.int64], size: int) -> NDArray[np.uint8]:
    """`size` x `size` pixels of each picture [N,H,W,C], from its corner (top, left) of [N,2] on."""
    places = zip(pixels, corners.tolist(), strict=True)
    return np.stack([picture[top : top + size, left : left + size] for picture, (top, left) in places])


def _to_float(pixels: NDArray[np.uint8]) -> NDArray[Any]:
    """x / 127.5 - 1 in float32. numpy, because torch would start a second team of threads from this one."""
    values = np.divide(pixels, np.float32(127.5), dtype=np.float32)
    values -= np.float32(1)
    return values


def groups(prepared: Prepared) -> NDArray[np.int64]:
    """What counts as the same when another item is wanted: the label, or without two labels the item itself."""
    labels = prepared.labels
    return np.arange(len(prepared)) if labels is None or (labels == labels[0]).all() else labels


def _check(prepared: Prepared, field: str) -> None:
    """Raise ZooError when the data has no such field."""
    if field not in KNOWN_FIELDS:
        hint = near_misses(field, KNOWN_FIELDS)
        raise ZooError(f"The data was asked for the field {field!r}. {hint} Known: {', '.join(KNOWN_FIELDS)}.")
    if field in TEXT_FIELDS and prepared.embeddings is None:
        captions = "its captions have not been embedded" if prepared.captions else "it has no captions"
        raise ZooError(f"The model needs text and {prepared.name} gives none: {captions}.")
    if field in WRONG_FIELDS and len(prepared) < 2:
        raise ZooError(f"The model needs {field!r}, that of another item, and {prepared.name} has only one.")
    if field == "label" and prepared.labels is None:
        raise ZooError(
            f"The model needs labels and {prepared.name} has none. Sort the images into one folder for each "
            "class, or "
            "write a metadata.jsonl with file_name and label; or train without them: --condition none."
        )
    if field in IMAGE_FIELDS and field not in prepared.fields:
        raise ZooError(
            f"The model needs the picture {field!r} of each item and {prepared.name} has only: "
            f"{', '.join(prepared.fields)}."
        )
