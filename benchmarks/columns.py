"""One architecture in several columns, each with another augmentation or discriminator, trained for equally long.

    python benchmarks/columns.py train OUT [--minutes 12] [--data emoji] [--columns plain,ada]
    python benchmarks/columns.py score OUT [--held-out emoji:split=test]
    python benchmarks/columns.py sheet OUT

`train` writes one run for each column, one after the other. `score` draws 2,000 samples of each, at the end and at the
largest number of images that all of them have seen, and prints a table. EfficientNet-lite2, the judge, is of the family
of the backbone in the last two columns; the sliced distance and the recall on pixels are of none. `sheet` puts the last
grids of all columns side by side.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from PIL import Image

import zoo

PROJECTED = "projected:backbone=efficientnet-lite0,size=128,separable=true"
COLUMNS = {
    "plain": ["--augment", "none"],
    "diffaugment": ["--augment", "diffaugment"],
    "ada": ["--augment", "ada:kimg=20"],
    "projected": [
        *["--discriminator", PROJECTED, "--loss", "hinge", "--regularize", "none", "--augment", "diffaugment"],
        *["--batch", "8", "-s", "g_lr=0.002", "-s", "d_lr=0.0001"],
    ],
    "vision-aided": ["--batch", "16", "--discriminator", "vision-aided:backbone=efficientnet-lite0,size=128"],
}
METRICS = "fd-efficientnet-lite2:size=128,kid-efficientnet-lite2:size=128,swd,pixel-pr"
KEEP_KIMG = 4.0


def train(given: argparse.Namespace) -> None:
    """Every column, one after the other."""
    for name in given.columns:
        command = [sys.executable, "-m", "zoo.cli", "train", given.architecture, "--data", given.data]
        length = ["--minutes", str(given.minutes), "--kimg", "100000", "--keep-kimg", str(KEEP_KIMG)]
        subprocess.run([*command, *length, *COLUMNS[name], "--out", str(given.out / name)], check=True)


def kept(run: Path) -> dict[int, str]:
    """Checkpoints of a run by the number of images that they had seen."""
    manifests = sorted((run / "checkpoints").glob("*.json"))
    return {json.loads(manifest.read_text())["images"]: manifest.stem for manifest in manifests}


def score(given: argparse.Namespace) -> None:
    """A table of all columns at equal minutes, and one at equal images."""
    runs = {name: given.out / name for name in given.columns if (given.out / name).is_dir()}
    seen = {name: kept(run) for name, run in runs.items()}
    shared = max(set.intersection(*(set(images) for images in seen.values())))
    found = {}
    for title, at in (("equal minutes", None), (f"{shared:,} images each", shared)):
        print(f"\n{title}\n\n| column | images | FD | KID x1000 | SWD | recall | precision |\n" + "|---" * 7 + "|")
        for name, run in runs.items():
            images = at or max(seen[name])
            scores = zoo.evaluate(
                str(run), data=given.held_out, metrics=METRICS, n=given.n, which=seen[name][images], quiet=True
            )
            values = {one.name: one.values for one in scores}
            found[f"{title}/{name}"] = {"images": images, **values}
            fd, kid, swd, pr = values.values()
            row = [name, f"{images:,}", f"{fd['value']:.0f}", f"{1000 * kid['value']:.1f}", f"{swd['mean']:.1f}"]
            print("|", " | ".join([*row, f"{pr['recall']:.3f}", f"{pr['precision']:.3f}"]), "|", flush=True)
    (given.out / "scores.json").write_text(json.dumps(found, indent=1))


def sheet(given: argparse.Namespace) -> None:
    """The averaged generators of all columns side by side, 6 x 8 samples each, the same seeds."""
    names = [name for name in given.columns if (given.out / name).is_dir()]
    grids = [zoo.grid(zoo.load(given.out / name).sample(48), 6) for name in names]
    whole = Image.new("RGB", (sum(one.width + 16 for one in grids), grids[0].height), "white")
    for i, one in enumerate(grids):
        whole.paste(one, (i * (one.width + 16), 0))
    whole.save(given.out / "sheet.png")
    print(" | ".join(names), "->", given.out / "sheet.png")


def main() -> None:
    """Train, score, or lay out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "score", "sheet"))
    parser.add_argument("out", type=Path)
    parser.add_argument("--architecture", default="dcgan")
    parser.add_argument("--data", default="emoji")
    parser.add_argument("--held-out", default="emoji:split=test")
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--columns", type=lambda text: text.split(","), default=list(COLUMNS))
    given = parser.parse_args()
    {"train": train, "score": score, "sheet": sheet}[given.what](given)


if __name__ == "__main__":
    main()
