"""Spectral normalisation of any discriminator."""

from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from zoo import NetworkRegularizer, Range

__all__ = ["SpectralNorm", "normalise"]

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)  # their outputs lie along dimension 1
EPS = 1e-12


@dataclass(frozen=True, slots=True)
class SpectralNorm(NetworkRegularizer):
    """Miyato et al. 2018, algorithm 1: W / sigma(W) for every learned weight of two or more dimensions."""

    iterations: Annotated[int, Range(1)] = 1  # power iterations per forward pass in training

    def apply(self, network: nn.Module) -> None:
        """Normalise every layer of `network` that has such a weight."""
        for layer in list(network.modules()):
            weight = layer._parameters.get("weight")
            if weight is not None and weight.ndim >= 2 and weight.requires_grad:
                normalise(layer, self.iterations)


def normalise(layer: nn.Module, iterations: int = 1) -> None:
    """Let `layer` compute with W / sigma(W); its parameter keeps its name, `weight`.

    Adds the buffers `weight_u` and `weight_v`, the estimates of the first singular vectors; they move in
    training mode only. Sigma's gradient flows through W alone. Where a layer scales its weight at run time
    (`weight_scale`), it is the scaled weight whose norm becomes one.
    """
    dim = 1 if isinstance(layer, TRANSPOSED) else 0
    with torch.no_grad():
        matrix = as_matrix(layer.weight, dim)  # type: ignore[arg-type]
        layer.register_buffer("weight_u", normalize(torch.randn_like(matrix[:, 0]), dim=0, eps=EPS))
        layer.register_buffer("weight_v", normalize(torch.randn_like(matrix[0]), dim=0, eps=EPS))
        iterate(layer, matrix, 15)

    def divide(module: nn.Module, _: Any) -> None:
        weight: Tensor = module._parameters["weight"]  # type: ignore[assignment]
        with torch.autocast(weight.device.type, enabled=False):  # sigma in float32
            matrix = as_matrix(weight, dim)
            if module.training:
                iterate(module, matrix, iterations)
            # clones: the next forward of the same step moves the buffers while this graph still needs them
            u, v = module.weight_u.clone(), module.weight_v.clone()  # type: ignore[operator]
            sigma = torch.dot(u, matrix.mv(v)) * getattr(module, "weight_scale", 1.0)
        # an instance attribute hides the parameter of the same name during the forward pass
        module.__dict__["weight"] = weight / sigma

    def uncover(module: nn.Module, _: Any, __: Any) -> None:
        module.__dict__.pop("weight", None)

    layer.register_forward_pre_hook(divide)
    layer.register_forward_hook(uncover, always_call=True)


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """The weight as a float32 matrix [outputs, rest]."""
    return weight.transpose(0, dim).flatten(1).float()


@torch.no_grad()
def iterate(layer: nn.Module, matrix: Tensor, iterations: int) -> None:
    """Power iteration on the layer's two buffers."""
    u: Tensor = layer.weight_u  # type: ignore[assignment]
    v: Tensor = layer.weight_v  # type: ignore[assignment]
    for _ in range(iterations):
        v.copy_(normalize(matrix.t().mv(u), dim=0, eps=EPS))
        u.copy_(normalize(matrix.mv(v), dim=0, eps=EPS))
