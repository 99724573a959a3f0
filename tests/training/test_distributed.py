"""Two gloo processes train as one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

from tests.toys import batch, toy
from zoo.training.engine import Training

ROOT = Path(__file__).parents[2]

WORKER = """
import sys, torch
from safetensors.torch import save_file
from tests.toys import batch, toy
from zoo.training.distributed import agreed, mean_over_ranks, processes, rank
from zoo.training.engine import Training

torch.set_num_threads(1)
with processes(torch.device("cpu")):
    engine = Training(toy(seed=rank()))  # rank 1 begins with other weights, and must not keep them
    for i in range(6):
        whole = batch(i, 8)
        engine.step({name: value[rank() * 4 : rank() * 4 + 4] for name, value in whole.items()})
    assert engine.progress.images == 48
    assert mean_over_ranks({"a": float(rank()), "b": 2.0}) == {"a": 0.5, "b": 2.0}
    assert agreed(rank() == 1) and not agreed(False)
    tensors = {**engine.model.state_dict(), **{f"average.{k}": v for k, v in engine.averages.state_dict().items()}}
    save_file(tensors, f"{sys.argv[1]}/{rank()}.safetensors")
"""


def launch(script: str, *arguments: str, processes: int = 2) -> None:
    """Run a script in several processes as torchrun would announce them."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    workers = []
    for rank in range(processes):
        env = {**os.environ, "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(processes)}
        env |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
        workers.append(subprocess.Popen([sys.executable, "-c", script, *arguments], env=env, cwd=ROOT))
    assert [worker.wait(timeout=120) for worker in workers] == [0] * processes


def test_two_processes_give_the_weights_of_one(tmp_path):
    launch(WORKER, str(tmp_path))
    one = Training(toy())
    for i in range(6):
        one.step(batch(i, 8))
    first, second = (load_file(tmp_path / f"{rank}.safetensors") for rank in range(2))
    expected = {**one.model.state_dict(), **{f"average.{k}": v for k, v in one.averages.state_dict().items()}}
    for name, value in expected.items():
        assert torch.equal(first[name], second[name]), name
        torch.testing.assert_close(first[name], value, rtol=1e-4, atol=1e-5)


RUN = """
import sys, torch, zoo
torch.set_num_threads(1)
folder, data, kimg = sys.argv[1:]
if kimg == "resume":
    from zoo.training.run import resume
    resume(folder, quiet=True, kimg=1.2)
else:
    zoo.train("dcgan", data, out=folder, preset="tiny", resolution=16, kimg=float(kimg), snapshot_kimg=0.256,
              precision="fp32", quiet=True)
"""


def test_a_run_of_two_processes_resumes_exactly(tmp_path, pictures):
    launch(RUN, str(tmp_path / "straight"), str(pictures), "1.2")
    launch(RUN, str(tmp_path / "halted"), str(pictures), "0.512")
    launch(RUN, str(tmp_path / "halted"), str(pictures), "resume")
    from zoo.training import checkpoint

    a, b = (checkpoint.find(tmp_path / name / "checkpoints") for name in ("straight", "halted"))
    assert a.name == b.name
    for file in ("model.safetensors", "training.safetensors", "rank0.safetensors", "rank1.safetensors"):
        x, y = load_file(a / file), load_file(b / file)
        assert x.keys() == y.keys()
        for name in x:
            assert torch.equal(x[name], y[name]), (file, name)
    logs = [(tmp_path / name / "metrics.jsonl").read_text().splitlines() for name in ("straight", "halted")]
    (one,), (other,) = ([{**json.loads(line), "time": None} for line in log] for log in logs)
    assert one == other
