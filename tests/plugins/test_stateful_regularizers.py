"""Regularisers that remember: LeCam's averages, the pool of earlier fakes; and those that join G's loss."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ganzoo_ebgan.games import BEGAN
from ganzoo_ebgan.pull_away import PullAway, pull_away
from ganzoo_losses.lecam import LeCam
from ganzoo_losses.matching import FeatureMatching
from ganzoo_losses.replay import Replay
from tests.toys import Logistic
from tests.training.test_distributed import launch
from zoo import Critic, DataSpec
from zoo.model import Progress


class Seeing(nn.Module):
    """A network with features: a map, then four numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 2)
        self.last = nn.Linear(4, 1)

    def features(self, images: Tensor) -> list[Tensor]:
        return [images, self.first(images).tanh()]

    def forward(self, images: Tensor) -> Tensor:
        return self.last(self.features(images)[-1].flatten(1))


def test_lecam_follows_the_other_sides_average_of_past_steps():
    penalty, rng, means = LeCam(weight=0.5, decay=0.9, one_sided=True), np.random.default_rng(0), None
    for step in range(5):
        penalty.begin_step(Progress(step))
        real, fake = rng.normal(1, 1, 6), rng.normal(-1, 1, 4)
        found = penalty(torch.tensor(real).float(), torch.tensor(fake).float())
        if means is None:
            assert found == 0
        else:
            above, below = np.maximum(real - means[1], 0), np.maximum(means[0] - fake, 0)
            assert found.item() == pytest.approx(0.5 * ((above**2).mean() + (below**2).mean()), rel=1e-5)
        now = np.array([real.mean(), fake.mean()])
        means = now if means is None else 0.9 * means + 0.1 * now


def test_lecam_as_the_papers_equation_is_a_plain_square():
    penalty = LeCam(weight=1.0, one_sided=False)
    penalty.means.copy_(torch.tensor([2.0, -1.0]))
    assert penalty(torch.tensor([-2.0]), torch.tensor([3.0])).item() == pytest.approx(1 + 1)


def test_a_critic_adds_lecam_and_keeps_its_state():
    critic = Critic(Seeing(), Logistic(), penalties={"lecam": LeCam()})
    assert "stateful.lecam.means" in critic.state_dict()
    for step in range(2):
        for module in (critic, critic.stateful["lecam"]):
            module.begin_step(Progress(step))
        terms = critic.d_loss(torch.randn(4, 3, 2, 2), torch.randn(4, 3, 2, 2))
    assert terms["lecam"].isfinite()
    terms["lecam"].backward()
    assert critic.network.last.weight.grad is not None


def test_feature_matching_compares_means_in_the_generators_step_alone():
    torch.manual_seed(0)
    critic = Critic(Seeing(), Logistic(), penalties={"feature-matching": FeatureMatching(weight=2.0)})
    real, fake = torch.randn(5, 3, 2, 2), torch.randn(5, 3, 2, 2, requires_grad=True)
    assert "feature-matching" not in critic.d_loss(real, fake)
    found = critic.g_loss(fake, real)["feature-matching"]
    mean = [critic.network.features(images)[-1].flatten(1).mean(0) for images in (real, fake)]
    torch.testing.assert_close(found, 2 * (mean[0] - mean[1]).abs().mean())
    found.backward()
    assert fake.grad.abs().sum() > 0
    squared = FeatureMatching(norm="l2")(critic, real, fake, {})
    torch.testing.assert_close(squared, (mean[0] - mean[1]).square().sum())


def test_pull_away_is_the_mean_squared_cosine_of_pairs():
    s = torch.randn(4, 3, dtype=torch.float64)
    rows = s.numpy()
    cosines = [
        (a @ b / np.linalg.norm(a) / np.linalg.norm(b)) ** 2
        for i, a in enumerate(rows)
        for j, b in enumerate(rows)
        if i != j
    ]
    assert pull_away(s).item() == pytest.approx(np.mean(cosines))
    assert pull_away(torch.eye(3)).item() == 0
    assert pull_away(torch.ones(3, 2)).item() == pytest.approx(1)
    assert pull_away(torch.ones(1, 2)) == 0


