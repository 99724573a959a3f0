"""Short names for the frozen networks that papers look through."""

from ganzoo_backbones import from_open_clip, from_timm
from ganzoo_backbones.from_open_clip import ClipBackbone
from ganzoo_backbones.from_timm import TimmBackbone

__all__ = ["clip_vit_b32", "deit_s", "dino_vitb16", "dino_vits16", "dinov2_vits14", "resnet50", "swin_t", "vgg16"]


def vgg16(
    random: bool = False,  # random weights instead of trained ones
) -> TimmBackbone:
    """Simonyan & Zisserman 2015, torchvision's weights; the vector is fc7."""
    return from_timm.provided("vgg16.tv_in1k", random)


def resnet50(
    random: bool = False,  # random weights instead of trained ones
) -> TimmBackbone:
    """He et al. 2016, torchvision's first weights."""
    return from_timm.provided("resnet50.tv_in1k", random)


def swin_t(
    random: bool = False,  # random weights instead of trained ones
) -> TimmBackbone:
    """Liu et al. 2021, supervised; Vision-aided GAN's own Swin-T was self-supervised (MoBY)."""
    return from_timm.provided("swin_tiny_patch4_window7_224.ms_in1k", random)


def deit_s(
    random: bool = False,  # random weights instead of trained ones
) -> TimmBackbone:
    """Touvron et al. 2021."""
    return from_timm.provided("deit_small_patch16_224.fb_in1k", random)


def dino_vits16(
    random: bool = False,  # random weights instead of trained ones
) -> TimmBackbone:
    """Caron et al. 2021."""
    return from_timm.provided("vit_small_patch16_224.dino", random)


def dino_vitb16(
    random: bool = False,  # random weights instead of trained ones
) -> TimmBackbone:
    """Caron et al. 2021, the size that Vision-aided GAN takes."""
    return from_timm.provided("vit_base_patch16_224.dino", random)


def dinov2_vits14(
    random: bool = False,  # random weights instead of trained ones
) -> TimmBackbone:
    """Oquab et al. 2023; its own size is 518 px, and any multiple of 14 will do."""
    return from_timm.provided("vit_small_patch14_dinov2.lvd142m", random)


def clip_vit_b32(
    random: bool = False,  # random weights instead of trained ones
) -> ClipBackbone:
    """Radford et al. 2021."""
    return from_open_clip.provided("ViT-B-32-quickgelu@openai", random)
