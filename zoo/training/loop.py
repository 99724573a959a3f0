"""The loop of a run: steps until done, with log, pictures and checkpoints on the way."""

import dataclasses
import json
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zoo.adversarial import critics_of
from zoo.data.loader import Loader
from zoo.data.prepared import Prepared
from zoo.errors import ZooError
from zoo.evaluation.figures import save_figures, save_logits
from zoo.evaluation.score import keep as keep_scores
from zoo.files import explained, read_json, replace_file
from zoo.model import USES, Model
from zoo.training import checkpoint
from zoo.training.averages import sampling
from zoo.training.device import peak_memory
from zoo.training.display import Display, duration
from zoo.training.distributed import agreed, rank, world_size
from zoo.training.engine import Training
from zoo.training.health import warnings
from zoo.training.meter import Diverged, Meter
from zoo.training.plan import Plan
from zoo.training.report import write_report
from zoo.training.scoring import Scoring, improves, named
from zoo.training.snapshot import save_grid, save_real_grid

__all__ = ["Interrupted", "Loop", "Run"]

LOG_IMAGES = 1000  # images between lines of the log


class Interrupted(Exception):
    """The user stopped the run; its state is saved in `folder`."""

    def __init__(self, folder: Path, code: int) -> None:
        self.folder = folder
        self.code = code
        super().__init__(f"Stopped and saved. Go on with: ganzoo train --resume {folder}")


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """A finished or stopped run."""

    folder: Path
    images: int
    score: float | None = None

    def load(self) -> Model:
        """Its model, ready to sample."""
        from zoo.use import load

        return load(self.folder)


