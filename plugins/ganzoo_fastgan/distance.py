"""How far a reconstruction is from its target: in pixels, or in the features of a frozen network."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from zoo import Backbone, ZooError, backbone

__all__ = ["Distance", "FeatureDistance", "PixelDistance", "lpips", "make_distance"]

Distance = Callable[[Tensor, Tensor], Tensor]
"""Images a, b [N,C,H,W] in [-1, 1] to their distances [N], float32."""

VGG = "timm:vgg16.tv_in1k"


class PixelDistance(nn.Module):
    """The mean absolute difference."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Distances [N]."""
        return (a.float() - b.float()).abs().flatten(1).mean(1)


class FeatureDistance(nn.Module):
    """Zhang et al. 2018, eq. 1: differences of unit-length features, squared, averaged over each map, summed.

    `weights` hold one number per channel of each map, learned from human judgements in LPIPS; without them
    every channel counts alike. Neither they nor the network are part of a checkpoint.
    """

    def __init__(self, network: Backbone, weights: Sequence[Tensor] = ()) -> None:
        super().__init__()
        if "maps" not in network.provides:
            raise ZooError(f"backbone '{network.name}' has no maps to compare; take one that has, such as vgg16.")
        self.network = network
        self.levels = len(weights) or len(network.channels)
        for i in range(self.levels):
            weight = weights[i] if weights else torch.ones(network.channels[i])
            self.register_buffer(f"weight{i}", weight, persistent=False)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Distances [N]; the gradient reaches `a` alone."""
        of_a = self.network(a, wants=("maps",)).maps
        with torch.no_grad():
            of_b = self.network(b, wants=("maps",)).maps
        parts = [self.compare(of_a[i], of_b[i], self.get_buffer(f"weight{i}")) for i in range(self.levels)]
        return torch.stack(parts).sum(0)

    def compare(self, a: Tensor, b: Tensor, weight: Tensor) -> Tensor:
        """One level's distances [N]."""
        difference = (unit(a.float()) - unit(b.float())).square()
        return (difference * weight[:, None, None]).sum(1).mean((1, 2))


def unit(maps: Tensor) -> Tensor:
    """Every position's features at length one."""
    return maps / (maps.square().sum(1, keepdim=True).sqrt() + 1e-10)


def make_distance(name: str) -> nn.Module:
    """`pixels`, `lpips`, or a backbone's reference."""
    if name == "pixels":
        return PixelDistance()
    return lpips() if name == "lpips" else FeatureDistance(backbone(name))


def lpips(network: str = VGG) -> FeatureDistance:
    """LPIPS 0.1 on VGG-16, whose channel weights come with the package `lpips`."""
    found = find_spec("lpips")
    if found is None or found.origin is None:
        raise ZooError(
            "distance=lpips needs the channel weights in the package lpips: pip install lpips. "
            "Without them: distance=pixels, or a backbone's name."
        )
    file = Path(found.origin).parent / "weights" / "v0.1" / "vgg.pth"
    state = torch.load(file, map_location="cpu", weights_only=True)
    return FeatureDistance(backbone(network), [state[f"lin{i}.model.1.weight"].flatten() for i in range(5)])
