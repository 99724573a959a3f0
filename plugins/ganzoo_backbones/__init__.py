"""Frozen image networks: all of timm and open_clip, those of the papers by short names, some without a download."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_backbones"]

LITE = {
    "efficientnet-lite0": "the backbone of Projected GAN; ImageNet weights without a download",
    "efficientnet-lite1": "a little larger and finer; ImageNet weights without a download",
    "efficientnet-lite2": "larger again; ImageNet weights without a download",
}

PAPERS = {
    "vgg16": ("VGG-16, supervised on ImageNet", "1409.1556"),
    "resnet50": ("ResNet-50, supervised on ImageNet", "1512.03385"),
    "swin-t": ("Swin-T, supervised on ImageNet", "2103.14030"),
    "deit-s": ("DeiT-S/16, supervised on ImageNet", "2012.12877"),
    "dino-vits16": ("DINO ViT-S/16, self-supervised on ImageNet", "2104.14294"),
    "dino-vitb16": ("DINO ViT-B/16, self-supervised on ImageNet", "2104.14294"),
    "dinov2-vits14": ("DINOv2 ViT-S/14, self-supervised on LVD-142M", "2304.07193"),
}


@hookimpl
def ganzoo_backbones() -> Iterator[Entry]:
    """Providers, offline networks, short names."""
    yield Entry(
        "timm",
        "ganzoo_backbones.from_timm:provided",
        "any image network of timm: timm:resnet50, timm:vit_small_patch16_224.augreg_in21k",
        tags=("download",),
        traits={"provider": "true"},
    )
    yield Entry(
        "clip",
        "ganzoo_backbones.from_open_clip:provided",
        "the image tower of any model of open_clip: clip:ViT-B-32-quickgelu@openai",
        paper="2103.00020",
        tags=("download",),
        traits={"provider": "true"},
    )
    for name, summary in LITE.items():
        yield Entry(
            name,
            f"ganzoo_backbones.lite:{name.replace('efficientnet-', '')}",
            summary,
            paper="1905.11946",
            tags=("offline",),
            extras=("offline-backbones",),
        )
    for name, (summary, paper) in PAPERS.items():
        yield Entry(name, f"ganzoo_backbones.papers:{name.replace('-', '_')}", summary, paper, tags=("download",))
    yield Entry(
        "clip-vit-b32",
        "ganzoo_backbones.papers:clip_vit_b32",
        "CLIP ViT-B/32 with the weights and the QuickGELU of OpenAI",
        paper="2103.00020",
        tags=("download",),
    )
    yield Entry(
        "test-8ch",
        "ganzoo_backbones.eight_channels:EightChannels",
        "for tests: four maps of eight channels from fixed random weights",
        tags=("test",),
    )