class Loop:
    """Steps until done, with log, pictures and checkpoints on the way."""

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        training: Training,
        prepared: Prepared,
        display: Display,
        shown: Prepared | None = None,
    ) -> None:
        self.plan = plan
        self.settings = plan.settings
        self.folder = folder
        self.training = training
        self.display = display
        self.meter = Meter()
        self.lines: list[dict[str, Any]] = []
        self.warned: set[str] = set()
        self.seconds = 0.0  # of training, over all resumes
        self.best: float | None = None
        self.stopped_by = 0
        self.mark = (time.monotonic(), 0)
        self.saved_at = time.monotonic()
        self.loader = Loader(
            prepared,
            seed=self.settings.seed,
            fields=training.model.needs,
            mirror=plan.choice.mirror,
            captions_averaged=training.model.captions_averaged,
            crop=plan.data.resolution,
            pairs=training.model.pairs,
            rank=rank(),
            world_size=world_size(),
            device=training.model.device,
        )
        self.shown = shown or prepared  # what samples are shown beside and scored against
        scored = rank() == 0 and bool(self.settings.metrics)
        self.scoring = Scoring(plan, self.shown, training.model.device, display.say) if scored else None

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up the log and the clock where a checkpoint left them; later lines are dropped."""
        self.meter.load(state["own"], self.training.model.device)
        self.seconds, self.best = state["seconds"], state["best"]
        self.warned = set(state["warned"])
        path = self.folder / "metrics.jsonl"
        kept = [line for line in read_lines(path) if line["step"] <= self.training.progress.step]
        self.lines = kept
        if rank() == 0 and path.exists():
            with replace_file(path) as temporary:
                temporary.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")

    def forget(self) -> None:
        """Begin the log anew: a kill came before the first checkpoint."""
        (self.folder / "metrics.jsonl").unlink(missing_ok=True)

    def run(self) -> Run:
        """Train to the end; save and raise Interrupted on a signal."""
        images = self.training.progress.images
        self.mark = (time.monotonic(), images)
        size = self.training.model.batch_size(self.training.progress) // world_size()
        if notice := self.loader.notice(size):
            self.display.say(notice)
        self.display.start(self.settings.kimg or self.settings.minutes, "kimg" if self.settings.kimg else "minutes")
        try:
            with signals(self.stop):
                if images == 0:
                    self.first_pictures()
                while not self.done():
                    self.step()
                    if agreed(bool(self.stopped_by)):
                        break
                return self.finish()
        except Diverged as error:
            raise ZooError(self.diverged(str(error))) from error
        finally:
            self.loader.close()
            self.display.stop()

    def step(self) -> None:
        """One training step and whatever is due after it."""
        before = self.training.progress.images
        model = self.training.model
        pieces = world_size() * self.settings.microbatches  # a schedule's batch is cut to whole microbatches
        size = max(model.batch_size(self.training.progress) // pieces, 1) * self.settings.microbatches
        batch = self.loader.batch(before, size)
        self.meter.add(self.training.step(self.sized(batch)))
        after = self.training.progress.images
        if world_size() == 1 and (model.device.type == "cpu" or self.training.progress.step % 20 == 0):
            self.check()
        if before // LOG_IMAGES != after // LOG_IMAGES:
            self.log()
        kept = self.kept(before, after)
        if crosses(snapshot_marks(self.settings.snapshot_kimg), before, after):
            self.snapshot(kept)
        elif kept:
            self.save(kept)
        elif agreed(time.monotonic() - self.saved_at > 60 * self.settings.checkpoint_minutes):
            self.save()

    def sized(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The batch at the size this step wants, box-filtered."""
        factor = self.plan.data.resolution // self.training.model.resolution(self.training.progress)
        for field in ("image", "source"):
            if factor > 1 and field in batch:
                batch[field] = torch.nn.functional.avg_pool2d(batch[field], factor)
        return batch

    def done(self) -> bool:
        """Whether the planned length is reached."""
        enough = self.settings.kimg and self.training.progress.images >= self.settings.kimg * 1000
        late = bool(self.settings.minutes) and self.elapsed() >= 60 * self.settings.minutes
        return bool(enough) or (bool(self.settings.minutes) and agreed(late))

    def elapsed(self) -> float:
        """Seconds of training over all resumes."""
        return self.seconds + time.monotonic() - self.mark[0]

    def stop(self, code: int) -> None:
        """Ask the loop to end after this step; a second time, end at once."""
        if self.stopped_by:
            raise KeyboardInterrupt
        self.stopped_by = code
        self.display.say("Finishing this step, then saving; once more ends at once without saving.")

    def log(self) -> None:
        """One line of metrics.jsonl. All that depends on the clock stands under "time"."""
        self.check()
        means = self.meter.means()
        critics = tuple(f"{name}/" for name in critics_of(self.training.model))
        signals = {n for n in means if n.startswith(critics) or n.endswith("/gradient_norm")}
        line = self.write(
            {
                "loss": {name: value for name, value in means.items() if name not in signals},
                "health": {name: value for name, value in means.items() if name in signals},
            }
        )
        self.display.progress(self.share(), line)
        self.warn()

    def write(self, values: dict[str, Any]) -> dict[str, Any]:
        """Append a line to the log, with step, images and clock."""
        progress = self.training.progress
        line = {"step": progress.step, "images": progress.images, **values, "time": self.clock()}
        self.lines.append(line)
        if rank() == 0:
            with explained(self.folder), (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        return line

    def clock(self) -> dict[str, float | None]:
        """Speed since the last mark, time left, memory."""
        now, images = time.monotonic(), self.training.progress.images
        speed = (images - self.mark[1]) / max(now - self.mark[0], 1e-9)
        self.seconds += now - self.mark[0]
        self.mark = (now, images)
        by_images = (self.settings.kimg * 1000 - images) / max(speed, 1e-9) if self.settings.kimg else None
        by_minutes = 60 * self.settings.minutes - self.seconds if self.settings.minutes else None
        left = [value for value in (by_images, by_minutes) if value is not None]
        memory = peak_memory(self.training.model.device)
        return {
            "seconds": round(self.seconds, 3),
            "images_per_second": round(speed, 1),
            "left": round(max(min(left), 0), 1) if left else None,
            "memory_gb": round(memory, 2),
        }

    def share(self) -> float:
        """How far the run has come, in the units of its display."""
        return self.training.progress.images / 1000 if self.settings.kimg else self.seconds / 60

    def warn(self) -> None:
        """Say each health warning once."""
        for name, advice in warnings(self.lines, self.plan.data.items).items():
            if name not in self.warned:
                self.warned.add(name)
                self.display.say(f"Warning: {name}. {advice}")

    def first_pictures(self) -> None:
        """The real grid and the untrained one."""
        if rank() == 0:
            save_real_grid(self.folder, self.loader, self.training.model)
        self.snapshot()

    def check(self) -> None:
        """Raise Diverged on every process when a loss of one is no longer finite."""
        bad = self.meter.bad()
        if agreed(bool(bad)):
            raise Diverged(", ".join(bad) or "a loss of another process")

    def snapshot(self, keep: Iterable[str] = (), last: bool = False) -> None:
        """Pictures, score, checkpoint."""
        best, sampler = False, None
        if rank() == 0:
            with sampling(self.training.model, self.training.averages) as model:
                save_grid(self.folder, model, self.shown, self.training.progress.images)
                save_logits(self.folder, model, self.shown, self.training.progress.images)
                if last:
                    judge = None if self.scoring is None else self.scoring.judge
                    save_figures(self.folder, model, self.shown, judge)
                if self.scoring is not None and self.scoring.due(self.lines, self.training.progress, last):
                    best = self.score(self.scoring, model)
                sampler = {name: value.clone() for name, value in model.sampling_state().items()}
        self.save([*keep, "best"] if agreed(best) else keep, sampler)

    def score(self, scoring: Scoring, model: Model) -> bool:
        """Log and keep scores; whether the first metric's is the best so far."""
        scores = scoring.measure(model, self.folder, self.training.progress)
        best = improves(scores[0], self.best)
        self.best = scores[0].value if best else self.best
        self.write({"loss": {}, "health": {}, "score": named(scores)})
        keep_scores(self.folder, scores)
        return best

    def save(self, keep: Iterable[str] = (), sampler: Mapping[str, Tensor] | None = None) -> None:
        """A checkpoint of the state as it is, also named `keep`; refused when a weight is not finite."""
        self.check()
        if agreed(not finite(self.training.model)):
            raise Diverged("the weights")
        self.clock()
        extra = {
            "seconds": self.seconds,
            "best": self.best,
            "warned": sorted(self.warned),
        }
        own = self.meter.state()
        checkpoint.save(self.folder / "checkpoints", self.training, extra, keep, own, sampler)
        self.saved_at = time.monotonic()

    def kept(self, before: int, after: int) -> list[str]:
        """The name under which a checkpoint of now stays, when a mark of `keep_kimg` was passed."""
        gap = int(self.settings.keep_kimg * 1000)
        return [f"images{after:010d}"] if gap and before // gap != after // gap else []

    def finish(self) -> Run:
        """The last pictures, checkpoint and report; raise Interrupted if the user stopped the run."""
        interrupted = agreed(bool(self.stopped_by))
        if interrupted:
            self.save()
        else:
            self.snapshot(last=True)
        if rank() == 0:
            write_report(self.folder, self.training.model.preview_names())
        if interrupted:
            raise Interrupted(self.folder, max(self.stopped_by, 130))
        self.display.stop()
        self.display.say(farewell(self.folder, self.training.progress.images, self.elapsed(), self.training.model))
        return Run(self.folder, self.training.progress.images, self.best)

    def rates(self) -> list[str]:
        """The model's learning rates, halved, as options."""
        fields = dataclasses.asdict(self.plan.config)
        return [f"-s {name}={value / 2:g}" for name, value in fields.items() if "lr" in name.split("_")]

    def diverged(self, what: str) -> str:
        """What happened and what to try."""
        last = self.folder / "checkpoints" / "last.json"
        kept = f"The last good state, at {read_json(last)['images']:,} images, is kept" if last.exists() else "Nothing"
        return (
            f"{what} became NaN or infinite at step {self.training.progress.step:,}. {kept} in {self.folder}. "
            f"Try a lower learning rate ({', '.join(self.rates())}), --precision fp32, or a smoothing regularizer "
            f"(--regularize r1:gamma=10), starting from the saved weights with --from {self.folder}."
        )


def farewell(folder: Path, images: int, seconds: float, model: Model) -> str:
    """Where everything is, and what to do next."""
    commands = [f"sample {folder} --n 64 --out grid.png", f"interpolate {folder} --out walk.gif"]
    if model.reads:
        commands = [f"{able} {folder} PICTURES --out FOLDER" for able in USES if hasattr(model, able)]
    return "\n".join(
        [
            f"Done: {images:,} images in {duration(seconds)}.",
            f"  pictures  {folder / 'samples'}",
            f"  report    {folder / 'report.html'}",
            "Next:",
            *(f"  ganzoo {command}" for command in commands),
            f"  ganzoo train --resume {folder} --kimg {2 * images / 1000:g}",
        ]
    )


def finite(model: torch.nn.Module) -> bool:
    """Whether every weight is a number."""
    return bool(torch.nn.utils.get_total_norm([p.detach() for p in model.parameters()]).isfinite())


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Lines of a log; one cut off by a kill is left out."""
    if not path.exists():
        return
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(text)
        except ValueError:
            return


def snapshot_marks(first_kimg: float) -> Callable[[int], int]:
    """How many snapshots are due by a number of images: gaps of `first_kimg`, growing to a tenth of the way."""
    base = max(int(first_kimg * 1000), 1)

    def due(images: int) -> int:
        count, mark = 0, base
        while mark <= images:
            count, mark = count + 1, mark + max(base, mark // 10 // base * base)
        return count

    return due


def crosses(due: Callable[[int], int], before: int, after: int) -> bool:
    """Whether a mark lies in (before, after]."""
    return due(before) != due(after)


@contextmanager
def signals(stop: Callable[[int], None]) -> Iterator[None]:
    """Ctrl-C and a polite kill end the run after its step, with codes 130 and 143."""
    codes = {signal.SIGINT: 130, signal.SIGTERM: 143}
    try:
        before = {number: signal.signal(number, lambda n, _: stop(codes[signal.Signals(n)])) for number in codes}
    except ValueError:  # not the main thread: the caller's signals stay the caller's
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
