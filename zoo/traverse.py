"""What single inputs mean, for every model that draws any: one of them moves along a row, all others stay."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from zoo.abilities import Code, Traverses
from zoo.errors import InvalidOptions, ZooError, near_misses
from zoo.model import Model
from zoo.options import bind

__all__ = ["chosen_codes", "codes_of", "traversal"]


def codes_of(model: Model, coordinates: int = 8) -> list[Code]:
    """What a model says of its inputs; where it says nothing, its classes and the first coordinates of its latents."""
    if isinstance(model, Traverses):
        return list(model.codes())
    drawn = model.prior(1, 0)
    names = model.data.class_names or tuple(map(str, range(model.data.classes)))
    found = [Code("class", "label", values=names)] if "label" in drawn else []
    if "z" in drawn and drawn["z"].ndim == 2:
        found += [Code(f"z {i}", "z", i) for i in range(min(coordinates, drawn["z"].shape[1]))]
    return found


def chosen_codes(model: Model, names: Sequence[str], coordinates: int = 8) -> list[Code]:
    """The codes of these names, or all. Raises ZooError for a model without any, InvalidOptions for unknown names."""
    known = {code.name: code for code in codes_of(model, coordinates)}
    if not known:
        raise ZooError(f"{type(model).__name__} draws neither codes nor latents, so there is nothing to traverse.")
    if unknown := [name for name in names if name not in known]:
        hints = " ".join(near_misses(name, known) for name in unknown)
        raise InvalidOptions(
            [f"--code {', '.join(unknown)}: this model's codes are {', '.join(known)}. {hints}".rstrip()]
        )
    return [known[name] for name in names or known]


@torch.no_grad()
def traversal(
    model: Model, codes: Sequence[Code], seeds: Sequence[int], columns: int, options: Mapping[str, object]
) -> tuple[Tensor, list[str]]:
    """A row for each code and seed, [rows·columns,C,H,W] in [-1, 1] on the CPU, and the rows' labels.

    A code with fewer values than columns ends in white. `options` are those of the model's `inputs`.
    """
    bound = bind(model.inputs, options, where=f"{type(model).__name__}.sample")
    rows, labels = [], []
    for code in codes:
        stops = code.stops(columns)
        for seed in seeds:
            one = model.inputs(1, seed, **bound)
            same = {name: value.expand(len(stops), *value.shape[1:]) for name, value in one.items()}
            turned = {name: value.to(model.device) for name, value in code.turned(same, stops).items()}
            images = model.generate(turned).float().clamp(-1, 1).cpu()
            white = images.new_ones(columns - len(stops), *images.shape[1:])
            rows.append(torch.cat([images, white]))
            labels.append(row_label(code, len(stops)) + (f", seed {seed}" if len(seeds) > 1 else ""))
    return torch.cat(rows), labels


def row_label(code: Code, n: int) -> str:
    """What a row shows."""
    if not code.values:
        return f"{code.name}: {code.low:g} to {code.high:g}"
    return f"{code.name}: {code.values[0]} to {code.values[n - 1]}" if n > 1 else f"{code.name}: {code.values[0]}"
