"""Autoencoders as discriminators: the energy of an image is the error of its reconstruction."""

from typing import Annotated, Literal

from torch import Tensor, nn

from zoo import DataSpec, InvalidOptions, Range

__all__ = ["Autoencoder", "autoencoder"]

Norm = Literal["batch", "none"]
WIDEST = 512


class Autoencoder(nn.Module):
    """Images [N,C,H,W] in [-1, 1] to energies [N,1]: the mean over pixels of |AE(x) - x|^power."""

    conditions = ()
    output = "energy"
    norm_option = "autoencoder:norm=none"

    def __init__(self, encoder: nn.Sequential, decoder: nn.Sequential, power: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.power = power

    def forward(self, images: Tensor) -> Tensor:
        """Energies [N,1]."""
        error: Tensor = self.decoder(self.encoder(images)).float() - images.float()
        return error.abs().pow(self.power).flatten(1).mean(dim=1, keepdim=True)

    def features(self, images: Tensor) -> list[Tensor]:
        """The codes, [N,...]."""
        return [self.encoder(images)]


def autoencoder(
    data: DataSpec,
    *,
    form: Literal["ebgan", "began"] = "ebgan",  # strided 4x4 convolutions and squares; or 3x3, a dense code, |error|
    width: Annotated[int, Range(1)] = 64,  # channels after the first layer
    code: Annotated[int, Range(1)] = 64,  # size of began's code; ebgan's is a map of 8x8 places
    norm: Norm = "none",  # batch normalisation as in EBGAN's paper, or none, which per-image penalties need
) -> Autoencoder:
    """The discriminator of EBGAN or BEGAN for images of this size, down to 8x8 and back."""
    halvings = max(data.resolution.bit_length() - 4, 1)
    if data.resolution % 2**halvings:
        raise InvalidOptions([f"discriminator 'autoencoder' halves {halvings} times; {data.resolution} px does not."])
    if form == "ebgan":
        return Autoencoder(*strided(data.channels, width, halvings, norm), power=2)
    return Autoencoder(*dense(data.channels, width, halvings, data.resolution >> halvings, code), power=1)


def strided(channels: int, width: int, halvings: int, norm: Norm) -> tuple[nn.Sequential, nn.Sequential]:
    """Zhao et al. 2016, appendix: (64)4c2s-(128)4c2s-(256)4c2s and its mirror at 64 px."""
    widths = [min(width << i, WIDEST) for i in range(halvings)]
    down: list[nn.Module] = []
    for i, (inputs, outputs) in enumerate(zip([channels, *widths], widths, strict=False)):
        down += [nn.Conv2d(inputs, outputs, 4, 2, 1), *normalised(outputs, norm if i else "none"), nn.LeakyReLU(0.2)]
    up: list[nn.Module] = []
    for inputs, outputs in zip(widths[:0:-1], widths[-2::-1], strict=True):
        up += [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1), *normalised(outputs, norm), nn.LeakyReLU(0.2)]
    return nn.Sequential(*down), nn.Sequential(*up, nn.ConvTranspose2d(widths[0], channels, 4, 2, 1))


def dense(channels: int, width: int, halvings: int, smallest: int, code: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Berthelot et al. 2017, figure 1: pairs of 3x3 convolutions with ELU, widths n, 2n, 3n, ... and a dense code."""
    down: list[nn.Module] = [conv(channels, width), nn.ELU()]
    for level in range(1, halvings + 1):
        wide = width * level
        down += [conv(wide, wide), nn.ELU(), conv(wide, wide + width), nn.ELU()]
        down += [conv(wide + width, wide + width, stride=2), nn.ELU()]
    wide = width * (halvings + 1)
    down += [conv(wide, wide), nn.ELU(), conv(wide, wide), nn.ELU()]
    down += [nn.Flatten(), nn.Linear(wide * smallest**2, code)]
    up: list[nn.Module] = [nn.Linear(code, width * smallest**2), nn.Unflatten(1, (width, smallest, smallest))]
    for _ in range(halvings):
        up += [conv(width, width), nn.ELU(), conv(width, width), nn.ELU(), nn.Upsample(scale_factor=2)]
    up += [conv(width, width), nn.ELU(), conv(width, width), nn.ELU(), conv(width, channels)]
    return nn.Sequential(*down), nn.Sequential(*up)


def conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """3x3."""
    return nn.Conv2d(inputs, outputs, 3, stride, 1)


def normalised(channels: int, norm: Norm) -> list[nn.Module]:
    """Batch normalisation, or nothing."""
    return [nn.BatchNorm2d(channels)] if norm == "batch" else []
