"""Projected GAN as FastGAN's generator with other settings and parts."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from zoo import DataSpec, Parts, Preset, configuration

__all__ = ["PRESETS"]

VIEW = "diffaugment:policy=color+translation+cutout,cutout=0.2"


def published(data: DataSpec, form: str, **options: object) -> Preset:
    """The published training; its loop corrects D's Adam for a lazy penalty that it does not have."""
    settings: dict[str, object] = {
        "form": form,
        "g_width": 128,
        "order": "G-D",
        "beta1": 0.0,
        "beta2": 0.99,
        "d_share": 16 / 17,
        "batch": 64,
        "kimg": 10_000.0,
        "ema_decay": 0.0,
        "ema_kimg": 20.0,
        "ema_ramp": 0.05,
        "ema_refresh": False,
    }
    parts = Parts(loss="hinge", augment=VIEW, discriminator="projected", backbones=("efficientnet-lite0",))
    return Preset(configuration("fastgan", "default", data, **settings | options), parts)


def default(data: DataSpec) -> Preset:
    """The published networks from 256 px on; below, for CPUs, the lite generator, slim, and light heads at 128 px."""
    if data.resolution >= 256:
        return published(data, "projected", batch=16, ema_kimg=5.0, ema_refresh=True)
    chosen = published(data, "projected-lite", g_width=16, batch=16, kimg=100.0, ema_kimg=2.0, ema_refresh=True)
    assert chosen.parts is not None
    return replace(chosen, parts=replace(chosen.parts, discriminator="projected:size=128,separable=true"))


def tiny(data: DataSpec) -> Preset:
    """A pair small enough for tests, on the test backbone, whose weights are random."""
    parts = Parts(loss="hinge", augment=VIEW, discriminator="projected:size=64,width=4", backbones=("test-8ch",))
    return Preset(configuration("fastgan", "tiny", data, form="projected", order="G-D"), parts)


def paper(data: DataSpec) -> Preset:
    """cfg=fastgan of the published code."""
    return published(data, "projected")


def paper_lite(data: DataSpec) -> Preset:
    """cfg=fastgan_lite of the published code."""
    return published(data, "projected-lite")


PRESETS: Mapping[str, Callable[[DataSpec], Preset]] = {
    "default": default,
    "paper": paper,
    "paper-lite": paper_lite,
    "tiny": tiny,
}
