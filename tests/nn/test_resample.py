"""Resampling against its definition, written out pixel by pixel."""

import itertools

import pytest
import torch
from torch import Tensor

from zoo.nn.resample import downsample2d, filter2d, fir, upfirdn2d, upsample2d


def by_definition(x: Tensor, kernel: Tensor, up: int, down: int, padding, gain: float) -> Tensor:
    """Zeros after each sample, zeros around (or a crop), true convolution, every `down`-th."""
    n, c, height, width = x.shape
    left, right, top, bottom = padding
    big = x.new_zeros(n, c, height * up, width * up)
    big[:, :, ::up, ::up] = x
    out = x.new_zeros(n, c, height * up + top + bottom, width * up + left + right)
    for i, j in itertools.product(range(out.shape[2]), range(out.shape[3])):
        if 0 <= i - top < big.shape[2] and 0 <= j - left < big.shape[3]:
            out[:, :, i, j] = big[:, :, i - top, j - left]
    full = kernel if kernel.ndim == 2 else torch.outer(kernel, kernel)
    high, wide = full.shape
    patches = out.unfold(2, high, 1).unfold(3, wide, 1)
    return gain * (patches * full.flip(0, 1)).sum((-1, -2))[:, :, ::down, ::down]


@pytest.mark.parametrize(
    ("up", "down", "padding"),
    [
        (1, 1, (0, 0, 0, 0)),
        (1, 1, (2, 1, 3, 0)),
        (1, 2, (1, 1, 1, 1)),
        (1, 2, (-1, 2, 1, -2)),
        (2, 1, (2, 1, 2, 1)),
        (2, 1, (0, 0, 5, 1)),
        (2, 1, (-3, 2, 1, -1)),
        (4, 1, (3, 7, 4, 4)),
        (2, 2, (2, 1, 4, 3)),
        (3, 2, (5, 4, 1, 6)),
    ],
)
@pytest.mark.parametrize("taps", [(1, 3, 3, 1), (1, 2, 5), (1, 2, 0, 3, 4, -1, 2, 5, 1)])
@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_it_is_what_it_says(up, down, padding, taps, order):
    torch.manual_seed(0)
    x = torch.randn(2, 3, 11, 12, dtype=torch.float64).to(memory_format=order)
    kernel = fir(taps).double()
    expected = by_definition(x, kernel, up, down, padding, 3.0)
    torch.testing.assert_close(upfirdn2d(x, kernel, up, down, padding, gain=3.0), expected)
    mirrored = by_definition(x, kernel.flip(*range(kernel.ndim)), up, down, padding, 3.0)
    torch.testing.assert_close(upfirdn2d(x, kernel, up, down, padding, flip=True, gain=3.0), mirrored)


def test_kernels_that_are_no_squares():
    torch.manual_seed(0)
    x, kernel = torch.randn(1, 2, 8, 7, dtype=torch.float64), torch.randn(3, 5, dtype=torch.float64)
    for up, down in [(1, 2), (2, 1), (2, 3)]:
        expected = by_definition(x, kernel, up, down, (3, 1, 2, 4), 1.0)
        torch.testing.assert_close(upfirdn2d(x, kernel, up, down, (3, 1, 2, 4)), expected)


def test_filters():
    small = fir([1, 3, 3, 1])
    torch.testing.assert_close(small * 64, torch.outer(*[torch.tensor([1.0, 3, 3, 1])] * 2))
    assert fir([1.0] * 7).shape == (7, 7)
    torch.testing.assert_close(fir([1.0] * 8), torch.full((8,), 1 / 8))


@pytest.mark.parametrize("taps", [(1, 3, 3, 1), (1, 2, 1), (1, 2, 4, 8, 9, 9, 8, 4, 2, 1)])
def test_brightness_and_size_are_kept(taps):
    x, kernel = torch.full((1, 1, 32, 32), 0.7), fir(taps)
    for out, size in [(upsample2d(x, kernel), 64), (downsample2d(x, kernel), 16), (filter2d(x, kernel), 32)]:
        assert out.shape[2:] == (size, size)
        inner = out[:, :, 12:-12, 12:-12] if size > 24 else out[:, :, 6:-6, 6:-6]
        mean = inner.mean() if len(taps) % 2 else inner  # an odd filter weighs the pixels it makes unequally
        torch.testing.assert_close(mean, torch.full_like(mean, 0.7))
    assert filter2d(x, kernel, padding=2).shape[2:] == (36, 36)
    assert downsample2d(x, kernel, padding=-2).shape[2:] == (14, 14)
    assert upsample2d(x, kernel, padding=-2).shape[2:] == (60, 60)


def test_upsampling_is_the_adjoint_of_downsampling():
    """With a symmetric filter: <up(x), y> = 4 <x, down(y)>."""
    torch.manual_seed(0)
    kernel = fir([1, 3, 3, 1]).double()
    x, y = torch.randn(2, 3, 8, 8).double(), torch.randn(2, 3, 16, 16).double()
    torch.testing.assert_close((upsample2d(x, kernel) * y).sum(), 4 * (x * downsample2d(y, kernel)).sum())


@pytest.mark.parametrize(("up", "down"), [(1, 1), (2, 1), (1, 2), (2, 2), (1, 3)])
@pytest.mark.parametrize("taps", [(1, 3, 3, 1), tuple(range(1, 9))])
@pytest.mark.parametrize("padding", [(4, 5, 3, 4), (4, 4, 4, 4)])
def test_first_and_second_derivatives(up, down, taps, padding):
    torch.manual_seed(0)
    x = torch.randn(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    kernel = fir(taps).double()

    def f(x: Tensor) -> Tensor:
        return upfirdn2d(x, kernel, up, down, padding).square()

    assert torch.autograd.gradcheck(f, x)
    assert torch.autograd.gradgradcheck(f, x)


def test_the_images_type_and_order_stay():
    kernel = fir([1, 3, 3, 1])
    x = torch.randn(2, 8, 16, 16).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        for f in (upsample2d, downsample2d, filter2d):
            assert f(x, kernel).dtype == torch.float32
            assert f(x.bfloat16(), kernel).dtype == torch.bfloat16
            assert f(x, kernel).is_contiguous(memory_format=torch.channels_last)
