"""Spectrally normalised layers, with the names of torch's first `spectral_norm`."""

from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

__all__ = ["spectral_norm"]

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)  # their outputs lie along dimension 1
EPS = 1e-12

Layer = TypeVar("Layer", bound=nn.Module)


def spectral_norm(layer: Layer) -> Layer:
    """Let `layer` compute with W / sigma(W) (Miyato et al. 2018, algorithm 1), sigma in float32.

    Its parameter becomes `weight_orig`; `weight_u` [out] and `weight_v` [rest] estimate the first singular
    vectors, by one power iteration per forward pass in training mode and none in eval mode. The layer can be
    copied and saved at any time: the quotient lives during the forward pass only.
    """
    weight = layer._parameters.pop("weight")
    assert isinstance(weight, nn.Parameter)
    layer.register_parameter("weight_orig", weight)
    dim = 1 if isinstance(layer, TRANSPOSED) else 0
    matrix = as_matrix(weight.detach(), dim)
    layer.register_buffer("weight_u", normalize(torch.randn_like(matrix[:, 0]), dim=0, eps=EPS))
    layer.register_buffer("weight_v", normalize(torch.randn_like(matrix[0]), dim=0, eps=EPS))

    def divide(module: Any, _: Any) -> None:
        with torch.autocast(module.weight_orig.device.type, enabled=False):
            matrix = as_matrix(module.weight_orig, dim)
            if module.training:
                iterate(matrix, module.weight_u, module.weight_v)
            # clones: the next forward of the same step moves the buffers while this graph still needs them
            sigma = torch.dot(module.weight_u.clone(), matrix.mv(module.weight_v.clone()))
            module.weight = module.weight_orig / sigma

    def forget(module: Any, _: Any, __: Any) -> None:
        del module.weight

    layer.register_forward_pre_hook(divide)
    layer.register_forward_hook(forget, always_call=True)
    return layer


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """The weight as a float32 matrix [outputs, rest]."""
    return weight.transpose(0, dim).flatten(1).float()


@torch.no_grad()
def iterate(matrix: Tensor, u: Tensor, v: Tensor) -> None:
    """One power iteration, in place."""
    v.copy_(normalize(matrix.t().mv(u), dim=0, eps=EPS))
    u.copy_(normalize(matrix.mv(v), dim=0, eps=EPS))
