"""ganzoo: every classic and modern GAN behind one registry.

The public names are imported on first use, so that `import zoo` stays quick and needs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganzoo_hub.catalogue import Cards, list_weights
    from ganzoo_hub.push import push
    from zoo.abilities import Code, HasFeatures, HasStyles, Inpaints, Inverts, Translates, Traverses
    from zoo.adversarial import (
        Augment,
        Critic,
        Game,
        GeneratorRegularizer,
        LogitPenalty,
        Memory,
        NetworkRegularizer,
        Penalty,
        PlayersRegularizer,
        add_ally,
        attached,
        critics_of,
    )
    from zoo.any_pictures import as_images, on_pictures
    from zoo.backbones import Backbone, Features, backbone, checksum
    from zoo.composition import augmentation, compose, configuration, network
    from zoo.data.images import Images
    from zoo.data.spec import DataSpec
    from zoo.errors import InvalidOptions, UnknownName, ZooError
    from zoo.evaluation.evaluate import evaluate
    from zoo.importing import ForeignFile, ForeignNetwork, Imported, Importer
    from zoo.labels import Classes, draw_labels
    from zoo.masks import as_mask, shrunk_mask
    from zoo.metric import Case, Metric, Rows, Seen, View
    from zoo.model import (
        Averaging,
        Batch,
        Model,
        Parts,
        Phase,
        Preset,
        Progress,
        Terms,
        draw_normal,
        draw_uniform,
    )
    from zoo.optimizers import adam, trainable
    from zoo.options import Range
    from zoo.pictures import grid, to_pil
    from zoo.text import Captions, TextEncoder, Texts, text_encoder
    from zoo.training.distributed import all_sum
    from zoo.training.dry_run import dry_run
    from zoo.training.run import resume, train
    from zoo.use import create, list_models, load

_HOMES = {
    "ganzoo_hub.catalogue": (
        "Cards",
        "list_weights",
    ),
    "ganzoo_hub.push": ("push",),
    "zoo.abilities": (
        "Code",
        "HasFeatures",
        "HasStyles",
        "Inpaints",
        "Inverts",
        "Translates",
        "Traverses",
    ),
    "zoo.adversarial": (
        "Augment",
        "Critic",
        "Game",
        "GeneratorRegularizer",
        "LogitPenalty",
        "Memory",
        "NetworkRegularizer",
        "Penalty",
        "PlayersRegularizer",
        "add_ally",
        "attached",
        "critics_of",
    ),
    "zoo.any_pictures": (
        "as_images",
        "on_pictures",
    ),
    "zoo.backbones": (
        "Backbone",
        "Features",
        "backbone",
        "checksum",
    ),
    "zoo.composition": (
        "augmentation",
        "compose",
        "configuration",
        "network",
    ),
    "zoo.data.images": ("Images",),
    "zoo.data.spec": ("DataSpec",),
    "zoo.errors": (
        "InvalidOptions",
        "UnknownName",
        "ZooError",
    ),
    "zoo.evaluation.evaluate": ("evaluate",),
    "zoo.importing": (
        "ForeignFile",
        "ForeignNetwork",
        "Imported",
        "Importer",
    ),
    "zoo.labels": (
        "Classes",
        "draw_labels",
    ),
    "zoo.masks": (
        "as_mask",
        "shrunk_mask",
    ),
    "zoo.metric": (
        "Case",
        "Metric",
        "Rows",
        "Seen",
        "View",
    ),
    "zoo.model": (
        "Averaging",
        "Batch",
        "Model",
        "Parts",
        "Phase",
        "Preset",
        "Progress",
        "Terms",
        "draw_normal",
        "draw_uniform",
    ),
    "zoo.optimizers": ("adam", "trainable"),
    "zoo.options": ("Range",),
    "zoo.pictures": (
        "grid",
        "to_pil",
    ),
    "zoo.text": (
        "Captions",
        "TextEncoder",
        "Texts",
        "text_encoder",
    ),
    "zoo.training.distributed": ("all_sum",),
    "zoo.training.dry_run": ("dry_run",),
    "zoo.training.run": (
        "resume",
        "train",
    ),
    "zoo.use": (
        "create",
        "list_models",
        "load",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Augment",
    "Averaging",
    "Backbone",
    "Batch",
    "Captions",
    "Cards",
    "Case",
    "Classes",
    "Code",
    "Critic",
    "DataSpec",
    "Features",
    "ForeignFile",
    "ForeignNetwork",
    "Game",
    "GeneratorRegularizer",
    "HasFeatures",
    "HasStyles",
    "Images",
    "Imported",
    "Importer",
    "Inpaints",
    "InvalidOptions",
    "Inverts",
    "LogitPenalty",
    "Memory",
    "Metric",
    "Model",
    "NetworkRegularizer",
    "Parts",
    "Penalty",
    "Phase",
    "PlayersRegularizer",
    "Preset",
    "Progress",
    "Range",
    "Rows",
    "Seen",
    "Terms",
    "TextEncoder",
    "Texts",
    "Translates",
    "Traverses",
    "UnknownName",
    "View",
    "ZooError",
    "adam",
    "add_ally",
    "all_sum",
    "as_images",
    "as_mask",
    "attached",
    "augmentation",
    "backbone",
    "checksum",
    "compose",
    "configuration",
    "create",
    "critics_of",
    "draw_labels",
    "draw_normal",
    "draw_uniform",
    "dry_run",
    "evaluate",
    "grid",
    "list_models",
    "list_weights",
    "load",
    "network",
    "on_pictures",
    "push",
    "resume",
    "shrunk_mask",
    "text_encoder",
    "to_pil",
    "train",
    "trainable",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
