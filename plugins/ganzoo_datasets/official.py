"""Official datasets in their official layouts, found under $GANZOO_DATA; some have a copy on the Hub."""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from ganzoo_datasets.texts import attribute_rows, partition_splits
from zoo.data.consent import possible
from zoo.data.layout import image_names
from zoo.data.source import Source, open_source
from zoo.data.tree import Tree, open_tree
from zoo.data.tree_source import TreeSource
from zoo.errors import ZooError

__all__ = [
    "Official",
    "afhq",
    "afhqv2",
    "celeba",
    "celeba_hq",
    "copied",
    "ffhq",
    "find",
    "imagenet",
    "lsun_bedroom",
    "lsun_church",
    "metfaces",
]

VARIABLE = "GANZOO_DATA"


@dataclass(frozen=True, slots=True)
class Official:
    """What one must know to get a dataset and to put it where it is found."""

    name: str
    page: str
    licence: str
    size: str
    layout: str  # what lies inside the folder or zip
    hub: str = ""  # a copy on the Hugging Face Hub, as `--data` takes it
    hub_note: str = ""  # how that copy differs


FFHQ = Official(
    "ffhq",
    "https://github.com/NVlabs/ffhq-dataset",
    "CC BY-NC-SA 4.0 (each photograph has a licence of its own)",
    "70,000 faces at 1024 px, 89 GB",
    "images1024x1024/00000/00000.png ..., or the zip that NVIDIA's dataset_tool.py writes",
    hub="hf:merkol/ffhq-256",
    hub_note="at 256 px; by which filter it was shrunk is not known here",
)
CELEBA_HQ = Official(
    "celeba-hq",
    "https://github.com/tkarras/progressive_growing_of_gans",
    "non-commercial research only (as CelebA)",
    "30,000 faces at up to 1024 px, 28 GB at 1024 px",
    "images, or train/female, train/male, val/female, val/male as StarGAN v2 lays them out",
)
CELEBA = Official(
    "celeba",
    "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
    "non-commercial research only",
    "202,599 faces at 178x218 px, 1.4 GB",
    "img_align_celeba/000001.jpg ..., with list_eval_partition.txt and list_attr_celeba.txt",
    hub="hf:nielsr/CelebA-faces",
    hub_note="not compared with the official files",
)
AFHQ = Official(
    "afhq",
    "https://github.com/clovaai/stargan-v2",
    "CC BY-NC 4.0",
    "16,130 animal faces at 512 px, 7 GB",
    "train/cat, train/dog, train/wild and the same in val",
)
AFHQV2 = Official(
    "afhqv2",
    "https://github.com/clovaai/stargan-v2",
    "CC BY-NC 4.0",
    "15,803 animal faces at 512 px, 7 GB",
    "train/cat, train/dog, train/wild and the same in test",
    hub="hf:huggan/AFHQv2",
    hub_note="not compared with the official files",
)
LSUN_CHURCH = Official(
    "lsun-church",
    "https://github.com/fyu/lsun",
    "research only",
    "126,227 outdoor photographs, 2.3 GB",
    "images, exported from church_outdoor_train_lmdb by `python data.py export`",
    hub="hf:tglcourse/lsun_church_train",
    hub_note="not compared with the official files",
)
LSUN_BEDROOM = Official(
    "lsun-bedroom",
    "https://github.com/fyu/lsun",
    "research only",
    "3,033,042 photographs, 43 GB",
    "images, exported from bedroom_train_lmdb by `python data.py export`",
    hub="hf:pcuenq/lsun-bedrooms",
    hub_note="not compared with the official files",
)
IMAGENET = Official(
    "imagenet",
    "https://image-net.org/download.php",
    "non-commercial research and education only, after registration",
    "1,281,167 training images in 1,000 classes, 138 GB",
    "train/n01440764/*.JPEG ... and val (with class folders if its labels are wanted)",
    hub="hf:ILSVRC/imagenet-1k",
    hub_note="behind a gate: ask for access on its page first",
)
METFACES = Official(
    "metfaces",
    "https://github.com/NVlabs/metfaces-dataset",
    "CC BY-NC 2.0 (the works of art are in the public domain)",
    "1,336 faces at 1024 px, 1.9 GB",
    "images/*.png",
)


def ffhq(
    split: Literal["train", "test", "all"] = "all",  # part of the data to use
) -> Source:
    """Flickr-Faces-HQ. GANs are trained on `all`; `train` is the first 60,000, `test` the rest."""
    if copy := copied(FFHQ, split):
        return copy
    tree = find(FFHQ)
    names = image_names(tree.names)
    full = [name for name in names if name.startswith("images1024x1024/")] or list(names)
    splits = {"train": full[:60_000], "test": full[60_000:]} if len(full) == 70_000 else {}
    keep = set(full).__contains__
    return _source(
        FFHQ, tree, None if split == "all" and not splits else split, labelled=False, splits=splits, keep=keep
    )


def celeba_hq(
    split: Literal["train", "test", "all"] | None = None,  # part of the data to use
) -> Source:
    """CelebA-HQ. A flat folder has no splits; with StarGAN v2's folders, female and male are labels."""
    return _source(CELEBA_HQ, find(CELEBA_HQ), split)


def celeba(
    split: Literal["train", "val", "test", "all"] = "train",  # part of the data to use
    attribute: str | None = None,  # a binary attribute whose two values become the labels
) -> Source:
    """CelebA, aligned. `attribute`, such as Smiling, gives the labels 0 (without) and 1 (with)."""
    if attribute is None and (copy := copied(CELEBA, split)):
        return copy
    tree = find(CELEBA)
    names = image_names(tree.names)
    splits = partition_splits(tree, "list_eval_partition.txt", names)
    rows = None if attribute is None else attribute_rows(tree, "list_attr_celeba.txt", attribute, names)
    return _source(CELEBA, tree, split if splits else None, labelled=False, splits=splits, rows=rows)


