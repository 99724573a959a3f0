"""Encoders of text: the same numbers everywhere, and nearer for what means the same."""

import subprocess
import sys

import huggingface_hub.constants
import pytest
import torch

from ganzoo_text import minilm
from zoo import ZooError, text_encoder
from zoo.plugins import registry

TEXTS = ["a red apple", "red apples", "the blue sky", "🍎", "תפוח אדום", "x" * 10_000]


def test_hashed_rows_have_mean_square_one_and_do_not_depend_on_their_neighbours():
    encoder = text_encoder("hashed")
    rows = encoder.encode(TEXTS)
    assert rows.shape == (6, encoder.dim)
    assert rows.dtype == torch.float32
    torch.testing.assert_close(rows.square().mean(1), torch.ones(6))
    for text, row in zip(TEXTS, rows, strict=True):
        assert torch.equal(encoder.encode([text])[0], row)


def test_hashed_finds_shared_words_nearer():
    apple, apples, sky = text_encoder("hashed").encode(TEXTS[:3]) / 384**0.5
    assert apple @ apples > 0.4
    assert abs(apple @ sky) < 0.2


def test_hashed_is_the_same_in_every_process():
    code = "import zoo; print(zoo.text_encoder('hashed:dim=8').encode(['a red apple 🍎'])[0].tolist())"
    others = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    here = text_encoder("hashed:dim=8").encode(["a red apple 🍎"])[0]
    assert others == {f"{here.tolist()}\n"}
    frozen = torch.tensor([-4, 2, 4, 2, 4, -1, -4, 4]) * 0.29981
    torch.testing.assert_close(here, frozen, rtol=1e-4, atol=0)


def test_every_encoder_states_its_summary():
    for found in registry().select("text-encoder", "*"):
        assert found.entry.summary


def test_minilm_gives_the_numbers_of_its_reference_implementation():
    encoder = text_encoder("minilm")
    assert encoder.identity == "minilm@53aa51172d14"
    rows = encoder.encode(TEXTS)
    expected = torch.tensor([[0.07916, 0.26644, -0.83923, 1.23483], [-0.81512, -0.48366, 1.52639, -0.12051]])
    torch.testing.assert_close(rows[[0, 3], :4], expected, atol=2e-5, rtol=0)  # transformers' BertModel, mean, norm
    torch.testing.assert_close(rows.square().mean(1), torch.ones(6))
    for text, row in zip(TEXTS, rows, strict=True):
        torch.testing.assert_close(encoder.encode([text])[0], row, atol=1e-5, rtol=0)
    assert encoder.cut([*TEXTS, "word " * 2000]) == 1  # 10,000 letters in one word are one unknown piece
    assert encoder.encode(["\ud800"]).isfinite().all()


def test_minilm_knows_meaning():
    king, ruler, apple = text_encoder("minilm").encode(["a king", "a royal ruler", "a red apple"]) / 384**0.5
    assert king @ ruler > king @ apple + 0.2


def test_without_its_extra_minilm_names_it_and_the_way_out(monkeypatch):
    monkeypatch.setattr(minilm, "PACKAGE", "a_package_that_is_not_there")
    with pytest.raises(ZooError, match=r"(?s)not installed \(a_package.*\[text\].*--text-encoder hashed"):
        text_encoder("minilm")


def test_clip_reads_with_its_text_tower():
    encoder = text_encoder("clip:ViT-S-32-alt;random=true")
    assert encoder.identity.startswith("clip:ViT-S-32-alt;random=true@")
    rows = encoder.encode(TEXTS)
    torch.testing.assert_close(rows.square().mean(1), torch.ones(6))
    torch.testing.assert_close(encoder.encode(TEXTS[1:2])[0], rows[1], atol=1e-4, rtol=0)
    assert encoder.cut(TEXTS) == 1
    assert not hasattr(encoder.network, "visual")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("clip:ViT-B-23@openai", "open_clip has no model 'ViT-B-23'.*ViT-B-32"),
        ("clip:ViT-B-32-quickgelu", "name one: openai"),
        ("clip:ViT-B-32@openai", "take ViT-B-32-quickgelu@openai"),
        ("clip:ViT-B-32@laion2b_s34b_b79k", "(?s)cannot be had.*HF_HOME.*--text-encoder minilm or hashed"),
        ("hashed:dim=2", "dim=2 is refused"),
    ],
)
def test_what_cannot_be_had_is_told_with_what_to_do(reference, message, monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ZooError, match=message):
        text_encoder(reference)
