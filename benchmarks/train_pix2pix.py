"""A training step of pix2pix and CycleGAN against the official one, alternating in one process; seconds per image.

Theirs: pytorch-CycleGAN-and-pix2pix, fetched apart, with its own optimisers in float32. Ours: the same networks and
losses through the engine. Random pictures; the first round warms up.

    python benchmarks/train_pix2pix.py CHECKOUT [pix2pix:1 pix2pix:4 cyclegan:1] [--size 256] [--rounds 3]
"""

import argparse
import contextlib
import io
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import zoo
from zoo.training.device import choose_precision, keep_freed_memory
from zoo.training.engine import Training

PRESETS = {"pix2pix": "paper", "cyclegan": "painting"}  # both as the official defaults have it


def ours(name: str, image: torch.Tensor, source: torch.Tensor, precision: str) -> Callable[[], Any]:
    """A step of the engine."""
    data = zoo.DataSpec(image.shape[-1], items=1000, source_channels=3)
    model = zoo.create(name, preset=PRESETS[name], data=data, batch=len(image), training=True)
    model.to(memory_format=torch.channels_last)
    training = Training(model, precision=precision)
    batch = {"image": image, "source": source}
    batch = {field: value.contiguous(memory_format=torch.channels_last) for field, value in batch.items()}
    return lambda: training.step(dict(batch))


def theirs(name: str, image: torch.Tensor, source: torch.Tensor) -> Callable[[], None]:
    """A step of the official model."""
    pix2pix = name == "pix2pix"
    options = {
        "gpu_ids": [],
        "isTrain": True,
        "checkpoints_dir": "",
        "name": "",
        "preprocess": "",
        "direction": "AtoB",
        "input_nc": 3,
        "output_nc": 3,
        "ngf": 64,
        "ndf": 64,
        "netD": "basic",
        "n_layers_D": 3,
        "netG": "unet_256" if pix2pix else "resnet_9blocks",
        "norm": "batch" if pix2pix else "instance",
        "no_dropout": not pix2pix,
        "gan_mode": "vanilla" if pix2pix else "lsgan",
        "init_type": "normal",
        "init_gain": 0.02,
        "lr": 2e-4,
        "beta1": 0.5,
        "pool_size": 50,
        "lambda_L1": 100.0,
        "lambda_A": 10.0,
        "lambda_B": 10.0,
        "lambda_identity": 0.5,
    }
    with contextlib.redirect_stdout(io.StringIO()):
        if pix2pix:
            from models.pix2pix_model import Pix2PixModel as Official  # type: ignore[import-not-found]
        else:
            from models.cycle_gan_model import CycleGANModel as Official  # type: ignore[import-not-found]
        model = Official(argparse.Namespace(**options))

    def step() -> None:
        model.set_input({"A": source, "B": image, "A_paths": "", "B_paths": ""})
        model.optimize_parameters()

    return step


def seconds(step: Callable[[], Any]) -> float:
    """One step's."""
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def main() -> None:
    """Alternate, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("cases", nargs="*", default=["pix2pix:1", "pix2pix:4", "cyclegan:1"], help="model:batch")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--precision", default="auto")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    sys.path.insert(0, str(given.checkout))
    keep_freed_memory()
    precision = choose_precision(given.precision, torch.device("cpu"))
    for case in given.cases:
        name, _, batch = case.partition(":")
        image, source = (torch.rand(int(batch), 3, given.size, given.size) * 2 - 1 for _ in range(2))
        steps = ours(name, image, source, precision), theirs(name, image, source)
        rows = [tuple(seconds(step) / int(batch) for step in steps) for _ in range(given.rounds + 1)][1:]
        mine, official = (statistics.median(column) for column in zip(*rows, strict=True))
        ratio = statistics.median(b / a for a, b in rows)
        print(
            f"{name}, {given.size} px, batch {batch}: ganzoo ({precision}) {mine:.3f} s/image, official (fp32) "
            f"{official:.3f} s/image, median ratio {ratio:.2f}, {torch.get_num_threads()} threads",
            flush=True,
        )


if __name__ == "__main__":
    main()
