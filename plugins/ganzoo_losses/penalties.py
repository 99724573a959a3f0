"""Penalties on the discriminator's gradient with respect to its images."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor

from zoo import Critic, Penalty, Range

__all__ = ["R1", "R2", "Dragan", "GradientPenalty", "squared_gradient"]

EPS = 1e-12  # below the root, whose slope at 0 is infinite


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
        return self.gamma / 2 * squared_gradient(critic, real[:n], given, reals=True).mean()


@dataclass(frozen=True, slots=True)
class R2(Penalty):
    """Mescheder et al. 2018, eq. 10: gamma/2 · E‖∇D(G(z))‖², at fakes that carry no gradient to G."""

    gamma: Annotated[float, Range(0)] = 10.0  # strength; R3GAN takes that of its r1
    every: Annotated[int, Range(1)] = 1  # steps between penalties; each counts `every` times

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, condition: dict[str, Tensor]) -> Tensor:
        """The penalty at `fake`, with respect to the images before augmentation."""
        return self.gamma / 2 * squared_gradient(critic, fake, condition).mean()


@dataclass(frozen=True, slots=True)
class GradientPenalty(Penalty):
    """Gulrajani et al. 2017, eq. 3: weight · E(‖∇D(x̂)‖ - target)² on the lines between reals and fakes.

    target=0 centres it at zero (Thanh-Tung et al. 2019).
    """

    weight: Annotated[float, Range(0)] = 10.0  # lambda
    target: Annotated[float, Range(0)] = 1.0  # the norm that D's gradient is drawn to
    one_sided: bool = False  # only norms above the target count
    every: Annotated[int, Range(1)] = 1  # steps between penalties; each counts `every` times

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, condition: dict[str, Tensor]) -> Tensor:
        """The penalty at x̂ = real + u·(fake - real), u uniform on [0, 1) per image."""
        between = torch.lerp(real, fake, torch.rand(len(real), 1, 1, 1, device=real.device))
        return self.weight * excess(critic, between, condition, self.target, self.one_sided).square().mean()


@dataclass(frozen=True, slots=True)
class Dragan(Penalty):
    """Kodali et al. 2017, eq. 2: weight · E(‖∇D(x̂)‖ - target)² around the reals.

    x̂ = x + u·(scale·std(x)·noise), with u uniform on [0, 1) per image and std over all values of the batch. The
    authors' code draws the noise uniform on [0, 1), the paper normal.
    """

    weight: Annotated[float, Range(0)] = 10.0  # lambda
    target: Annotated[float, Range(0)] = 1.0  # k, the norm that D's gradient is drawn to
    scale: Annotated[float, Range(0)] = 0.5  # of the noise, in standard deviations of the data
    noise: Literal["uniform", "normal"] = "uniform"  # its law, per value
    every: Annotated[int, Range(1)] = 1  # steps between penalties; each counts `every` times

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, condition: dict[str, Tensor]) -> Tensor:
        """The penalty near `real`."""
        noise = torch.rand_like(real) if self.noise == "uniform" else torch.randn_like(real)
        share = torch.rand(len(real), 1, 1, 1, device=real.device)
        near = real + share * self.scale * real.std() * noise
        return self.weight * excess(critic, near, condition, self.target).square().mean()


def excess(
    critic: Critic, images: Tensor, condition: dict[str, Tensor], target: float, one_sided: bool = False
) -> Tensor:
    """‖∇D(x)‖ - target per image, [N]; at least 0 if one-sided."""
    norm = (squared_gradient(critic, images, condition) + EPS).sqrt()
    return (norm - target).clamp(min=0) if one_sided else norm - target


def squared_gradient(critic: Critic, images: Tensor, condition: dict[str, Tensor], reals: bool = False) -> Tensor:
    """‖∂(sum of an image's logits)/∂image‖² per image, [N]; differentiable once more.

    Of `reals` the adaptive views learn, as in Karras et al. 2020a.
    """
    images = images.detach().requires_grad_()
    heads = critic.logits(images, **condition)
    if reals:
        critic.watch(heads)
    logits = torch.cat([head.flatten(1) for head in heads], dim=1)
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().flatten(1).sum(1)
