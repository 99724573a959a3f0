"""What frozen networks owe: backbones and text encoders."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from zoo.backbones import Backbone, backbone
from zoo.errors import ZooError
from zoo.registry import Registered
from zoo.testing.kit import NotApplicable, owes, refusal
from zoo.testing.toy_data import pictures
from zoo.text import text_encoder

__all__: list[str] = []


def made(one: Registered) -> Backbone:
    """The backbone with its real weights; not applicable where they are not at hand. Nothing is downloaded."""
    if one.entry.traits.get("provider"):
        raise NotApplicable("it takes any model's name; none is its own")
    try:
        with offline():
            return backbone(one.qualified)
    except ZooError as absent:
        raise NotApplicable(f"its weights are not here: {str(absent).splitlines()[0]}") from absent


@contextmanager
def offline() -> Iterator[None]:
    """No request to the Hub inside this block."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


@owes("backbone")
def teaches(one: Registered) -> None:
    """Is there, or says how to get it."""
    if one.entry.traits.get("provider"):
        raise NotApplicable("it takes any model's name; none is its own")
    with offline():
        absent = refusal(lambda: backbone(one.qualified))
    assert absent is None or len(str(absent)) > 40, f"no way to get it is named: {absent}"


@owes("backbone")
def frozen(one: Registered) -> None:
    """Holds no weight that a checkpoint or an optimiser would see, and stays in eval mode."""
    network = made(one)
    assert not network.state_dict()
    assert not list(network.parameters())
    assert not network.train().training
    assert network.sha256


@owes("backbone")
def looks(one: Registered) -> None:
    """Sees grey and colour the same way twice, and passes gradients to the images."""
    network = made(one)
    images = pictures(2, 0).requires_grad_(True)
    size = network.input_size
    seen, again = network(images, size=size), network(images, size=size)
    for a, b in zip((*seen.maps, *seen.tokens), (*again.maps, *again.tokens), strict=True):
        assert torch.equal(a, b), "two looks at one image differ"
    assert network(images[:, :1], size=size) is not None
    found = [*seen.maps, *seen.tokens, *([] if seen.vector is None else [seen.vector])]
    assert found, "it provides neither maps, tokens nor a vector"
    torch.stack([each.float().square().sum() for each in found]).sum().backward()  # type: ignore[no-untyped-call]
    assert images.grad is not None, "no gradient reaches the images"


@owes("text-encoder")
def embeds(one: Registered) -> None:
    """Gives each text its own row, of the promised size and of about unit mean square."""
    if one.entry.traits.get("provider"):
        raise NotApplicable("it takes any model's name; none is its own")
    try:
        with offline():
            encoder = text_encoder(one.qualified)
    except ZooError as absent:
        raise NotApplicable(f"its weights are not here: {str(absent).splitlines()[0]}") from absent
    rows = encoder.encode(["a red bird", "a blue car", "a red bird"])
    assert rows.shape == (3, encoder.dim), f"rows of shape {tuple(rows.shape)}; [3, {encoder.dim}] is wanted"
    assert rows.dtype == torch.float32
    assert torch.equal(rows[0], rows[2]), "equal texts have different rows"
    assert not torch.equal(rows[0], rows[1]), "different texts have equal rows"
    apart = float((encoder.encode(["a blue car"])[0] - rows[1]).abs().max())
    assert apart < 1e-4, f"a row depends on the texts beside it, by up to {apart:.2g}"
    scale = float(rows.square().mean())
    assert 0.2 < scale < 5, f"the mean square of the rows is {scale:.2g}; about 1 is wanted"
    assert encoder.identity
