"""Layers that let a discriminator compare the images of a batch."""

import torch
from torch import Tensor, nn

__all__ = ["MinibatchDiscrimination", "MinibatchStddev", "minibatch_stddev"]


def minibatch_stddev(x: Tensor, group: int = 4, features: int = 1) -> Tensor:
    """The maps x [N,C,H,W] with `features` more channels: how much a group of images differs.

    Karras et al. 2018, section 3: the standard deviation over the group (biased, + 1e-8 below the root) of
    every value, averaged over places and each of `features` shares of the channels. Members of a group are
    N/G apart; G is the largest divisor of N up to `group`. Raises RuntimeError where C does not divide.
    """
    n, c, h, w = x.shape
    size = next(size for size in range(min(group, n), 0, -1) if n % size == 0)
    exact = x.to(torch.promote_types(x.dtype, torch.float32))
    y = exact.reshape(size, n // size, features, c // features, h, w)  # [G,N/G,F,C/F,H,W]
    deviation = (y.var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=(2, 3, 4))  # [N/G,F]
    maps = deviation.repeat(size, 1)[:, :, None, None].expand(n, features, h, w)
    return torch.cat([x, maps.to(x.dtype)], dim=1)


class MinibatchStddev(nn.Module):
    """`minibatch_stddev` as a layer: [N,C,H,W] to [N,C+features,H,W]."""

    def __init__(self, group: int = 4, features: int = 1) -> None:
        super().__init__()
        self.group = group
        self.features = features

    def forward(self, x: Tensor) -> Tensor:
        """Append the deviations as the last channels."""
        return minibatch_stddev(x, self.group, self.features)


class MinibatchDiscrimination(nn.Module):
    """Salimans et al. 2016, section 3.2: how close each item's features are to those of the batch's others.

    Features h [N,A] meet a tensor theta [A,B,C]: M_i = h_i · W, with W = theta·exp(scale)/‖theta‖ over A;
    c_b(i, j) = exp(-‖M_ib - M_jb‖₁); o_b(i) = sum over j ≠ i of c_b(i, j), plus a bias. Output [N,A+B].
    """

    def __init__(self, inputs: int, kernels: int = 100, dims: int = 5) -> None:
        super().__init__()
        self.theta = nn.Parameter(0.05 * torch.randn(inputs, kernels, dims))
        self.scale = nn.Parameter(torch.zeros(kernels, dims))
        self.bias = nn.Parameter(torch.full((kernels,), -1.0))

    def forward(self, features: Tensor) -> Tensor:
        """The features [N,A] with B sums of closeness behind them."""
        weight = self.theta * (self.scale.exp() / self.theta.norm(dim=0).clamp(min=1e-12))
        m = torch.einsum("na,abc->nbc", features, weight)
        distance = (m[:, None] - m[None]).abs().sum(dim=3)  # [N,N,B]
        others = 1 - torch.eye(len(m), device=m.device, dtype=m.dtype)
        closeness = (torch.exp(-distance) * others[:, :, None]).sum(dim=1)
        return torch.cat([features, closeness + self.bias], dim=1)
