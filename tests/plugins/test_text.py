"""Encoders of text: the same numbers everywhere, and nearer for what means the same."""

import subprocess
import sys

import torch

from zoo import text_encoder
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
