"""Penalties on the discriminator's gradient with respect to its images."""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from zoo import Critic, Penalty, Range

__all__ = ["R1", "squared_gradient"]


@dataclass(frozen=True, slots=True)
class R1(Penalty):
    """Mescheder et al. 2018, eq. 9, lazily as in Karras et al. 2020b: gamma/2 · E‖∇D(x)‖² at real images."""

    gamma: Annotated[float, Range(0)] = 10.0  # strength; scales with resolution² / batch
    every: Annotated[int, Range(1)] = 16  # steps between penalties; each counts `every` times
    part: Annotated[int, Range(1)] = 1  # use the first 1/part of the batch: cheaper, noisier

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, condition: dict[str, Tensor]) -> Tensor:
        """The penalty at `real`, with respect to the images before augmentation."""
        n = max(len(real) // self.part, 1)
        given = {name: value[:n] for name, value in condition.items()}
        return self.gamma / 2 * squared_gradient(critic, real[:n], given).mean()


def squared_gradient(critic: Critic, images: Tensor, condition: dict[str, Tensor]) -> Tensor:
    """‖∂(sum of an image's logits)/∂image‖² per image, [N]; differentiable once more."""
    images = images.detach().requires_grad_()
    logits = torch.cat([head.flatten(1) for head in critic.logits(images, **condition)], dim=1)
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().flatten(1).sum(1)
