"""The contract between a plugin and the training engine: what a GAN is here."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from zoo.data.spec import DataSpec
from zoo.errors import InvalidOptions
from zoo.labels import Classes, class_labels
from zoo.option_types import word
from zoo.options import bind
from zoo.text import Texts, caption_rows

if TYPE_CHECKING:
    from zoo.data.images import Images

__all__ = [
    "Averaging",
    "Batch",
    "DataSpec",
    "Model",
    "Parts",
    "Phase",
    "Preset",
    "Progress",
    "Terms",
    "draw_normal",
    "draw_uniform",
    "slerp",
]

Batch = dict[str, Tensor]
"""One step's data by field: "image" float [N,C,H,W] in [-1,1], "label" int64 [N], "index" int64 [N], ..."""

USES = ("translate", "inpaint")
"""What models that read pictures can be used for: methods, and commands of the same name."""

Terms = dict[str, Tensor]
"""Named scalar loss terms. Their sum is minimised; each is logged."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The one clock: every schedule is a pure function of it, so resuming is setting it."""

    step: int = 0  # optimiser rounds finished
    images: int = 0  # real images seen by all processes


def always(progress: Progress) -> bool:
    """Every step."""
    return True


@dataclass(frozen=True, slots=True)
class Phase:
    """One optimiser step: minimise the sum of `loss` over the parameters that `optimizer` holds, no others.

    `every` runs it at steps 0, every, 2·every, ...; `when` starts and ends it. `autocast=False` keeps it in
    float32. `keeps` names submodules whose graph it records without training them, so that one forward
    serves a later phase of the same step.
    """

    name: str
    loss: Callable[[Batch], Terms]
    optimizer: Optimizer
    every: int = 1
    when: Callable[[Progress], bool] = always
    autocast: bool = True
    keeps: tuple[str, ...] = ()

    def due(self, progress: Progress) -> bool:
        """Whether this step runs the phase."""
        return progress.step % self.every == 0 and self.when(progress)


@dataclass(frozen=True, slots=True)
class Parts:
    """What plugs into a model, as registry references (`name:key=value`); stored in config.json."""

    loss: str
    regularizers: tuple[str, ...] = ()
    augment: str = "none"
    discriminator: str = "own"  # "own", or the entry that replaces it
    allies: tuple[str, ...] = ()  # discriminators that join beside the model's own
    backbones: tuple[str, ...] = ()  # frozen networks for the discriminators that name none


@dataclass(frozen=True, slots=True)
class Preset:
    """A configuration with the parts it is meant for; `parts=None` takes `Model.parts(config)`."""

    config: Any
    parts: Parts | None = None


@dataclass(frozen=True, slots=True)
class Averaging:
    """How the averaged copy of a generator follows the live one.

    Either a `half_life` in images, ramped up as `min(half_life, ramp * images seen)` (Karras et al. 2020a),
    or a constant `decay` per step.
    """

    half_life: float = 10_000.0
    ramp: float | None = None
    decay: float | None = None
    copy_buffers: bool = True
    refresh_statistics: bool = True  # re-estimate BatchNorm statistics before sampling

    def keep(self, images: int, batch: int) -> float:
        """Share of the old average that one step of `batch` images keeps."""
        if self.decay is not None:
            return self.decay
        half_life = self.half_life if self.ramp is None else min(self.half_life, self.ramp * images)
        return float(0.5 ** (batch / max(half_life, 1e-8)))


