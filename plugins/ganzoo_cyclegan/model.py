"""CycleGAN: two generators and two discriminators, and what goes there and back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganzoo_cyclegan.pool import Pool
from ganzoo_cyclegan.schedule import rate
from zoo import (
    Averaging,
    Batch,
    Critic,
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
    network,
    on_pictures,
    trainable,
)
from zoo.nn import at_any_size

__all__ = ["CycleGAN"]


class CycleGAN(Model):
    """Zhu et al. 2017: `source` is a picture of domain A, `image` one of domain B, and neither belongs to the other.

    The paper's G is `a_to_b`, its F `b_to_a`; `critic_b` judges images of domain B: D_Y there, D_A as released.
    """

    @dataclass(frozen=True, slots=True)
    class Config:
        """Networks, losses, optimisers and length; flat."""

        generator: Literal["resnet", "unet"] = "resnet"  # those of pix2pix
        blocks: Annotated[int, Range(1)] = 9  # of the ResNet: 6 up to 128 px, 9 above
        padding: Literal["reflect", "replicate", "zero"] = "reflect"  # in these blocks
        levels: Annotated[int, Range(0, 12)] = 0  # halvings of the U-Net; 0 goes down to one pixel
        g_width: Annotated[int, Range(1)] = 64  # generator channels after the first layer
        g_norm: Literal["batch", "instance", "none"] = "instance"  # normalisation in the generators
        statistics: Literal["image", "running"] = "image"  # of batch normalisation when translating
        dropout: Literal["always", "training", "never"] = "never"  # in the generators; always: also when translating
        d_width: Annotated[int, Range(1)] = 64  # discriminator channels after the first layer
        d_layers: Annotated[int, Range(0, 8)] = 3  # their halvings: a logit sees 16, 34, 70, 142, 286 px; 0 is 1 px
        d_norm: Literal["batch", "instance", "none"] = "instance"  # in the discriminators
        init: Literal["normal", "xavier", "kaiming", "orthogonal"] = "normal"  # of all convolutions, with gain 0.02
        cycle_a: Annotated[float, Range(0)] = 10.0  # weight of coming back to A
        cycle_b: Annotated[float, Range(0)] = 10.0  # weight of coming back to B
        identity: Annotated[float, Range(0)] = 0.5  # of leaving alone what is there already, times the other weights
        pool: Annotated[int, Range(0)] = 50  # earlier translations that each discriminator also sees; 0 keeps none
        lr: Annotated[float, Range(0)] = 2e-4  # learning rate of all players
        beta1: Annotated[float, Range(0, 1)] = 0.5  # Adam's first decay
        beta2: Annotated[float, Range(0, 1)] = 0.999  # Adam's second decay
        hold_epochs: Annotated[int, Range(0)] = 100  # passes over the data at full learning rate, before it falls
        decay_epochs: Annotated[int, Range(0)] = 100  # over which it falls to nearly 0; 0 keeps it
        decay_at: Literal["end", "start"] = "end"  # of a pass; at its start, as in the code of 2021, the last is idle
        load: Annotated[int, Range(0)] = 0  # px to which pictures are brought, to be cropped at random; 0 crops none
        batch: Annotated[int, Range(1)] = 1  # images per step, over all processes
        kimg: Annotated[float, Range(0.001, 1e9)] = 200.0  # length of training in thousands of images
        minutes: Annotated[float, Range(0, 1e7)] = 0.0  # and at most this long; 0 sets no limit
        ema_kimg: Annotated[float, Range(0)] = 0.0  # half-life of the generators' averages; 0 keeps none
        ema_ramp: Annotated[float, Range(0)] = 0.05  # and at most this share of the images seen
        directions: Literal["both", "b"] = "both"  # generators: both, or to b alone, as a published file has it

    config: Config
    needs = ("image", "source")
    reads = ("source",)
    pairs = False
    averaged = ("a_to_b", "b_to_a")
    compiled = ("a_to_b", "b_to_a")
    presets: ClassVar[Mapping[str, Callable[[DataSpec], Preset]]] = {
        "default": lambda data: default(data),
        "paper": lambda data: paper(data),
        "painting": lambda data: painting(data),
        "tiny": lambda data: tiny(data),
    }

    def __init__(self, config: Config, data: DataSpec) -> None:
        super().__init__(config, replace(data, source_channels=data.source_channels or data.channels))
        self.optimizers: list[Optimizer] = []
        self.a_to_b = generator(config, self.data)
        if config.directions == "both":
            self.b_to_a = generator(config, turned(self.data))

    @classmethod
    def problems(cls, config: Config, data: DataSpec) -> list[str]:
        """The networks have their own demands; the identity term needs domains of one kind."""
        c, size, problems = config, data.resolution, []
        multiple = 4 if c.generator == "resnet" else 2 ** (c.levels or size.bit_length() - 1)
        if size % multiple:
            near = size // multiple * multiple or multiple
            problems.append(f"cyclegan's {c.generator} takes multiples of {multiple} px, not {size}; take {near}.")
        if c.d_layers and size < 3 * 2**c.d_layers:
            problems.append(f"-s d_layers={c.d_layers} leaves nothing to judge of {size} px; take {fitting(size)}.")
        if c.identity and not alike(data):
            problems.append("cyclegan's identity term needs as many channels in both domains; take -s identity=0.")
        if c.load and c.load < size:
            problems.append(f"-s load={c.load} leaves nothing to crop {size} px from; give more, or 0.")
        return problems

    @classmethod
    def parts(cls, config: Config) -> Parts:
        """Least squares with targets 0 and 1, D's loss halved (section 4)."""
        return Parts(loss="least-squares:scale=1,d_scale=0.5")

    def build_critics(self, parts: Parts) -> None:
        """One critic for each domain, with the same parts."""
        if self.config.directions != "both":
            raise InvalidOptions(["cyclegan trains both directions at once; take -s directions=both."])
        self.critic_a = self.critic(parts, turned(self.data))
        self.critic_b = self.critic(parts, self.data)

    def critic(self, parts: Parts, data: DataSpec) -> Critic:
        """The critic of images of `data`, with a pool of its own unless the parts bring another memory."""
        c = self.config

        def own() -> nn.Module:
            options = {"layers": c.d_layers, "width": c.d_width, "norm": c.d_norm, "init": c.init}
            made = network("patchgan", data=data, **options)
            made.norm_option = "-s d_norm=instance"  # type: ignore[assignment]
            return made

        critic = compose(parts, data, own)
        if critic.memory is None and c.pool:
            critic.memory = Pool(c.pool)
            critic.memory.reserve(data)
        return critic

    def phases(self) -> list[Phase]:
        """Both generators together, then both discriminators on the same translations."""
        c = self.config
        teams = ((self.a_to_b, self.b_to_a), (self.critic_a, self.critic_b))
        g, d = (adam(trainable(*team), c.lr, (c.beta1, c.beta2)) for team in teams)
        self.optimizers = [g, d]
        return [Phase("G", self.g_loss, g), Phase("D", self.d_loss, d)]

    def begin_step(self, progress: Progress) -> None:
        """The learning rate holds, then falls pass by pass."""
        c = self.config
        lr = c.lr * rate(progress.images, self.data.items, c.hold_epochs, c.decay_epochs, c.decay_at)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = lr

    @property
    def load_size(self) -> int | None:
        """Jitter: crops out of larger pictures."""
        return self.config.load or None

    def g_loss(self, batch: Batch) -> Terms:
        """Equation 3, and the identity term of section 5.2."""
        c, a, b = self.config, batch["source"], batch["image"]
        fake_b, same_b = self.made(self.a_to_b, a, b)
        fake_a, same_a = self.made(self.b_to_a, b, a)
        batch["fake_b"], batch["fake_a"] = fake_b.detach(), fake_a.detach()
        terms = named("b", self.critic_b.g_loss(fake_b, b)) | named("a", self.critic_a.g_loss(fake_a, a))
        terms["cycle_a"] = c.cycle_a * distance(self.b_to_a(fake_b), a)
        terms["cycle_b"] = c.cycle_b * distance(self.a_to_b(fake_a), b)
        if same_a is not None and same_b is not None:
            terms["identity_a"] = c.identity * c.cycle_a * distance(same_a, a)
            terms["identity_b"] = c.identity * c.cycle_b * distance(same_b, b)
        return terms

    def made(self, generator: nn.Module, pictures: Tensor, there: Tensor) -> tuple[Tensor, Tensor | None]:
        """Translations of pictures, and of what is in the other domain already, in one pass if items do not mix."""
        if not self.config.identity:
            return generator(pictures).float(), None
        if self.config.g_norm == "batch":
            return generator(pictures).float(), generator(there).float()
        fake, same = generator(torch.cat([pictures, there])).float().split([len(pictures), len(there)])
        return fake, same

    def d_loss(self, batch: Batch) -> Terms:
        """Each domain's images against the translations into it, the pool's among them."""
        of_b = self.critic_b.d_loss(batch["image"], batch["fake_b"])
        return named("b", of_b) | named("a", self.critic_a.d_loss(batch["source"], batch["fake_a"]))

    def generate(self, inputs: Batch) -> Tensor:
        """Images of domain B of pictures `source` [N,C,H,W] of A, with the masks `dropout` where given."""
        out: Tensor = self.a_to_b(inputs["source"], inputs.get("dropout"))
        return out.float()

    def prior(self, n: int, seed: int) -> Batch:
        """Masks of dropout, bool [n,M], where it is on in translating too."""
        return self.masks(n, seed, self.data.resolution, self.data.resolution)

    def masks(self, n: int, seed: int, height: int, width: int) -> Batch:
        """The same for pictures of a size."""
        numbers = self.a_to_b.noise(height, width) if self.config.dropout == "always" else 0  # type: ignore[operator]
        return {"dropout": draw_uniform(n, numbers, seed) < 0} if numbers else {}

    @on_pictures
    def translate(self, images: Tensor, *, to: Literal["a", "b"] = "b", seed: int = 0) -> Tensor:
        """Images of the other domain, of the same sizes, which may be any."""
        if to == "a" and self.config.directions != "both":
            raise InvalidOptions(["this CycleGAN was published with the way to b alone; import the other file for a."])
        chosen = self.a_to_b if to == "b" else self.b_to_a

        def run(padded: Tensor) -> Tensor:
            masks = self.masks(len(padded), seed, *padded.shape[2:])
            on_device = [mask.to(padded.device) for mask in masks.values()]
            return chosen(padded, *on_device).float()  # type: ignore[no-any-return]

        return at_any_size(images, chosen.multiple, run, chosen.least)  # type: ignore[arg-type]

    def preview(self, batch: Batch) -> Tensor:
        """Rows of a picture of A, its translation and what comes back of that, and of a picture of B likewise."""
        if self.config.directions != "both":
            return super().preview(batch)
        a, b = batch["source"], batch["image"]
        there, back = self.translate(a), self.translate(b, to="a")
        shown = [a, there, self.translate(there, to="a"), b, back, self.translate(back)]
        return torch.stack([self.coloured(images) for images in shown], dim=1)

    def preview_names(self) -> tuple[str, ...]:
        """As in the paper's figure 4."""
        if self.config.directions != "both":
            return super().preview_names()
        return ("A", "A to B", "back in A", "B", "B to A", "back in B")

    def averaging(self) -> Averaging | None:
        """Averages with a half-life in images, or none as published."""
        c = self.config
        if not c.ema_kimg:
            return None
        return Averaging(half_life=c.ema_kimg * 1000, ramp=c.ema_ramp, refresh_statistics=False)


