"""What is scored: pictures that a model draws, or pictures that lie somewhere."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from zoo.any_pictures import recoloured
from zoo.data.arrays import ArraySource
from zoo.data.prepared import Prepared
from zoo.errors import ZooError
from zoo.evaluation.reference import LOSSY
from zoo.model import Batch, Model
from zoo.option_types import word
from zoo.options import bind, options_of
from zoo.pictures import to_uint8

__all__ = ["InputSamples", "ModelSamples", "PictureSamples", "Samples", "as_often", "read_npz", "read_pictures"]

A = TypeVar("A", bound=np.generic)


class Samples(ABC):
    """Pictures in batches, with labels where they have any."""

    n: int
    model: Model | None = None
    labels: NDArray[np.int64] | None = None  # known once all batches were drawn
    keys: tuple[str, ...] = ()
    captions: Sequence[Sequence[str]] | None = None  # of each picture; known once all batches were drawn
    target: NDArray[np.int64] | None = None  # by picture, its pair among the reference
    seed: int = 0
    options: Mapping[str, Any] = MappingProxyType({})  # of the model's sampling, as far as they were changed

    @abstractmethod
    def batches(self, size: int) -> Iterator[NDArray[np.uint8]]:
        """All pictures, uint8 [<=size,H,W,C]. Raises ZooError for values that are no numbers."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """What a number depends on besides the model itself."""

    def lossy(self) -> bool:
        """Whether some of them were stored as JPEG."""
        return any(key.lower().endswith(LOSSY) for key in self.keys)


class ModelSamples(Samples):
    """Pictures of the latents seed, seed + 1, ...; what a model reads besides comes from `inputs`, in its order.

    A model that draws by text gets captions of `captions`, whose embeddings are those of its own encoder: sample i
    the caption that falls to seed + i. Without them it draws from its few examples.

    `options` are those of the model's `sample`, such as truncation. Classes come as often as in the training images,
    unless `class_` says otherwise. Raises InvalidOptions for others.
    """

    def __init__(
        self,
        model: Model,
        n: int,
        seed: int = 0,
        inputs: Prepared | None = None,
        options: Mapping[str, object] = MappingProxyType({}),
        captions: Prepared | None = None,
    ) -> None:
        self.model, self.n, self.seed = model, n, seed
        defaults = {name: default for name, (_, default) in options_of(model.inputs).items()}
        bound = bind(model.inputs, {**as_often(model), **options}, where=type(model).__name__)
        self.options = {name: value for name, value in bound.items() if value != defaults[name]}
        self.read = model.reads
        self.inputs = inputs
        told = "text" in model.needs and captions is not None and captions.embeddings is not None
        self.captioned = captions if told and "text" not in self.options else None
        if self.read:
            missing = sorted(set(self.read) - set(() if inputs is None else inputs.fields))
            if inputs is None or missing:
                name = "no data" if inputs is None else inputs.name
                raise ZooError(f"The model draws from {', '.join(self.read)}; {name} lacks {', '.join(missing)}.")
            self.n = min(n, *(inputs.count(field) for field in self.read))
            self.target = np.arange(self.n) if inputs.spec.paired else None

    def batches(self, size: int) -> Iterator[NDArray[np.uint8]]:
        """Drawn in eval mode; clipped to [-1, 1] and rounded to bytes."""
        assert self.model is not None
        training = self.model.training
        self.model.eval()
        labels, captions = [], []
        try:
            for start in range(0, self.n, size):
                inputs = self.drawn(start, min(size, self.n - start))
                labels += [inputs["label"].cpu().numpy()] if "label" in inputs else []
                captions += self.captions_of(start, min(size, self.n - start))
                yield to_uint8(self.images(inputs, start))
        finally:
            self.model.train(training)
        self.labels = np.concatenate(labels).astype(np.int64) if labels else None
        self.captions = captions or None

    @torch.no_grad()
    def images(self, inputs: Batch, start: int) -> torch.Tensor:
        """Images [n,C,H,W] in [-1, 1]."""
        assert self.model is not None
        images = self.model.generate(inputs).float()
        if not images.isfinite().all():
            bad = int((~images.flatten(1).isfinite().all(1)).sum())
            raise ZooError(
                f"{bad} of the samples from seed {self.seed + start} on hold NaN or infinity, so nothing can be "
                "measured: the weights are broken. Take an earlier checkpoint (--which)."
            )
        return images.clamp(-1, 1)

    def drawn(self, start: int, n: int) -> Batch:
        """Inputs of some samples, on the model's device."""
        assert self.model is not None
        inputs = self.model.inputs(n, self.seed + start, **self.options)
        for field in self.read:
            assert self.inputs is not None
            inputs[field] = read_pictures(self.inputs, field, np.arange(start, start + n))
        if self.captioned is not None:
            assert self.captioned.embeddings is not None
            rows = self.captioned.embeddings.rows_of(*self.told(start, n))
            inputs["text"] = torch.from_numpy(rows)
        return {name: value.to(self.model.device) for name, value in inputs.items()}

    def told(self, start: int, n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(item, number of its caption) by which each sample is drawn: pure functions of its seed."""
        assert self.captioned is not None
        assert self.captioned.embeddings is not None
        return self.captioned.embeddings.one(self.seed + np.arange(start, start + n))

    def captions_of(self, start: int, n: int) -> list[tuple[str, ...]]:
        """The caption of each sample, where its text is known."""
        if self.captioned is None or self.captioned.captions is None:
            return []
        return [(self.captioned.captions[item][number],) for item, number in zip(*self.told(start, n), strict=True)]

    def facts(self) -> dict[str, Any]:
        """Number, seed, truncation, rounding, and other options of the model that were changed."""
        chosen = dict(self.options)
        truncation = chosen.pop("truncation", None)
        facts: dict[str, Any] = {
            "n": self.n,
            "seed": self.seed,
            "truncation": truncation,
            "rounding": "clipped, to nearest byte",
        }
        if self.captioned is not None:
            facts["captions"] = f"{self.captioned.name}, {self.captioned.split or 'everything in it'}"
        return {**facts, **({"options": {name: word(value) for name, value in chosen.items()}} if chosen else {})}


def as_often(model: Model) -> dict[str, Any]:
    """The option by which a labelled model's classes are as frequent as in its data, where they differ."""
    uneven = len(set(model.data.class_counts)) > 1 and "label" in model.prior(1, 0)
    return {"class_": "data"} if uneven and "class_" in options_of(model.inputs) else {}


class InputSamples(Samples):
    """What a model reads, in place of what it makes of that: the baseline `identity`."""

    def __init__(self, inputs: Prepared, channels: int, n: int | None = None) -> None:
        self.inputs, self.channels = inputs, channels
        self.n = min(n or inputs.count("source"), inputs.count("source"))
        self.target = np.arange(self.n) if inputs.spec.paired else None

    def batches(self, size: int) -> Iterator[NDArray[np.uint8]]:
        """In their own order, in the channels of the images."""
        for start in range(0, self.n, size):
            pixels = read_pictures(self.inputs, "source", np.arange(start, min(start + size, self.n)))
            yield to_uint8(recoloured(pixels, self.channels))

    def facts(self) -> dict[str, Any]:
        """As a model's, with nothing drawn."""
        return {"n": self.n, "seed": None, "truncation": None, "rounding": "bytes as they are", "baseline": "identity"}


class PictureSamples(Samples):
    """Pictures that lie somewhere, all of them or the first n."""

    def __init__(self, prepared: Prepared, n: int | None = None) -> None:
        self.prepared = prepared
        self.n = min(n or len(prepared), len(prepared))
        self.keys = prepared.keys[: self.n]
        self.labels = None if prepared.labels is None else prepared.labels[: self.n]
        self.captions = None if prepared.captions is None else prepared.captions[: self.n]

    def batches(self, size: int) -> Iterator[NDArray[np.uint8]]:
        """In their own order."""
        for start in range(0, self.n, size):
            yield self.prepared.images(np.arange(start, min(start + size, self.n)))

    def facts(self) -> dict[str, Any]:
        """As a model's, with nothing drawn."""
        return {"n": self.n, "seed": None, "truncation": None, "rounding": "bytes as they are"}


def read_pictures(prepared: Prepared, field: str, indices: NDArray[np.int64]) -> torch.Tensor:
    """A field of some items as a batch has it: images [n,C,H,W] in [-1, 1], masks bool [n,1,H,W]."""
    pixels = torch.from_numpy(prepared.images(indices, field)).permute(0, 3, 1, 2)
    return pixels[:, :1] > 127 if field == "mask" else pixels.float() / 127.5 - 1


def read_npz(path: Path) -> ArraySource:
    """The pictures uint8 [N,H,W,C] of an .npz under `images`, `samples` or `arr_0`, or of an .npy; with `labels`."""
    try:
        loaded = np.load(path, allow_pickle=False)
        arrays = {"images": loaded} if isinstance(loaded, np.ndarray) else dict(loaded)
    except (ValueError, OSError, EOFError) as error:
        raise ZooError(f"{path} is no readable array file: {error}") from error
    found = [name for name in ("images", "samples", "arr_0") if name in arrays]
    if not found:
        raise ZooError(f"{path} holds {', '.join(arrays)}; pictures uint8 [N,H,W,C] are read from `images` or `arr_0`.")
    images = arrays[found[0]]
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        raise ZooError(f"{path}: {found[0]} holds NaN or infinity, so nothing can be measured.")
    return ArraySource(path.name, images, arrays.get("labels"))
