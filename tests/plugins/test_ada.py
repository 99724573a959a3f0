"""ADA: each operation against a few lines of numpy or scipy that replay the same draws."""

import math

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
import scipy.stats
import torch
from scipy.spatial.transform import Rotation

from ganzoo_augment.ada import Ada, unfolded
from ganzoo_augment.colours import colour_maps, recolour
from ganzoo_augment.draws import Draws, Quantile
from ganzoo_augment.filters import SYM2, SYM6, bands, downsampler, filter_bank, upsampler
from ganzoo_augment.warp import blit, geom, moving, rotation, scaling, warp
from zoo import DataSpec, InvalidOptions, Parts
from zoo.options import bind, describe
from zoo.training import checkpoint
from zoo.training.engine import Training
from zoo.training.plan import model_class

ALL = ("bgcfnc",)


def images(n=5, c=3, h=16, w=16, seed=0):
    return torch.rand(n, c, h, w, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def seen(augment, x, seed=0, **spatial):
    torch.manual_seed(seed)
    return augment(x, spatial)


def opened(value, p, otherwise):
    """A value drawn, then its gate, as the augmentation draws them."""
    return torch.where(torch.rand(len(value), 1) < p, value, torch.tensor(otherwise)).double()


# ---- which operations


def test_the_sets():
    assert [unfolded(word) for word in ("noise", "bg", "bgc")] == [
        ["noise"],
        ["blit", "geom"],
        ["blit", "geom", "color"],
    ]
    assert unfolded("bgcfn") == ["blit", "geom", "color", "filter", "noise"]
    assert unfolded("bgcfnc") == ["blit", "geom", "color", "filter", "noise", "cutout"]
    assert Ada().operations == {"blit", "geom", "color"}
    assert Ada(("bg", "cutout")).operations == {"blit", "geom", "cutout"}


def test_options_are_documented_and_checked():
    assert all(option.meaning for option in describe("ganzoo_augment.ada:Ada"))
    assert bind(Ada, {"pipe": "bgc+cutout", "kimg": "20"}) == {"pipe": ("bgc", "cutout"), "kimg": 20.0}
    with pytest.raises(InvalidOptions, match="bgcfnc"):
        bind(Ada, {"pipe": "bgcfncc"})


def test_at_zero_everything_stays_and_nothing_is_drawn():
    x = images()
    state = torch.get_rng_state()
    found, spatial = Ada(ALL)(x, {"source": x})
    assert found is x
    assert spatial["source"] is x
    assert torch.equal(torch.get_rng_state(), state)


# ---- motions


def reference_warp(image, inverse):
    """One channel [h,w]: mirror-pad, double by sym6, sample linearly, halve by sym6, each with scipy."""
    h, w = image.shape
    taps = SYM6 / SYM6.sum()
    rows, columns = (np.arange(-(size - 1), 2 * size - 1) for size in (h, w))
    padded = image[np.ix_(*(np.pad(np.arange(s), s - 1, mode="reflect") for s in (h, w)))]
    for axis in (0, 1):
        padded = scipy.signal.upfirdn(2 * taps, padded, 2, axis=axis)
    # tap t of the doubled raster lies at (t - 5.5) / 2 from the first padded pixel
    places = np.stack(np.meshgrid(np.arange(-12, 2 * w + 12), np.arange(-12, 2 * h + 12)), -1)  # (x, y), doubled
    x, y = (places[..., 0] - w + 0.5) / 2, (places[..., 1] - h + 0.5) / 2
    # the doubled raster is half of its own pixel late: the motion turns about that shifted middle
    late = 0.25
    sx, sy, _ = np.einsum("ij,jhw->ihw", inverse, np.stack([x + late, y + late, np.ones_like(x)]))
    tx = 2 * (sx - late + (w - 1) / 2 - columns[0]) + 5.5
    ty = 2 * (sy - late + (h - 1) / 2 - rows[0]) + 5.5
    doubled = scipy.ndimage.map_coordinates(padded, [ty, tx], order=1, mode="grid-constant")
    for axis in (0, 1):
        doubled = scipy.ndimage.correlate1d(doubled, taps, axis, mode="constant", origin=0)
    return doubled[13 : 13 + 2 * h : 2, 13 : 13 + 2 * w : 2]


@pytest.mark.parametrize("size", [(16, 16), (12, 18)])
def test_geometry_is_that_of_an_independent_resampler(size):
    x = images(8, 1, *size)
    torch.manual_seed(3)
    inverse = geom(Draws(), 8, 1.0, *size) @ blit(Draws(), 8, 1.0, *size)
    found = warp(x, inverse)
    for k in range(8):
        expected = reference_warp(x[k, 0].double().numpy(), inverse[k].numpy())
        np.testing.assert_allclose(found[k, 0], expected, atol=1e-4)  # what lies past the padding counts as zero


def test_whole_pixels_move_exactly():
    x = images(3, 3, 12, 12)
    shifted = warp(x, moving(torch.tensor([[2.0, -1.0]]).expand(3, 2)))  # sources lie right of and above the result
    expected = torch.nn.functional.pad(x, (0, 2, 1, 0), mode="reflect")[:, :, :12, 2:]
    torch.testing.assert_close(shifted, expected, atol=1e-5, rtol=0)


def test_mirrored_and_turned_smooth_images_are_themselves():
    """Not exactly so, here as in the published pipe: sym6 is only nearly symmetric."""
    x = torch.nn.functional.interpolate(images(1, 3, 4, 4), size=(32, 32), mode="bicubic")
    one = torch.ones(1, 1, dtype=torch.float64)
    torch.testing.assert_close(warp(x, scaling(-one, 1)), x.flip(3), atol=0.04, rtol=0)
    torch.testing.assert_close(warp(x, scaling(one, -1)), x.flip(2), atol=0.04, rtol=0)
    torch.testing.assert_close(warp(x, rotation(one * math.pi / 2)), x.rot90(1, (2, 3)), atol=0.04, rtol=0)


def test_the_composition_of_all_motions_replayed():
    """Inverse maps, each multiplied on the right, in the published order and with the published strengths."""
    n, h, w, p = 7, 24, 16, 0.7
    torch.manual_seed(5)
    found = blit(Draws(), n, p, h, w) @ geom(Draws(), n, p, h, w)
    torch.manual_seed(5)
    p_rotate = 1 - math.sqrt(1 - p)
    flip = opened(torch.floor(2 * torch.rand(n, 1)), p, 0.0)
    turn = opened(torch.floor(4 * torch.rand(n, 1)), p, 0.0)
    whole = opened((2 * torch.rand(n, 2) - 1) / 8, p, 0.0)
    scale = opened(2 ** (0.2 * torch.randn(n, 1)), p, 1.0)
    first = opened((2 * torch.rand(n, 1) - 1) * math.pi, p_rotate, 0.0)
    stretch = opened(2 ** (0.2 * torch.randn(n, 1)), p, 1.0)
    second = opened((2 * torch.rand(n, 1) - 1) * math.pi, p_rotate, 0.0)
    shift = opened(torch.randn(n, 2) / 8, p, 0.0)
    for k in range(n):

        def turned(angle):
            return np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])

        def moved(x, y):
            return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]])

        forward = [  # what happens to the image, first to last
            np.diag([1 - 2 * flip[k, 0], 1, 1]),
            turned(-turn[k, 0] * math.pi / 2),
            moved(round(float(whole[k, 0]) * w), round(float(whole[k, 1]) * h)),
            np.diag([scale[k, 0], scale[k, 0], 1]),
            turned(-first[k, 0]),
            np.diag([stretch[k, 0], 1 / stretch[k, 0], 1]),
            turned(-second[k, 0]),
            moved(shift[k, 0] * w, shift[k, 1] * h),
        ]
        total = np.eye(3)
        for step in forward:
            total = step @ total
        np.testing.assert_allclose(found[k], np.linalg.inv(total), atol=1e-6)


