"""The share of a training step that frozen backbones take, per backbone and size; prints a table.

A DCGAN at 64 px trains with and without a vision-aided critic; the time inside each frozen network is measured alone,
as the step calls it: twice without gradients on reals and fakes, once forward and back to the images for the generator.

    python benchmarks/backbones.py [--backbone NAME ...] [--size 0 128] [--batch 16] [--steps 5] [--device cpu]
"""

import argparse
import dataclasses
import statistics
import time
from collections.abc import Callable

import torch

import zoo
from zoo import DataSpec
from zoo.training.device import choose_device, choose_precision, synchronise
from zoo.training.engine import Training
from zoo.training.plan import model_class

OFFLINE = ("efficientnet-lite0", "efficientnet-lite1", "timm:resnet50;random=true", "clip-vit-b32:random=true")
DATA = DataSpec(resolution=64, channels=3, items=1000)


def trained(allies: tuple[str, ...], device: torch.device) -> Training:
    """A DCGAN of the default preset with these allies."""
    torch.manual_seed(0)
    model_type = model_class("dcgan")
    preset = model_type.presets["default"](DATA)
    model = model_type(preset.config, DATA)
    model.build_critics(dataclasses.replace(preset.parts, allies=allies))
    model.to(device).to(memory_format=torch.channels_last)
    return Training(model, precision=choose_precision("auto", device))


def seconds(work: Callable[[], object], times: int, device: torch.device) -> float:
    """The median time of `work`, after one call to warm up."""
    found = []
    for _ in range(times + 1):
        synchronise(device)
        start = time.perf_counter()
        work()
        synchronise(device)
        found.append(time.perf_counter() - start)
    return statistics.median(found[1:])


def frozen_work(training: Training, images: torch.Tensor) -> Callable[[], None]:
    """What one step asks of the frozen network."""
    (critic,) = [c for name, c in zoo.critics_of(training.model).items() if name.endswith("allies.vision_aided")]
    eye = critic.network
    bf16 = training.precision == "bf16"

    def look() -> None:
        with torch.autocast(images.device.type, torch.bfloat16, enabled=bf16):
            with torch.no_grad():
                eye.look(images)
                eye.look(images)
            fakes = images.clone().requires_grad_()
            seen = eye.look(fakes)
        parts = [*seen.maps, *seen.tokens, *([] if seen.vector is None else [seen.vector])]
        torch.autograd.backward([part.sum() for part in parts])

    return look


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", nargs="*", default=OFFLINE)
    parser.add_argument("--size", nargs="*", type=int, default=[0, 128], help="0 is the weights' own")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    images = torch.rand(arguments.batch, 3, 64, 64, device=device) * 2 - 1
    plain = trained((), device)
    alone = seconds(lambda: plain.step({"image": images}), arguments.steps, device)
    print(f"{device}, {torch.get_num_threads()} threads, {plain.precision}, batches of {arguments.batch} at 64 px")
    print(f"{'backbone':<28}{'px':>5}{'ms per step':>13}{'frozen ms':>11}{'share':>7}")
    print(f"{'none':<28}{'':>5}{1000 * alone:>13.0f}{0:>11}{0:>7.0%}")
    for name in arguments.backbone:
        for size in arguments.size:
            try:
                training = trained((f"vision-aided:size={size},backbone={name}",), device)
            except zoo.ZooError as error:
                print(f"{name:<28}{size or '':>5}  {str(error).partition(chr(10))[0]}")
                continue
            step = seconds(lambda run=training: run.step({"image": images}), arguments.steps, device)
            frozen = seconds(frozen_work(training, images), arguments.steps, device)
            (critic,) = [c for key, c in zoo.critics_of(training.model).items() if "vision_aided" in key]
            side = critic.network.size
            print(f"{name:<28}{side:>5}{1000 * step:>13.0f}{1000 * frozen:>11.0f}{frozen / step:>7.0%}")


if __name__ == "__main__":
    main()
