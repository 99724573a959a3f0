import functools
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from textwrap import dedent
from typing import Annotated, Any, Literal

import pytest

from tests.fake_plugins import python
from zoo import option_source
from zoo.errors import InvalidOptions
from zoo.option_types import choices_in, is_option, range_in, read, type_text, word
from zoo.options import (
    Option,
    Range,
    bind,
    build,
    changed,
    describe,
    describe_object,
    from_json,
    options_of,
    to_json,
)
from zoo.plugins import registry

Norm = Literal["batch", "instance", "none"]


@dataclass(frozen=True, slots=True)
class Config:
    z_dim: Annotated[int, Range(1, 4096)] = 100
    lr: Annotated[float, Range(0)] = 2e-4
    norm: Norm = "batch"
    betas: tuple[float, float] = (0.5, 0.999)
    widths: Annotated[tuple[int, ...], Range(1)] = (64, 32)
    limit: float | None = None
    size: int | Literal["auto"] = "auto"
    flip: bool = False
    name: str = "x"
    layers: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        (int, "12", 12),
        (int, " -3 ", -3),
        (int, "10_000", 10000),
        (int, "1e3", 1000),
        (int, "2.0", 2),
        (int, 64.0, 64),
        (int, str(2**70), 2**70),
        (float, "1", 1.0),
        (float, "3e-4", 3e-4),
        (float, 2, 2.0),
        (float, "inf", math.inf),
        (bool, "true", True),
        (bool, "No", False),
        (bool, "on", True),
        (bool, "0", False),
        (bool, True, True),
        (str, "none", "none"),
        (str | None, "none", None),
        (str | None, "text", "text"),
        (int | None, None, None),
        (int | None, "None", None),
        (int | None, "7", 7),
        (int | str, "7", 7),
        (str | int, "7", 7),
        (str | int, "x", "x"),
        (Norm, "batch", "batch"),
        (Literal[1, 2], "2", 2),
        (Literal[1, 2], 2, 2),
        (Literal["a", None], "none", None),
        (Literal[True, "auto"], "true", True),
        (tuple[int, ...], "64+32", (64, 32)),
        (tuple[int, ...], "", ()),
        (tuple[int, ...], "5", (5,)),
        (tuple[int, ...], 5, (5,)),
        (tuple[int, ...], [1, 2], (1, 2)),
        (tuple[str, ...], "color+translation", ("color", "translation")),
        (tuple[float, float], "0+0.99", (0.0, 0.99)),
        (tuple[Norm, ...], "none+batch", ("none", "batch")),
        (tuple[int, ...] | None, "none", None),
        (Annotated[int, Range(1, 3)], "3", 3),
        (Annotated[int | None, Range(1)], "none", None),
        (Annotated[int, Range(1)] | None, "none", None),
    ],
)
def test_values_that_are_read(kind: Any, given: object, expected: object) -> None:
    result = read(kind, given)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("kind", "given", "takes"),
    [
        (int, "1.5", "it takes a whole number"),
        (int, "x", "it takes a whole number"),
        (int, "", "it takes a whole number"),
        (int, "inf", "it takes a whole number"),
        (int, "nan", "it takes a whole number"),
        (int, True, "it takes a whole number"),
        (int, None, "it takes a whole number"),
        (float, "nan", "it takes a number"),
        (float, math.nan, "it takes a number"),
        (float, True, "it takes a number"),
        (float, [1.0], "it takes a number"),
        (bool, "2", "it takes true or false"),
        (bool, 1, "it takes true or false"),
        (str, 1, "it takes text"),
        (str, None, "it takes text"),
        (int | None, "x", "it takes a whole number or none"),
        (Norm, "bach", "it takes one of batch, instance, none. Did you mean 'batch'?"),
        (Literal[1, 2], True, "it takes one of 1, 2"),
        (Literal[1, 2], "3", "it takes one of 1, 2"),
        (int | Literal["auto"], "aut", "it takes a whole number or auto. Did you mean 'auto'?"),
        (tuple[float, float], "1", "it takes 2 values joined by \\+"),
        (tuple[int, ...], "1+x", "it takes values joined by \\+, each a whole number"),
        (tuple[int, ...], "1++2", "it takes values joined by \\+, each a whole number"),
        (Annotated[int, Range(1, 3)], "0", "it takes a whole number from 1 to 3"),
        (Annotated[float, Range(0)], "-1", "it takes a number of at least 0"),
        (Annotated[float, Range(high=1)], "2", "it takes a number of at most 1"),
        (Annotated[tuple[int, ...], Range(1)], "4+0", "each a whole number of at least 1"),
        (Annotated[int, Range(1)] | None, "0", "it takes a whole number of at least 1 or none"),
    ],
)
def test_values_that_are_refused(kind: Any, given: object, takes: str) -> None:
    with pytest.raises(ValueError, match=takes):
        read(kind, given)


