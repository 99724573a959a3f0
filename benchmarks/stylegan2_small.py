"""The speed of StyleGAN2's preset `small` on a CPU: images per second of its phases, weighed by how often each runs.

    python benchmarks/stylegan2_small.py [--size 64] [--seconds 48]

bf16 and fp32 alternate in one process; medians, the first steps of each are left out.
"""

import argparse
import statistics
import time

import torch

import zoo
from zoo.training.device import keep_freed_memory
from zoo.training.engine import Training
from zoo.training.plan import model_class, preset

WARM_UP = 2


def training(size: int, precision: str) -> Training:
    """The engine around a fresh model."""
    torch.manual_seed(0)
    data = zoo.DataSpec(size, items=1000)
    model = model_class("stylegan2")
    chosen = preset(model, "small", "stylegan2", data)
    made = model(chosen.config, data)
    assert chosen.parts is not None
    made.build_critics(chosen.parts)
    return Training(made.to(memory_format=torch.channels_last), precision=precision)


def main() -> None:
    """Alternate, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=48)
    given = parser.parse_args()
    keep_freed_memory()
    engines = {precision: training(given.size, precision) for precision in ("bf16", "fp32")}
    batch = engines["fp32"].model.config.batch
    image = (torch.rand(batch, given.size, given.size, 3) * 2 - 1).permute(0, 3, 1, 2)
    times: dict[str, dict[str, list[float]]] = {
        precision: {phase.name: [] for phase in engine.phases} for precision, engine in engines.items()
    }
    end, rounds = time.perf_counter() + given.seconds, 0
    while rounds <= WARM_UP or time.perf_counter() < end:
        for precision, engine in engines.items():
            for phase in engine.phases:
                start = time.perf_counter()
                engine.update(phase, [{"image": image}])
                times[precision][phase.name].append(time.perf_counter() - start)
        rounds += 1
    for precision, engine in engines.items():
        cost = {phase.name: statistics.median(times[precision][phase.name][WARM_UP:]) for phase in engine.phases}
        whole = sum(cost[phase.name] / phase.every for phase in engine.phases)
        shown = ", ".join(f"{name} {1000 * seconds:.0f} ms" for name, seconds in cost.items())
        print(f"{precision}: {batch / whole:.1f} images/s ({shown}; {torch.get_num_threads()} threads)")


if __name__ == "__main__":
    main()
