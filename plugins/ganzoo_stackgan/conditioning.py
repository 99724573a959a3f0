"""Conditioning augmentation: a caption becomes a distribution, from which the generator's code is drawn."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as f
from torch.special import ndtr, ndtri

__all__ = ["Conditioning", "Variant", "divergence", "truncated"]

Variant = Literal["pytorch", "tensorflow"]


class Conditioning(nn.Module):
    """Text [N,text_dim] to a code drawn from N(mu, sigma²) (Zhang et al. 2017, section 3.2), [N,code_dim].

    Both halves of a dense layer pass the activation. `pytorch`: ReLU, the second half is log sigma², so that
    mu >= 0 and sigma >= 1. `tensorflow`: LeakyReLU 0.2, the second half is log sigma, and the draw is truncated at
    two deviations.
    """

    def __init__(self, text_dim: int, code_dim: int, variant: Variant = "pytorch") -> None:
        super().__init__()
        self.variant = variant
        self.dense = nn.Linear(text_dim, 2 * code_dim)

    def moments(self, text: Tensor) -> tuple[Tensor, Tensor]:
        """mu and log sigma, [N,code_dim] each."""
        x = self.dense(text).float()
        if self.variant == "pytorch":
            mean, log_variance = f.relu(x).chunk(2, dim=1)
            return mean, log_variance / 2
        mean, log_deviation = f.leaky_relu(x, 0.2).chunk(2, dim=1)
        return mean, log_deviation

    def forward(self, text: Tensor, epsilon: Tensor) -> Tensor:
        """mu + sigma·epsilon of standard normal epsilon [N,code_dim]."""
        mean, log_deviation = self.moments(text)
        drawn = epsilon if self.variant == "pytorch" else truncated(epsilon)
        return mean + log_deviation.exp() * drawn


def divergence(mean: Tensor, log_deviation: Tensor) -> Tensor:
    """KL(N(mu, sigma²) || N(0, 1)), the mean over batch and dimensions as in both official codes, where the paper's
    equation 2 has the sum over dimensions."""
    return (-log_deviation + 0.5 * (torch.exp(2 * log_deviation) + mean.square() - 1)).mean()


def truncated(epsilon: Tensor) -> Tensor:
    """Standard normal numbers moved, in their order, to the normal distribution cut off at two deviations."""
    below = ndtr(torch.tensor(-2.0)).item()
    out: Tensor = ndtri(below + (1 - 2 * below) * ndtr(epsilon))
    return out
