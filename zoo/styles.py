"""What can be done with styles, for every model that has them."""

import torch
from torch import Tensor

from zoo.abilities import HasStyles, lacks
from zoo.errors import InvalidOptions
from zoo.model import Model
from zoo.options import bind

__all__ = ["mixed", "styles_of"]


@torch.no_grad()
def styles_of(model: Model, seeds: list[int], **options: object) -> Tensor:
    """Styles ws [n,L,D] of the seeds; `options` are those of the model's `inputs`, such as truncation."""
    if not isinstance(model, HasStyles):
        raise lacks(model, "has no styles")
    chosen = bind(model.inputs, options, where=f"{type(model).__name__}.inputs")
    inputs = [model.inputs(1, seed, **chosen) for seed in seeds]
    drawn = {name: torch.cat([each[name] for each in inputs]).to(model.device) for name in inputs[0]}
    return model.styles(drawn)


@torch.no_grad()
def mixed(model: Model, rows: list[int], columns: list[int], layers: list[int], **options: object) -> Tensor:
    """A sheet of (rows + 1)·(columns + 1) images: at the left and at the top those of the seeds, inside their cross.

    Inside, the styles of `layers` come from the column, the others from the row. The corner is white.
    """
    base, lent = styles_of(model, rows, **options), styles_of(model, columns, **options)
    if beyond := [layer for layer in layers if layer >= base.shape[1]]:
        raise InvalidOptions([f"layers {beyond} are not there: this model has 0 to {base.shape[1] - 1}."])
    own = [picture(model, ws) for ws in lent]
    sheet = [torch.ones_like(own[0]), *own]
    for ws in base:
        sheet.append(picture(model, ws))
        for other in lent:
            crossed = ws.clone()
            crossed[layers] = other[layers]
            sheet.append(picture(model, crossed))
    return torch.stack(sheet)


def picture(model: Model, ws: Tensor) -> Tensor:
    """The image [C,H,W] of styles [L,D], on the CPU."""
    return model.generate({"ws": ws[None]}).float().clamp(-1, 1).cpu()[0]
