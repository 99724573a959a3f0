"""A plugin as others publish it: an architecture, a loss, an augmentation and a backbone."""

from collections.abc import Iterator

from zoo.registry import Entry

ganzoo_api = 1


def ganzoo_architectures() -> Iterator[Entry]:
    yield Entry(
        "foreign-gan",
        "ganzoo_foreign.model:ForeignGAN",
        "dense layers from noise to picture",
        "1406.2661",
        needs=("image",),
        presets={"default": "small", "tiny": "smaller"},
    )


def ganzoo_losses() -> Iterator[Entry]:
    yield Entry("foreign-loss", "ganzoo_foreign.parts:SquaredLoss", "squares of what is missing to a margin")


def ganzoo_augmentations() -> Iterator[Entry]:
    yield Entry("foreign-view", "ganzoo_foreign.parts:Dimmed", "pictures at half their contrast")


def ganzoo_backbones() -> Iterator[Entry]:
    yield Entry("foreign-eyes", "ganzoo_foreign.parts:Eyes", "two convolutions of fixed weights")