class Model(nn.Module, ABC):
    """All of one GAN. Whatever must outlive a restart is a parameter or a buffer.

    `__init__` builds what `generate` needs and nothing else; `build_critics` adds what training needs.
    """

    Config: ClassVar[type[Any]]
    presets: ClassVar[Mapping[str, Callable[[DataSpec], Preset]]]
    needs: tuple[str, ...] = ("image",)  # batch fields; an instance may ask for more, such as its condition
    reads: tuple[str, ...] = ()  # pictures of the data that `generate` takes: it translates or completes them
    pairs: ClassVar[bool] = True  # whether row i of `source` belongs to row i of `image`, or is drawn by itself
    conditions: ClassVar[tuple[str, ...]] = ()  # what `--condition` may ask for: label, text
    averaged: ClassVar[tuple[str, ...]] = ("generator",)
    compiled: ClassVar[tuple[str, ...]] = ("generator",)
    on_host: ClassVar[tuple[str, ...]] = ()  # children that stay in the host's memory, such as a row per image

    config: Any
    data: DataSpec

    def __init__(self, config: Any, data: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.data = data

    @classmethod
    def problems(cls, config: Any, data: DataSpec) -> list[str]:
        """What this configuration cannot do with this data, in sentences; empty when all is well."""
        return []

    @classmethod
    def parts(cls, config: Any) -> Parts:
        """The paper's loss, regularisers, augmentation and discriminator."""
        raise NotImplementedError(f"{cls.__name__} plays no adversarial game")

    def build_critics(self, parts: Parts) -> None:
        """Build the discriminators that training needs."""

    def build_training(self) -> None:
        """Build what training needs besides critics, such as a row for each image. Raises InvalidOptions."""

    def begin_training(self, images: "Images") -> None:
        """See the data once, before the first step of a new run and before it takes weights of another."""

    def sampling_state(self) -> dict[str, Tensor]:
        """The weights that `generate` needs: those of a model built for sampling alone."""
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            plain = type(self)(self.config, self.data)
        state = self.state_dict()
        return {name: state[name] for name in plain.state_dict()}

    @abstractmethod
    def phases(self) -> list[Phase]:
        """What one training step does, in order."""

    @abstractmethod
    def generate(self, inputs: Batch) -> Tensor:
        """Images float32 [N,C,H,W] in [-1, 1], one per item of `inputs`; no randomness of its own."""

    def prior(self, n: int, seed: int) -> Batch:
        """Inputs to `generate` that are drawn: item i of seed s depends on s + i alone."""
        return {}

    def inputs(
        self,
        n: int,
        seed: int,
        *,
        class_: Classes | None = None,  # number, names joined by +, all (in turn), balanced, or data (its shares)
        text: Texts | None = None,  # captions, in turn; drawn when it is not given
    ) -> Batch:
        """What `sample` gives to `generate`. Keyword parameters with defaults are options of `sample`, typed."""
        return self.texted(self.labelled(self.prior(n, seed), n, seed, class_), n, seed, text)

    def labelled(self, drawn: Batch, n: int, seed: int, class_: Classes | None) -> Batch:
        """Drawn inputs with the classes asked for; refused by a model without labels."""
        if class_ is None:
            return drawn
        if "label" not in drawn:
            raise InvalidOptions([f"class_={word(class_)} was given, but this model was trained without labels."])
        return {**drawn, "label": class_labels(self.data, class_, n, seed)}

    def texted(self, drawn: Batch, n: int, seed: int, text: Sequence[str] | None) -> Batch:
        """Drawn inputs with these captions in turn, embedded as in training; refused by a model without text."""
        if text is None:
            return drawn
        if "text" not in drawn:
            raise InvalidOptions(["text was given, but this model was trained without captions."])
        rows = caption_rows(self, self.data, text)
        return {**drawn, "text": rows[[(seed + i) % len(rows) for i in range(n)]]}

    @property
    def captions_averaged(self) -> int:
        """How many of an item's captions are averaged, each time it is shown."""
        return 1

    def between(self, start: Batch, end: Batch, t: float) -> Batch:
        """Inputs on the way from `start` (t = 0) to `end` (1): latents along the sphere, all else as at the start."""
        return {name: passed(value, end[name], t) for name, value in start.items()}

    def begin_step(self, progress: Progress) -> None:
        """Set whatever follows a schedule."""

    def batch_size(self, progress: Progress) -> int:
        """Images per step over all processes."""
        return int(self.config.batch)

    def resolution(self, progress: Progress) -> int:
        """Size at which this step wants its images."""
        return self.data.resolution

    @property
    def load_size(self) -> int | None:
        """Pixels to which training pictures are brought, for `resolution` to be cut out of them at random."""
        return None

    def averaging(self) -> Averaging | None:
        """How the averages follow; None for no averages."""
        return None

    @property
    def device(self) -> torch.device:
        """Where the model lives, apart from what stays on the host."""
        placed = (p for name, p in self.named_parameters() if name.partition(".")[0] not in self.on_host)
        return next(placed).device

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """What `to(...)` and its like do to every tensor; those of `on_host` stay as they are."""
        staying = {name: self._modules[name] for name in self.on_host if name in self._modules}
        self._modules.update(dict.fromkeys(staying))
        try:
            moved: Self = super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
            return moved
        finally:
            self._modules.update(staying)

    @torch.no_grad()
    def sample(
        self, n: int, seed: int = 0, *, batch: int = 64, given: Batch | None = None, **options: object
    ) -> Tensor:
        """Draw `n` images float32 [n,C,H,W] in [-1, 1] on the CPU; `options` are those of this model's `inputs`.

        `text` gives image 0 its first caption, image 1 its second, and begins anew after the last.

        Image i depends on `seed + i` alone (numpy RandomState, the field's `--seeds`), not on `n`, on
        `batch` or, to within rounding, on the device. A model that `reads` pictures takes them from `given`, a row for
        each image. Raises InvalidOptions for an option it does not take, and for pictures that are not given.
        """
        chosen = bind(self.inputs, options, where=f"{type(self).__name__}.sample")
        if texts := chosen.get("text"):  # image i takes text i, where `inputs` counts from seed 0
            first = -seed % len(texts)
            chosen["text"] = texts[first:] + texts[:first]
        pictures = self.read(given, n)
        training = self.training
        self.eval()
        try:
            spans = [slice(i, min(i + batch, n)) for i in range(0, n, batch)]
            return torch.cat([self._sample(span, seed, chosen, pictures) for span in spans])
        finally:
            self.train(training)

    def _sample(self, rows: slice, seed: int, chosen: Mapping[str, Any], pictures: Batch) -> Tensor:
        inputs = self.inputs(rows.stop - rows.start, seed + rows.start, **chosen)
        inputs |= {name: value[rows] for name, value in pictures.items()}
        on_device = {name: value.to(self.device) for name, value in inputs.items()}
        return self.generate(on_device).float().clamp(-1, 1).cpu()

    def read(self, given: Batch | None, n: int) -> Batch:
        """The first `n` rows of what this model `reads`, out of `given`. Raises InvalidOptions when there are none."""
        if missing := [name for name in self.reads if name not in (given or {})]:
            raise InvalidOptions([reads_pictures(self, missing)])
        found = {name: value[:n] for name, value in (given or {}).items() if name in self.reads}
        if short := [f"{name} has {len(value)}" for name, value in found.items() if len(value) < n]:
            raise InvalidOptions([f"{n} images were asked for and {', '.join(short)}; give a row for each."])
        return found

    @torch.no_grad()
    def preview(self, batch: Batch) -> Tensor:
        """What a sample grid shows of a model that `reads` pictures: rows [N,k,C,H,W] in [-1, 1] on the CPU.

        `batch` holds held-out pictures of all that it needs. Shown are what it read, what it made of that, and the
        image it should be, where the data has one.
        """
        rows = len(batch["image"])
        shown = [batch[name] for name in self.reads if batch[name].is_floating_point()]
        shown.append(self.sample(rows, given=batch))
        if "image" not in self.reads and self.data.paired:
            shown.append(batch["image"])
        return torch.stack([self.coloured(images) for images in shown], dim=1)

    def preview_names(self) -> tuple[str, ...]:
        """What stands in the columns of `preview`, for the report's caption; empty for models that read nothing."""
        if not self.reads:
            return ()
        return ("input", "output", "target") if "image" not in self.reads and self.data.paired else ("input", "output")

    def coloured(self, images: Tensor) -> Tensor:
        """Images on the CPU, grey repeated to three channels where this model reads or makes coloured ones."""
        most = max(self.data.channels, self.data.source_channels)
        return images.detach().float().cpu().expand(-1, most, -1, -1)

    def images(self, n: int, seed: int = 0, **options: object) -> list[Any]:
        """`sample`, as PIL images."""
        from zoo.pictures import to_pil

        return to_pil(self.sample(n, seed, **options))  # type: ignore[arg-type]

    def grid(self, n: int = 64, seed: int = 0, **options: object) -> Any:
        """`sample`, as one PIL image: a square grid."""
        from zoo.pictures import grid

        return grid(self.sample(n, seed, **options))  # type: ignore[arg-type]

    def ready(self) -> Self:
        """In eval mode, with no parameter asking for gradients."""
        return self.eval().requires_grad_(False)


def passed(a: Tensor, b: Tensor, t: float) -> Tensor:
    """A point on the way from a to b."""
    return slerp(a.flatten(), b.flatten(), t).view_as(a) if a.is_floating_point() else a


def slerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """Between two latents along the sphere (White 2016): the norm of a normal draw stays typical."""
    cosine = torch.nn.functional.cosine_similarity(a, b, dim=-1).clamp(-1, 1)
    angle = cosine.acos().unsqueeze(-1)
    straight = a + t * (b - a)
    bent = (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle).clamp(min=1e-6)
    return torch.where(angle < 1e-3, straight, bent)


def reads_pictures(model: Model, missing: Sequence[str]) -> str:
    """Why a model draws nothing by itself, and what to do instead."""
    does = [name for name in USES if hasattr(model, name)]
    command = f"ganzoo {does[0]} MODEL PICTURES --out FOLDER, model.{does[0]}(picture), or " if does else ""
    named = ", ".join(f'"{name}": pictures' for name in missing)
    return (
        f"{type(model).__name__} makes pictures out of pictures ({', '.join(missing)}), and was given none. Take "
        f"{command}model.sample(n, given={{{named}}})."
    )


def draw_normal(n: int, size: int, seed: int) -> Tensor:
    """Standard normal latents float32 [n, size]; row i comes from numpy RandomState(seed + i) alone."""
    return _rows(n, seed, lambda state: state.randn(size))


def draw_uniform(n: int, size: int, seed: int) -> Tensor:
    """Latents uniform on [-1, 1), float32 [n, size]; row i comes from numpy RandomState(seed + i) alone."""
    return _rows(n, seed, lambda state: state.uniform(-1, 1, size))


def _rows(n: int, seed: int, draw: Callable[[np.random.RandomState], Any]) -> Tensor:
    rows = [draw(np.random.RandomState((seed + i) % 2**32)) for i in range(n)]
    return torch.from_numpy(np.stack(rows).astype(np.float32))