def test_read_of_a_type_that_no_option_has() -> None:
    with pytest.raises(TypeError, match="cannot be of type dict"):
        read(dict, "x")


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (Annotated[int, Range(1)], "int"),
        (float | None, "float | none"),
        (Norm, "str"),
        (Literal[1, "auto"], "int | str"),
        (tuple[int, ...], "tuple[int, ...]"),
        (tuple[float, float], "tuple[float, float]"),
        (int | Literal["auto"], "int | str"),
    ],
)
def test_how_types_are_shown(kind: Any, shown: str) -> None:
    assert type_text(kind) == shown


def test_what_can_be_an_option() -> None:
    assert all(map(is_option, (int, bool, str | None, Norm, tuple[int, ...], Annotated[float, Range(0)])))
    assert not any(map(is_option, (dict, object, list[int], None, type(None), Callable[..., int], Path, Path | None)))


def test_ranges_and_choices_are_found_inside_annotations() -> None:
    assert range_in(Annotated[int, Range(1)] | None) == Range(1)
    assert range_in(int) is None
    assert choices_in(int | Literal["auto"] | None) == ("auto",)
    assert word((64, None, True)) == "64+none+true"


def test_bind_returns_only_what_is_given_typed() -> None:
    given = {"z_dim": "1e2", "betas": "0+0.9", "norm": "none", "size": "12"}
    assert bind(Config, given) == {"z_dim": 100, "betas": (0.0, 0.9), "norm": "none", "size": 12}
    assert bind(Config, {}) == {}


def test_bind_tells_every_problem_at_once() -> None:
    with pytest.raises(InvalidOptions) as caught:
        bind(Config, {"z_dim": "0", "z_dimm": "1", "norm": "bach", "flip": "maybe", "lr": "1"}, where="dcgan")
    assert caught.value.problems == (
        "dcgan: z_dim=0 is refused: it takes a whole number from 1 to 4096",
        "dcgan: no option is called 'z_dimm'. Did you mean 'z_dim'?",
        "dcgan: norm=bach is refused: it takes one of batch, instance, none. Did you mean 'batch'?",
        "dcgan: flip=maybe is refused: it takes true or false",
    )


def test_an_unknown_option_with_nothing_near_lists_the_known() -> None:
    def loss(margin: float = 1.0, lazy: int = 1) -> None: ...

    with pytest.raises(InvalidOptions, match=r"no option is called 'qqq'\. Options: margin, lazy\."):
        bind(loss, {"qqq": 1})
    with pytest.raises(InvalidOptions, match="It takes no options"):
        bind(lambda: None, {"a": 1})


class Penalty:
    def __init__(self, critic: object, gamma: float = 10.0, *, every=16, ally: object = None) -> None:  # type: ignore[no-untyped-def]
        self.critic, self.gamma, self.every = critic, gamma, every


class Inherited(Penalty):
    pass


class Bare:
    pass


def test_options_of_callables_are_those_with_a_default_and_a_plain_type() -> None:
    assert options_of(Penalty) == {"gamma": (float, 10.0), "every": (int, 16)}
    assert options_of(Inherited) == options_of(Penalty)
    assert options_of(Bare) == {}
    assert options_of(dict) == {}
    assert bind(functools.partial(Penalty, None), {"every": "4"}) == {"every": 4}


def test_options_of_an_instance_that_is_called() -> None:
    class Game:
        def __call__(self, real: object, margin: float = 1.0) -> None: ...

    assert options_of(Game()) == {"margin": (float, 1.0)}


def test_build_calls_the_target() -> None:
    assert build(Config, {"z_dim": "7"}) == Config(z_dim=7)

    def add(a: int = 1, b: int = 2) -> int:
        return a + b

    assert build(add, {"b": "40"}) == 41


@dataclass
class Needy:
    needed: int
    also: str
    more: tuple[int, ...] = field(default_factory=lambda: (1,))
    made: int = field(default=0, init=False)


def test_build_names_what_is_missing_and_what_is_wrong_together() -> None:
    with pytest.raises(InvalidOptions) as caught:
        build(Needy, {"needed": "x"}, where="needy")
    assert caught.value.problems == (
        "needy: needed=x is refused: it takes a whole number",
        "needy: also is missing",
    )
    assert build(Needy, {"needed": 1, "also": "a"}) == Needy(1, "a", (1,))
    with pytest.raises(InvalidOptions, match="no option is called 'made'"):
        bind(Needy, {"made": 1})


