"""What the labelled models share: whose labels, which latents."""

import torch
from torch import Tensor

from zoo import Batch, DataSpec

__all__ = ["fresh", "label_problems"]


def label_problems(name: str, data: DataSpec) -> list[str]:
    """Labels are needed, of two classes at least."""
    if data.classes == 0:
        return [f"{name} needs labels, which the data lacks: class folders, or a labels file; dcgan needs none."]
    if data.classes == 1:
        return [f"{name} needs at least two classes and the data has one; take dcgan, which needs no labels."]
    return []


def fresh(label: Tensor, z_dim: int) -> Batch:
    """Training's inputs: new latents for the labels of the reals."""
    return {"z": torch.rand(len(label), z_dim, device=label.device) * 2 - 1, "label": label}
