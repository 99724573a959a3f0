"""Text to image: GAN-CLS (Reed et al. 2016) and StackGAN (Zhang et al. 2017)."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_architectures", "ganzoo_importers"]

MATCHING = "whether a wrong picture and a text match"


@hookimpl
def ganzoo_architectures() -> Iterator[Entry]:
    """One stage, or two."""
    yield Entry(
        "gan-cls",
        "ganzoo_stackgan.gan_cls:GANCLS",
        "pictures of captions; its discriminator also learns which text a picture does not show",
        paper="1605.05396",
        tags=("text", "conditional", "classic"),
        needs=("image", "text", "wrong_image"),
        traits={"heads": MATCHING, "memory": "no", "norm": "d_norm=none"},
        presets={
            "default": "narrow networks for CPUs: no normalisation in D, lazy R1, DiffAugment, an average",
            "paper": "GAN-INT-CLS as released for birds and flowers: texts between two, 600 passes",
            "coco": "GAN-CLS as released for COCO: wide networks, 200 passes",
            "tiny": "for tests: a few thousand weights",
        },
    )
    yield Entry(
        "stackgan",
        "ganzoo_stackgan.model:StackGAN",
        "a small picture of a caption, then one four times as large drawn over it, in one run",
        paper="1612.03242",
        tags=("text", "conditional", "classic", "high-resolution"),
        needs=("image", "text"),
        traits={"heads": MATCHING, "memory": "no", "norm": "d_norm=none", "grows": "yes"},
        presets={
            "default": "narrow networks for CPUs, such as 16 to 64 px; a D that reads the text, lazy R1, EMA",
            "paper": "the authors' TensorFlow code for birds and flowers: 600 passes for each stage",
            "coco": "the authors' PyTorch code for COCO: 120 passes, then 100",
            "tiny": "for tests: a few thousand weights",
        },
    )
    yield Entry(
        "stackgan-stage1",
        "ganzoo_stackgan.presets:STAGE_ONE",
        "StackGAN's first stage alone, at the size of the data",
        paper="1612.03242",
        tags=("text", "conditional", "classic"),
        needs=("image", "text"),
        presets={
            "default": "narrow networks for CPUs; a D that reads the text, lazy R1, DiffAugment, EMA",
            "paper": "the authors' TensorFlow code for birds and flowers: 600 passes",
            "coco": "the authors' PyTorch code for COCO: 120 passes",
            "tiny": "for tests: a few thousand weights",
        },
        base="stackgan",
    )


@hookimpl
def ganzoo_importers() -> Iterator[Entry]:
    """Published weights."""
    yield Entry(
        "stackgan-pytorch",
        "ganzoo_stackgan.importing:StackGANImporter",
        "stage II with its stage I, the .pth files of StackGAN-Pytorch",
        paper="1612.03242",
        traits={"architecture": "stackgan"},
    )
    yield Entry(
        "stackgan-stage1-pytorch",
        "ganzoo_stackgan.importing:StageOneImporter",
        "stage I, the .pth files of StackGAN-Pytorch",
        paper="1612.03242",
        traits={"architecture": "stackgan-stage1"},
    )
