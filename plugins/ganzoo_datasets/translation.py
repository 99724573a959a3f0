"""Official datasets of two domains, in the layouts of pix2pix and CycleGAN; under $GANZOO_DATA as all others."""

from typing import Literal

from ganzoo_datasets.official import Official, find
from zoo.data.pairs import domains, swapped
from zoo.data.source import Source

__all__ = ["edges2shoes", "facades", "horse2zebra", "maps"]

PIX2PIX = "http://efrosgans.eecs.berkeley.edu/pix2pix/datasets/"
EDGES2SHOES = Official(
    "edges2shoes",
    PIX2PIX,
    "none stated; shoes of UT Zappos50K, for research",
    "50,025 pairs of edges and shoes at 256 px, 2.0 GB",
    "train/1_AB.jpg ... and val, edges on the left",
)
FACADES = Official(
    "facades",
    PIX2PIX,
    "none stated; CMP Facade Database, for research",
    "606 pairs of photographs and labels at 256 px, 29 MB",
    "train/1.jpg ..., val and test, photographs on the left",
)
MAPS = Official(
    "maps",
    PIX2PIX,
    "none stated; Google Maps, for research",
    "2,194 pairs of aerial photographs and maps at 600 px, 239 MB",
    "train/1.jpg ... and val, photographs on the left; or trainA, trainB, testA, testB as CycleGAN lays them out",
)
HORSE2ZEBRA = Official(
    "horse2zebra",
    "http://efrosgans.eecs.berkeley.edu/cyclegan/datasets/",
    "that of each photograph of ImageNet; for research",
    "2,661 photographs of horses and zebras at 256 px, not paired, 111 MB",
    "trainA (horses), trainB (zebras), testA and testB",
)


def edges2shoes(
    split: Literal["train", "test", "all"] = "train",  # part of the data to use; test is its val
    direction: Literal["ab", "ba"] = "ab",  # ab makes shoes out of edges
) -> Source:
    """Edges to shoes, paired."""
    return _domains(EDGES2SHOES, split, direction)


def facades(
    split: Literal["train", "val", "test", "all"] = "train",  # part of the data to use
    direction: Literal["ab", "ba"] = "ba",  # ba makes photographs out of labels, as the paper; ab the labels
) -> Source:
    """Facades, labels to photographs, paired."""
    return _domains(FACADES, split, direction)


def maps(
    split: Literal["train", "test", "all"] = "train",  # part of the data to use; test is its val
    direction: Literal["ab", "ba"] = "ab",  # ab makes maps out of aerial photographs
) -> Source:
    """Aerial photographs to maps; paired, but for CycleGAN's layout."""
    return _domains(MAPS, split, direction)


def horse2zebra(
    split: Literal["train", "test", "all"] = "train",  # part of the data to use
    direction: Literal["ab", "ba"] = "ab",  # ab makes zebras out of horses
) -> Source:
    """Horses and zebras, not paired."""
    return _domains(HORSE2ZEBRA, split, direction)


def _domains(official: Official, split: str, direction: str) -> Source:
    found = domains(find(official), name=official.name, split=split, licence=official.licence)
    return swapped(found) if direction == "ba" else found