def generator(config: CycleGAN.Config, data: DataSpec) -> nn.Module:
    """pix2pix's generator, from the data's source to its image."""
    names = ("generator", "blocks", "padding", "levels", "g_width", "g_norm", "statistics", "dropout", "init")
    return network("pix2pix", "generator", data=data, **{name: getattr(config, name) for name in names})


def turned(data: DataSpec) -> DataSpec:
    """The same data the other way round."""
    return replace(data, channels=data.source_channels, source_channels=data.channels)


def alike(data: DataSpec) -> bool:
    """Whether both domains have as many channels, so that a picture of one can be taken for one of the other."""
    return data.source_channels in (0, data.channels)


def distance(x: Tensor, y: Tensor) -> Tensor:
    """Mean absolute difference."""
    return (x.float() - y).abs().mean()


def named(domain: str, terms: Terms) -> Terms:
    """The terms of one domain's critic."""
    return {f"{name}_{domain}": value for name, value in terms.items()}


def paper(data: DataSpec) -> Preset:
    """The released code: batches of one, 100 passes over the data and 100 while the learning rate falls."""
    size = data.resolution
    config = CycleGAN.Config(
        blocks=6 if size <= 128 else 9,
        d_layers=fitting(size),
        identity=0.0,
        load=enlarged(size),
        kimg=200 * max(data.items, 1) / 1000,
    )
    return Preset(config)


