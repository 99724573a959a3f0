"""Projection of images into the space of styles (Karras et al. 2020a, section 5 and appendix D)."""

from collections.abc import Callable
from math import cos, pi

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from zoo import Batch, Model, draw_normal

__all__ = ["invert", "rate"]

DRAWS = 10_000  # latents behind the mean style and its spread
SIZE = 256  # larger images are compared at this size
RATE = 0.1


def invert(
    model: Model,
    images: Tensor,
    space: str,
    steps: int,
    features: Callable[[Tensor], Tensor] | None,
    seed: int,
) -> Batch:
    """Descend from the mean style, one per image ("w") or per layer ("w+"), by distance of features or of pixels.

    Noise on the styles explores at first and dies out after three quarters of the way. The layers' noise maps stay as
    they are, so that the result is styles alone.
    """
    seen = features or (lambda pictures: pictures)
    mean, spread, layers = statistics(model)
    target = seen(comparable(images)).detach()
    random = torch.Generator().manual_seed(seed)
    count = layers if space == "w+" else 1
    with torch.enable_grad():
        ws = mean.expand(len(images), count, -1).clone().requires_grad_()
        optimizer = torch.optim.Adam([ws], lr=RATE)
        for step in range(steps):
            t = step / steps
            optimizer.param_groups[0]["lr"] = RATE * rate(t)
            noise = torch.randn(ws.shape, generator=random).to(ws.device) * (0.05 * spread * max(0, 1 - t / 0.75) ** 2)
            found = model.generate({"ws": (ws + noise).expand(-1, layers, -1)})
            distance = (seen(comparable(found)) - target).square().flatten(1).mean(1).sum()
            (ws.grad,) = torch.autograd.grad(distance, ws)
            optimizer.step()
    return {"ws": ws.detach().expand(-1, layers, -1)}


def rate(t: float) -> float:
    """Share of the learning rate at t in [0, 1]: up during the first twentieth, a cosine down in the last quarter."""
    down = min(1.0, (1 - t) / 0.25)
    return (0.5 - 0.5 * cos(down * pi)) * min(1.0, t / 0.05)


@torch.no_grad()
def statistics(model: Model) -> tuple[Tensor, float, int]:
    """The mean style [w_dim], the root mean square distance from it, and the number of layers."""
    drawn = {name: value.to(model.device) for name, value in model.prior(1, 0).items()}
    z = draw_normal(DRAWS, drawn["z"].shape[1], 0).to(model.device)
    drawn = {name: value.expand(DRAWS, *value.shape[1:]) for name, value in drawn.items()} | {"z": z}
    ws: Tensor = model.styles(drawn)  # type: ignore[operator]
    mean = ws[:, 0].mean(0)
    return mean, float((ws[:, 0] - mean).square().sum(1).mean().sqrt()), ws.shape[1]


def comparable(images: Tensor) -> Tensor:
    """Images at the size they are compared at."""
    return interpolate(images, size=(SIZE, SIZE), mode="area") if images.shape[2] > SIZE else images