def test_strengths_have_the_published_distributions():
    n, p = 20_000, 0.36
    torch.manual_seed(0)
    still = torch.eye(3, dtype=torch.float64)
    maps = geom(Draws(), n, p, 64, 64)
    untouched = (maps == still).flatten(1).all(1).double().mean()
    assert abs(untouched - (1 - p) ** 4) < 0.01  # scale, stretch, shift, and either rotation with p together
    whole = blit(Draws(), n, p, 64, 64)
    nothing = (1 - p / 2) * (1 - p * 3 / 4) * (1 - p * (1 - 1 / 17**2))  # 0 is one of 17 shifts, roughly
    assert abs((whole - still).abs().flatten(1).amax(1).lt(1e-9).double().mean() - nothing) < 0.01

    class Only(Draws):
        """Opens one gate for all, keeps the others shut."""

        def __init__(self, gate):
            self.left = gate

        def gate(self, n, probability):
            self.left -= 1
            return torch.full((n, 1), self.left == -1)

    def only(gate, draw=geom):
        return draw(Only(gate), n, 1.0, 64, 64).numpy()

    ks = scipy.stats.kstest
    assert ks(np.log2(1 / only(0)[:, 0, 0]) / 0.2, "norm").pvalue > 1e-3
    for gate in (1, 3):
        turn = only(gate)
        angle = np.arctan2(turn[:, 1, 0], turn[:, 0, 0])
        assert ks(angle / (2 * np.pi) + 0.5, "uniform").pvalue > 1e-3
    stretch = only(2)
    assert ks(np.log2(stretch[:, 1, 1]) / 0.2, "norm").pvalue > 1e-3
    np.testing.assert_allclose(stretch[:, 0, 0] * stretch[:, 1, 1], 1)
    assert ks(only(4)[:, 0, 2] / 8, "norm").pvalue > 1e-3
    shifts = only(2, blit)[:, :2, 2]
    assert shifts.min() == -8
    assert shifts.max() == 8
    np.testing.assert_array_equal(shifts, shifts.round())


