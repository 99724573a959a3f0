"""Images per second of the loader alone: python benchmarks/loader.py [--data emoji] [--size 64] [--batch 64].

Prints one line for each cache mode, on as many cores as the process may use; `taskset -c 0` gives one.
"""

import argparse
import time

from zoo.data.loader import Loader
from zoo.data.prepare import prepare
from zoo.data.prepared import Prepared
from zoo.data.records import workers


def images_per_second(prepared: Prepared, batch: int, seconds: float, mirror: bool) -> float:
    with Loader(prepared, seed=0, mirror=mirror) as loader:
        position = 0
        for _ in range(20):
            loader.batch(position, batch)
            position += batch
        start, first = time.perf_counter(), position
        while time.perf_counter() - start < seconds:
            loader.batch(position, batch)
            position += batch
        return (position - first) / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--data", default="emoji")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=5)
    given = parser.parse_args()
    for mode in ("raw", "encoded", "none"):
        prepared = prepare(given.data, size=given.size, cache=mode, say=lambda line: None)
        for mirror in (False, True):
            speed = images_per_second(prepared, given.batch, given.seconds, mirror)
            print(f"{mode:<8} mirror={mirror!s:<5} {speed:>9,.0f} images/s on {workers()} cores")


if __name__ == "__main__":
    main()
