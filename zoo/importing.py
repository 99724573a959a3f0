"""The contract of an importer: how an architecture's plugin takes over weights that others have published.

`ganzoo import` opens the file without running anything in it, and hands its networks over as names and tensors.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from torch import Tensor

from zoo.model import DataSpec, Parts

__all__ = ["ForeignFile", "ForeignNetwork", "Imported", "Importer"]


@dataclass(frozen=True, slots=True)
class ForeignNetwork:
    """One network as its file has it. Values are plain: numbers, text, None, and lists and dictionaries of them."""

    form: Literal["module", "state-dict", "tensorflow"]
    kind: str = ""  # the class's name, or the building function's; empty for a state dict
    tensors: Mapping[str, Tensor] = field(default_factory=dict, repr=False)  # parameters and buffers by dotted name
    arguments: Mapping[str, Any] = field(default_factory=dict)  # what it was explicitly built with
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)  # attributes by dotted name: "mapping.z_dim"


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """What a file holds: networks by their key in it ("G_ema"; empty for a bare state dict), and other values."""

    networks: Mapping[str, ForeignNetwork]
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Imported:
    """A foreign model in an architecture's own terms.

    Every tensor of the file that matters appears under our name, a foreign name that is not understood as it is: the
    caller compares with the model and refuses both what is missing and what is left over.
    """

    config: Any  # the architecture's Config
    data: DataSpec
    sampler: Mapping[str, Tensor]  # of a model without critics: the weights to sample from
    licence: str  # whose terms the weights come under, one line
    parts: Parts | None = None  # of the critics in `training`; None takes `Model.parts(config)`
    training: Mapping[str, Tensor] = field(default_factory=dict)  # live weights, critics included; empty if not there
    fresh: tuple[str, ...] = ()  # names, wildcards allowed, that such files lack: they start as in a new model


class Importer(ABC):
    """Reads the published files of one architecture; the target of an entry under the hook `ganzoo_importers`."""

    classes: ClassVar[tuple[str, ...]] = ()  # classes that its pickles name, wildcards allowed; kept as inert stand-ins

    @abstractmethod
    def recognises(self, file: ForeignFile) -> bool:
        """Whether the file is one of those that `convert` understands, by the names in it."""

    @abstractmethod
    def convert(self, file: ForeignFile) -> Imported:
        """The model in our terms. Raises ZooError for a variant that is not supported, naming it."""
