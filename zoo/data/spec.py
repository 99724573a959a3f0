"""What a model must know of its data; saved with the weights, so it imports nothing heavy."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from zoo.errors import ZooError

__all__ = ["DataSpec"]


@dataclass(frozen=True, slots=True)
class DataSpec:
    """The shape of a dataset. Raises ZooError when a number is out of range."""

    resolution: int  # height and width in pixels, at least 1
    channels: int = 3  # 1 grey, 3 colour
    classes: int = 0  # number of labels; 0 is unlabelled
    items: int = 0  # number of images; 0 is unknown
    text_dim: int = 0  # width of the text embedding; 0 is none
    class_names: tuple[str, ...] = ()  # by label; empty when labels have no names
    class_counts: tuple[int, ...] = ()  # images by label; empty is unknown
    text_encoder: str = ""  # identity of what embedded the captions, such as hashed@1
    captions: tuple[str, ...] = ()  # some of the data's captions: what a text model draws from when not told
    source_channels: int = 0  # of a translation's input: 1 grey, 3 colour; 0 is no such picture
    paired: bool = True  # whether each image has a source of its own; without, the two are sets of their own

    def __post_init__(self) -> None:
        for name in ("class_names", "class_counts", "captions"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.resolution < 1:
            raise ZooError(f"A resolution of {self.resolution} px was given; it is at least 1.")
        if self.channels not in (1, 3):
            raise ZooError(f"{self.channels} channels were given; 1 (grey) and 3 (colour) are known.")
        if self.source_channels not in (0, 1, 3):
            raise ZooError(f"{self.source_channels} channels of the source were given; 1, 3 and 0 (none) are known.")
        if min(self.classes, self.items, self.text_dim) < 0:
            raise ZooError("The numbers of classes, items and text dimensions are at least 0.")
        if self.class_counts and len(self.class_counts) != self.classes:
            raise ZooError(f"{len(self.class_counts)} class counts were given for {self.classes} classes.")
        if self.class_names and len(self.class_names) != self.classes:
            raise ZooError(f"{len(self.class_names)} class names were given for {self.classes} classes.")

    def to_json(self) -> dict[str, Any]:
        """Plain values that `from_json` reads back as an equal spec."""
        lists = {name: list(getattr(self, name)) for name in ("class_names", "class_counts", "captions")}
        return {**asdict(self), **lists}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The spec of `to_json`. Raises ZooError on unknown or missing fields."""
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ZooError(
                f"A data specification with unknown fields {unknown} was given; known are {sorted(known)}. "
                "It may come from a newer ganzoo: upgrade."
            )
        if "resolution" not in values:
            raise ZooError("A data specification without `resolution` was given.")
        return cls(**values)
