"""A frozen network small enough for every test."""

from collections.abc import Collection, Sequence

from torch import Tensor, nn

from zoo import Backbone, Features

__all__ = ["EightChannels"]


class EightChannels(Backbone):
    """Four strided convolutions of fixed random weights; its features mean nothing."""

    input_size = 32
    channels = (8, 8, 8, 8)
    strides = (2, 4, 8, 16)
    dim = 8

    def __init__(self) -> None:
        layers = [nn.Sequential(nn.Conv2d(width, 8, 3, 2, 1), nn.LeakyReLU(0.2)) for width in (3, 8, 8, 8)]
        super().__init__(nn.ModuleList(layers), family="test", weights="random")

    def features(self, images: Tensor, wants: Collection[str], blocks: Sequence[int]) -> Features:
        """Maps at strides 2 to 16; the vector is the mean of the last."""
        maps = []
        for layer in self.network.children():
            images = layer(images)
            maps.append(images)
        return Features(tuple(maps), vector=images.mean(dim=(2, 3)))
