"""GLO against closed forms: the pyramid, the fitted Gaussian, and a table of which each step touches its rows alone."""

import numpy as np
import pytest
import torch
from numpy.random import RandomState

import zoo
from ganzoo_glo.components import principal_components
from ganzoo_glo.latents import Gaussian, project
from ganzoo_glo.losses import DISTANCES, collapse, lap1, most_levels, pyramid
from ganzoo_glo.model import scores
from zoo import DataSpec, InvalidOptions
from zoo.data.images import Images
from zoo.data.prepare import prepare
from zoo.training import checkpoint
from zoo.training.engine import Training

DATA = DataSpec(resolution=16, items=40)


def glo(**options):
    torch.manual_seed(0)
    return zoo.create("glo", preset="tiny", data=DATA, training=True, **{"init": "gaussian", **options})


def pictures(n, size=16, seed=0):
    """Smooth pictures: a bright spot each."""
    random = RandomState(seed)
    grid = torch.linspace(-1, 1, size)
    spots = []
    for x, y, *colour in random.uniform(-1, 1, (n, 5)):
        spot = torch.exp(-6 * ((grid[None] - x) ** 2 + (grid[:, None] - y) ** 2))
        spots.append(torch.stack([c * spot for c in colour]))
    return torch.stack(spots).float()


@pytest.mark.parametrize(("z_dim", "count"), [(100, 3_576_704), (128, 3_806_080)])
def test_measured_counts_at_64_px(z_dim, count):
    model = zoo.create("glo", preset="paper", z_dim=z_dim)
    assert sum(p.numel() for p in model.generator.parameters()) == count


def test_the_pyramid_reconstructs_and_ends_at_4_px():
    x = torch.rand(2, 3, 64, 64, dtype=torch.float64)
    bands = pyramid(x, most_levels(64))
    assert [band.shape[-1] for band in bands] == [64, 32, 16, 8, 4]
    torch.testing.assert_close(collapse(bands), x)


def test_a_pyramid_level_is_its_definition_in_one_dimension():
    """Blur by (1 4 6 4 1)/16 with mirrored borders, keep every second; zeros in between, the same blur doubled."""
    taps = np.array([1, 4, 6, 4, 1]) / 16

    def blurred(line):
        return np.convolve(np.pad(line, 2, mode="reflect"), taps, mode="valid")

    line = RandomState(0).rand(16)
    low = blurred(line)[::2]
    spread = np.zeros(16)
    spread[::2] = low
    x = torch.from_numpy(line).view(1, 1, 1, 16).expand(1, 1, 16, 16)  # the same in every row
    band, rest = pyramid(x, 2)
    np.testing.assert_allclose(band[0, 0, 5], line - 2 * blurred(spread), atol=1e-12)
    np.testing.assert_allclose(rest[0, 0, 3], low, atol=1e-12)


def test_lap1_is_the_paper_s_sum_over_the_number_of_values():
    a, b = torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16)
    levels = zip(pyramid(a, 3), pyramid(b, 3), strict=True)
    expected = sum(4**j * (x - y).abs().flatten(1).sum(1) for j, (x, y) in enumerate(levels)) / (3 * 16 * 16)
    torch.testing.assert_close(lap1(a, b, 3), expected)


def test_lap1_invariants():
    a, b = torch.rand(2, 3, 32, 32, dtype=torch.float64), torch.rand(2, 3, 32, 32, dtype=torch.float64)
    assert torch.equal(lap1(a, a, 4), torch.zeros(2, dtype=torch.float64))
    torch.testing.assert_close(lap1(a, b, 4), lap1(b, a, 4))
    torch.testing.assert_close(lap1(3 * a, 3 * b, 4), 3 * lap1(a, b, 4))
    torch.testing.assert_close(lap1(a + 0.25, a, 4), torch.full((2,), 0.25, dtype=torch.float64))  # its low-pass alone
    assert all(band.abs().max() < 1e-12 for band in pyramid(torch.full((1, 1, 16, 16), 0.3).double(), 3)[:-1])


def test_distances_have_their_gradients():
    a, b = torch.rand(1, 1, 8, 8, dtype=torch.float64), torch.rand(1, 1, 8, 8, dtype=torch.float64)
    for distance in DISTANCES.values():
        assert torch.autograd.gradcheck(lambda x: sum(distance(x, b, 2).values()), a.requires_grad_())  # noqa: B023


