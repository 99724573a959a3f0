"""Kill a run at random moments, resume it, and hold its end against an uninterrupted one; a script for test_kills.py.

python -m tests.training.kill_runs FOLDER PICTURES KILLS
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file

import zoo
from zoo.training import checkpoint
from zoo.training.run import resume

SETTINGS = {"preset": "tiny", "resolution": 16, "precision": "fp32", "snapshot_kimg": 0.08, "quiet": True}
SETTINGS |= {
    "d_norm": "none",
    "regularize": "r1:every=4",
    "augment": "diffaugment",
    "metrics": "pixel-frechet:samples=20",
}


def child(work: Callable[[], object]) -> int:
    """Run `work` in a forked process and return its number; nothing is imported again."""
    number = os.fork()
    if number == 0:
        torch.set_num_threads(1)
        try:
            work()
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return number


def go_on(out: Path, data: Path) -> None:
    """Start the run, or resume it."""
    if out.exists():
        resume(out, quiet=True)
    else:
        zoo.train("dcgan", data, out=out, kimg=1.2, checkpoint_minutes=0.002, **SETTINGS)


def state(out: Path) -> dict[str, object]:
    """Everything a run ends with, apart from the clock."""
    found = checkpoint.find(out / "checkpoints")
    tensors = {f"{f.name}/{k}": v for f in sorted(found.glob("*.safetensors")) for k, v in load_file(f).items()}
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return {**tensors, "log": [{k: v for k, v in line.items() if k != "time"} for line in lines]}


def same(a: dict[str, object], b: dict[str, object]) -> bool:
    """Bit for bit."""
    return a.keys() == b.keys() and all(
        torch.equal(v, b[k]) if isinstance(v, torch.Tensor) else v == b[k] for k, v in a.items()
    )


def readable(out: Path) -> bool:
    """Whether what last.json names, if it is there, can be read whole."""
    if not (out / "checkpoints" / "last.json").exists():
        return True
    try:
        for file in checkpoint.find(out / "checkpoints").glob("*.safetensors"):
            checkpoint.read_tensors(file)
    except zoo.ZooError as error:
        print(error, file=sys.stderr)
        return False
    return True


def main(folder: Path, data: Path, kills: int) -> None:
    """Prints kills, unreadable checkpoints, finished runs and differing ends as JSON."""
    rng = random.Random(0)
    straight = folder / "straight"
    os.waitpid(child(lambda: go_on(straight, data)), 0)
    expected = state(straight)
    done = {"kills": 0, "unreadable": 0, "finished": 0, "differing": 0, "failed": 0}
    while done["kills"] < kills:
        out = folder / f"run{done['finished']}"
        number = child(lambda out=out: go_on(out, data))
        # mostly short lives; every eighth is long enough to come to the end now and then
        end = time.monotonic() + rng.uniform(0.02, 1.2 if rng.random() < 7 / 8 else 12)
        ended = status = 0
        while ended == 0 and time.monotonic() < end:
            time.sleep(0.01)
            ended, status = os.waitpid(number, os.WNOHANG)
        if ended == 0:
            os.kill(number, signal.SIGKILL)
            _, status = os.waitpid(number, 0)
        if os.WIFSIGNALED(status):
            done["kills"] += 1
            done["unreadable"] += not readable(out)
        elif os.WEXITSTATUS(status) == 0:
            done["finished"] += 1
            done["differing"] += not same(expected, state(out))
        else:
            done["failed"] += 1
            break
    print(json.dumps(done))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
