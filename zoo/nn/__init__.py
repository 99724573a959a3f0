"""Layers that several plugins use."""

from zoo.nn.minibatch import MinibatchDiscrimination, MinibatchStddev, minibatch_stddev

__all__ = ["MinibatchDiscrimination", "MinibatchStddev", "minibatch_stddev"]