def test_names_that_only_type_checkers_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "checked_only.py").write_text(
        dedent(
            """
            from __future__ import annotations
            from dataclasses import dataclass
            from typing import TYPE_CHECKING

            if TYPE_CHECKING:
                from elsewhere import Critic

            def penalty(critic: Critic, gamma: float = 1.0, ally: Critic | None = None): ...

            @dataclass
            class Loss:
                margin: int = 1
                critic: Critic | None = None
            """
        )
    )
    monkeypatch.syspath_prepend(tmp_path)
    module = __import__("checked_only")
    assert options_of(module.penalty) == {"gamma": (float, 1.0)}
    assert options_of(module.Loss) == {"margin": (int, 1)}


def test_changed_replaces_bound_values() -> None:
    config = Config(z_dim=5)
    assert changed(config, {"norm": "none"}) == replace(config, norm="none")
    with pytest.raises(InvalidOptions):
        changed(config, {"z_dim": 5000})


@pytest.mark.parametrize(
    "config", [Config(), Config(widths=(), limit=math.inf), Config(limit=1.5, size=3, layers=("a", "b"), flip=True)]
)
def test_json_round_trip(config: Config) -> None:
    text = json.dumps(to_json(config), allow_nan=False)
    assert from_json(Config, json.loads(text)) == config


def test_from_json_is_strict() -> None:
    with pytest.raises(InvalidOptions) as caught:
        from_json(Config, {"z_dims": 3, "lr": "fast"}, where="config.json")
    assert caught.value.problems == (
        "config.json: no option is called 'z_dims'. Did you mean 'z_dim'?",
        "config.json: lr=fast is refused: it takes a number",
    )


SOURCE = """
    from __future__ import annotations

    import absent_heavy_package
    from absent_heavy_package import nn
    from dataclasses import dataclass, field
    from typing import TYPE_CHECKING, Annotated, Literal

    from zoo.options import Range

    if TYPE_CHECKING:
        from elsewhere import Critic

    Norm = Literal["batch", "none"]
    Share = Annotated[float, Range(0, 1)]
    BASE = 2**6


    class Model(nn.Module):
        @dataclass(frozen=True, slots=True)
        class Config:
            z_dim: Annotated[int, Range(1, 4096)] = 100  # length of the latent "#" vector
            # how activations are
            # normalised
            norm: Norm = "batch"

            share: Share = 0.5
            width: int = BASE * 2
            betas: tuple[float, float] = (0.5, 0.999)  # Adam  # noqa: X1
            colour: str = "#fff"  # of the border
            network: nn.Module | None = None
            limit: float | None = None  # type: ignore[x]
            size: "int" = field(default=3)
            sizes: tuple[int, ...] = field(default_factory=tuple)
            hidden: int = field(default=1, init=False)
            needed: int


    class Undecorated:
        stray: int = 1


    class Narrow(Model):
        @dataclass(frozen=True)
        class Config(Undecorated, Model.Config):
            width: int = 8  # fewer
            extra: bool = True


    class Same(Model):
        pass


    Alias = Narrow


    def loss(real: nn.Tensor, margin: float = 1.0, *, lazy=16, which: Literal["a", "b"] = "a") -> None: ...


    class Penalty(nn.Module):
        def __init__(
            self,
            critic: Critic,
            gamma: float = 10.0,  # its weight
            # only every so many
            # steps
            every: int = 16,
            ally: Critic | None = None,
            start: float = compute(),
        ) -> None: ...


    class Derived(Penalty):
        def other(self): ...


    class Plain(nn.Module):
        pass


    Split = Literal["train", "test"]  # part of the data


    # why there is such a function
    def source(split: Split = "train", items: int | None = None) -> None: ...  # and this is about it


    class Outer:
        class Inner:
            def __init__(self, a: int = -1): ...
"""


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "described_package"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('a package is not imported to be described')\n")
    (package / "model.py").write_text(dedent(SOURCE))
    monkeypatch.syspath_prepend(tmp_path)
    option_source.forget()
    return package


def names_and_defaults(target: str) -> dict[str, Any]:
    return {option.name: option.default for option in describe(f"described_package.{target}")}


