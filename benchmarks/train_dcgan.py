"""ganzoo's DCGAN training against the stock way, alternating in one process; prints images per second and the ratio.

Stock: the step of pytorch/examples' dcgan (float32, contiguous memory, torch's own Adam, sigmoid and cross-entropy),
fed from memory. ganzoo: the same networks through the whole loop, with loader, averages, health signals and log.

    python benchmarks/train_dcgan.py [--rounds 3] [--seconds 20] [--batch 64] [--precision auto]
"""

import argparse
import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from zoo.data.prepare import prepare
from zoo.training.device import choose_precision
from zoo.training.display import Display
from zoo.training.loop import Loop
from zoo.training.request import Asked, resolve
from zoo.training.run import build, found_folder, make_training


def stock(images: Tensor, generator: nn.Module, discriminator: nn.Module) -> Iterator[None]:
    """One step of pytorch/examples' dcgan at every `next`."""
    criterion = nn.BCELoss()
    d_optimizer = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    while True:
        discriminator.zero_grad()
        label = torch.full((len(images),), 1.0)
        loss_real = criterion(torch.sigmoid(discriminator(images)).view(-1), label)
        loss_real.backward()
        fake = generator(torch.randn(len(images), 100))
        label.fill_(0.0)
        loss_fake = criterion(torch.sigmoid(discriminator(fake.detach())).view(-1), label)
        loss_fake.backward()
        d_optimizer.step()
        generator.zero_grad()
        label.fill_(1.0)
        loss_g = criterion(torch.sigmoid(discriminator(fake)).view(-1), label)
        loss_g.backward()
        g_optimizer.step()
        yield


def ours(folder: Path, batch: int, precision: str) -> tuple[Iterator[None], nn.Module, Tensor]:
    """One step of the whole loop at every `next`; with it the model, and a batch for the stock way."""
    asked = Asked(preset="paper", batch=batch, kimg=1e6, precision=precision, options={"ema_kimg": 10})
    plan, source = resolve("dcgan", "emoji", asked, torch.device("cpu"))
    prepared = prepare(source, size=64)
    torch.manual_seed(0)
    model = build(plan)
    run = found_folder(folder / "run", plan)
    loop = Loop(plan, run, make_training(plan, model, torch.device("cpu")), prepared, Display(quiet=True))

    def steps() -> Iterator[None]:
        while True:
            loop.step()
            yield

    return steps(), model, loop.loader.batch(0, batch)["image"].contiguous()


def speed(steps: Iterator[None], seconds: float, batch: int) -> float:
    """Images per second over at least `seconds`."""
    start, count = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - start) < seconds:
        next(steps)
        count += 1
    return count * batch / elapsed


def main() -> None:
    """Alternate, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--precision", default="auto")
    given = parser.parse_args()
    import zoo

    reference = zoo.create("dcgan", preset="paper", training=True).requires_grad_(True).train()
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(KeyboardInterrupt):
        precision = choose_precision(given.precision, torch.device("cpu"))
        mine, _, images = ours(Path(folder), given.batch, precision)
        theirs = stock(images, reference.generator, reference.critic.network)  # type: ignore[union-attr, arg-type]
        for steps in (mine, theirs):  # warm up
            next(steps)
            next(steps)
        rows = []
        for _ in range(given.rounds):
            rows.append((speed(mine, given.seconds, given.batch), speed(theirs, given.seconds, given.batch)))
            print(f"ganzoo ({precision}) {rows[-1][0]:7.1f} images/s   stock (fp32) {rows[-1][1]:7.1f} images/s")
        print(f"median ratio {statistics.median(a / b for a, b in rows):.2f}")


if __name__ == "__main__":
    main()