def test_pull_away_drives_fakes_apart():
    critic = Critic(Seeing(), Logistic(), penalties={"pull-away": PullAway()})
    fake = torch.randn(4, 3, 2, 2, requires_grad=True)
    critic.g_loss(fake, fake.detach())["pull-away"].backward()
    assert fake.grad.abs().sum() > 0


def numbered(start: int, n: int) -> Tensor:
    return torch.arange(start, start + n).float()[:, None, None, None].expand(n, 3, 2, 2)


def pool(size: int, share: float = 0.5) -> Replay:
    memory = Replay(size, share)
    memory.reserve(DataSpec(resolution=2))
    return memory


def test_a_pool_fills_then_gives_half_old_and_takes_half_new():
    torch.manual_seed(0)
    memory, known = pool(6), set(range(6))
    assert torch.equal(memory(numbered(0, 4)), numbered(0, 4))
    assert torch.equal(memory(numbered(4, 4)), numbered(4, 4))
    assert memory.pool[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4, 5]
    for start in range(8, 40, 4):
        given = memory(numbered(start, 4))[:, 0, 0, 0].tolist()
        assert set(given[:2]) <= known
        assert given[2:] == [start + 2, start + 3]
        known = known - set(given[:2]) | {start, start + 1}
        assert set(memory.pool[:, 0, 0, 0].tolist()) == known


def test_a_pools_contents_are_state():
    memory, again = pool(4), pool(4)
    memory(numbered(0, 3))
    again.load_state_dict(memory.state_dict())
    assert torch.equal(again.pool, memory.pool)
    assert again.filled == 3


def test_only_the_discriminators_step_looks_into_the_pool():
    torch.manual_seed(0)
    seen: list[Tensor] = []

    class Watching(Seeing):
        def forward(self, images: Tensor) -> Tensor:
            seen.append(images.detach())
            return super().forward(images)

    critic = Critic(Watching(), Logistic(), memory=pool(2, share=1.0))
    critic.d_loss(numbered(0, 2), numbered(10, 2))
    critic.d_loss(numbered(0, 2), numbered(20, 2))
    critic.g_loss(numbered(30, 2), numbered(0, 2))
    assert sorted(seen[3][:, 0, 0, 0].tolist()) == [10, 11]
    assert seen[4][:, 0, 0, 0].tolist() == [30, 31]


SUMMED = """
import sys, torch
from safetensors.torch import save_file
from tests.plugins.test_stateful_regularizers import clocks
from zoo.training.distributed import processes, rank

with processes(torch.device("cpu")):
    save_file(clocks(slice(rank() * 4, rank() * 4 + 4)), f"{sys.argv[1]}/{rank()}.safetensors")
"""


def clocks(rows: slice) -> dict[str, Tensor]:
    """BEGAN's and LeCam's state after some steps on these rows of fixed batches of 8."""
    game, penalty, rng = BEGAN(rate=0.1), LeCam(), torch.Generator().manual_seed(0)
    for step in range(5):
        real, fake = torch.rand(2, 8, generator=rng)
        for module in (game, penalty):
            module.begin_step(Progress(step))
        game.d(real[rows], 0.2 * fake[rows])
        penalty(real[rows], -fake[rows])
    return {"k": game.k, "convergence": game.convergence, "means": penalty.means}


def test_clocks_move_by_what_all_processes_saw(tmp_path):
    launch(SUMMED, str(tmp_path))
    expected = clocks(slice(None))
    assert 0 < expected["k"] < 1
    for rank in range(2):
        found = load_file(tmp_path / f"{rank}.safetensors")
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value, msg=name)
