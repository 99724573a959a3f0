"""Augmentations against an independent re-derivation that draws the same numbers in the same order."""

import pytest
import torch

from ganzoo_augment.diffaugment import DiffAugment, shift, shift_by_slices
from ganzoo_augment.flip import Flip
from zoo import InvalidOptions
from zoo.options import bind


def images(n=5, c=3, h=16, w=16, seed=0):
    return torch.rand(n, c, h, w, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def reference(x, policy, translation=0.125, cutout=0.5):
    """Pixel by pixel, after the published description."""
    x = x.clone()
    n, _, h, w = x.shape
    for operation in policy:
        if operation == "color":
            u = torch.rand(n, 1, 1, 1)
            x = x + u - 0.5
            u = torch.rand(n, 1, 1, 1)
            m = x.mean(1, keepdim=True)
            x = m + 2 * u * (x - m)
            u = torch.rand(n, 1, 1, 1)
            m = x.mean((1, 2, 3), keepdim=True)
            x = m + (u + 0.5) * (x - m)
        elif operation == "translation":
            s, t = int(h * translation + 0.5), int(w * translation + 0.5)
            rows, columns = torch.randint(-s, s + 1, (n,)), torch.randint(-t, t + 1, (n,))
            out = torch.zeros_like(x)
            for k in range(n):
                for i in range(h):
                    for j in range(w):
                        a, b = i + int(rows[k]), j + int(columns[k])
                        if 0 <= a < h and 0 <= b < w:
                            out[k, :, i, j] = x[k, :, a, b]
            x = out
        else:
            ch, cw = int(h * cutout + 0.5), int(w * cutout + 0.5)
            top = torch.randint(0, h + (1 - ch % 2), (n,))
            left = torch.randint(0, w + (1 - cw % 2), (n,))
            for k in range(n):
                for i in range(ch):
                    for j in range(cw):
                        a = min(max(i + int(top[k]) - ch // 2, 0), h - 1)
                        b = min(max(j + int(left[k]) - cw // 2, 0), w - 1)
                        x[k, :, a, b] = 0
    return x


@pytest.mark.parametrize("policy", [("color",), ("translation",), ("cutout",), ("color", "translation", "cutout")])
@pytest.mark.parametrize("size", [(16, 16), (14, 18)])
def test_diffaugment_as_published(policy, size):
    x = images(h=size[0], w=size[1])
    torch.manual_seed(7)
    found, _ = DiffAugment(policy)(x, {})
    torch.manual_seed(7)
    torch.testing.assert_close(found, reference(x, policy))


def test_cutouts_share_is_an_option():
    torch.manual_seed(1)
    found, _ = DiffAugment(("cutout",), cutout=0.2)(images(), {})
    torch.manual_seed(1)
    torch.testing.assert_close(found, reference(images(), ("cutout",), cutout=0.2))


def test_gradients_reach_the_images_and_theirs_too():
    torch.manual_seed(0)
    x = images(2, 1, 8, 8).double().requires_grad_()

    def view(values):
        torch.manual_seed(3)
        return DiffAugment()(values, {})[0]

    assert torch.autograd.gradcheck(view, x)
    assert torch.autograd.gradgradcheck(view, x)


def test_both_ways_to_shift_agree():
    x = images(6, 3, 9, 7)
    rows, columns = torch.tensor([0, 1, -2, 3, -4, 9]), torch.tensor([0, -1, 2, -3, 7, 0])
    meta_like = x.permute(0, 2, 3, 1)
    by_slices = shift_by_slices(x, rows.tolist(), columns.tolist())
    for k in range(6):
        for i in range(9):
            for j in range(7):
                a, b = i + rows[k], j + columns[k]
                expected = meta_like[k, a, b] if 0 <= a < 9 and 0 <= b < 7 else torch.zeros(3)
                assert torch.equal(by_slices[k, :, i, j], expected)


def test_a_mask_moves_with_its_image_and_keeps_its_colour():
    x = images(4)
    mask = x[:, :1] > 0
    torch.manual_seed(0)
    moved, spatial = DiffAugment(("color", "translation"))(x, {"mask": mask, "source": x})
    torch.manual_seed(0)
    torch.rand(4), torch.rand(4), torch.rand(4)
    rows, columns = torch.randint(-2, 3, (4,)), torch.randint(-2, 3, (4,))
    assert torch.equal(spatial["mask"], shift(mask, rows, columns))
    assert spatial["mask"].dtype == torch.bool
    assert torch.equal(spatial["source"], shift(x, rows, columns))
    assert not torch.equal(moved, spatial["source"])


def test_flip_mirrors_whole_items_half_of_the_time():
    x = images(400, 1, 2, 2)
    torch.manual_seed(0)
    found, spatial = Flip()(x, {"mask": x > 0})
    flipped = (found == x.flip(3)).flatten(1).all(1)
    kept = (found == x).flatten(1).all(1)
    assert (flipped | kept).all()
    assert 160 < flipped.sum() < 240
    assert torch.equal(spatial["mask"], found > 0)
    assert torch.equal(Flip(p=0.0)(x, {})[0], x)
    assert torch.equal(Flip(p=1.0)(x, {})[0], x.flip(3))


def test_an_unknown_operation_is_named():
    with pytest.raises(InvalidOptions, match=r"colour"):
        bind(DiffAugment, {"policy": "colour"})
