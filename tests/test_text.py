"""Text models: what they draw when told, when not told, and what they refuse."""

from typing import Annotated, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zoo import Batch, Captions, DataSpec, InvalidOptions, Model, Phase, ZooError, draw_normal, text_encoder
from zoo.option_types import Whole, read
from zoo.text import fill_captions

IDENTITY = "hashed:dim=8@1"
CAPTIONS = ("a red apple", "blue sky", "תפוח")


class Painter(Model):
    """Paints the first three numbers of its text, and draws noise beside them."""

    needs = ("image", "text")
    conditions = ("text",)
    presets: ClassVar = {}

    def __init__(self, data: DataSpec) -> None:
        super().__init__(None, data)
        self.captions = Captions(data)
        self.generator = nn.Linear(1, 1)

    def phases(self) -> list[Phase]:
        return []

    def prior(self, n: int, seed: int) -> Batch:
        return {"z": draw_normal(n, 3, seed), "text": self.captions.draw(n, seed)}

    def generate(self, inputs: Batch) -> Tensor:
        shown = torch.stack([inputs["text"][:, :3], inputs["z"]], 1) / 10
        return shown[..., None].expand(-1, -1, -1, 2)


def painter(encoder: str = IDENTITY, captions: tuple[str, ...] = CAPTIONS) -> Painter:
    model = Painter(DataSpec(2, text_dim=8, text_encoder=encoder, captions=captions))
    if captions:
        fill_captions(model, rows(*captions))
    return model


def rows(*texts: str) -> Tensor:
    return text_encoder("hashed:dim=8").encode(texts)


def drawn(images: Tensor) -> Tensor:
    """The text's numbers that the pictures show."""
    return images[:, 0, :, 0] * 10


def test_undirected_samples_draw_from_the_data_s_captions_item_by_item():
    model = painter()
    shown = drawn(model.sample(60, seed=4))
    known = rows(*CAPTIONS)[:, :3]
    distance = (shown[:, None] - known).abs().sum(-1)
    assert (distance.min(1).values < 1e-5).all()
    assert set(distance.argmin(1).tolist()) == {0, 1, 2}
    torch.testing.assert_close(drawn(model.sample(3, seed=10)), shown[6:9])


def test_the_caption_drawn_does_not_follow_the_latent():
    model, n = painter(captions=("a", "b")), 400
    inputs = model.prior(n, 0)
    first = (inputs["text"] == rows("a")).all(1).float()
    assert abs(np.corrcoef(first, inputs["z"][:, 0])[0, 1]) < 0.15


def test_a_model_without_examples_draws_normal_rows():
    text = Captions(DataSpec(8, text_dim=50)).draw(200, 0)
    assert text.shape == (200, 50)
    assert abs(float(text.square().mean()) - 1) < 0.05


def test_told_captions_are_embedded_and_taken_in_turn():
    model = painter()
    expected = rows("green pear", "a red apple")[:, :3]
    for seed in (0, 1, 7):
        shown = drawn(model.sample(3, seed=seed, batch=2, text=["green pear", "a red apple"]))
        torch.testing.assert_close(shown, expected[[0, 1, 0]])
    torch.testing.assert_close(drawn(model.sample(1, text="one + two")), rows("one + two")[:, :3])


def test_a_text_is_one_caption_whatever_signs_it_holds():
    assert read(Annotated[tuple[str, ...], Whole()], "1 + 1 = 2, so") == ("1 + 1 = 2, so",)
    assert read(tuple[str, ...], "1+1") == ("1", "1")
    assert read(Annotated[tuple[str, ...], Whole()] | None, ["a+b", "c"]) == ("a+b", "c")


def test_the_examples_need_no_encoder():
    model = painter("precomputed@0123456789ab")
    torch.testing.assert_close(drawn(model.sample(1, text=["blue sky"])), rows("blue sky")[:, :3])


@pytest.mark.parametrize("identity", ["hashed:dim=8@0", "absent@1", "precomputed@0123456789ab"])
def test_another_encoder_is_refused_with_what_can_be_done(identity):
    with pytest.raises(ZooError) as refusal:
        painter(identity).sample(1, text=["a green pear"])
    assert f"trained with the text encoder {identity}" in str(refusal.value)
    assert "'a red apple'" in str(refusal.value)


@pytest.mark.parametrize("text", [[], [""], ["red", " \n"]])
def test_an_empty_caption_is_refused(text):
    with pytest.raises(InvalidOptions, match="empty caption"):
        painter().sample(2, text=text)


@pytest.mark.parametrize("text", ["x" * 10_000, "🍎👩‍👩‍👧", "תפוח אדום", "\ud800 half a sign"])
def test_unusual_captions_draw(text):
    assert painter().sample(1, text=[text]).isfinite().all()


def test_a_model_without_text_takes_none():
    model = painter()
    model.prior = lambda n, seed: {"z": draw_normal(n, 3, seed)}  # type: ignore[method-assign]
    with pytest.raises(InvalidOptions, match="trained without captions"):
        model.inputs(1, 0, text=("red",))


def test_captions_travel_with_the_sampling_weights():
    assert "captions.rows" in painter().state_dict()
