"""What an architecture owes, shown on its preset `tiny` at 16 px."""

import dataclasses
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from zoo.adversarial import critics_of
from zoo.compatibility import combine
from zoo.model import Model, Parts
from zoo.plugins import registry
from zoo.registry import Registered
from zoo.testing.kit import NotApplicable, owes, refusal
from zoo.testing.toy_data import DATA, batch, drawn
from zoo.training import checkpoint
from zoo.training.averages import sampling
from zoo.training.engine import Training
from zoo.training.plan import model_class, usual_parts
from zoo.use import create

__all__ = ["foreign_parts", "same_state", "train"]


def fresh(one: Registered, seed: int = 0) -> Model:
    """The model with its critics."""
    torch.manual_seed(seed)
    return create(one.qualified, preset="tiny", data=DATA, training=True)


def plain(one: Registered) -> Model:
    """The model without critics, ready to sample."""
    return create(one.qualified, preset="tiny", data=DATA)


def train(engine: Training, start: int, end: int) -> None:
    """Steps start to end - 1; every number that is logged is finite."""
    torch.manual_seed(100 + start)
    for i in range(start, end):
        log = engine.step(batch(engine.model, i))
        bad = [name for name, value in log.items() if not value.isfinite().all()]
        assert not bad, f"not finite in step {i}: {', '.join(bad)}"


def same_state(model: torch.nn.Module, other: torch.nn.Module) -> None:
    """Assert that two models hold equal tensors, bit for bit."""
    for (name, a), b in zip(model.state_dict().items(), other.state_dict().values(), strict=True):
        assert torch.equal(a, b), f"{name} differs after a resume: state that is no parameter and no buffer?"


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="ganzoo-check-") as name:
        yield Path(name)


@owes("architecture")
def presets(one: Registered) -> None:
    """Its presets are those of its entry, `default` and `tiny` among them, and are whole configurations."""
    model = model_class(one.qualified)
    assert set(one.entry.presets) == set(model.presets), (
        f"the entry names {sorted(one.entry.presets)}, the class has {sorted(model.presets)}"
    )
    assert {"default", "tiny"} <= set(model.presets), "presets `default` and `tiny` are wanted"
    assert tuple(one.entry.needs) == tuple(model.needs), f"Entry.needs is {one.entry.needs}, the class's {model.needs}"
    for name, preset in model.presets.items():
        config = preset(DATA).config
        assert dataclasses.is_dataclass(config), f"preset {name} gives no dataclass"
        missing = [field for field in ("batch", "kimg") if not hasattr(config, field)]
        assert not missing, f"preset {name} has no {', '.join(missing)}"


@owes("architecture")
def pictures(one: Registered) -> None:
    """Draws pictures, float32 in [-1, 1], of the data's size and channels."""
    for channels in (3, 1):
        data = dataclasses.replace(DATA, channels=channels)
        images = drawn(create(one.qualified, preset="tiny", data=data), 2)
        assert images.shape == (2, channels, data.resolution, data.resolution), f"shape {tuple(images.shape)}"
        assert images.dtype == torch.float32
        assert images.abs().max() <= 1
        assert images.isfinite().all()


@owes("architecture")
def seeds(one: Registered) -> None:
    """Draws each picture from its own seed, whatever the batch."""
    engine = Training(fresh(one))
    train(engine, 0, 2)
    with sampling(engine.model, engine.averages) as model:
        whole = drawn(model, 5, seed=3)
        close(drawn(model, 5, seed=3, at_once=2), whole, "the batch changes pictures")
        close(drawn(model, 2, seed=5), whole[2:4], "seed 3 + 2 is not seed 5")
        assert not torch.equal(whole[0], whole[1]), "two seeds give one picture"


@owes("architecture")
def quiet(one: Registered) -> None:
    """Sampling draws nothing from the random numbers of training."""
    model = plain(one)
    before = torch.get_rng_state()
    drawn(model, 2)
    assert torch.equal(torch.get_rng_state(), before), "draw latents with zoo.draw_normal, item by item"


@owes("architecture")
def bare(one: Registered) -> None:
    """Loads for sampling without critics, and asks for no gradients."""
    model = plain(one)
    assert not critics_of(model), "__init__ builds critics; leave them to build_critics"
    assert not any(p.requires_grad for p in model.parameters())
    assert not model.training


