"""What combines, by the rules over traits; and that the command line asks them."""

import pytest
import torch

from zoo import InvalidOptions
from zoo.compatibility import RULES, Mix, Part, combine, part, refusals
from zoo.grammar import parse
from zoo.training.request import Asked, resolve


def made(kind: str, text: str, **traits: str) -> Part:
    return Part(parse(text), kind, traits)


HOST = made("architecture", "host")
GAME = made("loss", "game")
POOL = made("regularizer", "pool", memory="yes")
RULE = made("regularizer", "both", scope="players")
LOOK = made("regularizer", "look", needs="features")
STEEP = made("regularizer", "steep", per_sample="yes")
ENERGY = made("discriminator", "rebuild", output="energy")
PLAIN = made("discriminator", "plain")


def host(**traits: str) -> Part:
    return made("architecture", "host", **traits)


@pytest.mark.parametrize(
    ("mix", "reason", "instead"),
    [
        (Mix(host(game="none"), GAME), "plays no adversarial game", "without parts"),
        (Mix(HOST, GAME, discriminators=[PLAIN, PLAIN]), "only one discriminator can replace", "plain:role=join"),
        (Mix(host(heads="classes"), GAME, discriminators=[PLAIN]), "also gives classes", "plain:role=join"),
        (Mix(host(conditions="label,text"), GAME, discriminators=[PLAIN]), "ignores label, text", "plain:role=join"),
        (Mix(HOST, GAME, discriminators=[ENERGY]), "loss game takes logits", "--loss began or ebgan"),
        (Mix(HOST, made("loss", "sum", output="energy")), "loss sum takes energies", "--discriminator autoencoder"),
        (
            Mix(HOST, GAME, discriminators=[made("discriminator", "e:role=join", output="energy")]),
            "names no loss",
            "re",
        ),
        (Mix(HOST, GAME, [LOOK]), "needs features", "--discriminator dcgan"),
        (Mix(host(norm="batch"), GAME, [STEEP]), "gradient per image", "spectral-norm"),
        (Mix(host(twice="no"), GAME, [STEEP]), "differentiates twice", "spectral-norm"),
        (Mix(host(conditions="label"), GAME, [POOL]), "without their label", "leave pool out"),
        (Mix(host(grows="yes"), GAME, [POOL]), "host's grow", "leave pool out"),
        (Mix(HOST, GAME, [POOL, POOL]), "both choose", "keep pool"),
        (Mix(HOST, GAME, [RULE]), "exactly one discriminator step", "or dcgan or"),
        (Mix(host(players="pair"), GAME, [RULE, RULE]), "both say", "keep both"),
        (Mix(HOST, GAME, [made("regularizer", "l", output="energy")]), "is about energy", "leave l out"),
        (
            Mix(HOST, made("loss", "far", boundary="none"), augment=made("augmentation", "a", adaptive="p")),
            "far has no boundary",
            "a:p=0.2",
        ),
        (Mix(host(weights="equalised"), made("loss", "l", clips="c")), "scales weights of size 1", "l:c=1"),
        (
            Mix(host(spatial="mask"), GAME, augment=made("augmentation", "stiff", spatial="no")),
            "cannot move mask",
            "diffaugment",
        ),
        (Mix(HOST, GAME, backbones=[made("backbone", "b")]), "none is named", "--discriminator"),
        (
            Mix(HOST, GAME, discriminators=[made("discriminator", "f", backbone="needed")]),
            "stands on a frozen network",
            "--backbone",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_rule_gives_its_reason_and_the_nearest_choice(mix, reason, instead):
    (refusal,) = refusals(mix)
    assert reason in refusal.reason
    assert instead in refusal.instead


@pytest.mark.parametrize(
    "mix",
    [
        Mix(HOST, GAME, [POOL, STEEP]),
        Mix(host(players="pair"), GAME, [RULE]),
        Mix(host(features="yes"), GAME, [LOOK]),
        Mix(host(conditions="label"), GAME, discriminators=[made("discriminator", "d", conditions="label")]),
        Mix(host(heads="classes"), GAME, discriminators=[made("discriminator", "d:role=join")]),
        Mix(HOST, made("loss", "l", boundary="none"), augment=made("augmentation", "a:p=0.2", adaptive="p")),
        Mix(host(weights="equalised"), made("loss", "l:c=1", clips="c")),
        Mix(HOST, GAME, discriminators=[made("discriminator", "f:backbone=b", backbone="needed")]),
    ],
)
def test_what_no_rule_refuses_combines(mix):
    assert refusals(mix) == []


def test_names_are_looked_up_and_options_kept():
    assert combine("dcgan", "hinge", ["r1:gamma=1"], "diffaugment", ["dcgan:width=8"]) == []
    (refusal,) = combine("dcgan", "ebgan:margin=2", ["unrolled"])
    assert str(refusal) == (
        "loss ebgan takes energies, dcgan's discriminator gives logits; take --discriminator autoencoder."
    )


def test_every_rule_says_what_it_is_about():
    assert all(rule.__doc__ and rule.__doc__.endswith(".") for rule in RULES)


def test_a_run_is_refused_before_any_work_with_every_reason():
    asked = Asked(loss="ebgan", regularize=("lecam", "unrolled", "consensus"), options={"d_norm": "none"})
    with pytest.raises(InvalidOptions) as refused:
        resolve("dcgan", "emoji", asked, torch.device("cpu"))
    text = " ".join(refused.value.problems)
    assert "--discriminator autoencoder" in text
    assert "unrolled and consensus both say how the players move" in text


def test_a_role_may_be_given():
    assert part("discriminator", "dcgan").role == "replace"
    assert part("discriminator", "dcgan:role=join").role == "join"


@pytest.mark.parametrize("architecture", ["acgan", "infogan", "fastgan"])
def test_fakes_that_are_paired_with_their_making_are_not_swapped(architecture):
    assert any("swaps fakes" in str(refusal) for refusal in combine(architecture, "hinge", ["replay"]))
    assert not combine("dcgan", "hinge", ["replay"])
