"""Measures of samples as pure functions of features or pixels, in float64; no networks, no files.

Names load when first used: importing `zoo.metrics` imports neither numpy nor torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.metrics.classes import classify, inception_score, mode_count
    from zoo.metrics.copies import memorisation
    from zoo.metrics.frechet import Moments, frechet_distance
    from zoo.metrics.kernel import kernel_distance
    from zoo.metrics.latents import path_ends, path_length
    from zoo.metrics.manifold import density_coverage, precision_recall
    from zoo.metrics.neighbours import nearest
    from zoo.metrics.paired import l1, l2, psnr
    from zoo.metrics.perceptual import perceptual_distance
    from zoo.metrics.retrieval import Ridge, retrieved
    from zoo.metrics.similarity import ms_ssim, ssim
    from zoo.metrics.wasserstein import patches, sliced_wasserstein

__all__ = [
    "Moments",
    "Ridge",
    "classify",
    "density_coverage",
    "frechet_distance",
    "inception_score",
    "kernel_distance",
    "l1",
    "l2",
    "memorisation",
    "mode_count",
    "ms_ssim",
    "nearest",
    "patches",
    "path_ends",
    "path_length",
    "perceptual_distance",
    "precision_recall",
    "psnr",
    "retrieved",
    "sliced_wasserstein",
    "ssim",
]

_HOMES = {
    "Moments": "frechet",
    "Ridge": "retrieval",
    "classify": "classes",
    "density_coverage": "manifold",
    "frechet_distance": "frechet",
    "inception_score": "classes",
    "kernel_distance": "kernel",
    "l1": "paired",
    "l2": "paired",
    "memorisation": "copies",
    "mode_count": "classes",
    "ms_ssim": "similarity",
    "nearest": "neighbours",
    "patches": "wasserstein",
    "path_ends": "latents",
    "path_length": "latents",
    "perceptual_distance": "perceptual",
    "precision_recall": "manifold",
    "psnr": "paired",
    "retrieved": "retrieval",
    "sliced_wasserstein": "wasserstein",
    "ssim": "similarity",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'zoo.metrics' has no attribute {name!r}")
    return getattr(importlib.import_module(f"zoo.metrics.{_HOMES[name]}"), name)