@owes("architecture")
def phases_train(one: Registered) -> None:
    """Each phase trains what its optimiser holds, and nothing else moves."""
    engine = Training(fresh(one))
    before = {name: value.detach().clone() for name, value in engine.model.named_parameters()}
    train(engine, 0, 4)
    moved = {name for name, value in engine.model.named_parameters() if not torch.equal(value, before[name])}
    held: set[str] = set()
    for phase in engine.phases:
        ids = {id(p) for group in phase.optimizer.param_groups for p in group["params"]}
        names = {name for name, value in engine.model.named_parameters() if id(value) in ids}
        assert names & moved, f"phase {phase.name} moves nothing in four steps"
        held |= names
    assert moved <= held, f"moved, though no optimiser holds them: {sorted(moved - held)[:3]}"


@owes("architecture")
def resumes(one: Registered) -> None:
    """Goes on exactly after an interruption."""
    with folder() as where:
        straight, first, again = Training(fresh(one)), Training(fresh(one)), Training(fresh(one, seed=7))
        train(straight, 0, 3)
        train(first, 0, 3)
        checkpoint.restore(again, checkpoint.save(where, first, {}))
        train(straight, 3, 6)
        train(again, 3, 6)
        same_state(straight.model, again.model)


@owes("architecture")
def saves(one: Registered) -> None:
    """What is saved loads strictly and draws the same pictures."""
    with folder() as where:
        engine = Training(fresh(one))
        train(engine, 0, 2)
        tensors = checkpoint.read_tensors(checkpoint.save(where, engine, {}) / "model.safetensors")
        model = plain(one)
        checkpoint.load_strictly(model, tensors, where)
        with sampling(engine.model, engine.averages) as live:
            close(drawn(model, 2), drawn(live, 2), "a loaded model draws other pictures")
        first, *others = tensors
        lacking = {name: tensors[name] for name in others}
        refused = refusal(lambda: checkpoint.load_strictly(model, lacking, where))
        assert refused is not None, f"a file without {first} is loaded without a word"
        assert first in str(refused)


@owes("architecture")
def plays_other_games(one: Registered) -> None:
    """Trains with two other losses, an augmentation, and a second discriminator."""
    own = own_parts(one)
    if own is None:
        raise NotApplicable("it plays no adversarial game")
    chosen = foreign_parts(one, own)
    if not chosen:
        raise NotApplicable("its traits refuse every other part")
    for parts in chosen:
        try:
            torch.manual_seed(0)
            model = model_class(one.qualified)(tiny(one), DATA)
            model.build_critics(parts)
            train(Training(model), 0, 2)
        except Exception as error:
            raise AssertionError(f"with {parts}: {error}") from error


def tiny(one: Registered) -> object:
    """The configuration of the preset `tiny`."""
    return model_class(one.qualified).presets["tiny"](DATA).config


def own_parts(one: Registered) -> Parts | None:
    """The parts of the preset `tiny`; None for an architecture that takes none."""
    model = model_class(one.qualified)
    chosen = model.presets["tiny"](DATA)
    return chosen.parts or usual_parts(model, chosen.config)


def foreign_parts(one: Registered, own: Parts) -> list[Parts]:
    """Its parts with another loss (twice), another augmentation, a discriminator that joins: what its traits allow."""
    name, without = one.qualified, dataclasses.replace(own, regularizers=())
    losses = [loss for loss in ("hinge", "least-squares", "non-saturating") if loss != own.loss.partition(":")[0]]
    known = set(registry().names("loss"))
    played = [loss for loss in losses if loss in known and not combine(name, loss)][:2]
    changed = [dataclasses.replace(without, loss=loss) for loss in played]
    augment = next((a for a in ("diffaugment", "flip") if a in registry().names("augmentation")), "")
    if augment and not combine(name, own.loss, augment=augment):
        changed.append(dataclasses.replace(without, augment=augment))
    judge = joining()
    if judge and not combine(name, own.loss, discriminators=[judge]):
        changed.append(dataclasses.replace(without, allies=(judge,)))
    return changed


def joining() -> str:
    """A small discriminator that can join any game; empty when none is installed."""
    for found in registry().select("discriminator", "dcgan"):
        return f"{found.qualified}:role=join,{found.entry.traits.get('tiny', '')}".rstrip(",")
    return ""


def close(given: Tensor, wanted: Tensor, complaint: str) -> None:
    """Assert that pictures are equal to within rounding."""
    apart = float((given - wanted).abs().max())
    assert apart < 1e-4, f"{complaint}: they differ by up to {apart:.2g}"
