"""Vision-aided GAN (Kumari, Zhang, Shechtman & Zhu 2022): frozen vision models as further discriminators."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_commands", "ganzoo_discriminators"]


@hookimpl
def ganzoo_discriminators() -> Iterator[Entry]:
    """The critic that joins any model."""
    yield Entry(
        "vision-aided",
        "ganzoo_vision_aided.critic:vision_aided",
        "small heads on frozen vision models, beside the model's own discriminator",
        paper="2112.09130",
        tags=("backbone", "low-data"),
        traits={"role": "join", "only": "join", "backbone": "usual", "tiny": "size=32,backbone=test-8ch,width=4"},
    )


@hookimpl
def ganzoo_commands() -> Iterator[tuple[str, str]]:
    """The paper's choice of the next backbone."""
    yield "select-backbone", "ganzoo_vision_aided.command:select_backbone"
