"""Projection of images into the space of latents, the generator held fixed."""

from collections.abc import Callable

import torch
from torch import Tensor

from ganzoo_glo.latents import Region, project
from zoo import Model

__all__ = ["invert"]

STARTS = 256  # drawn latents, of which each image takes the nearest
RATE = 0.05


def invert(
    model: Model,
    images: Tensor,
    distance: Callable[[Tensor, Tensor], Tensor],
    region: Region,
    steps: int,
    seed: int,
) -> Tensor:
    """Latents [N,d] by Adam from the nearest of 256 drawn ones, brought back into their region after each step."""
    z = project(nearest(model, images, distance, seed), region).requires_grad_()
    optimizer = torch.optim.Adam([z], lr=RATE)
    with torch.enable_grad():
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = RATE * min(1.0, 2 * (1 - step / steps))  # down to 0 in the second half
            loss = distance(model.generate({"z": z}), images).sum()
            (z.grad,) = torch.autograd.grad(loss, z)
            optimizer.step()
            with torch.no_grad():
                z.copy_(project(z, region))
    return z.detach()


@torch.no_grad()
def nearest(model: Model, images: Tensor, distance: Callable[[Tensor, Tensor], Tensor], seed: int) -> Tensor:
    """For each image the drawn latent whose picture is nearest, [N,d]."""
    drawn = model.prior(STARTS, seed)["z"].to(images.device)
    pictures = torch.cat([model.generate({"z": part}) for part in torch.split(drawn, 64)])
    best = [int(distance(pictures, image.expand_as(pictures)).argmin()) for image in images]
    return drawn[best].clone()
