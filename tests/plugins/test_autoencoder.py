"""The discriminator of energies: shapes, energies, and which games take it."""

import pytest
import torch

from ganzoo_ebgan.networks import autoencoder
from zoo import DataSpec, InvalidOptions, Parts, compose

DATA = DataSpec(resolution=16)


def layers(network: torch.nn.Sequential) -> list[tuple[int, ...]]:
    return [tuple(p.shape) for p in network.parameters() if p.ndim == 4]


def test_at_64_pixels_it_has_the_papers_layers():
    network = autoencoder(DataSpec(resolution=64))
    assert layers(network.encoder) == [(64, 3, 4, 4), (128, 64, 4, 4), (256, 128, 4, 4)]
    assert layers(network.decoder) == [(256, 128, 4, 4), (128, 64, 4, 4), (64, 3, 4, 4)]


def test_began_widens_linearly_and_has_a_dense_code():
    network = autoencoder(DataSpec(resolution=64), form="began", width=8, code=5)
    assert [shape[0] for shape in layers(network.encoder)] == [8, 8, 16, 16, 16, 24, 24, 24, 32, 32, 32, 32]
    (code,) = network.features(torch.zeros(2, 3, 64, 64))
    assert code.shape == (2, 5)


@pytest.mark.parametrize(("form", "power"), [("ebgan", 2), ("began", 1)])
@pytest.mark.parametrize("resolution", [8, 16, 48])
def test_energy_is_the_mean_error_of_the_reconstruction(form, power, resolution):
    network = autoencoder(DataSpec(resolution=resolution, channels=1), form=form, width=2, code=3)
    images = torch.rand(3, 1, resolution, resolution) * 2 - 1
    rebuilt = network.decoder(network.encoder(images))
    assert rebuilt.shape == images.shape
    expected = (rebuilt - images).abs().pow(power).mean(dim=(1, 2, 3))
    torch.testing.assert_close(network(images), expected[:, None])


@pytest.mark.parametrize("loss", ["ebgan", "began"])
def test_energies_and_logits_do_not_mix_and_the_way_out_is_named(loss):
    with pytest.raises(InvalidOptions, match=r"takes energy.*--discriminator autoencoder"):
        compose(Parts(loss), DATA, lambda: torch.nn.Flatten())
    with pytest.raises(InvalidOptions, match=r"takes logits.*--loss (ebgan|began)"):
        compose(Parts("hinge", discriminator="autoencoder:width=4"), DATA, lambda: torch.nn.Flatten())
    critic = compose(Parts(loss, discriminator="autoencoder:width=4"), DATA, lambda: torch.nn.Flatten())
    assert critic.network.output == critic.game.output == "energy"


def test_a_size_that_cannot_be_halved_is_refused():
    with pytest.raises(InvalidOptions, match="50 px"):
        autoencoder(DataSpec(resolution=50))
