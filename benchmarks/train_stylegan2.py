"""StyleGAN2's training step against the official one, alternating in one process on the CPU; prints seconds per image.

Theirs: the official networks and loss with their reference operations in float32 and the official optimisers, fetched
apart (a checkout of stylegan2-ada-pytorch, whose licence is non-commercial: nothing of it is kept here). Ours: the same
widths and phases through the engine. Both weigh each phase by how often it runs: G 1, path 1/4, D 1, R1 1/16.

    python benchmarks/train_stylegan2.py CHECKOUT [--size 64] [--batch 8] [--rounds 2] [--precision auto]
"""

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import zoo
from zoo.training.device import choose_precision
from zoo.training.engine import Training
from zoo.training.plan import model_class, preset

SHARES = {"G": 1.0, "G_path": 1 / 4, "D": 1.0, "D_r1": 1 / 16}
NAMES = {"G": "Gmain", "G_path": "Greg", "D": "Dmain", "D_r1": "Dreg"}


def ours(size: int, batch: int, precision: str, augment: str) -> Callable[[str], None]:
    """Runs a phase of the engine by name."""
    data = zoo.DataSpec(size, items=1000)
    chosen = preset(model_class("stylegan2"), "auto", "stylegan2", data)
    model = zoo.create("stylegan2", preset="auto", data=data, batch=batch)
    model.requires_grad_(True)
    parts = chosen.parts
    model.build_critics(zoo.Parts(parts.loss, parts.regularizers, augment))
    model.to(memory_format=torch.channels_last)
    training = Training(model, precision=precision)
    image = torch.rand(batch, size, size, 3).permute(0, 3, 1, 2) * 2 - 1
    phases = {phase.name: phase for phase in training.phases}
    return lambda name: void(training.update(phases[name], [{"image": image}]))


def theirs(checkout: Path, size: int, batch: int, augment: bool) -> Callable[[str], None]:
    """Runs a phase of the official loss by name, with the gradients and optimisers of the official loop."""
    sys.path.insert(0, str(checkout))
    from training.augment import AugmentPipe  # type: ignore[import-not-found]
    from training.loss import StyleGAN2Loss  # type: ignore[import-not-found]
    from training.networks import Discriminator, Generator  # type: ignore[import-not-found]

    widths = {"channel_base": 16384, "channel_max": 512, "num_fp16_res": 0, "conv_clamp": 256}
    g = Generator(512, 0, 512, size, 3, mapping_kwargs={"num_layers": 2}, synthesis_kwargs=widths).train()
    d = Discriminator(0, size, 3, **widths, epilogue_kwargs={"mbstd_group_size": 4}).train()
    pipe = None
    if augment:
        operations = ["xflip", "rotate90", "xint", "scale", "rotate", "aniso", "xfrac"]
        operations += ["brightness", "contrast", "lumaflip", "hue", "saturation"]
        pipe = AugmentPipe(**dict.fromkeys(operations, 1)).train()
        pipe.p.fill_(0.5)
    gamma = 0.0002 * size**2 / batch
    loss = StyleGAN2Loss(torch.device("cpu"), g.mapping, g.synthesis, d, pipe, r1_gamma=gamma)
    optimizers = {
        net: torch.optim.Adam(net.parameters(), lr=0.0025 * k / (k + 1), betas=(0.0, 0.99 ** (k / (k + 1))))
        for net, k in ((g, 4), (d, 16))
    }
    image = torch.rand(batch, 3, size, size) * 2 - 1
    nothing = torch.zeros(batch, 0)

    def run(name: str) -> None:
        net = g if name.startswith("G") else d
        for other in (g, d):
            other.requires_grad_(other is net)
        optimizers[net].zero_grad(set_to_none=True)
        z = torch.randn(batch, 512)
        loss.accumulate_gradients(NAMES[name], image, nothing, z, nothing, sync=True, gain=round(1 / SHARES[name]))
        for parameter in net.parameters():
            if parameter.grad is not None:
                torch.nan_to_num(parameter.grad, nan=0, posinf=1e5, neginf=-1e5, out=parameter.grad)
        optimizers[net].step()

    return run


def void(_: Any) -> None:
    """Nothing."""


def seconds(run: Callable[[str], None], batch: int) -> float:
    """Seconds per image of a mean step."""
    total = 0.0
    for name, share in SHARES.items():
        start = time.perf_counter()
        run(name)
        total += share * (time.perf_counter() - start)
    return total / batch


def main() -> None:
    """Alternate, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--augment", action="store_true", help="with ADA at p = 0.5 on both sides")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    precision = choose_precision(given.precision, torch.device("cpu"))
    augment = "ada:p=0.5" if given.augment else "none"
    mine = ours(given.size, given.batch, precision, augment)
    official = theirs(given.checkout, given.size, given.batch, given.augment)
    rows = []
    for round_ in range(given.rounds + 1):
        row = (seconds(mine, given.batch), seconds(official, given.batch))
        note = " (warming up)" if round_ == 0 else ""
        print(f"ganzoo ({precision}) {row[0]:.3f} s/image   official (fp32) {row[1]:.3f} s/image{note}", flush=True)
        rows += [row] if round_ else []
    print(f"median ratio {statistics.median(b / a for a, b in rows):.2f}, {torch.get_num_threads()} threads")


if __name__ == "__main__":
    main()
