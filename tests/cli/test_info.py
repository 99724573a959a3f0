import json
from collections.abc import Callable

import pytest

from tests.fake_plugins import FakePlugins

Run = Callable[..., tuple[int, str, str]]

PLUGIN = """
    from zoo.registry import Entry

    def ganzoo_architectures():
        yield Entry(
            "alpha", "fake_alpha_model:Alpha", "the first", paper="1511.06434", tags=("small",), needs=("image",),
            extras=("fast", "slow"), presets=dict(paper="as published", tiny="for tests"),
        )

    def ganzoo_discriminators():
        yield Entry("alpha", "fake_alpha_model:network", "its critic", traits=dict(role="replace"))

    def ganzoo_losses():
        says = dict(formula="D: f - r;  G: -f", divergence="a distance", output="energy")
        yield Entry("lost", "absent_model:Lost", "a loss that is not there", traits=says)

    def ganzoo_weights():
        yield Entry("alpha/faces", "fake_alpha_model:faces", "trained on faces")
        yield Entry("alphabet/faces", "fake_alpha_model:faces", "of another model")
"""
MODEL = """
    raise RuntimeError("a model is not imported to be explained")

    class Alpha:
        @dataclass(frozen=True)
        class Config:
            seed: int
            z_dim: Annotated[int, Range(1, 4096)] = 100  # length of the latent vector
            rate: Annotated[float, Range(0)] = 2e-4
            norm: Literal["batch", "none"] = "batch"  # of activations
            widths: tuple[int, ...] = (64, 32)
            name: str = ""
            limit: float = math.inf

    def network(width: Annotated[int, Range(high=9)] = 8, limit: float | None = None): ...
"""


@pytest.fixture(autouse=True)
def plugin(fakes: FakePlugins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZOO_PLUGINS", "one")
    requires = ['absent-speed; extra == "fast"', 'pluggy; extra == "slow"']
    modules = {"fake_alpha": PLUGIN, "fake_alpha_model": MODEL}
    fakes.add("fake-alpha", {"one": "fake_alpha"}, modules, version="0.3", requires=requires)


def test_a_page(run: Run) -> None:
    code, output, errors = run("info", "fake-alpha::alpha")
    assert (code, errors) == (0, "")
    assert output == (
        "alpha, an architecture: the first\n"
        "  paper   https://arxiv.org/abs/1511.06434\n"
        "  plugin  one, from fake-alpha 0.3\n"
        "  tags    small\n"
        "  needs   image\n"
        '  extras  fast (lacks absent-speed: pip install "fake-alpha[fast]"); slow (installed)\n'
        "  presets\n"
        "    paper  as published\n"
        "    tiny   for tests\n"
        "  options, -s key=value; presets set others of their own, shown by ganzoo train alpha --data D --dry-run\n"
        "    seed    int              required\n"
        "    z_dim   int              100       1 to 4096   length of the latent vector\n"
        "    rate    float            0.0002    >= 0\n"
        "    norm    str              batch     batch|none  of activations\n"
        "    widths  tuple[int, ...]  64+32\n"
        "    name    str              ''\n"
        "    limit   float            inf\n"
        "  weights\n"
        "    alpha/faces  trained on faces\n"
        "\n"
        "alpha, a discriminator: its critic\n"
        "  plugin  one, from fake-alpha 0.3\n"
        "  traits  role=replace\n"
        "  options, alpha:key=value\n"
        "    width  int           8     <= 9\n"
        "    limit  float | none  none\n"
    )


def test_json(run: Run) -> None:
    code, output, errors = run("info", "alpha", "--json")
    model, network = json.loads(output)
    assert (code, errors) == (0, "")
    assert (model["kind"], network["kind"]) == ("architecture", "discriminator")
    assert model["paper_url"] == "https://arxiv.org/abs/1511.06434"
    assert model["missing"] == {"fast": ["absent-speed"], "slow": []}
    assert model["presets"] == {"paper": "as published", "tiny": "for tests"}
    assert model["weights"] == ["alpha/faces"]
    assert model["options"][-1]["default"] == "inf"
    assert model["options"][1] == {
        "name": "z_dim",
        "type": "int",
        "default": 100,
        "required": False,
        "range": [1, 4096],
        "choices": [],
        "meaning": "length of the latent vector",
    }


def test_options_that_cannot_be_read_are_told(run: Run) -> None:
    code, output, _ = run("info", "lost")
    assert code == 0
    assert "options cannot be read: absent_model:Lost: ModuleNotFoundError" in output


def test_the_formula_of_a_loss_and_its_divergence_have_lines_of_their_own(run: Run) -> None:
    _, output, _ = run("info", "lost")
    lines = [line.split(maxsplit=1) for line in output.splitlines()]
    assert ["formula", "D: f - r;  G: -f"] in lines
    assert ["divergence", "a distance"] in lines
    assert ["traits", "output=energy"] in lines


def test_weights_have_no_options(run: Run) -> None:
    code, output, _ = run("info", "alpha/faces")
    assert code == 0
    first, card, supplier = output.splitlines()
    assert first == "alpha/faces, weights: trained on faces"
    assert "a model is not imported to be explained" in card  # a card that does not load is told, the rest is shown
    assert supplier == "  plugin  one, from fake-alpha 0.3"


def test_an_unknown_name(run: Run) -> None:
    code, output, errors = run("info", "alpa")
    assert (code, output) == (1, "")
    assert "Did you mean 'alpha'" in errors