def test_everything_happens_at_one():
    torch.manual_seed(0)
    maps = geom(Draws(), 500, 1.0, 32, 32)
    assert not (maps == torch.eye(3)).flatten(1).all(1).any()
    beyond = geom(Draws(), 500, 1.7, 32, 32)  # p has no upper limit
    assert beyond.isfinite().all()


def test_an_image_does_not_depend_on_its_batch():
    x = images(9)
    torch.manual_seed(0)
    inverse = geom(Draws(), 9, 0.8, 16, 16)
    together = warp(x, inverse)
    for k in range(9):
        torch.testing.assert_close(warp(x[k : k + 1], inverse[k : k + 1])[0], together[k], atol=1e-5, rtol=0)


def test_source_and_mask_move_with_their_image_and_keep_their_colour():
    x = images(6)
    mask = torch.zeros(6, 1, 16, 16, dtype=torch.bool)
    mask[:, :, 3:9, 4:12] = True
    both, spatial = seen(Ada(("bg",), p=0.9), x, source=x, mask=mask)
    torch.testing.assert_close(spatial["source"], both)
    assert spatial["mask"].dtype == torch.bool
    alone, _ = seen(Ada(("bg",), p=0.9), mask.float())
    assert torch.equal(spatial["mask"], alone > 0.5)
    torch.manual_seed(0)
    coloured, spatial = seen(Ada(ALL, p=0.9), x, source=x)
    torch.testing.assert_close(spatial["source"], both)
    assert not torch.allclose(coloured, both)


# ---- colour


