"""Checkpoints: everything comes back bit for bit; what is broken is named."""

import json

import pytest
import torch
from safetensors.torch import save_file

import zoo
from tests.toys import batch, toy
from zoo import ZooError
from zoo.training import checkpoint
from zoo.training.engine import Training


def trained(steps: int = 3) -> Training:
    engine = Training(toy())
    for i in range(steps):
        engine.step(batch(i))
    return engine


def state(engine: Training) -> dict[str, torch.Tensor]:
    tensors = {**engine.model.state_dict(), **{f"average {k}": v for k, v in engine.averages.state_dict().items()}}
    for phase, optimizer in engine.optimizers.items():
        tensors |= {f"{phase} {name}": value for name, value in checkpoint.flatten(optimizer)[0].items()}
    return tensors


def test_twenty_steps_save_and_twenty_more_equal_forty(tmp_path):
    straight = trained(40)
    first = trained(20)
    where = checkpoint.save(tmp_path, first, {"note": 1.5})
    again = Training(toy(seed=9))
    content = checkpoint.restore(again, where)
    assert content["note"] == 1.5
    assert again.progress == first.progress
    for i in range(20, 40):
        again.step(batch(i))
    one, other = state(straight), state(again)
    assert one.keys() == other.keys()
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_channels_last_moments_come_back_in_their_layout(tmp_path):
    def make() -> Training:
        torch.manual_seed(0)
        model = zoo.create("dcgan", preset="tiny", resolution=16, training=True).requires_grad_(True)
        return Training(model.to(memory_format=torch.channels_last))

    def images(i: int) -> torch.Tensor:
        rng = torch.Generator().manual_seed(i)
        return torch.rand(8, 3, 16, 16, generator=rng).contiguous(memory_format=torch.channels_last)

    straight, first = make(), make()
    torch.manual_seed(1)
    for i in range(6):
        straight.step({"image": images(i)})
    torch.manual_seed(1)
    for i in range(3):
        first.step({"image": images(i)})
    where = checkpoint.save(tmp_path, first, {})
    again = make()
    checkpoint.restore(again, where)
    for i in range(3, 6):
        again.step({"image": images(i)})
    for a, b in zip(straight.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_random_numbers_go_on_where_they_were(tmp_path):
    engine = trained()
    torch.manual_seed(5)
    torch.rand(3)
    where = checkpoint.save(tmp_path, engine, {})
    expected = torch.rand(4)
    torch.manual_seed(0)
    checkpoint.restore(engine, where)
    assert torch.equal(torch.rand(4), expected)


def test_the_sampler_file_holds_the_averages_and_no_critic(tmp_path):
    engine = trained()
    where = checkpoint.save(tmp_path, engine, {})
    tensors = checkpoint.read_tensors(where / "model.safetensors")
    assert not [name for name in tensors if "critic" in name]
    ((_, copy),) = engine.averages.named()
    for name, value in copy.state_dict().items():
        assert torch.equal(tensors[f"generator.{name}"], value)


def test_only_named_checkpoints_stay(tmp_path):
    engine = trained(1)
    first = checkpoint.save(tmp_path, engine, {}, keep=["best"])
    for i in range(2):
        engine.step(batch(i))
        latest = checkpoint.save(tmp_path, engine, {})
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == [first.name, latest.name]
    assert checkpoint.find(tmp_path, "best") == first
    assert checkpoint.find(tmp_path) == latest


def test_what_an_interrupted_write_left_is_neither_used_nor_kept(tmp_path):
    engine = trained(1)
    good = checkpoint.save(tmp_path, engine, {})
    engine.step(batch(1))
    half = tmp_path / ".step-000000002.tmp"
    half.mkdir()
    (half / "model.safetensors").write_bytes(b"half")
    whole_but_unnamed = tmp_path / "step-000000002"
    whole_but_unnamed.mkdir()
    assert checkpoint.find(tmp_path) == good
    latest = checkpoint.save(tmp_path, engine, {})
    assert latest == whole_but_unnamed
    checkpoint.restore(Training(toy()), checkpoint.find(tmp_path))
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == [latest.name]


def test_saving_twice_at_one_step_changes_nothing(tmp_path):
    engine = trained()
    first = checkpoint.save(tmp_path, engine, {})
    stamp = (first / "model.safetensors").stat().st_mtime_ns
    assert checkpoint.save(tmp_path, engine, {}) == first
    assert (first / "model.safetensors").stat().st_mtime_ns == stamp


def test_a_truncated_file_is_named(tmp_path):
    where = checkpoint.save(tmp_path, trained(), {})
    file = where / "training.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ZooError, match=r"training\.safetensors has \d+ bytes instead of \d+"):
        checkpoint.find(tmp_path)
    with pytest.raises(ZooError, match="not a whole safetensors file"):
        checkpoint.restore(Training(toy()), where)


def test_a_foreign_file_is_refused_with_the_difference(tmp_path):
    where = checkpoint.save(tmp_path, trained(), {})
    save_file(
        {"model/generator.1.weight": torch.zeros(2), "model/other": torch.zeros(1)}, where / "training.safetensors"
    )
    with pytest.raises(
        ZooError, match=r"do not fit.*missing: .*not known here: other.*another shape: generator\.1\.weight"
    ):
        checkpoint.restore(Training(toy()), where)


@pytest.mark.parametrize("name", ["last.json", "step-000000003/training.json"])
def test_a_newer_format_is_refused(tmp_path, name):
    where = checkpoint.save(tmp_path, trained(), {})
    path = tmp_path / name
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 9}))
    read = (
        (lambda: checkpoint.find(tmp_path))
        if name == "last.json"
        else lambda: checkpoint.restore(Training(toy()), where)
    )
    with pytest.raises(ZooError, match=r"format 9; this ganzoo reads up to 1"):
        read()


def test_a_name_that_is_not_there_says_what_is(tmp_path):
    checkpoint.save(tmp_path, trained(), {})
    with pytest.raises(ZooError, match="no checkpoint 'best'; there is: last"):
        checkpoint.find(tmp_path, "best")


def test_tied_weights_are_saved_as_copies(tmp_path):
    weight = torch.randn(3)
    checkpoint.write_tensors(tmp_path / "tied.safetensors", {"a": weight, "b": weight, "c": weight[:2]})
    back = checkpoint.read_tensors(tmp_path / "tied.safetensors")
    assert torch.equal(back["a"], weight)
    assert torch.equal(back["c"], weight[:2])
