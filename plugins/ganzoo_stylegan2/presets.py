"""StyleGAN2's settings: those published with StyleGAN2-ADA (Karras et al. 2020b), and small ones for CPUs."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import torch

from zoo import DataSpec, Parts, Preset, Range

__all__ = ["PRESETS", "Settings"]

Form = Literal["skip", "resnet", "orig"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Networks, optimisers and length; flat."""

    condition: Literal["none", "label"] = "none"  # what the pictures are drawn for
    z_dim: Annotated[int, Range(1)] = 512  # size of the latent vector
    w_dim: Annotated[int, Range(1)] = 512  # size of a style
    mapping_layers: Annotated[int, Range(1)] = 8  # dense layers from z to w
    channel_base: Annotated[int, Range(4)] = 32768  # feature maps are channel_base / resolution
    channel_max: Annotated[int, Range(1)] = 512  # and at most this many
    g_form: Form = "skip"  # the generator's: skip adds pictures up, resnet features, orig neither
    d_form: Form = "resnet"  # the discriminator's
    conv_clamp: Annotated[float, Range(0)] = 256.0  # bound of every activation; 0 sets none
    mbstd_group: Annotated[int, Range(0)] = 4  # images whose spread D sees; 0 shows none
    d_mapping_layers: Annotated[int, Range(0)] = 8  # dense layers from a label to D's projection
    style_mixing: Annotated[float, Range(0, 1)] = 0.9  # share of batches whose later layers take another style
    g_lr: Annotated[float, Range(0)] = 0.002  # the generator's learning rate
    d_lr: Annotated[float, Range(0)] = 0.002  # the discriminator's learning rate
    beta1: Annotated[float, Range(0, 1)] = 0.0  # Adam's first decay
    beta2: Annotated[float, Range(0, 1)] = 0.99  # Adam's second decay
    freeze_d: Annotated[int, Range(0)] = 0  # layers of D, from the image on, that keep their weights
    batch: Annotated[int, Range(1)] = 32  # images per step, over all processes
    kimg: Annotated[float, Range(0.001, 1e9)] = 25000.0  # length of training in thousands of images
    minutes: Annotated[float, Range(0, 1e7)] = 0.0  # and at most this long; 0 sets no limit
    ema_kimg: Annotated[float, Range(0)] = 10.0  # half-life of the generator's average; 0 keeps none
    ema_ramp: Annotated[float, Range(0)] = 0.0  # and at most this share of the images seen; 0 is no such limit


def parts(gamma: float, path: str = "path-length") -> Parts:
    """The paper's game with R1 of this strength; what D sees is augmented on request."""
    return Parts(loss="non-saturating", regularizers=(f"r1:gamma={gamma:.6g},every=16", path))


def auto(data: DataSpec) -> Preset:
    """Derived from resolution and number of processes."""
    size, devices = data.resolution, int(os.environ.get("WORLD_SIZE", "1"))
    batch = max(min(devices * min(4096 // size, 32), 64), devices)
    lr = 0.002 if size >= 1024 else 0.0025
    config = Settings(
        mapping_layers=2,
        channel_base=32768 if size >= 512 else 16384,
        mbstd_group=min(batch // devices, 4),
        g_lr=lr,
        d_lr=lr,
        batch=batch,
        ema_kimg=batch * 10 / 32,
        ema_ramp=0.05,
    )
    return Preset(config, parts(0.0002 * size**2 / batch))


def stylegan2(data: DataSpec) -> Preset:
    """Config F of the paper."""
    return Preset(Settings(), parts(10))


def paper256(data: DataSpec) -> Preset:
    """Half the feature maps, larger batches."""
    return Preset(
        Settings(channel_base=16384, mbstd_group=8, g_lr=0.0025, d_lr=0.0025, batch=64, ema_kimg=20), parts(1)
    )


def paper512(data: DataSpec) -> Preset:
    """All feature maps, larger batches."""
    return Preset(Settings(mbstd_group=8, g_lr=0.0025, d_lr=0.0025, batch=64, ema_kimg=20), parts(0.5))


def paper1024(data: DataSpec) -> Preset:
    """Config F with a weaker R1."""
    return Preset(Settings(), parts(2))


def cifar(data: DataSpec) -> Preset:
    """512 maps in every layer, without path lengths (Adam stays corrected for them) and style mixing."""
    config = Settings(
        mapping_layers=2,
        d_form="orig",
        mbstd_group=32,
        style_mixing=0.0,
        g_lr=0.0025,
        d_lr=0.0025,
        batch=64,
        kimg=100000,
        ema_kimg=500,
        ema_ramp=0.05,
    )
    return Preset(config, parts(0.01, "path-length:weight=0"))


def small(data: DataSpec) -> Preset:
    """Narrow networks with a two-layer mapping; see benchmarks/stylegan2_small.py for their speed.

    R1 is forty times as strong for its batch as in `auto`, and the rate lower: with less of the one D is done with
    `emoji` before G has found the white ground, with more of the other G circles, and its average is no picture.
    """
    size = data.resolution
    config = Settings(
        z_dim=128,
        w_dim=128,
        mapping_layers=2,
        channel_base=32 * size,
        channel_max=128,
        conv_clamp=0.0,
        g_lr=0.0015,
        d_lr=0.0015,
        batch=8,
        kimg=200,
        minutes=60,
        ema_kimg=5,
        ema_ramp=0.05,
    )
    return Preset(config, parts(size**2 / 1024))


def default(data: DataSpec) -> Preset:
    """`auto` on a CUDA GPU, `small` elsewhere."""
    chosen: Callable[[DataSpec], Preset] = auto if torch.get_default_device().type == "cuda" else small
    return chosen(data)


def tiny(data: DataSpec) -> Preset:
    """Networks small enough for tests."""
    config = Settings(
        z_dim=8,
        w_dim=8,
        mapping_layers=2,
        channel_base=64,
        channel_max=8,
        batch=8,
        kimg=0.2,
        ema_kimg=0.05,
        ema_ramp=0.05,
    )
    return Preset(config, Parts(loss="non-saturating", regularizers=("r1:gamma=0.1,every=4", "path-length:every=2")))


PRESETS: Mapping[str, Callable[[DataSpec], Preset]] = {
    "default": default,
    "small": small,
    "auto": auto,
    "stylegan2": stylegan2,
    "paper256": paper256,
    "paper512": paper512,
    "paper1024": paper1024,
    "cifar": cifar,
    "tiny": tiny,
}
