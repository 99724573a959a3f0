"""What GLO keeps of its images: a latent for each, and the Gaussian that they follow. Both live on the host."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from zoo import draw_normal

__all__ = ["Gaussian", "Latents", "Region", "project"]

Region = Literal["ball", "sphere"]

EPSILON = 1e-6  # added to variances, as a share of their mean, where directions have none


def project(z: Tensor, region: Region) -> Tensor:
    """The nearest latents within the unit ball, or on its sphere; [N,d]."""
    norms = z.norm(dim=1, keepdim=True)
    near: Tensor = z / (norms.clamp(min=1) if region == "ball" else norms.clamp(min=1e-12))
    return near


class Latents(nn.Module):
    """A row [d] per image, which learns by sparse gradients: a step touches those of its batch alone."""

    def __init__(self, items: int, dim: int) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.empty(items, dim))

    def forward(self, index: Tensor) -> Tensor:
        """Rows [N,d] of images int64 [N]."""
        return embedding(index.to(self.rows.device), self.rows, sparse=True)


class Gaussian(nn.Module):
    """N(mean, covariance) of a table's rows, in float64, kept up to date row by row."""

    mean: Tensor
    covariance: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim, dtype=torch.float64))
        self.register_buffer("covariance", torch.eye(dim, dtype=torch.float64) / dim)

    @torch.no_grad()
    def fit(self, rows: Tensor, size: int = 65536) -> None:
        """The moments of all rows [M,d], divided by M."""
        self.mean.zero_()
        self.covariance.zero_()
        for part in torch.split(rows, size):
            wide = part.double()
            self.mean += wide.sum(0) / len(rows)
            self.covariance += wide.T @ wide / len(rows)
        self.covariance -= torch.outer(self.mean, self.mean)

    @torch.no_grad()
    def replace(self, before: Tensor, after: Tensor, items: int) -> None:
        """Follow rows [n,d], out of `items`, from what they were to what they are."""
        old, new = before.double(), after.double()
        self.covariance += torch.outer(self.mean, self.mean) + (new.T @ new - old.T @ old) / items
        self.mean += (new - old).sum(0) / items
        self.covariance -= torch.outer(self.mean, self.mean)

    @torch.no_grad()
    def draw(self, n: int, seed: int, spread: float = 1.0) -> Tensor:
        """Latents float32 [n,d], deviations times `spread`; row i depends on seed + i alone."""
        dim = len(self.mean)
        floor = EPSILON * self.covariance.trace() / dim + 1e-12
        root = torch.linalg.cholesky(self.covariance + floor * torch.eye(dim, dtype=torch.float64))
        z: Tensor = self.mean + spread * draw_normal(n, dim, seed).double() @ root.T
        return z.float()
