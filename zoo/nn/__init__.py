"""Layers that several plugins use."""

from zoo.nn.minibatch import MinibatchDiscrimination, MinibatchStddev, minibatch_stddev
from zoo.nn.padding import at_any_size
from zoo.nn.resample import downsample2d, filter2d, fir, upfirdn2d, upsample2d
from zoo.nn.spectral import spectral_norm

__all__ = [
    "MinibatchDiscrimination",
    "MinibatchStddev",
    "at_any_size",
    "downsample2d",
    "filter2d",
    "fir",
    "minibatch_stddev",
    "spectral_norm",
    "upfirdn2d",
    "upsample2d",
]