def test_projection_to_the_ball_and_to_the_sphere():
    z = torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    torch.testing.assert_close(project(z, "ball"), torch.tensor([[0.6, 0.8], [0.3, 0.4], [0.0, 0.0]]))
    torch.testing.assert_close(project(z, "sphere"), torch.tensor([[0.6, 0.8], [0.6, 0.8], [0.0, 0.0]]))


def test_the_gaussian_follows_rows_as_if_fitted_anew():
    rows = torch.rand(50, 4, generator=torch.Generator().manual_seed(0))
    kept, anew = Gaussian(4), Gaussian(4)
    kept.fit(rows, size=7)
    np.testing.assert_allclose(kept.covariance, np.cov(rows.T.double(), bias=True), atol=1e-12)
    for step in range(200):
        touched = torch.randperm(50, generator=torch.Generator().manual_seed(step))[:8]
        after = torch.rand(8, 4, generator=torch.Generator().manual_seed(step + 1000))
        kept.replace(rows[touched], after, 50)
        rows[touched] = after
    anew.fit(rows)
    torch.testing.assert_close(kept.mean, anew.mean, rtol=0, atol=1e-12)
    torch.testing.assert_close(kept.covariance, anew.covariance, rtol=0, atol=1e-12)


def test_draws_have_the_fitted_moments_and_each_is_its_seeds():
    gaussian = Gaussian(3)
    gaussian.fit(torch.randn(400, 3) @ torch.tensor([[1.0, 0.5, 0.0], [0.0, 0.2, 0.1], [0.0, 0.0, 0.0]]) + 2)
    z = gaussian.draw(20_000, 7).double()
    np.testing.assert_allclose(z.mean(0), gaussian.mean, atol=0.03)
    np.testing.assert_allclose(np.cov(z.T), gaussian.covariance, atol=0.04)
    torch.testing.assert_close(gaussian.draw(1, 7 + 12)[0], z[12].float())
    torch.testing.assert_close(gaussian.draw(2, 0, spread=0.0), gaussian.mean.float().expand(2, 3))


def test_a_step_moves_and_bounds_its_rows_alone():
    model = glo(z_lr=1000.0)
    engine = Training(model)
    before = model.latents.rows.detach().clone()
    index = torch.tensor([3, 17, 3, 20, 39, 0, 8, 9])
    engine.step({"image": pictures(8), "index": index})
    after = model.latents.rows.detach()
    moved = (after != before).any(1).nonzero().flatten().tolist()
    assert moved == sorted({*index.tolist()})
    assert after.norm(dim=1).max() <= 1 + 1e-6
    fitted = Gaussian(8)
    fitted.fit(after)
    torch.testing.assert_close(model.fitted.covariance, fitted.covariance, rtol=0, atol=1e-12)


def test_a_step_is_the_gradient_of_the_mean_loss():
    """Against dense tables and plain subtraction."""
    model = glo(region="ball", z_lr=0.5, g_lr=0.1)
    images, index = pictures(4), torch.tensor([5, 5, 6, 7])
    z = model.latents.rows.detach().clone().requires_grad_()
    first = model.generator.main[0].weight
    start = first.detach().clone()
    fake = model.generator(z[index])
    loss = (fake - images).square().mean() + lap1(fake, images, 3).mean()
    to_z, to_first = torch.autograd.grad(loss, [z, first])
    expected = project((z - 0.5 * to_z).detach(), "ball")
    Training(model).step({"image": images, "index": index})
    torch.testing.assert_close(model.latents.rows.detach(), expected)
    torch.testing.assert_close(first.detach(), start - 0.1 * to_first)


def test_32_images_are_learnt_by_heart_and_found_again():
    torch.manual_seed(0)
    data = DataSpec(resolution=16, items=32)
    model = zoo.create("glo", preset="tiny", data=data, training=True, z_dim=16, g_width=16, init="gaussian")
    engine, images = Training(model), pictures(32)
    spread = (images - images.mean(0)).square().mean()
    for _ in range(300):
        index = torch.randperm(32)[:16]
        engine.step({"image": images[index], "index": index})
    error = (model.reconstruct(torch.arange(32)) - images).square().mean()
    assert error < 0.1 * spread
    model.ready()
    z = model.invert(images[:4], steps=150)["z"]
    assert z.norm(dim=1).max() <= 1 + 1e-6
    found = (model.generate({"z": z}) - images[:4]).square().mean()
    assert found < 0.2 * spread