@pytest.mark.parametrize("channels", [3, 1])
def test_colours_replayed(channels):
    n, p = 9, 0.7
    x = images(n, channels, 6, 6)
    torch.manual_seed(2)
    found = recolour(x, colour_maps(Draws(), n, p, channels))
    torch.manual_seed(2)
    y = x.double().expand(n, 3, 6, 6)
    y = y + opened(0.2 * torch.randn(n, 1), p, 0.0)[:, :, None, None]
    y = y * opened(2 ** (0.5 * torch.randn(n, 1)), p, 1.0)[:, :, None, None]
    flip = opened(torch.floor(2 * torch.rand(n, 1)), p, 0.0)[:, :, None, None]
    y = y - 2 * flip * y.mean(1, keepdim=True)
    if channels == 3:
        angle = opened((2 * torch.rand(n, 1) - 1) * math.pi, p, 0.0)
        turns = Rotation.from_rotvec(angle.numpy() * np.ones(3) / math.sqrt(3)).as_matrix()
        y = torch.einsum("nij,njhw->nihw", torch.from_numpy(turns), y)
        saturation = opened(2 ** torch.randn(n, 1), p, 1.0)[:, :, None, None]
        grey = y.mean(1, keepdim=True)
        y = grey + (y - grey) * saturation
    torch.testing.assert_close(found, y.mean(1, keepdim=True).float() if channels == 1 else y.float())


def test_colours_probability_takes_a_factor():
    n = 4000
    torch.manual_seed(0)
    x = images(n, 3, 2, 2)
    touched = (seen(Ada(("color",), p=0.4, color=0.5), x)[0] != x).flatten(1).any(1).double().mean()
    assert abs(touched - (1 - 0.8**4 * 0.9)) < 0.03


# ---- filter, noise, cutout


def dilated(taps, step):
    out = np.zeros(step * (len(taps) - 1) + 1)
    out[::step] = taps
    return out


def test_the_filter_bank_splits_the_spectrum_in_octaves():
    low = np.convolve(SYM2, SYM2[::-1]) / 2
    signed = SYM2 * [1, -1, 1, -1]
    high = np.convolve(signed, signed[::-1]) / 2
    expected = [
        np.convolve(np.convolve(dilated(low, 4), dilated(low, 2)), low),
        np.convolve(np.convolve(dilated(high, 4), dilated(low, 2)), low),
        np.convolve(dilated(high, 2), low),
        high,
    ]
    bank = filter_bank()
    assert bank.shape == (4, 43)
    for row, taps in zip(bank, expected, strict=True):
        spare = (43 - len(taps)) // 2
        np.testing.assert_allclose(row, np.pad(taps, spare), atol=1e-12)
    np.testing.assert_allclose(bank.sum(0), np.eye(1, 43, 21)[0], atol=1e-9)
    torch.testing.assert_close(bands(10).sum(0), torch.eye(10), atol=1e-6, rtol=0)  # smaller than the filter


def test_sym6_is_orthonormal_and_resampling_undone():
    for shift in range(6):
        correlation = np.dot(SYM6[2 * shift :], SYM6[: 12 - 2 * shift])
        assert abs(correlation - (shift == 0)) < 1e-9
    round_trip = downsampler(16) @ upsampler(16, 6, 6)[7:-7]
    torch.testing.assert_close(round_trip, torch.eye(16), atol=1e-6, rtol=0)


def test_filters_replayed():
    n, p, size = 6, 0.6, 24
    x = images(n, 2, size, size)
    found, _ = seen(Ada(("filter",), p=p), x, seed=4)
    torch.manual_seed(4)
    gains = np.ones((n, 4))
    for band in range(4):
        factor = np.ones((n, 4))
        factor[:, band] = opened(2 ** torch.randn(n, 1), p, 1.0)[:, 0]
        gains *= factor / np.sqrt((factor**2 * [10, 1, 1, 1]).sum(1, keepdims=True) / 13)
    for k in range(n):
        taps = gains[k] @ filter_bank()
        for c in range(2):
            rows = scipy.ndimage.correlate1d(x[k, c].double().numpy(), taps, 0, mode="mirror")
            expected = scipy.ndimage.correlate1d(rows, taps, 1, mode="mirror")
            np.testing.assert_allclose(found[k, c], expected, atol=1e-4)


