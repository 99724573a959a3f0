from itertools import product

import pytest

from zoo.errors import ZooError
from zoo.grammar import Reference, format, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hinge", Reference("hinge")),
        ("  hinge ", Reference("hinge")),
        ("dcgan@paper", Reference("dcgan", variant="paper")),
        ("my-dist::hinge", Reference("hinge", distribution="my-dist")),
        ("d::n@v:a=1,b=2", Reference("n", "d", "v", {"a": "1", "b": "2"})),
        ("r1:gamma=10", Reference("r1", options={"gamma": "10"})),
        ("r1:gamma=10, every=16", Reference("r1", options={"gamma": "10", "every": "16"})),
        ("diffaugment:policy=color+translation", Reference("diffaugment", options={"policy": "color+translation"})),
        ("x:path=C:/a=b", Reference("x", options={"path": "C:/a=b"})),
        ("x:path=a::b", Reference("x", options={"path": "a::b"})),
        ("x:empty=", Reference("x", options={"empty": ""})),
        ("projected-gan/ffhq", Reference("projected-gan/ffhq")),
        ("timm", Reference("timm")),
        ("timm:resnet18.a1_in1k", Reference("timm", options={"model": "resnet18.a1_in1k"})),
        ("clip:ViT-B-32@openai", Reference("clip", options={"model": "ViT-B-32@openai"})),
        (
            "d::timm:resnet18;size=224,resize=bicubic",
            Reference("timm", "d", options={"model": "resnet18", "size": "224", "resize": "bicubic"}),
        ),
        ("hf:owner/name@v1#config/train", Reference("hf", options={"model": "owner/name@v1#config/train"})),
        ("hf:owner/name;split=test", Reference("hf", options={"model": "owner/name", "split": "test"})),
    ],
)
def test_parse(text: str, expected: Reference) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it names nothing"),
        (":a=1", "the name before the colon is missing"),
        ("gamma=1", "options follow a name and a colon, as in name:gamma=1"),
        ("a b", "'a b' is no name"),
        ("dcgan@", "is no name"),
        ("::x", "is not of the form"),
        ("a::b::c", "is not of the form"),
        ("r1:", "an option is missing"),
        ("r1:gamma=1,", "an option is missing"),
        ("r1:gamma", "'gamma' is not key=value"),
        ("r1:1x=2", "'1x=2' is not key=value"),
        ("aug:policy=color,translation", "join the items of a list with '\\+'"),
        ("r1:gamma=1,gamma=2", "gives 'gamma' twice"),
        ("timm:", "names no model"),
        ("timm:;size=2", "names no model"),
        ("timm:resnet18;", "an option is missing"),
        ("timm:resnet18;model=x", "gives the model twice"),
    ],
)
def test_errors_teach(text: str, problem: str) -> None:
    with pytest.raises(ZooError, match=problem):
        parse(text)


def test_format_is_the_inverse_of_parse() -> None:
    distributions = [None, "my.dist-1"]
    names = ["hinge", "projected-gan/ffhq", "timm"]
    variants = [None, "paper", "v1.2_x"]
    values = ["1", "", "a+b", "x:y=z", "3e-4", "a b"]
    for distribution, name, variant, value in product(distributions, names, variants, values):
        for options in ({}, {"a": value}, {"a": value, "b_2": "none"}):
            if name == "timm" and options:
                options = {"model": "org/net@tag#x", **options}
            reference = Reference(name, distribution, variant, options)
            assert parse(format(reference)) == reference


@pytest.mark.parametrize("options", [{"a": "x,y"}, {"a": "x,b=y"}, {"a": "trailing "}, {"bad key": "1"}])
def test_what_cannot_be_written_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(ZooError):
        format(Reference("hinge", options=options))


def test_a_model_with_a_semicolon_cannot_be_written() -> None:
    with pytest.raises(ZooError):
        format(Reference("timm", options={"model": "a;b"}))


def test_other_providers_may_be_named() -> None:
    assert parse("zoo:a/b", providers={"zoo"}) == Reference("zoo", options={"model": "a/b"})
    with pytest.raises(ZooError):
        parse("timm:resnet18", providers={"zoo"})


def test_qualified_name_is_what_the_registry_finds() -> None:
    assert parse("dist::hinge:a=1").qualified == "dist::hinge"
    assert parse("hinge:a=1").qualified == "hinge"
