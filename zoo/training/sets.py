"""The pictures of a run: what it learns from, and what its samples are shown beside and scored against."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from zoo.data.embedding import embedded
from zoo.data.prepare import prepare
from zoo.data.prepared import Prepared
from zoo.data.source import Source
from zoo.data.spec import DataSpec
from zoo.model import Model
from zoo.training.display import Display
from zoo.training.distributed import barrier, rank
from zoo.training.plan import Plan

__all__ = ["Sets", "prepare_sets"]


@dataclass(frozen=True, slots=True)
class Sets:
    """Prepared pictures by their part in a run."""

    training: Prepared  # at the model's `load_size`
    shown: Prepared  # at its resolution: the test split for a model that reads pictures, else those of the training

    def spec(self, plan: Plan) -> DataSpec:
        """The data as the model sees it: what was prepared for it to learn from, at its resolution."""
        seen = {name: getattr(plan.data, name) for name in ("resolution", "source_channels", "paired")}
        return dataclasses.replace(self.training.spec, **seen)

    def counted(self) -> str:
        """How many pictures there are to learn from, in words."""
        training = self.training
        if training.other is not None:
            return f"{len(training.other):,} images of domain A and {len(training):,} of B"
        return f"{len(training):,} {'pairs of images' if 'source' in training.fields else 'images'}"


def prepare_sets(plan: Plan, source: Source, model: Model, display: Display) -> Sets:
    """Rank 0 prepares, the others find everything ready."""
    if source.notice:
        display.say(source.notice)
    resolution = plan.data.resolution
    training = prepared_at(model.load_size or resolution, plan, source, display)
    held_out = source.held_out() if model.reads else None
    if held_out is not None and len(held_out) > 1:
        return Sets(training, prepared_at(resolution, plan, held_out, display))
    if training.spec.resolution == resolution:
        return Sets(training, training)
    return Sets(training, prepared_at(resolution, plan, source, display))


def prepared_at(size: int, plan: Plan, source: Source, display: Display) -> Prepared:
    """The pictures of a source at a size, in the plan's channels."""
    arguments: dict[str, Any] = {
        "size": size,
        "channels": plan.data.channels,
        "source_channels": plan.data.source_channels or None,
        "crop": plan.choice.crop,
        "cache": plan.choice.cache,
    }
    if rank() > 0:
        barrier()
    prepared = prepare(source, **arguments, say=display.say)
    if plan.data.text_encoder:
        prepared = embedded(prepared, plan.data.text_encoder, plan.choice.text_encoder, display.say)
    if rank() == 0:
        barrier()
    return prepared
