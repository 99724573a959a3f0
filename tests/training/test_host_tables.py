"""Tables that stay on the host: what moves, what is exchanged, and what a million rows cost."""

import time

import pytest
import torch
from safetensors.torch import load_file

import zoo
from tests.training.test_distributed import launch
from zoo import DataSpec
from zoo.training.engine import Training

DATA = DataSpec(resolution=8, items=20)


def table(items: int = 20, seed: int = 0, **options: object) -> zoo.Model:
    torch.manual_seed(seed)
    data = DataSpec(resolution=8, items=items)
    return zoo.create("glo", preset="tiny", data=data, training=True, init="gaussian", **options)


def batch(i: int, n: int = 8) -> dict[str, torch.Tensor]:
    rng = torch.Generator().manual_seed(i)
    image = torch.rand(n, 3, 8, 8, generator=rng) * 2 - 1
    return {"image": image, "index": torch.randint(20, (n,), generator=rng)}


def test_what_stays_on_the_host_is_left_by_to():
    model = table()
    model.to(torch.float64)
    assert model.generator.main[0].weight.dtype == torch.float64
    assert model.latents.rows.dtype == torch.float32
    model.to("meta")
    assert model.device.type == "meta"
    assert model.latents.rows.device.type == "cpu"
    assert [name for name, _ in model.named_children()] == ["generator", "fitted", "latents"]


def test_microbatches_give_the_rows_of_the_whole_batch():
    one, parts = table().eval(), table().eval()
    engines = Training(one), Training(parts, microbatches=4)
    for engine in engines:
        engine.model.eval()  # no statistics of the batch
        engine.step(batch(0))
    torch.testing.assert_close(one.latents.rows, parts.latents.rows)


WORKER = """
import sys, torch
from safetensors.torch import save_file
from tests.training.test_host_tables import batch, table
from zoo.training.distributed import processes, rank
from zoo.training.engine import Training

torch.set_num_threads(1)
with processes(torch.device("cpu")):
    engine = Training(table(seed=rank()))
    engine.model.eval()
    for i in range(4):
        whole = batch(i)
        if i == 2:
            whole["index"][:4] = 7  # one rank has one row, the other up to four
        engine.step({name: value[rank() * 4 : rank() * 4 + 4] for name, value in whole.items()})
    save_file(dict(engine.model.state_dict()), f"{sys.argv[1]}/{rank()}.safetensors")
"""


def test_processes_exchange_rows_and_agree(tmp_path):
    launch(WORKER, str(tmp_path))
    engine = Training(table())
    engine.model.eval()
    for i in range(4):
        whole = batch(i)
        if i == 2:
            whole["index"][:4] = 7
        engine.step(whole)
    first, second = (load_file(tmp_path / f"{rank}.safetensors") for rank in range(2))
    for name, value in engine.model.state_dict().items():
        assert torch.equal(first[name], second[name]), name
        torch.testing.assert_close(first[name], value, rtol=1e-4, atol=1e-5)


def seconds_per_step(items: int, steps: int = 20) -> float:
    engine = Training(table(items, z_dim=64))
    fields = [{**batch(i), "index": torch.randint(items, (8,))} for i in range(steps)]
    engine.step(fields[0])
    start = time.perf_counter()
    for each in fields:
        engine.step(each)
    return (time.perf_counter() - start) / steps


@pytest.mark.slow
def test_a_step_costs_the_same_with_a_million_rows():
    import resource

    few = min(seconds_per_step(1_000) for _ in range(3))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    many = min(seconds_per_step(1_000_000) for _ in range(3))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6 - before
    print(f"{1000 * few:.2f} ms with a thousand rows, {1000 * many:.2f} ms with a million; {most:.2f} GB more")
    assert many < 1.5 * few
    assert most < 4 * 0.256 + 0.2  # GB: the table, what it is drawn from, and slack
