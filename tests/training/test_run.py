"""Runs, end to end and small: folders, exact resume, interruption, what goes wrong."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import zoo
from zoo import InvalidOptions, ZooError
from zoo.training import checkpoint
from zoo.training.loop import snapshot_marks
from zoo.training.plan import Plan
from zoo.training.run import resume

SMALL = {"preset": "tiny", "resolution": 16, "precision": "fp32", "snapshot_kimg": 0.08, "quiet": True}


def small(data: Path, out: Path, **asked):
    return zoo.train("dcgan", data, out=out, **{**SMALL, "kimg": 0.16, **asked})


def tensors(run: Path) -> dict[str, torch.Tensor]:
    found = checkpoint.find(run / "checkpoints")
    return {
        f"{file.name} {name}": value
        for file in sorted(found.glob("*.safetensors"))
        for name, value in load_file(file).items()
    }


def metrics(run: Path) -> list[dict]:
    lines = [json.loads(text) for text in (run / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "time"} for line in lines]


def assert_same_end(a: Path, b: Path) -> None:
    one, other = tensors(a), tensors(b)
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []
    assert metrics(a) == metrics(b)


@pytest.fixture(scope="module")
def finished(pictures, tmp_path_factory) -> Path:
    """A run of 1,200 images with everything in it."""
    out = tmp_path_factory.mktemp("runs") / "finished"
    run = small(pictures, out, kimg=1.2, snapshot_kimg=0.4)
    assert run.images == 1200
    return out


def test_a_run_folder_holds_everything(finished):
    names = {path.name for path in finished.iterdir()}
    assert names == {
        "config.json",
        "environment.json",
        "figures.json",
        "logits.json",
        "metrics.jsonl",
        "report.html",
        "samples",
        "checkpoints",
    }
    samples = sorted(path.name for path in (finished / "samples").iterdir())
    assert samples == ["000000000.png", "000000400.png", "000000800.png", "000001200.png", "neighbours.png", "real.png"]
    with (
        Image.open(finished / "samples" / "000001200.png") as grid,
        Image.open(finished / "samples" / "real.png") as real,
    ):
        assert grid.size == real.size == (8 * 18 + 2, 8 * 18 + 2)


def test_the_log_has_losses_and_health(finished):
    (first,) = metrics(finished)
    assert (first["step"], first["images"]) == (125, 1000)
    assert first["loss"].keys() == {"D/real", "D/fake", "G/adv"}
    health = {"critic/d_real", "critic/d_fake", "critic/r_real", "critic/r_fake", "critic/diversity"}
    assert first["health"].keys() == health | {"D/gradient_norm", "G/gradient_norm"}


def test_the_report_stands_alone(finished):
    page = (finished / "report.html").read_text()
    assert page.count('fill="none"') == 0  # one line of the log makes no curve
    assert page.count("data:image/webp;base64,") == 2 + 1 + 4
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    assert "1,000 images" in page


def test_the_config_reads_back_as_it_was(finished):
    from zoo.training.plan import Plan

    path = finished / "config.json"
    content = json.loads(path.read_text())
    assert Plan.from_json(content, path).to_json() == content
    assert content["config"]["g_width"] == 4
    assert content["parts"]["loss"] == "non-saturating"
    assert content["data"]["resolution"] == 16


def test_its_model_draws_the_last_grid(finished):
    model = zoo.load(finished)
    grid = zoo.grid(model.sample(64))
    with Image.open(finished / "samples" / "000001200.png") as saved:
        assert grid.tobytes() == saved.tobytes()


def test_resuming_ends_where_an_uninterrupted_run_ends(finished, pictures, tmp_path):
    halted = tmp_path / "halted"
    with pytest.raises(KeyboardInterrupt):
        stop_after(halted, pictures, 113)
    resume(halted, quiet=True)
    assert_same_end(finished, halted)


def stop_after(out: Path, data: Path, steps: int) -> None:
    """Fail without warning in the middle of the run."""
    from zoo.training.engine import Training

    step = Training.step

    def failing(self, batch):
        if self.progress.step == steps:
            raise KeyboardInterrupt
        return step(self, batch)

    Training.step = failing
    try:
        small(data, out, kimg=1.2, snapshot_kimg=0.4)
    finally:
        Training.step = step


def start_process(out: Path, data: Path, *more: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "zoo.cli", "train", "dcgan", "--data", str(data), "--out", str(out)]
    command += ["--preset", "tiny", "--resolution", "16", "--precision", "fp32", *more]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def wait_for(path: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path} never came"
        time.sleep(0.01)


def test_ctrl_c_saves_says_how_to_go_on_and_exits_130(pictures, tmp_path):
    out = tmp_path / "run"
    process = start_process(out, pictures, "--kimg", "1000")
    wait_for(out / "checkpoints" / "last.json")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"ganzoo train --resume {out}" in errors
    assert "Traceback" not in errors
    where = checkpoint.find(out / "checkpoints")
    images = json.loads((where / "training.json").read_text())["progress"]["images"]
    assert images > 0
    assert resume(out, kimg=(images + 16) / 1000, quiet=True).images == images + 16


def test_a_kill_leaves_a_whole_checkpoint_and_the_same_end(finished, pictures, tmp_path):
    out = tmp_path / "run"
    arguments = ("--kimg", "1.2", "--snapshot-kimg", "0.4", "--checkpoint-minutes", "0.005")
    process = start_process(out, pictures, *arguments)
    wait_for(out / "checkpoints" / "last.json")
    time.sleep(0.3)
    process.kill()
    process.communicate()
    resume(out, quiet=True)
    # saving more often and being killed change nothing
    assert_same_end(finished, out)


def test_nan_stops_the_run_and_keeps_the_last_good_state(pictures, tmp_path):
    out = tmp_path / "run"
    with pytest.raises(ZooError, match=r"became NaN or infinite at step .*The last good state, at \d+ images, is kept"):
        small(pictures, out, kimg=50, g_lr=1e30, d_lr=1e30)
    for name, value in tensors(out).items():
        assert value.isfinite().all(), name


def test_an_output_folder_with_something_in_it_is_left_alone(finished, pictures, tmp_path):
    with pytest.raises(InvalidOptions, match=r"not empty.*ganzoo train --resume"):
        small(pictures, finished)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InvalidOptions, match="exists and is not empty"):
        small(pictures, tmp_path)
    with pytest.raises(InvalidOptions, match="is a file"):
        small(pictures, tmp_path / "notes.txt")


def test_all_bad_options_are_told_at_once_and_nothing_is_made(pictures, tmp_path):
    out = tmp_path / "run"
    with pytest.raises(InvalidOptions) as caught:
        small(
            pictures,
            out,
            batch=0,
            loss="hinje",
            regularize=("r1:gama=1",),
            augment="diffaug",
            resolution=48,
            seed=-1,
            z_dims=3,
        )
    told = "\n".join(caught.value.problems)
    for clue in ("--batch", "hinge", "gamma", "diffaugment", "48", "--seed", "z_dim"):
        assert clue in told, clue
    assert not out.exists()


def test_an_unknown_architecture_and_unknown_data_are_both_told(tmp_path):
    with pytest.raises(InvalidOptions) as caught:
        zoo.train("dcgam", "emojii", out=tmp_path / "run")
    assert len(caught.value.problems) == 2
    assert "dcgan" in caught.value.problems[0]


def test_a_batch_that_does_not_divide_names_one_that_does(pictures, tmp_path):
    with pytest.raises(InvalidOptions, match="--batch 9"):
        small(pictures, tmp_path / "run", batch=8, microbatches=3)


def test_data_that_changed_is_not_resumed(pictures, tmp_path):
    data, out = tmp_path / "data", tmp_path / "run"
    shutil.copytree(pictures, data)
    small(data, out)
    (data / "00.png").unlink()
    with pytest.raises(ZooError, match=r"has changed since the run began.*--data"):
        resume(out, kimg=1, quiet=True)
    assert resume(out, kimg=0.168, data=data, quiet=True).images == 168


def test_one_channel_works_to_the_end(pictures, tmp_path):
    run = small(pictures, tmp_path / "run", channels=1)
    model = run.load()
    assert model.sample(2).shape == (2, 1, 16, 16)
    with Image.open(run.folder / "samples" / "real.png") as real:
        assert real.mode == "L"


def test_weights_of_another_run_are_a_start(finished, pictures, tmp_path, capsys):
    with pytest.raises(ZooError, match="No weight"):
        small(pictures, tmp_path / "none", origin=str(finished), g_width=5, d_width=5, z_dim=9)
    small(pictures, tmp_path / "run", origin=str(finished), kimg=0.008, quiet=False)
    assert "tensors taken" in capsys.readouterr().err


def test_ada_reacts_sooner_in_a_run_from_weights(finished, pictures, tmp_path):
    for name, origin, augment, expected in (
        ("a", str(finished), "ada", "ada:kimg=100"),
        ("b", str(finished), "ada:kimg=7,pipe=bg", "ada:kimg=7,pipe=bg"),
        ("c", "", "ada", "ada"),
        ("d", str(finished), "none", "none"),
    ):
        run = small(pictures, tmp_path / name, origin=origin, kimg=0.008, augment=augment)
        assert Plan.read(run.folder).parts.augment == expected
    model = zoo.load(tmp_path / "a", training=True)
    assert model.critic.augment.controller.kimg == 100


def test_any_kept_checkpoint_is_a_start(pictures, tmp_path, capsys):
    small(pictures, tmp_path / "first", kimg=0.16, keep_kimg=0.08)
    kept = next(path.stem for path in (tmp_path / "first" / "checkpoints").glob("images*.json"))
    small(pictures, tmp_path / "second", kimg=0.008, origin=f"{tmp_path / 'first'}@{kept}", quiet=False)
    assert f"@{kept}" in capsys.readouterr().err
    with pytest.raises(ZooError, match="image"):
        small(pictures, tmp_path / "third", origin=f"{tmp_path / 'first'}@images7")
    assert not (tmp_path / "third").exists()


def test_keywords_are_typed(pictures, tmp_path):
    small(pictures, tmp_path / "run", resolution="16", kimg="0.008", regularize="spectral-norm", z_dim="4")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["data"]["resolution"] == 16
    assert config["config"]["z_dim"] == 4
    assert config["parts"]["regularizers"] == ["spectral-norm"]
    with pytest.raises(InvalidOptions, match="resolution=large is refused"):
        zoo.dry_run("dcgan", pictures, resolution="large")


def test_a_dry_run_tells_what_training_would_do(pictures, tmp_path):
    told = zoo.dry_run("dcgan", pictures, out=tmp_path / "run", preset="tiny", resolution=16, loss="hinge")
    assert "parts.loss = hinge" in told
    assert not (tmp_path / "run").exists()


def test_every_loss_regularizer_and_augmentation_trains_on_dcgan(pictures, tmp_path):
    rows = [
        {"loss": "minimax", "augment": "flip"},
        {"loss": "hinge", "regularize": "spectral-norm"},
        {"loss": "least-squares", "augment": "diffaugment"},
        {"loss": "wasserstein", "d_steps": 2},
        {"loss": "non-saturating:smooth=0.1", "regularize": "r1:gamma=1,every=2", "d_norm": "none"},
        {"discriminator": ("dcgan:width=5",)},
        {"discriminator": ("dcgan:width=5,role=join",)},
    ]
    for i, row in enumerate(rows):
        run = small(pictures, tmp_path / str(i), kimg=0.04, **row)
        assert run.load().sample(1).isfinite().all()


def test_microbatches_train(pictures, tmp_path):
    run = small(pictures, tmp_path / "run", microbatches=2, kimg=0.04)
    assert run.images == 40


def test_a_full_disk_ends_the_run_with_the_last_good_state(pictures, tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small disk")
    try:
        with pytest.raises(ZooError, match="No space left"):
            small(pictures, place / "run", kimg=50, keep_kimg=0.008, g_width=8)
        where = checkpoint.find(place / "run" / "checkpoints")
        checkpoint.read_tensors(where / "training.safetensors")
    finally:
        subprocess.run(["umount", place], check=True)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission_is_told(pictures, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ZooError, match="No permission"):
        small(pictures, tmp_path / "run")


def test_snapshot_gaps_grow_to_a_tenth_of_the_way():
    due = snapshot_marks(2.0)
    assert [due(n) for n in (0, 1999, 2000, 20_000, 40_000)] == [0, 0, 1, 10, 20]
    assert due(100_000) - due(90_000) <= 2
    assert due(25_000_000) < 120


def test_a_run_that_is_none_says_so(tmp_path):
    with pytest.raises(ZooError, match="no config"):
        resume(tmp_path)


def test_the_best_checkpoint_is_that_of_the_best_score(pictures, tmp_path):
    out = tmp_path / "run"
    run = small(pictures, out, kimg=0.8, metrics="pixel-frechet:samples=50")
    scores = {line["images"]: line["score"]["pixel-frechet"] for line in metrics(out) if "score" in line}
    assert list(scores) == [0, *range(80, 801, 80), 800][:-1]
    best = json.loads((out / "checkpoints" / "best.json").read_text())
    assert scores[best["images"]] == min(scores.values()) == run.score
    assert zoo.load(out, which="best").sample(1).shape == (1, 3, 16, 16)


def test_another_batch_is_allowed_and_announced(pictures, tmp_path, capsys):
    out = tmp_path / "run"
    small(pictures, out, kimg=0.08)
    assert resume(out, kimg=0.16, batch=16).images == 160
    told = capsys.readouterr().err
    assert "batches of 16 instead of 8" in told
    assert "Another total" in told
    with pytest.raises(InvalidOptions, match="--batch is 0"):
        resume(out, batch=0)


@pytest.mark.skipif(not Path("/sys").is_dir(), reason="needs a folder that no one may write")
def test_a_folder_that_cannot_be_made_is_told(pictures):
    with pytest.raises(ZooError, match=r"No permission to write .*--out"):
        small(pictures, Path("/sys/ganzoo-run"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the compiler's own
def test_a_compiled_generator_trains_like_a_plain_one(pictures, tmp_path):
    small(pictures, tmp_path / "plain", kimg=0.08)
    small(pictures, tmp_path / "compiled", kimg=0.08, compile=True)
    a, b = zoo.load(tmp_path / "plain").sample(4), zoo.load(tmp_path / "compiled").sample(4)
    torch.testing.assert_close(a, b, rtol=1e-2, atol=1e-3)


def test_a_kill_before_the_first_checkpoint_begins_again(finished, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    shutil.rmtree(out / "checkpoints")
    (out / "checkpoints").mkdir()
    resume(out, quiet=True)
    assert_same_end(finished, out)


def test_an_altered_total_is_the_new_plan(pictures, tmp_path):
    out = tmp_path / "run"
    small(pictures, out, kimg=0.08)
    resume(out, kimg=0.16, batch=16, quiet=True)
    settings = json.loads((out / "config.json").read_text())
    assert (settings["settings"]["kimg"], settings["config"]["batch"]) == (0.16, 16)
    assert resume(out, quiet=True).images == 160


def test_checkpoints_are_kept_as_often_as_asked(pictures, tmp_path):
    out = tmp_path / "run"
    small(pictures, out, kimg=0.2, keep_kimg=0.05, snapshot_kimg=10)
    kept = sorted(path.stem for path in (out / "checkpoints").glob("images*.json"))
    assert kept == [f"images{n:010d}" for n in (56, 104, 152, 200)]
    assert zoo.load(out, which=kept[0]).sample(1).shape == (1, 3, 16, 16)


def test_a_resumed_finished_run_adds_no_line(pictures, tmp_path):
    out = tmp_path / "run"
    small(pictures, out, metrics="pixel-frechet:samples=20")
    before = (out / "metrics.jsonl").read_text()
    assert before.count('"score"') == 3
    resume(out, quiet=True)
    assert (out / "metrics.jsonl").read_text() == before


def test_two_runs_never_share_a_folder(pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = {small(pictures, None, kimg=0.008).folder for _ in range(2)}
    assert len(folders) == 2


def test_parts_of_one_name_stay_apart(pictures, tmp_path):
    parts = ("dcgan:width=4,role=join", "dcgan:width=5,role=join")
    model = small(pictures, tmp_path / "run", kimg=0.008, discriminator=parts).folder
    assert set(zoo.load(model, training=True).critic.allies) == {"dcgan", "dcgan_2"}
