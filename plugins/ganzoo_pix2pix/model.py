"""pix2pix: one discriminator step and one generator step on the same translation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

from torch import Tensor
from torch.optim import Optimizer

from ganzoo_pix2pix.layers import Init, Norm, Statistics
from ganzoo_pix2pix.patchgan import Patches, discriminator, too_small
from ganzoo_pix2pix.resnet import Padding, ResNet
from ganzoo_pix2pix.schedule import rate
from ganzoo_pix2pix.unet import UNet
from zoo import (
    Averaging,
    Batch,
    DataSpec,
    InvalidOptions,
    Model,
    Parts,
    Phase,
    Preset,
    Progress,
    Range,
    Terms,
    adam,
    compose,
    draw_uniform,
    on_pictures,
    trainable,
)
from zoo.nn import at_any_size

__all__ = ["Pix2Pix"]


class Pix2Pix(Model):
    """Isola et al. 2017: `source` is the picture given (domain A), `image` the one wanted (domain B)."""

    @dataclass(frozen=True, slots=True)
    class Config:
        """Networks, losses, optimisers and length; flat."""

        generator: Literal["unet", "resnet"] = "unet"  # with a bridge at every size, or residual blocks
        levels: Annotated[int, Range(0, 12)] = 0  # halvings of the U-Net; 0 goes down to one pixel
        skips: bool = True  # bridges of the U-Net; without, it is an encoder and a decoder
        blocks: Annotated[int, Range(1)] = 9  # of the ResNet: 6 up to 128 px, 9 above
        padding: Padding = "reflect"  # in these blocks
        g_width: Annotated[int, Range(1)] = 64  # generator channels after the first layer
        g_norm: Norm = "batch"  # normalisation in the generator
        statistics: Statistics = "image"  # of batch normalisation when translating: each picture's, as published
        dropout: Literal["always", "training", "never"] = "always"  # the only noise; published: also when translating
        d_width: Annotated[int, Range(1)] = 64  # discriminator channels after the first layer
        d_layers: Annotated[int, Range(0, 8)] = 3  # its halvings: a logit sees 16, 34, 70, 142, 286 px; 0 is one pixel
        d_norm: Norm = "batch"  # in the discriminator; per-image penalties need instance or none
        init: Init = "normal"  # of all convolutions, with gain 0.02
        l1: Annotated[float, Range(0)] = 100.0  # weight of the mean absolute difference from the wanted image
        lr: Annotated[float, Range(0)] = 2e-4  # learning rate of both players
        beta1: Annotated[float, Range(0, 1)] = 0.5  # Adam's first decay
        beta2: Annotated[float, Range(0, 1)] = 0.999  # Adam's second decay
        hold_epochs: Annotated[int, Range(0)] = 100  # passes over the data at full learning rate, before it falls
        decay_epochs: Annotated[int, Range(0)] = 100  # over which it falls to nearly 0; 0 keeps it
        decay_at: Literal["end", "start"] = "end"  # of a pass; at its start, as in the code of 2021, the last is idle
        load: Annotated[int, Range(0)] = 0  # px to which pictures are brought, to be cropped at random; 0 crops none
        batch: Annotated[int, Range(1)] = 1  # images per step, over all processes
        kimg: Annotated[float, Range(0.001, 1e9)] = 100.0  # length of training in thousands of images
        minutes: Annotated[float, Range(0, 1e7)] = 0.0  # and at most this long; 0 sets no limit
        ema_kimg: Annotated[float, Range(0)] = 0.0  # half-life of the generator's average; 0 keeps none
        ema_ramp: Annotated[float, Range(0)] = 0.05  # and at most this share of the images seen

    config: Config
    needs = ("image", "source")
    reads = ("source",)
    presets: ClassVar[Mapping[str, Callable[[DataSpec], Preset]]] = {
        "default": lambda data: default(data),
        "paper": lambda data: paper(data),
        "paper-resnet": lambda data: paper_resnet(data),
        "tiny": lambda data: tiny(data),
    }

    def __init__(self, config: Config, data: DataSpec) -> None:
        super().__init__(config, replace(data, source_channels=data.source_channels or data.channels))
        self.optimizers: list[Optimizer] = []
        self.generator = self.unet() if config.generator == "unet" else self.resnet()

    def unet(self) -> UNet:
        """The generator with bridges."""
        c, data = self.config, self.data
        return UNet(
            data.source_channels,
            data.channels,
            levels=c.levels or halvings(data.resolution),
            width=c.g_width,
            norm=c.g_norm,
            dropout=c.dropout != "never",
            skips=c.skips,
            statistics=c.statistics,
            init=c.init,
        )

    def resnet(self) -> ResNet:
        """The residual generator."""
        c, data = self.config, self.data
        return ResNet(
            data.source_channels,
            data.channels,
            blocks=c.blocks,
            width=c.g_width,
            norm=c.g_norm,
            dropout=c.dropout != "never",
            padding=c.padding,
            statistics=c.statistics,
            init=c.init,
        )

    @classmethod
    def problems(cls, config: Config, data: DataSpec) -> list[str]:
        """Sides are halved often; patches must fit; crops are cut out of something larger."""
        c, size, problems = config, data.resolution, []
        multiple = 4 if c.generator == "resnet" else 2 ** (c.levels or halvings(size))
        if c.generator == "unet" and not c.levels and (multiple != size or size < 8):
            lower = max(1 << (size.bit_length() - 1), 8)
            deepest = (size & -size).bit_length() - 1
            other = f", or -s levels={deepest}" if deepest > 2 else ""
            problems.append(f"the U-Net halves down to one pixel, which {size} is not; take {lower} px{other}.")
        elif size % multiple or (c.levels and c.levels < 3):
            problems.append(f"pix2pix's {c.generator} takes multiples of {max(multiple, 8)} px; {size} were given.")
        if problem := too_small(c.d_layers, size):
            problems.append(f"-s d_layers={c.d_layers}: {problem}")
        if c.load and c.load < size:
            problems.append(f"-s load={c.load} leaves nothing to crop {size} px from; give more, or 0.")
        return problems

    @classmethod
    def parts(cls, config: Config) -> Parts:
        """Equation 1 in its non-saturating form, with D's loss halved (section 3.3)."""
        return Parts(loss="non-saturating:d_scale=0.5")

    def build_critics(self, parts: Parts) -> None:
        """One critic, which also sees the picture given."""
        self.critic = compose(parts, self.data, self.discriminator, conditions=("source",))

    def discriminator(self) -> Patches:
        """The model's own."""
        c = self.config
        network = discriminator(self.data, layers=c.d_layers, width=c.d_width, norm=c.d_norm, init=c.init, source=True)
        network.norm_option = "-s d_norm=instance"
        return network

    def phases(self) -> list[Phase]:
        """D learns on a translation whose graph is kept, so that G learns from the same forward pass."""
        c = self.config
        players = (self.critic, self.generator)
        d, g = (adam(trainable(player), c.lr, (c.beta1, c.beta2)) for player in players)
        self.optimizers = [d, g]
        return [Phase("D", self.d_loss, d, keeps=("generator",)), Phase("G", self.g_loss, g)]

    def begin_step(self, progress: Progress) -> None:
        """The learning rate holds, then falls pass by pass."""
        c = self.config
        lr = c.lr * rate(progress.images, self.data.items, c.hold_epochs, c.decay_epochs, c.decay_at)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = lr

    @property
    def load_size(self) -> int | None:
        """Jitter: crops out of larger pictures (section 6.2)."""
        return self.config.load or None

    def d_loss(self, batch: Batch) -> Terms:
        """Pairs of given and wanted against pairs of given and made."""
        batch["fake"] = self.translated(batch["source"])
        return self.critic.d_loss(batch["image"], batch["fake"], source=batch["source"])

    def g_loss(self, batch: Batch) -> Terms:
        """Equation 4: the game, and L1. The translation of the D step is judged again after it."""
        kept = batch.get("fake")
        fake = kept if kept is not None and kept.requires_grad else self.translated(batch["source"])
        terms = self.critic.g_loss(fake, batch["image"], source=batch["source"])
        if self.config.l1:
            terms["l1"] = self.config.l1 * (fake - batch["image"]).abs().mean()
        return terms

    def translated(self, source: Tensor) -> Tensor:
        """Images of pictures [N,C,H,W], with dropout of the process's random numbers."""
        out: Tensor = self.generator(source)
        return out.float()

    def generate(self, inputs: Batch) -> Tensor:
        """Images of pictures `source` [N,C,H,W], with the masks `dropout` where given."""
        out: Tensor = self.generator(inputs["source"], inputs.get("dropout"))
        return out.float()

    def prior(self, n: int, seed: int) -> Batch:
        """Masks of dropout, bool [n,M], where it is on in translating too."""
        return self.masks(n, seed, self.data.resolution, self.data.resolution)

    def masks(self, n: int, seed: int, height: int, width: int) -> Batch:
        """The same for pictures of a size."""
        numbers = self.generator.noise(height, width) if self.config.dropout == "always" else 0
        return {"dropout": draw_uniform(n, numbers, seed) < 0} if numbers else {}

    @on_pictures
    def translate(self, images: Tensor, *, to: Literal["a", "b"] = "b", seed: int = 0) -> Tensor:
        """Images of domain B of those of A, of the same sizes, which may be any."""
        if to != "b":
            raise InvalidOptions(["pix2pix learns one way and translates to b; train it with the direction reversed."])

        def network(padded: Tensor) -> Tensor:
            masks = self.masks(len(padded), seed, *padded.shape[2:])
            on_device = {name: mask.to(padded.device) for name, mask in masks.items()}
            return self.generate({"source": padded, **on_device})

        return at_any_size(images, self.generator.multiple, network, self.generator.least)

    def averaging(self) -> Averaging | None:
        """An average with a half-life in images, or none as published."""
        c = self.config
        if not c.ema_kimg:
            return None
        return Averaging(half_life=c.ema_kimg * 1000, ramp=c.ema_ramp, refresh_statistics=False)


