"""That what is allowed trains: each part on two hosts, and, slowly, every pair of parts."""

from collections.abc import Iterable, Iterator
from itertools import zip_longest

import pytest
import torch

from zoo import Model, Parts
from zoo.compatibility import combine, part
from zoo.options import changed
from zoo.plugins import registry
from zoo.testing.toy_data import DATA, batch
from zoo.training import checkpoint
from zoo.training.engine import Training
from zoo.training.plan import model_class

Choice = tuple[str, str, str, str]  # host, loss, regularizer, augmentation; "" for none
Want = tuple[tuple[int, str], tuple[int, str]]  # two places of a choice and what is to stand there
LOSSES, REGULARIZERS, AUGMENTS = (registry().names(kind) for kind in ("loss", "regularizer", "augmentation"))
ARCHITECTURES, JUDGES = registry().names("architecture"), registry().names("discriminator")
VALUES = ([], LOSSES, ["", *REGULARIZERS], ["", *AUGMENTS])


def all_hosts(per_judge: int) -> list[str]:
    """`architecture` or `architecture discriminator`, each discriminator on so many architectures, in both roles."""
    found = list(ARCHITECTURES)
    for i, name in enumerate(JUDGES):
        turned = ARCHITECTURES[i % len(ARCHITECTURES) :] + ARCHITECTURES[: i % len(ARCHITECTURES)]
        hosts = [f"{architecture} {name}:role={role}" for architecture in turned for role in ("replace", "join")]
        fitting = [host for host in hosts if any(allowed((host, loss, "", "")) for loss in LOSSES)]
        roles = [[host for host in fitting if host.endswith(role)] for role in ("replace", "join")]
        alternating = [host for pair in zip_longest(*roles) for host in pair if host is not None]
        found += alternating[:per_judge]
    return [host for host in found if any(allowed((host, loss, "", "")) for loss in LOSSES)]


def allowed(choice: Choice) -> bool:
    host, loss, regularizer, augment = choice
    architecture, *judges = host.split()
    given = [regularizer] if regularizer else []
    return not combine(architecture, loss, given, augment or "none", judges, backbones_for(judges))


def backbones_for(judges: list[str]) -> list[str]:
    """The small frozen network for tests, where a discriminator takes one and its options for tests name none."""
    entries = [registry().find("discriminator", judge.partition(":")[0]).entry for judge in judges]
    known = [one.name for one in registry().select("backbone", tags=["test"])]
    wanting = ["backbone" in entry.traits and "backbone=" not in entry.traits.get("tiny", "") for entry in entries]
    return known[:1] if any(wanting) else []


def on_two_hosts() -> set[Want]:
    """Every host with some loss; every part on two hosts that allow it, a different two for the next part."""
    hosts = all_hosts(per_judge=2)
    wanted: set[Want] = set()
    for place, values in enumerate(VALUES):
        for i, value in enumerate(filter(None, values)):
            fitting = [host for host in hosts if any(allowed(each) for each in around(host, place, value))]
            for k in range(min(2, len(fitting))):
                wanted.add(((0, fitting[(i + k) % len(fitting)]), (place, value)))
    for host in hosts:
        if not any(host == want[0][1] for want in wanted):
            loss = next(loss for loss in LOSSES if allowed((host, loss, "", "")))
            wanted.add(((0, host), (1, loss)))
    return wanted


def around(host: str, place: int, value: str) -> Iterator[Choice]:
    """The plain choices with this part, by loss."""
    for loss in [value] if place == 1 else LOSSES:
        choice = [host, loss, "", ""]
        choice[place] = value
        yield (choice[0], choice[1], choice[2], choice[3])


def every_pair() -> set[Want]:
    """Each two parts of different kinds that some choice allows together."""
    values = (all_hosts(per_judge=999), *VALUES[1:])
    places = [(place, value) for place, known in enumerate(values) for value in known if value]
    pairs = [(a, b) for a in places for b in places if a[0] < b[0]]
    return {pair for pair in pairs if fill(dict(pair), set(), values[0]) is not None}


def fill(fixed: dict[int, str], wanted: set[Want], hosts: list[str]) -> Choice | None:
    """An allowed choice with these parts that covers as much of `wanted` as is easily found."""
    best: Choice | None = None
    free = [place for place in range(4) if place not in fixed]
    values = (hosts, *VALUES[1:])
    starts = [{**fixed, 0: host} for host in ([fixed[0]] if 0 in fixed else hosts)]
    for start in starts:
        for loss in [start[1]] if 1 in start else LOSSES:
            choice = [start[0], loss, start.get(2, ""), start.get(3, "")]
            if not allowed((choice[0], choice[1], choice[2], choice[3])):
                continue
            for place in (place for place in (2, 3) if place in free):
                options = [[*choice[:place], value, *choice[place + 1 :]] for value in values[place]]
                fitting = [each for each in options if allowed((each[0], each[1], each[2], each[3]))]
                choice = max(fitting, key=lambda each: gain(each, wanted))
            made = (choice[0], choice[1], choice[2], choice[3])
            if best is None or gain(made, wanted) > gain(best, wanted):
                best = made
        if best is not None and not wanted:
            break
    return best


