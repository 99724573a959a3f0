"""The conformance kit: sound plugins pass it, and each kind of fault is found and named."""

import re

import pytest

from tests import fake_plugins
from tests.fake_plugins import FakePlugins, run_ganzoo
from zoo.errors import UnknownName, ZooError
from zoo.testing import check_plugin, checks_of, parametrize

fakes = fake_plugins.fakes

HOOKS = """
    from zoo.registry import Entry

    def ganzoo_losses():
        yield Entry("odd", "odd_loss:Odd", "a loss for tests of the kit", paper="1406.2661")

    def ganzoo_augmentations():
        yield Entry("shrink", "odd_loss:Shrink", "an augmentation for tests of the kit")
"""

PARTS = """
    import torch
    from zoo import Augment, Game

    class Odd(Game):
        def __init__(self, margin: float = 1.0{comment}):
            self.margin = margin

        def d(self, real, fake):
            return {d}

        def g(self, fake, real=None):
            return {g}

    class Shrink(Augment):
        def __init__(self, amount: float = 0.5,  # share of the pictures' values that is kept
        ):
            super().__init__()
            self.amount = amount
            {buffer}

        def forward(self, images, spatial):
            {state}
            return {view}, spatial
"""

SOUND = {
    "comment": ",  # how far apart the sides are driven\n        ",
    "d": "(self.margin - real).mean(), (self.margin + fake).mean()",
    "g": "-fake.mean()",
    "buffer": "self.register_buffer('seen', torch.zeros(()))",
    "state": "self.seen += 1",
    "view": "images * self.amount * (1 + self.seen)",
}


def install(fakes: FakePlugins, **changed: str) -> None:
    source = PARTS.format(**{**SOUND, **changed})
    fakes.add("odd-plugin", {"odd": "odd_hooks"}, {"odd_hooks": HOOKS, "odd_loss": source})


def failures() -> dict[str, str]:
    return {result.check.name: result.reason for result in check_plugin("odd") if not result.good}


def test_a_sound_plugin_lacks_nothing_but_its_licence(fakes):
    install(fakes)
    assert set(failures()) == {"plugin odd: Its distribution states a licence and a summary"}


@pytest.mark.parametrize(
    ("fault", "where", "reason"),
    [
        ({"comment": ""}, "loss odd: Explains every option", "margin"),
        ({"d": "(1 - real), (1 + fake)"}, "loss odd: Gives finite scalars", "scalar is wanted"),
        ({"g": "-fake.detach().mean() + 0 * fake.sum()"}, "loss odd: Gives finite scalars", "no gradient"),
        ({"g": "fake.mean() / 0"}, "loss odd: Gives finite scalars", "AssertionError"),
        ({"view": "images[:, :, ::2, ::2]"}, "augmentation shrink: Keeps shape", "AssertionError"),
        ({"view": "images.detach()"}, "augmentation shrink: Keeps shape", "no gradient reaches the images"),
        (
            {"buffer": "self.seen = torch.zeros(())"},
            "augmentation shrink: Trains a host",
            "differs after a resume: state that is no parameter and no buffer?",
        ),
    ],
    ids=lambda value: re.sub(r"\W+", "-", str(value))[:30],
)
def test_each_fault_is_found_and_named(fakes, fault, where, reason):
    install(fakes, **fault)
    found = failures()
    named = [text for name, text in found.items() if name.startswith(where)]
    assert named, found
    assert reason in named[0]


def test_expected_failures_are_told_apart_and_must_stay_true(fakes):
    install(fakes, comment="")
    reasons = {"*licence*": "an old set of rules", "loss odd: Explains*": "undocumented", "loss odd: Its target*": "no"}
    by = {result.check.name: result for result in check_plugin("odd", expected=reasons)}
    assert by["plugin odd: Its distribution states a licence and a summary"].status == "expected"
    assert by["loss odd: Explains every option on its line"].reason == "undocumented"
    assert by["loss odd: Its target imports"].status == "mended"
    assert not by["loss odd: Its target imports"].good


def test_checks_become_parameters_of_a_pytest_test(fakes):
    install(fakes)
    mark = parametrize("odd", expected={"*licence*": "none yet"}).mark
    parameters = mark.args[1]
    assert [one.id for one in parameters] == [check.name for check in checks_of("odd")]
    (expected,) = [one for one in parameters if one.marks]
    assert expected.marks[0].kwargs == {"reason": "none yet", "strict": True}


def test_unknown_and_broken_plugins_are_refused(fakes):
    fakes.add("broken-plugin", {"broken": "broken_hooks"}, {"broken_hooks": "import absent_thing"})
    with pytest.raises(UnknownName, match="brokn"):
        checks_of("brokn")
    with pytest.raises(ZooError, match="absent_thing"):
        checks_of("broken")


def test_the_command_prints_a_table_and_fails_with_the_plugin(fakes):
    install(fakes, comment="")
    done = run_ganzoo("plugins", "check", "odd", "--only", "loss odd: ", path=fakes.folder)
    assert done.returncode == 1
    assert "failed" in done.stdout
    assert "margin" in done.stdout
    assert "5 passed, 0 skipped, 1 failed" in done.stdout
    assert "odd fails 1 of 6 checks" in done.stderr
