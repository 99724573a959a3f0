"""ProGAN's speed at each level: images per second of whole training steps on random pictures.

python benchmarks/progan_levels.py [--preset default] [--resolution 64] [--seconds 10] [--device cpu]
"""

import argparse
import time

import torch

import zoo
from zoo import DataSpec, Progress
from zoo.training.engine import Training


def begins(model: zoo.Model, level: int) -> Progress:
    """The moment at which a level has faded in and is held."""
    config = model.config
    phase = round(config.hold_kimg * 1000) + round(config.fade_kimg * 1000)
    return Progress(images=level * phase)


def speed(engine: Training, start: Progress, seconds: float) -> float:
    """Images per second over at least `seconds`, from `start` on with the clock held there."""
    model, count, clock = engine.model, 0, 0.0
    size, pixels = model.batch_size(start), model.resolution(start)
    for step in range(10**9):
        engine.progress = Progress(step, start.images)  # lazy terms are due as often as in a run
        begin = time.perf_counter()
        log = engine.step({"image": torch.rand(size, 3, pixels, pixels, device=model.device) * 2 - 1})
        float(log["D/fake"])  # wait for the device
        if step > 0:  # the first one warms up
            clock, count = clock + time.perf_counter() - begin, count + size
        if clock >= seconds:
            break
    return count / clock


def main() -> None:
    """A line for each level."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="default")
    parser.add_argument("--resolution", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    torch.manual_seed(0)
    data = DataSpec(given.resolution, items=3000)
    model = zoo.create("progan", preset=given.preset, data=data, training=True)
    engine = Training(model.to(given.device).to(memory_format=torch.channels_last))
    for level in range(given.resolution.bit_length() - 2):
        start = begins(model, level)
        rate = speed(engine, start, given.seconds)
        print(f"{model.resolution(start):5} px  batch {model.batch_size(start):4}  {rate:8.1f} images/s", flush=True)


if __name__ == "__main__":
    main()
