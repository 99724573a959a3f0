"""Scores, and the network by which the field compares itself."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_backbones", "ganzoo_metrics"]

THROUGH = {"backbone": "any"}


@hookimpl
def ganzoo_metrics() -> Iterator[Entry]:
    """Distances between samples and data. Those with a backbone are also called NAME-BACKBONE."""
    place = "ganzoo_metrics.features"
    yield Entry(
        "fid",
        f"{place}:Fid",
        "Frechet distance on Inception's features, as TensorFlow's graph computes them",
        "1706.08500",
    )
    yield Entry(
        "fd",
        f"{place}:Frechet",
        "Frechet distance through a backbone, such as fd-efficientnet-lite2 or fd-dinov2-vits14",
        "1706.08500",
        traits=THROUGH,
    )
    yield Entry("kid", f"{place}:Kernel", "unbiased kernel distance (KID on Inception)", "1801.01401", traits=THROUGH)
    yield Entry("is", f"{place}:InceptionScore", "inception score over ten splits", "1606.03498")
    yield Entry("pr", f"{place}:PrecisionRecall", "improved precision and recall", "1904.06991", traits=THROUGH)
    yield Entry("dc", f"{place}:DensityCoverage", "density and coverage", "2002.09797", traits=THROUGH)
    yield Entry(
        "memorisation",
        f"{place}:Memorisation",
        "whether samples lie nearer to training images than held-out real ones do",
        "2004.05675",
        traits=THROUGH,
    )
    yield Entry("modes", f"{place}:Modes", "classes of a labelled set that samples reach", "1611.02163", traits=THROUGH)
    yield Entry(
        "class-accuracy",
        "ganzoo_metrics.classes:ClassAccuracy",
        "share of samples in which a classifier of the reals finds the class that was asked for",
        "1807.09499",
        extras=("probe",),
        traits=THROUGH,
    )
    yield Entry(
        "r-precision",
        "ganzoo_metrics.captions:RPrecision",
        "share of samples that find the caption they were drawn by among 100; beside it real pictures' share",
        "1711.10485",
        extras=("text",),
        traits=THROUGH,
    )
    yield Entry(
        "class-ms-ssim",
        "ganzoo_metrics.classes:ClassMsSsim",
        "similarity of random pairs within a class: low is diverse",
        "1610.09585",
        tags=("offline",),
    )
    yield Entry(
        "diversity",
        "ganzoo_metrics.perceptual:Diversity",
        "perceptual distance between samples of one class or one input",
        "1801.03924",
        traits=THROUGH,
    )
    yield Entry(
        "path-length",
        "ganzoo_metrics.perceptual:PathLength",
        "perceptual path length by the maps of a backbone",
        "1812.04948",
        traits=THROUGH,
    )
    yield Entry("ppl", "ganzoo_metrics.lpips:Ppl", "perceptual path length by LPIPS", "1812.04948")
    yield Entry("lpips", "ganzoo_metrics.lpips:Lpips", "perceptual distance of pairs (VGG)", "1801.03924")
    yield Entry("l1", "ganzoo_metrics.paired:L1", "mean absolute error of pairs, in [0, 1]", tags=("offline",))
    yield Entry("l2", "ganzoo_metrics.paired:L2", "mean squared error of pairs, in [0, 1]", tags=("offline",))
    yield Entry("psnr", "ganzoo_metrics.paired:Psnr", "signal to noise ratio of pairs, in dB", tags=("offline",))
    yield Entry("ssim", "ganzoo_metrics.paired:Ssim", "structural similarity of pairs", tags=("offline",))
    yield Entry(
        "swd",
        "ganzoo_metrics.pixel:SlicedWasserstein",
        "sliced Wasserstein distance of Laplacian patches by scale, times 1000",
        "1710.10196",
        tags=("offline",),
    )
    yield Entry(
        "ms-ssim",
        "ganzoo_metrics.pixel:MsSsim",
        "similarity of random pairs of samples: low is diverse",
        "1610.09585",
        tags=("offline",),
    )
    yield Entry(
        "pixel-pr",
        "ganzoo_metrics.pixel:PixelPrecisionRecall",
        "precision and recall on principal components of pixels, which no network flatters",
        "1904.06991",
        tags=("offline",),
    )
    yield Entry(
        "pixel-frechet",
        "ganzoo_metrics.pixel:PixelFrechet",
        "Frechet distance of Gaussians fitted to 8 px thumbnails: layout and colour only, not FID",
        tags=("offline",),
    )


@hookimpl
def ganzoo_backbones() -> Iterator[Entry]:
    """The network of FID, KID and IS."""
    yield Entry(
        "inception",
        "ganzoo_metrics.inception:Inception",
        "Inception v3 of 2015-12-05 as in TensorFlow's graph, 2048 features; by torch-fidelity",
        "1512.00567",
        traits={"family": "inception"},
    )
