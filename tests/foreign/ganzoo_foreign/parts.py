"""A loss, a view and a frozen network."""

import torch
from torch import nn
from torch.nn.functional import relu

from zoo import Augment, Backbone, Features, Game


class SquaredLoss(Game):
    """Squares of what is missing to a margin."""

    def __init__(
        self,
        margin: float = 1.0,  # how far from 0 a logit stops to count
    ):
        self.margin = margin

    def d(self, real, fake):
        return relu(self.margin - real).square().mean(), relu(self.margin + fake).square().mean()

    def g(self, fake, real=None):
        return relu(self.margin - fake).square().mean()


class Dimmed(Augment):
    """Half the contrast."""

    def forward(self, images, spatial):
        return images / 2, spatial


class Eyes(Backbone):
    """Four strided convolutions whose weights are drawn from one seed."""

    input_size = 32
    channels = (4, 4, 4, 4)
    strides = (2, 4, 8, 16)
    dim = 4

    def __init__(self):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            layers = [nn.Sequential(nn.Conv2d(c, 4, 3, 2, 1), nn.LeakyReLU(0.2)) for c in (3, 4, 4, 4)]
        super().__init__(nn.ModuleList(layers), family="foreign", weights="seed-0")

    def features(self, images, wants, blocks):
        maps = []
        for layer in self.network.children():
            images = layer(images)
            maps.append(images)
        return Features(tuple(maps), vector=images.mean(dim=(2, 3)))
