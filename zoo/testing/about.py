"""What a plugin, and every entry of it, owes: it is found quickly, says what it is, and explains its options."""

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any

from zoo.options import bind, describe
from zoo.plugins import PluginState, registry
from zoo.registry import KINDS, Registered
from zoo.testing.kit import EVERY, PLUGIN, NotApplicable, owes, refusal

__all__: list[str] = []

HEAVY = (
    *("torch", "torchvision", "numpy", "scipy", "PIL", "timm", "open_clip", "huggingface_hub", "safetensors"),
    *("transformers", "sklearn", "pandas", "matplotlib", "cv2"),
)

PROBE = """
import sys
before = set(sys.modules)
from zoo.plugins import plugins
state = next(one for one in plugins() if one.qualified == sys.argv[1])
print(*[name for name in {heavy!r} if name in sys.modules and name not in before])
"""

WANT_PAPER = ("architecture",)

WITH_OPTIONS = tuple(kind for kind in KINDS if kind not in ("weights", "importer"))


@owes(PLUGIN)
def light(state: PluginState) -> None:
    """Its module imports nothing heavy, so that listing stays quick."""
    code = PROBE.format(heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", code, state.qualified],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, f"a fresh process cannot list it: {done.stderr.strip().splitlines()[-1:]}"
    assert not done.stdout.split(), f"{state.module} imports {done.stdout.strip()}; import it where it is used"


@owes(PLUGIN)
def licensed(state: PluginState) -> None:
    """Its distribution states a licence and a summary."""
    try:
        about: Any = metadata(state.distribution)
    except PackageNotFoundError:
        raise NotApplicable(f"{state.distribution} is not installed as a distribution") from None
    named = [line for line in about.get_all("Classifier") or [] if line.startswith("License ::")]
    assert named or about.get("License-Expression") or about.get("License"), (
        "no licence: set project.license in pyproject.toml"
    )
    assert about.get("Summary"), "no summary: set project.description in pyproject.toml"


@owes(PLUGIN)
def supplies(state: PluginState) -> None:
    """It supplies something."""
    assert state.registered or state.commands, f"{state.module} has no hook that yields anything"


@owes(EVERY)
def described(one: Registered) -> None:
    """Is summed up in one line, and a model names its paper."""
    entry = one.entry
    assert 10 <= len(entry.summary) <= 120, f"the summary has {len(entry.summary)} characters; 10 to 120 are wanted"
    assert not entry.summary.endswith("."), "the summary is a phrase, without a full stop"
    if one.kind in WANT_PAPER:
        assert entry.paper, "an architecture names its paper by arXiv id (Entry.paper)"


@owes(*WITH_OPTIONS)
def options_explained(one: Registered) -> None:
    """Explains every option on its line."""
    unexplained = [option.name for option in describe(registry().options_target(one)) if not option.meaning]
    assert not unexplained, f"no comment on the line of {', '.join(unexplained)}: `ganzoo info` has nothing to show"


@owes(EVERY)
def loads(one: Registered) -> None:
    """Its target imports."""
    registry().load(one.kind, one.qualified)


@owes(*WITH_OPTIONS)
def errors_teach(one: Registered) -> None:
    """An unknown option is refused by name."""
    target = registry().load(one.kind, one.entry.base or one.qualified)
    refused = refusal(lambda: bind(getattr(target, "Config", target), {"no_such_option": "1"}, where=one.name))
    assert refused is not None, "an option that does not exist is taken without a word"
    assert "no_such_option" in str(refused)
