"""Pictures to features: resize, frozen network, precision."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from zoo.errors import InvalidOptions, ZooError
from zoo.metric import View

__all__ = ["FILTERS", "Eye", "brought_to"]

FILTERS = ("bicubic", "bilinear", "area")


class Eye:
    """A view with its network loaded, on a device, in a precision. Raises ZooError when weights are missing."""

    def __init__(self, view: View, device: torch.device, precision: str = "fp32") -> None:
        from zoo.backbones import backbone

        if view.resize not in (*FILTERS, "own"):
            raise InvalidOptions([f"resize={view.resize}: known are {', '.join(FILTERS)} and own."])
        self.view, self.device, self.precision = view, device, precision
        self.backbone = backbone(view.network).to(device)
        self.backbone.network.to(memory_format=torch.channels_last)
        if "vector" not in self.backbone.provides:
            raise ZooError(f"The backbone {self.backbone.name} has no pooled features to measure by; take another.")
        self.size = view.size or self.backbone.input_size

    @torch.no_grad()
    def __call__(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Pooled features float32 [n,d] of pictures uint8 [n,H,W,C]."""
        with exact(), self.autocast():
            vector = self.backbone(self.shown(self.tensor(pictures)), wants=("vector",)).vector
        assert vector is not None
        rows: NDArray[np.float32] = vector.float().cpu().numpy()
        return rows

    @torch.no_grad()
    def maps(self, images: Tensor) -> tuple[Tensor, ...]:
        """Feature maps [n,C,h,w], fine to coarse, of images [n,C,H,W] in 0..255, of any size."""
        with exact(), self.autocast():
            maps: tuple[Tensor, ...] = self.backbone(self.shown(images), wants=("maps",)).maps
        if not maps:
            raise ZooError(f"The backbone {self.backbone.name} has no feature maps to measure by; take another.")
        return maps

    def tensor(self, pictures: NDArray[np.uint8]) -> Tensor:
        """Pictures uint8 [n,H,W,C] on the device: float32 [n,C,H,W] in 0..255."""
        return torch.from_numpy(pictures).to(self.device).permute(0, 3, 1, 2).float()

    def shown(self, images: Tensor) -> Tensor:
        """What the network is given: float32 [n,C,s,s] in [-1, 1]."""
        if self.view.resize != "own":
            images = brought_to(images, self.size, self.view.resize)
        return (images / 127.5 - 1).contiguous(memory_format=torch.channels_last)

    def autocast(self) -> Any:
        """bf16 where it was asked for."""
        return torch.autocast(self.device.type, torch.bfloat16) if self.precision == "bf16" else nullcontext()

    def facts(self) -> dict[str, Any]:
        """What a number through this view depends on."""
        own = self.view.resize == "own"
        library = f"torch-fidelity {version('torch-fidelity')}" if own else "torch"
        return {
            "network": {name: getattr(self.backbone, name) for name in ("name", "family", "weights", "sha256")},
            "resize": {
                "filter": "the network's own" if own else f"{self.view.resize}, antialias, clipped, not rounded",
                "size": self.backbone.input_size if own else self.size,
                "library": library,
            },
            "precision": self.precision,
        }


def brought_to(images: Tensor, size: int, filter_: str) -> Tensor:
    """Images [n,C,H,W] in 0..255 at size x size, antialiased, clipped, not rounded (clean-fid's way)."""
    if images.shape[-2:] == (size, size):
        return images
    if filter_ == "area":
        return functional.interpolate(images, (size, size), mode="area")
    resized = functional.interpolate(images, (size, size), mode=filter_, antialias=True, align_corners=False)
    return resized.clamp(0, 255)


@contextmanager
def exact() -> Iterator[None]:
    """Float32 that is: cuDNN would round convolutions to 10 bits of mantissa by default."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