def gain(choice: Iterable[str], wanted: set[Want]) -> int:
    """How many wanted pairs a choice covers."""
    return len(covered(tuple(choice)) & wanted)


def covered(choice: tuple[str, ...]) -> set[Want]:
    places = list(enumerate(choice))
    return {(a, b) for a in places for b in places if a[0] < b[0]}


def covering(wanted: set[Want]) -> list[Choice]:
    """Few choices that cover all that is wanted, found greedily."""
    left, chosen = set(wanted), []
    hosts = sorted({value for want in wanted for place, value in want if place == 0})
    while left:
        made = fill(dict(min(left)), left, hosts)
        assert made is not None
        chosen.append(made)
        left -= covered(made)
    return chosen


def build(choice: Choice) -> Model:
    """The tiny preset with these parts, without what per-image gradients refuse."""
    host, loss, regularizer, augment = choice
    name, *judges = host.split()
    model = model_class(name)
    config = model.presets["tiny"](DATA).config
    option = part("architecture", name).traits.get("norm", "")
    if "=" in option and regularizer and "per_sample" in registry().find("regularizer", regularizer).entry.traits:
        config = changed(config, dict([option.split("=")]))
    replacing = [small(judge) for judge in judges if judge.endswith("replace")]
    parts = Parts(
        loss,
        (regularizer,) if regularizer else (),
        augment or "none",
        replacing[0] if replacing else "own",
        tuple(small(judge) for judge in judges if judge.endswith("join")),
        tuple(backbones_for(judges)),
    )
    torch.manual_seed(0)
    made = model(config, DATA)
    made.build_critics(parts)
    return made


def small(judge: str) -> str:
    """A discriminator with its entry's options for tests."""
    tiny = registry().find("discriminator", judge.partition(":")[0]).entry.traits.get("tiny", "")
    return f"{judge},{tiny}" if tiny else judge


def trains(choice: Choice) -> None:
    """Two steps: all finite, every optimizer's parameters move, no others do."""
    model = build(choice)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    engine = Training(model)
    torch.manual_seed(1)
    for i in range(2):
        log = engine.step(batch(model, i))
        assert all(value.isfinite().all() for value in log.values()), log
    moved = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    held: set[str] = set()
    for phase in engine.phases:
        ids = {id(p) for group in phase.optimizer.param_groups for p in group["params"]}
        names = {name for name, p in model.named_parameters() if id(p) in ids}
        assert names & moved, phase.name
        held |= names
    assert moved <= held
    assert all(p.isfinite().all() for p in model.parameters())


def failures(choices: Iterable[Choice]) -> list[str]:
    """All that do not train, each with its error: one fault often shows in several choices."""
    found = []
    for choice in choices:
        try:
            trains(choice)
        except Exception as error:
            found.append(f"{choice}: {error!r}")
    return found


def test_each_part_trains_on_two_hosts():
    chosen = covering(on_two_hosts())
    assert len(chosen) <= 60
    assert failures(chosen) == []


@pytest.mark.parametrize(
    ("discriminator", "loss", "regularizers"),
    [
        ("own", "hinge", ("lecam", "replay:size=12")),
        ("autoencoder:width=4", "began:rate=0.1", ("pull-away",)),
        ("autoencoder:width=4,form=began", "began:rate=0.1", ()),
        ("own", "hinge", ("consensus:strength=0.1",)),
        ("own", "minimax", ("unrolled:steps=2",)),
    ],
)
def test_state_and_joint_optimizers_survive_a_resume_exactly(discriminator, loss, regularizers, tmp_path):
    def made(seed: int) -> Training:
        torch.manual_seed(seed)
        model = model_class("dcgan")(model_class("dcgan").presets["tiny"](DATA).config, DATA)
        model.build_critics(Parts(loss, regularizers, discriminator=discriminator))
        return Training(model)

    def run(engine: Training, start: int, end: int) -> None:
        torch.manual_seed(start)
        for i in range(start, end):
            engine.step(batch(engine.model, i))

    straight, first, again = made(0), made(0), made(1)
    run(straight, 0, 3)
    run(first, 0, 3)
    checkpoint.restore(again, checkpoint.save(tmp_path, first, {}))
    run(straight, 3, 6)
    run(again, 3, 6)
    for (name, value), other in zip(
        straight.model.state_dict().items(), again.model.state_dict().values(), strict=True
    ):
        assert torch.equal(value, other), name


@pytest.mark.slow
def test_every_pair_of_parts_trains():
    assert failures(covering(every_pair())) == []