def painting(data: DataSpec) -> Preset:
    """With the identity term of section 5.2, which is also the released code's default."""
    return Preset(replace(paper(data).config, identity=0.5))


def default(data: DataSpec) -> Preset:
    """For 2-core CPUs and small pictures."""
    passes = max(60_000 // max(data.items, 1), 2)
    config = CycleGAN.Config(
        blocks=3,
        g_width=24,
        d_width=32,
        d_layers=min(fitting(data.resolution), 2),
        identity=0.5 if alike(data) else 0.0,
        batch=4,
        kimg=60,
        minutes=20,
        hold_epochs=passes // 2,
        decay_epochs=passes - passes // 2,
        ema_kimg=1,
    )
    return Preset(config)


def tiny(data: DataSpec) -> Preset:
    """Two pairs small enough for tests."""
    config = CycleGAN.Config(
        blocks=1,
        g_width=4,
        d_width=4,
        d_layers=1,
        identity=0.5 if alike(data) else 0.0,
        pool=6,
        load=data.resolution + 4,
        batch=8,
        kimg=0.2,
        ema_kimg=0.05,
    )
    return Preset(config)


def enlarged(resolution: int) -> int:
    """The published jitter: 286 px for crops of 256."""
    return round(resolution * 286 / 256)


def fitting(resolution: int) -> int:
    """Three halvings in the discriminators, or as many as leave three pixels."""
    return max(layers for layers in (3, 2, 1, 0) if layers == 0 or resolution >= 3 * 2**layers)