@pytest.mark.usefixtures("source")
def test_describe_reads_the_config_of_an_architecture() -> None:
    found = {option.name: option for option in describe("described_package.model:Model")}
    assert list(found) == [*("z_dim", "norm", "share", "width", "betas", "colour", "limit", "size", "sizes", "needed")]
    assert found["z_dim"] == Option(
        "z_dim", "int", 100, range=Range(1, 4096), meaning='length of the latent "#" vector'
    )
    assert found["norm"] == Option(
        "norm", "str", "batch", choices=("batch", "none"), meaning="how activations are normalised"
    )
    assert found["share"] == Option("share", "float", 0.5, range=Range(0, 1))
    assert found["width"] == Option("width", "int", 128)
    assert found["betas"] == Option("betas", "tuple[float, float]", (0.5, 0.999), meaning="Adam")
    assert found["colour"] == Option("colour", "str", "#fff", meaning="of the border")
    assert found["limit"] == Option("limit", "float | none", None)
    assert found["size"] == Option("size", "int", 3)
    assert found["sizes"] == Option("sizes", "tuple[int, ...]", "tuple()")
    assert found["needed"] == Option("needed", "int", required=True)


@pytest.mark.usefixtures("source")
def test_describe_follows_bases_and_aliases() -> None:
    narrow = {option.name: option for option in describe("described_package.model:Narrow")}
    assert narrow["width"] == Option("width", "int", 8, meaning="fewer")
    assert next(iter(narrow)) == "z_dim"
    assert list(narrow)[-1] == "extra"
    assert describe("described_package.model:Alias") == list(narrow.values())
    assert describe("described_package.model:Same") == describe("described_package.model:Model")


@pytest.mark.usefixtures("source")
def test_describe_reads_functions_and_classes() -> None:
    assert names_and_defaults("model:loss") == {"margin": 1.0, "lazy": 16, "which": "a"}
    assert describe("described_package.model:Penalty") == [
        Option("gamma", "float", 10.0, meaning="its weight"),
        Option("every", "int", 16, meaning="only every so many steps"),
        Option("start", "float", "compute()"),
    ]
    assert describe("described_package.model:source") == [
        Option("split", "str", "train", choices=("train", "test"), meaning="part of the data"),
        Option("items", "int | none", None),
    ]
    assert names_and_defaults("model:Derived") == names_and_defaults("model:Penalty")
    assert names_and_defaults("model:Plain") == {}
    assert names_and_defaults("model:Outer.Inner") == {"a": -1}


def test_describe_follows_imports_within_the_package(source: Path) -> None:
    (source / "others.py").write_text(
        dedent(
            """
            from .model import BASE, Narrow as Near, Norm
            from described_package.model import Model

            class Far(Near):
                pass

            def loss(norm: Norm = "none", width: int = BASE): ...
            """
        )
    )
    assert names_and_defaults("others:Far") == names_and_defaults("model:Narrow")
    assert names_and_defaults("others:Model") == names_and_defaults("model:Model")
    assert [option.choices for option in describe("described_package.others:loss")] == [("batch", "none"), ()]
    assert names_and_defaults("others:loss") == {"norm": "none", "width": 64}


def test_describe_imports_what_it_cannot_follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "described_partial.py").write_text(
        dedent(
            """
            from functools import partial

            def loss(real, margin: float = 1.0, lazy: int = 2): ...

            strict = partial(loss, lazy=4)
            """
        )
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert [(one.name, one.default) for one in describe("described_partial:strict")] == [("margin", 1.0), ("lazy", 4)]
    with pytest.raises(AttributeError):
        describe("described_partial:absent")
    with pytest.raises(ModuleNotFoundError):
        describe("absent_module:thing")


def test_describe_imports_nothing_it_reads() -> None:
    code = "import sys; from zoo.options import describe; describe(sys.argv[1]); print('torch' in sys.modules)"
    for target in ("ganzoo_dcgan.model:DCGAN", "torch.optim.adam:Adam"):
        result = python("-c", code, target)
        assert (result.stdout, result.stderr) == ("False\n", "")


def every_target() -> list[str]:
    return sorted({registry().options_target(one) for one in registry().select() if one.kind != "weights"})


@pytest.mark.parametrize("target", every_target())
def test_source_and_object_tell_the_same(target: str) -> None:
    module, _, path = target.partition(":")
    found: Any = functools.reduce(getattr, path.split("."), __import__(module, fromlist=["_"]))
    assert [replace(option, meaning="") for option in describe(target)] == describe_object(found)


@pytest.mark.parametrize("target", every_target())
def test_every_option_of_every_entry_says_what_it_means(target: str) -> None:
    assert [option.name for option in describe(target) if not option.meaning] == []
