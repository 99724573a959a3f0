"""What an augmentation adds to a training step: milliseconds per step and the ratio to none, on this machine.

The rounds alternate between all augmentations, and medians are printed. The model is an architecture's default preset.

    python benchmarks/augment.py [--model dcgan] [--device cpu] [--batch 32] [--rounds 5] [--steps 4] [NAME ...]
"""

import argparse
import dataclasses
import statistics
import time

import torch

from zoo import DataSpec
from zoo.training.device import choose_precision
from zoo.training.engine import Training
from zoo.training.plan import model_class

NAMES = ["none", "flip", "diffaugment", "instance-noise", "apa:p=0.5"]
NAMES += [f"ada:p={p}" for p in ("0.1", "0.3", "0.6", "1")] + ["ada:pipe=bg,p=0.6", "ada:pipe=bgcfnc,p=0.6"]


def engine(name: str, augment: str, device: torch.device) -> Training:
    model = model_class(name)
    preset = model.presets["default"](DataSpec(resolution=64, items=1911))
    torch.manual_seed(0)
    made = model(preset.config, DataSpec(resolution=64, items=1911))
    made.build_critics(dataclasses.replace(preset.parts or model.parts(preset.config), augment=augment))
    made.to(device).to(memory_format=torch.channels_last)
    return Training(made, precision=choose_precision("auto", device))


def duration(training: Training, batch: dict[str, torch.Tensor], steps: int) -> float:
    """Milliseconds per step."""
    start = time.perf_counter()
    for _ in range(steps):
        training.step(dict(batch))
    if batch["image"].device.type == "cuda":
        torch.cuda.synchronize()
    return 1000 * (time.perf_counter() - start) / steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME")
    parser.add_argument("--model", default="dcgan")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4)
    given = parser.parse_args()
    device = torch.device(given.device)
    images = (torch.rand(given.batch, 3, 64, 64) * 2 - 1).to(device, memory_format=torch.channels_last)
    engines = {name: engine(given.model, name, device) for name in given.names}
    times: dict[str, list[float]] = {name: [] for name in engines}
    for training in engines.values():
        duration(training, {"image": images}, 2)  # warm up
    for _ in range(given.rounds):
        for name, training in engines.items():
            times[name].append(duration(training, {"image": images}, given.steps))
    base = statistics.median(times[given.names[0]])
    for name, values in times.items():
        middle = statistics.median(values)
        print(f"{name:24} {middle:8.1f} ms/step {middle / base:6.2f}")


if __name__ == "__main__":
    main()