def test_components_are_those_of_the_covariance():
    rows = torch.randn(60, 20, generator=torch.Generator().manual_seed(0)) * torch.linspace(3, 0.1, 20) + 1
    mean, axes = principal_components(lambda: rows.split(16), 4)
    vectors = np.linalg.eigh(np.cov(rows.T.double()))[1]
    np.testing.assert_allclose(mean, rows.mean(0), atol=1e-5)
    np.testing.assert_allclose(abs(np.sum(axes.numpy() * vectors[:, :-5:-1], axis=0)), 1, atol=1e-3)
    assert principal_components(lambda: rows[:3].split(2), 8)[1].shape == (20, 3)


def test_latents_begin_at_the_scores_of_their_images(pictures):
    images = Images(prepare(pictures, size=16))
    data = DataSpec(resolution=16, items=24)
    model = zoo.create("glo", preset="tiny", data=data, training=True)
    model.begin_training(images)
    flat = torch.cat(list(images.batches(10))).flatten(1)
    centred = (flat - flat.mean(0)).double().numpy()
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    expected = project(torch.from_numpy(left[:, :8] * values[:8]), "ball").numpy()
    found = model.latents.rows.detach().numpy()
    np.testing.assert_allclose(np.abs(found[:, :4]), np.abs(expected[:, :4]), atol=2e-3)
    assert scores(images, 30)[:, 24:].abs().max() == 0


def test_the_sampler_holds_the_gaussian_and_no_table(tmp_path):
    engine = Training(glo())
    engine.step({"image": pictures(8), "index": torch.arange(8)})
    where = checkpoint.save(tmp_path, engine, {})
    sampler = checkpoint.read_tensors(where / "model.safetensors")
    assert {name for name in sampler if not name.startswith("generator.")} == {"fitted.mean", "fitted.covariance"}
    whole = checkpoint.read_tensors(where / "training.safetensors")
    assert whole["model/latents.rows"].shape == (40, 8)


def test_a_run_learns_resumes_exactly_and_refuses_mirrors(tmp_path, pictures):
    small = {"preset": "tiny", "resolution": 16, "precision": "fp32", "snapshot_kimg": 0.08, "quiet": True}
    zoo.train("glo", pictures, out=tmp_path / "straight", kimg=0.32, **small)
    zoo.train("glo", pictures, out=tmp_path / "halted", kimg=0.16, **small)
    zoo.resume(tmp_path / "halted", kimg=0.32, quiet=True)
    one, other = (zoo.load(tmp_path / name, training=True) for name in ("straight", "halted"))
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name
    assert one.reconstruct(torch.arange(24)).shape == (24, 3, 16, 16)
    with pytest.raises(InvalidOptions, match=r"training=True"):
        zoo.load(tmp_path / "straight").reconstruct(torch.arange(2))
    with pytest.raises(InvalidOptions, match="none may be mirrored"):
        zoo.train("glo", pictures, out=tmp_path / "no", mirror=True, **small)
    with pytest.raises(InvalidOptions, match="no loss and no discriminator"):
        zoo.train("glo", pictures, out=tmp_path / "no", loss="hinge", **small)


def test_the_way_between_two_latents_is_straight():
    model = glo().ready()
    a, b = model.prior(1, 0), model.prior(1, 1)
    torch.testing.assert_close(model.between(a, b, 0.25)["z"], 0.75 * a["z"] + 0.25 * b["z"])
    assert model.inputs(50, 0, bounded=True)["z"].norm(dim=1).max() <= 1 + 1e-6


def test_what_cannot_be_is_refused():
    with pytest.raises(InvalidOptions, match="16 or 32"):
        zoo.create("glo", resolution=24)
    with pytest.raises(InvalidOptions, match="at most 5"):
        zoo.create("glo", resolution=64, levels=6)
    with pytest.raises(InvalidOptions, match="how many"):
        zoo.create("glo", training=True)