def test_noise_has_half_normal_strengths():
    x = torch.zeros(2000, 1, 16, 16)
    found, _ = seen(Ada(("noise",), p=0.5), x)
    sigma = found.flatten(1).std(1).numpy() / 0.1
    noisy = sigma[sigma > 0]
    assert abs(len(noisy) / 2000 - 0.5) < 0.05
    assert abs(np.mean(noisy) - math.sqrt(2 / math.pi)) < 0.05
    assert abs(np.mean(noisy**2) - 1) < 0.12


def test_cutouts_replayed():
    n, h, w = 40, 12, 16
    x = images(n, 3, h, w)
    found, _ = seen(Ada(("cutout",), p=0.6), x, seed=9)
    torch.manual_seed(9)
    happens, centre = torch.rand(n) < 0.6, torch.rand(n, 2)
    for k in range(n):
        for i in range(h):
            for j in range(w):
                inside = abs((j + 0.5) / w - centre[k, 0]) < 0.25 and abs((i + 0.5) / h - centre[k, 1]) < 0.25
                assert torch.equal(found[k, :, i, j], torch.zeros(3) if inside and happens[k] else x[k, :, i, j])


# ---- the whole


def test_a_quantile_stands_for_every_draw():
    augment = Ada(("geom",), p=0.01)
    augment.draws = Quantile(0.75)
    x = images(2)
    found, _ = augment(x, {})
    n = scipy.special.erfinv(0.5)
    size = 2 ** (0.2 * n)
    expected = (
        np.diag([1 / size, 1 / size, 1])
        @ np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])  # a quarter of a turn, once
        @ np.diag([1 / size, size, 1])
        @ np.array([[1, 0, -2 * n], [0, 1, -2 * n], [0, 0, 1]])
    )
    torch.testing.assert_close(found, warp(x, torch.from_numpy(expected).expand(2, 3, 3)), atol=1e-5, rtol=0)


def test_gradients_reach_the_images_and_theirs_too():
    x = images(3, 3, 5, 6).double().requires_grad_()
    augment = Ada(ALL, p=0.9)
    assert torch.autograd.gradcheck(lambda y: seen(augment, y)[0], x, fast_mode=True)
    assert torch.autograd.gradgradcheck(lambda y: seen(augment, y)[0].square(), x, fast_mode=True)


@pytest.mark.parametrize("pipe", ["bgc", "bgcfnc"])
def test_memory_format_precision_and_default_device_make_no_difference(pipe):
    augment, x = Ada((pipe,), p=0.8), images(8)
    expected, _ = seen(augment, x)
    torch.testing.assert_close(seen(augment, x.to(memory_format=torch.channels_last))[0], expected)
    with torch.autocast("cpu", torch.bfloat16):
        found, _ = seen(augment, x)
    assert torch.equal(found, expected)
    half, _ = seen(augment, x.bfloat16())
    assert half.dtype == torch.float32
    with torch.device("meta"):
        assert torch.equal(seen(augment, x)[0], expected)


def test_adaptation_survives_a_resume(tmp_path):
    """Twenty steps at once, or ten, a save, a load and ten more."""

    def fresh():
        torch.manual_seed(0)
        data = DataSpec(resolution=16, items=40)
        model = model_class("dcgan")(model_class("dcgan").presets["tiny"](data).config, data)
        model.build_critics(Parts("non-saturating", augment="ada:kimg=0.2,target=-1"))
        return Training(model)

    def run(engine, start, end):
        torch.manual_seed(start)
        for i in range(start, end):
            engine.step({"image": images(8, seed=i)})

    straight, first, second = fresh(), fresh(), fresh()
    for engine in (straight, first):
        run(engine, 0, 10)
    checkpoint.restore(second, checkpoint.save(tmp_path, first, {}))
    for engine in (straight, second):
        run(engine, 10, 20)
    state = straight.model.state_dict()
    assert state["critic.augment.controller.p"] > 0.1
    for name, value in second.model.state_dict().items():
        assert torch.equal(value, state[name]), name
