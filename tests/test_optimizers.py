"""Adam on channels_last weights: the numbers of torch's own, and no copies."""

import copy
import math

import pytest
import torch
from torch import nn

from zoo import adam
from zoo.optimizers import permuted


def networks():
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(3, 8, 4), nn.BatchNorm2d(8), nn.ConvTranspose2d(8, 3, 4))
    return plain, copy.deepcopy(plain).to(memory_format=torch.channels_last)


def learn(network, optimizer, i):
    x = torch.rand(2, 3, 9, 9, generator=torch.Generator().manual_seed(i))
    optimizer.zero_grad()
    network(x.to(memory_format=torch.channels_last)).square().mean().backward()
    optimizer.step()


def test_layouts_do_not_matter_before_or_after_a_checkpoint():
    plain, last = networks()
    theirs = torch.optim.Adam(plain.parameters(), 1e-2, (0.5, 0.9), weight_decay=0.1)
    ours = adam(last.parameters(), 1e-2, (0.5, 0.9), weight_decay=0.1)
    for i in range(3):
        learn(plain, theirs, i)
        learn(last, ours, i)
    state = copy.deepcopy(ours.state_dict())
    for held in state["state"].values():
        held.update({name: held[name].contiguous() for name in ("exp_avg", "exp_avg_sq")})  # as a file has them
    again = adam(last.parameters(), 1e-2, (0.5, 0.9), weight_decay=0.1)
    again.load_state_dict(state)
    for i in range(3, 6):
        learn(plain, theirs, i)
        learn(last, again, i)
    for a, b in zip(plain.parameters(), last.parameters(), strict=True):
        torch.testing.assert_close(a, b)
    assert permuted(last[0].weight)
    assert again.state[last[0].weight]["exp_avg"].stride() == last[0].weight.stride()


def test_the_kernel_sees_dense_memory():
    _, last = networks()
    optimizer = adam(last.parameters(), 1e-2, (0.5, 0.9))
    learn(last, optimizer, 0)
    learn_again = last(torch.rand(2, 3, 9, 9).to(memory_format=torch.channels_last)).mean()
    learn_again.backward()
    lists = [[] for _ in range(6)]
    optimizer._init_group(optimizer.param_groups[0], *lists)
    assert all(x.is_contiguous() for row in lists[:4] for x in row)


@pytest.mark.parametrize(
    ("nonfinite", "used"),
    [("mend", [0.0, 1e5, -1e5, 2.0]), ("skip", None), ("keep", [math.nan, math.inf, -math.inf, 2.0])],
)
def test_gradients_that_are_not_finite(nonfinite, used):
    ours, theirs = (nn.Parameter(torch.ones(4)) for _ in range(2))
    guarded = adam([ours], 0.1, (0.5, 0.9), nonfinite=nonfinite)
    plain = torch.optim.Adam([theirs], 0.1, (0.5, 0.9))
    for given, taken in (([1.0] * 4, [1.0] * 4), ([math.nan, math.inf, -math.inf, 2.0], used), ([3.0] * 4, [3.0] * 4)):
        ours.grad = torch.tensor(given)
        guarded.step()
        if taken is not None:
            theirs.grad = torch.tensor(taken)
            plain.step()
    torch.testing.assert_close(ours, theirs, equal_nan=True)
