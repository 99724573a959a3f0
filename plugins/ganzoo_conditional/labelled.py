"""What the labelled models share: whose labels, which latents."""

import torch
from torch import Tensor

from zoo import Batch, DataSpec, draw_uniform

__all__ = ["drawn", "fresh", "label_problems"]


def label_problems(name: str, data: DataSpec) -> list[str]:
    """Labels are needed, of two classes at least."""
    if data.classes == 0:
        return [f"{name} needs labels, which the data lacks: class folders, or a labels file; dcgan needs none."]
    if data.classes == 1:
        return [f"{name} needs at least two classes and the data has one; take dcgan, which needs no labels."]
    return []


def drawn(n: int, z_dim: int, classes: int, seed: int) -> Batch:
    """Latents z [n,z_dim], uniform on [-1, 1), and labels int64 [n], every class as likely; item by item."""
    rows = draw_uniform(n, z_dim + 1, seed)
    label = ((rows[:, -1] + 1) / 2 * classes).long().clamp(max=classes - 1)
    return {"z": rows[:, :-1].contiguous(), "label": label}


def fresh(label: Tensor, z_dim: int) -> Batch:
    """Training's inputs: new latents for the labels of the reals."""
    return {"z": torch.rand(len(label), z_dim, device=label.device) * 2 - 1, "label": label}