def halvings(resolution: int) -> int:
    """Of a power of two, down to one pixel."""
    return resolution.bit_length() - 1


def enlarged(resolution: int) -> int:
    """The published jitter: 286 px for crops of 256."""
    return round(resolution * 286 / 256)


def paper(data: DataSpec) -> Preset:
    """The released code: batches of one, 100 passes over the data and 100 while the learning rate falls."""
    passes = max(data.items, 1) / 1000
    return Preset(Pix2Pix.Config(d_layers=fitting(data.resolution), load=enlarged(data.resolution), kimg=200 * passes))


def paper_resnet(data: DataSpec) -> Preset:
    """The same with nine residual blocks, or six up to 128 px."""
    blocks = 6 if data.resolution <= 128 else 9
    return Preset(replace(paper(data).config, generator="resnet", blocks=blocks))


def fitting(resolution: int) -> int:
    """Three halvings in the discriminator, or as many as the images allow."""
    return max(layers for layers in (3, 2, 1, 0) if not too_small(layers, resolution))


def default(data: DataSpec) -> Preset:
    """For 2-core CPUs and small pictures."""
    passes = max(100_000 // max(data.items, 1), 2)
    config = Pix2Pix.Config(
        g_width=32,
        g_norm="instance",
        dropout="training",
        d_width=32,
        d_layers=min(fitting(data.resolution), 2),
        d_norm="instance",
        lr=5e-4,
        batch=4,
        kimg=100,
        minutes=15,
        hold_epochs=passes // 2,
        decay_epochs=passes - passes // 2,
        ema_kimg=1,
    )
    return Preset(config)


def tiny(data: DataSpec) -> Preset:
    """A pair small enough for tests."""
    size = data.resolution
    config = Pix2Pix.Config(g_width=4, d_width=4, d_layers=1, load=size + 2, batch=8, kimg=0.2, ema_kimg=0.05)
    return Preset(config)