def afhq(
    split: Literal["train", "test", "all"] = "train",  # part of the data to use
    animal: Literal["all", "cat", "dog", "wild"] = "all",  # one kind of animal, or all as labels
) -> Source:
    """Animal Faces-HQ, first version; `test` is its val. With one animal it is unlabelled."""
    return _animals(AFHQ, split, animal)


def afhqv2(
    split: Literal["train", "test", "all"] = "train",  # part of the data to use
    animal: Literal["all", "cat", "dog", "wild"] = "all",  # one kind of animal, or all as labels
) -> Source:
    """Animal Faces-HQ, second version. With one animal it is unlabelled."""
    if animal == "all" and (copy := copied(AFHQV2, split)):
        return copy
    return _animals(AFHQV2, split, animal)


def lsun_church() -> Source:
    """LSUN outdoor churches, the training images; no splits."""
    if copy := copied(LSUN_CHURCH, None):
        return copy
    return _source(LSUN_CHURCH, find(LSUN_CHURCH), None, labelled=False, splits={})


def lsun_bedroom() -> Source:
    """LSUN bedrooms, the training images; no splits."""
    if copy := copied(LSUN_BEDROOM, None):
        return copy
    return _source(LSUN_BEDROOM, find(LSUN_BEDROOM), None, labelled=False, splits={})


def imagenet(
    split: Literal["train", "test", "all"] = "train",  # part of the data to use
) -> Source:
    """ImageNet ILSVRC 2012; `test` is its val."""
    if copy := copied(IMAGENET, split):
        return copy
    return _source(IMAGENET, find(IMAGENET), split)


def metfaces() -> Source:
    """MetFaces, faces out of works of art; no splits."""
    return _source(METFACES, find(METFACES), None, labelled=False, splits={})


def find(official: Official) -> Tree:
    """The folder or zip of that name under $GANZOO_DATA. Raises ZooError that tells how to get and place it."""
    for place in places(official):
        if place.exists():
            return _checked(official, inside(open_tree(place), place))
    raise ZooError(missing(official, os.environ.get(VARIABLE)))


def inside(tree: Tree, place: Path) -> Tree:
    """The one zip within a folder that has no images of its own, else the folder. Several are told."""
    zips = [name for name in tree.names if name.endswith(".zip")]
    if not place.is_dir() or not zips or image_names(tree.names):
        return tree
    if len(zips) > 1:
        raise ZooError(f"{place} holds {', '.join(zips)}; say which: --data {place / zips[0]}")
    return open_tree(place / zips[0])


def copied(official: Official, split: str | None) -> Source | None:
    """The copy on the Hub of a dataset that is not on this machine, if the user agrees to its download.

    None where the dataset is here, or has no copy. Raises ZooError where nobody can be asked.
    """
    if not official.hub or any(place.exists() for place in places(official)):
        return None
    if not possible():
        raise ZooError(missing(official, os.environ.get(VARIABLE)))
    note = f"{official.hub} ({official.hub_note})"
    print(f"{official.name} is not on this machine; the Hub has {note}. Licence: {official.licence}", file=sys.stderr)
    source = open_source(official.hub, split)
    source.licence = source.licence or official.licence
    source.notice = f"{official.name} is a copy from the Hub: {note}. {source.notice}".strip()
    return source


def places(official: Official) -> list[Path]:
    """Where a dataset is looked for."""
    root = os.environ.get(VARIABLE)
    folder = Path(root or "").expanduser() / official.name
    return [folder, folder.with_name(f"{official.name}.zip")] if root else []


def missing(official: Official, root: str | None) -> str:
    """Where to get a dataset, its licence and size, and where to put it."""
    looked = f"it is not in {root} (${VARIABLE})" if root else f"${VARIABLE} is not set"
    place = f"{root or f'${VARIABLE}'}/{official.name}"
    setting = "" if root else f"  set:     export {VARIABLE}=/the/folder/of/your/datasets\n"
    copy = f"\n  or take a copy on the Hub: --data {official.hub}  ({official.hub_note})" if official.hub else ""
    return (
        f"The dataset {official.name!r} is not on this machine: {looked}.\n"
        f"  get it:  {official.page}\n"
        f"  licence: {official.licence}\n"
        f"  size:    {official.size}\n"
        f"{setting}"
        f"  put it:  {place}/ or {place}.zip, with {official.layout}"
        f"{copy}"
    )


def _checked(official: Official, tree: Tree) -> Tree:
    if any(PurePosixPath(name).name == "data.mdb" for name in tree.names):
        raise ZooError(
            f"{tree.location} holds an LMDB, which is not read. Export its images with `python data.py "
            "export` of "
            f"{official.page} and put them there instead."
        )
    packed = [name for name in tree.names if re.search(r"\.(tar|tgz|tar\.gz)$", name)]
    if packed and not image_names(tree.names):
        raise ZooError(f"{tree.location} holds {packed[0]}, still packed: unpack it there.")
    return tree


def _animals(official: Official, split: str, animal: str) -> Source:
    def wanted(name: str) -> bool:
        return animal == "all" or animal in PurePosixPath(name).parts

    return _source(official, find(official), split, keep=wanted)


def _source(official: Official, tree: Tree, split: str | None, **options: object) -> Source:
    return TreeSource(tree, name=official.name, split=split, licence=official.licence, **options)  # type: ignore[arg-type]
