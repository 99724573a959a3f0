"""StyleGAN2 (Karras et al. 2020), in plain PyTorch."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_architectures", "ganzoo_discriminators", "ganzoo_importers", "ganzoo_regularizers"]


@hookimpl
def ganzoo_architectures() -> Iterator[Entry]:
    """The generator and its training."""
    yield Entry(
        "stylegan2",
        "ganzoo_stylegan2.model:StyleGAN2",
        "style-based generator with modulated convolutions, path lengths and lazy penalties",
        paper="1912.04958",
        tags=("unconditional", "conditional", "styles", "projection", "faces"),
        needs=("image",),
        traits={"offers": "path-length", "weights": "equalised"},
        presets={
            "default": "`auto` to train on a CUDA GPU, `small` elsewhere",
            "small": "widths that two CPU cores train at 64 px within an hour",
            "auto": "widths, batch, gamma and averages derived from resolution and devices, as published with ADA",
            "stylegan2": "config F of the paper: batches of 32, gamma 10",
            "paper256": "the setting of StyleGAN2-ADA for 256 px",
            "paper512": "for 512 px",
            "paper1024": "for 1024 px",
            "cifar": "for CIFAR-10: no path lengths, no style mixing, a plain discriminator",
            "tiny": "for tests: a few thousand weights",
        },
    )


@hookimpl
def ganzoo_discriminators() -> Iterator[Entry]:
    """Its discriminator, for other models."""
    yield Entry(
        "stylegan2",
        "ganzoo_stylegan2.discriminator:discriminator",
        "residual blocks with blurred downsampling, the batch's spread, and projection of labels",
        paper="1912.04958",
        traits={
            "role": "replace",
            "output": "logits",
            "conditions": "label",
            "weights": "equalised",
            "tiny": "base=64,most=8",
        },
    )


@hookimpl
def ganzoo_regularizers() -> Iterator[Entry]:
    """Its own regulariser of the generator."""
    yield Entry(
        "path-length",
        "ganzoo_stylegan2.path_length:PathLength",
        "equal steps in w move the picture equally far; for generators with styles",
        paper="1912.04958",
        traits={"scope": "generator"},
    )


@hookimpl
def ganzoo_importers() -> Iterator[Entry]:
    """NVIDIA's weights."""
    yield Entry(
        "stylegan2-nvidia",
        "ganzoo_stylegan2.importing:StyleGAN2Importer",
        "NVIDIA's .pkl files: StyleGAN2-ADA and StyleGAN3's repositories, and TensorFlow's without TensorFlow",
        paper="1912.04958",
        traits={"architecture": "stylegan2"},
    )
