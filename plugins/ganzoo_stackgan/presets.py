"""StackGAN's settings: as published, and small ones for CPUs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from ganzoo_stackgan.conditioning import Variant
from ganzoo_stackgan.layers import Norm
from zoo import DataSpec, Parts, Preset, Range

__all__ = ["PRESETS", "STAGE_ONE", "Settings"]

Wrong = Literal["picture", "neighbour"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Networks, losses, optimisers and length; flat."""

    stages: Literal[1, 2] = 2  # 1: stage I alone, at the size of the data; 2: stage I at a quarter, then stage II
    g_form: Literal["pytorch", "tensorflow"] = "pytorch"  # stage I's generator, of which official code
    d_form: Literal["pytorch", "tensorflow"] = "pytorch"  # discriminators: given the code's mean, or reading the text
    conditioning: Variant = "pytorch"  # of the code's distribution: relu and log variance, or leaky and log sigma
    wrong: Wrong = "neighbour"  # wrong pairs: reals beside the next text of the batch, or another picture
    alone: bool = True  # stage II's discriminator also judges pictures without their text
    z_dim: Annotated[int, Range(1)] = 100  # size of the noise
    code_dim: Annotated[int, Range(1)] = 128  # size of the code drawn from a caption
    g_width: Annotated[int, Range(4)] = 128  # generator channels; an eighth of those at 4x4 for a 64 px stage I
    d_width: Annotated[int, Range(1)] = 64  # discriminator channels after the first layer
    blocks: Annotated[int, Range(0)] = 4  # residual blocks of stage II
    d_norm: Norm = "batch"  # in the discriminators; per-image penalties need none
    kl: Annotated[float, Range(0)] = 2.0  # weight of the conditioning's divergence, a mean over its dimensions
    captions: Annotated[int, Range(1)] = 1  # captions of a picture whose embeddings are averaged
    margin: Annotated[float, Range(1, 4)] = 1.0  # pictures are loaded this much larger, then cropped at random
    lr: Annotated[float, Range(0)] = 2e-4  # learning rate of both players, at the start of each stage
    halve_kimg: Annotated[float, Range(0)] = 0.0  # thousands of images of stage I after which it halves; 0: never
    halve2_kimg: Annotated[float, Range(0)] = 0.0  # and of stage II
    beta1: Annotated[float, Range(0, 1)] = 0.5  # Adam's first decay
    beta2: Annotated[float, Range(0, 1)] = 0.999  # Adam's second decay
    batch: Annotated[int, Range(2)] = 64  # images per step, over all processes
    batch2: Annotated[int, Range(0)] = 0  # and in stage II; 0 is the same
    stage1_kimg: Annotated[float, Range(0, 1e9)] = 1000.0  # thousands of images before stage II
    kimg: Annotated[float, Range(0.001, 1e9)] = 2000.0  # length of training in thousands of images, of both stages
    minutes: Annotated[float, Range(0, 1e7)] = 0.0  # and at most this long; 0 sets no limit
    ema_kimg: Annotated[float, Range(0)] = 0.0  # half-life of the generators' average; 0 keeps none
    ema_ramp: Annotated[float, Range(0)] = 0.05  # and at most this share of the images seen


def default(data: DataSpec) -> Preset:
    """For 2-core CPUs and small sets: narrow networks, of the TensorFlow code D, which reads the text itself and so
    learns sooner what it says, and the conditioning; no normalisation in D, lazy R1, translations, an average."""
    config = Settings(
        d_form="tensorflow",
        conditioning="tensorflow",
        wrong="picture",
        g_width=64,
        d_width=32,
        blocks=2,
        d_norm="none",
        lr=1e-3,
        beta1=0.0,
        beta2=0.99,
        batch=32,
        stage1_kimg=60,
        kimg=120,
        minutes=40,
        ema_kimg=5,
        ema_ramp=0.1,
    )
    return Preset(config, Parts("non-saturating", ("r1:gamma=1",), "diffaugment:policy=translation"))


def paper(data: DataSpec) -> Preset:
    """The TensorFlow code for birds and flowers: 600 passes over the data for each stage."""
    passes = data.items / 1000
    config = Settings(
        g_form="tensorflow",
        d_form="tensorflow",
        conditioning="tensorflow",
        wrong="picture",
        alone=False,
        captions=4,
        margin=76 / 64,
        halve_kimg=50 * passes,
        halve2_kimg=100 * passes,
        stage1_kimg=600 * passes,
        kimg=max(1200 * passes, 0.001),
    )
    return Preset(config)


def coco(data: DataSpec) -> Preset:
    """The PyTorch code for COCO: wide networks, 120 passes for stage I, 100 for stage II."""
    passes = data.items / 1000
    config = Settings(
        g_width=192,
        d_width=96,
        blocks=2,
        margin=76 / 64,
        halve_kimg=20 * passes,
        halve2_kimg=20 * passes,
        batch=128,
        batch2=40,
        stage1_kimg=120 * passes,
        kimg=max(220 * passes, 0.001),
    )
    return Preset(config)


def tiny(data: DataSpec) -> Preset:
    """Small enough for tests; a step of stage I, then stage II."""
    config = Settings(
        z_dim=4, code_dim=4, g_width=8, d_width=4, blocks=1, batch=8, stage1_kimg=0.008, kimg=0.2, ema_kimg=0.05
    )
    return Preset(config)


def alone(preset: Callable[[DataSpec], Preset]) -> Callable[[DataSpec], Preset]:
    """A preset's stage I, for as long as it learns there."""

    def first(data: DataSpec) -> Preset:
        whole = preset(data)
        config: Any = whole.config
        length = max(config.stage1_kimg, 0.001) if preset is not tiny else config.kimg
        return replace(whole, config=replace(config, stages=1, kimg=length))

    return first


PRESETS: Mapping[str, Callable[[DataSpec], Preset]] = {
    "default": default,
    "paper": paper,
    "coco": coco,
    "tiny": tiny,
}
STAGE_ONE: Mapping[str, Callable[[DataSpec], Preset]] = {name: alone(preset) for name, preset in PRESETS.items()}
