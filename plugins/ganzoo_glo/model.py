"""GLO: a generator and a latent for each image, learned together by reconstruction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor
from torch.optim import SGD

from ganzoo_glo.components import principal_components
from ganzoo_glo.inversion import invert
from ganzoo_glo.latents import Gaussian, Latents, Region, project
from ganzoo_glo.losses import DISTANCES, most_levels
from zoo import (
    Batch,
    Classes,
    DataSpec,
    Images,
    InvalidOptions,
    Model,
    Phase,
    Preset,
    Range,
    Terms,
    Texts,
    network,
    trainable,
)

__all__ = ["GLO"]

SEEN_BY_PCA = 64 * 64 * 3 * 2  # images


class GLO(Model):
    """Bojanowski, Joulin, Lopez-Paz & Szlam 2018 (1707.05776)."""

    @dataclass(frozen=True, slots=True)
    class Config:
        """Networks, latents, optimiser and length; flat."""

        z_dim: Annotated[int, Range(1)] = 256  # numbers per image
        g_width: Annotated[int, Range(1)] = 64  # generator channels before the last layer
        loss: Literal["l1", "l2", "lap1", "l2+lap1"] = "l2+lap1"  # distance of a reconstruction from its image
        levels: Annotated[int, Range(0)] = 0  # of the Laplacian pyramid, the low-pass one included; 0 is down to 4 px
        init: Literal["pca", "gaussian", "zeros"] = "gaussian"  # latents before the first step
        region: Region = "ball"  # latents are brought back into the unit ball, or onto its sphere
        g_lr: Annotated[float, Range(0)] = 1.0  # the generator's learning rate, for losses that are means
        z_lr: Annotated[float, Range(0)] = 10.0  # the latents'; each one's gradient falls with the batch
        batch: Annotated[int, Range(1)] = 128  # images per step, over all processes
        kimg: Annotated[float, Range(0.001, 1e9)] = 1000.0  # length of training in thousands of images
        minutes: Annotated[float, Range(0, 1e7)] = 0.0  # and at most this long; 0 sets no limit

    config: Config
    needs = ("image", "index")
    on_host: ClassVar[tuple[str, ...]] = ("latents", "fitted")
    spaces: ClassVar[tuple[str, ...]] = ("z",)
    presets: ClassVar[Mapping[str, Callable[[DataSpec], Preset]]] = {
        "default": lambda data: default(data),
        "paper": lambda data: paper(data),
        "tiny": lambda data: tiny(data),
    }

    def __init__(self, config: Config, data: DataSpec) -> None:
        super().__init__(config, data)
        c = config
        self.generator = network("dcgan", "generator", data=data, z_dim=c.z_dim, g_width=c.g_width, g_norm="batch")
        self.fitted = Gaussian(c.z_dim)
        self.levels = c.levels or most_levels(data.resolution)

    @classmethod
    def problems(cls, config: Config, data: DataSpec) -> list[str]:
        """Sizes double from 4 pixels; the pyramid ends there."""
        size, problems = data.resolution, []
        if size < 8 or size & (size - 1):
            lower = max(1 << (max(size, 1).bit_length() - 1), 8)
            problems.append(f"glo doubles from 4 px, so {size} px is out of reach; take {lower} or {2 * lower}.")
        elif config.levels > most_levels(size):
            problems.append(f"levels={config.levels}: a pyramid of {size} px has at most {most_levels(size)}.")
        return problems

    def build_training(self) -> None:
        """The table of latents, random or zero until `begin_training`."""
        if not self.data.items:
            raise InvalidOptions(["glo learns a latent for each image, so it must know how many: DataSpec(items=...)."])
        self.latents = Latents(self.data.items, self.config.z_dim)
        zeros = self.config.init == "zeros"
        self.start(torch.zeros_like(self.latents.rows) if zeros else torch.randn_like(self.latents.rows))

    def begin_training(self, images: Images) -> None:
        """Latents from the data's principal components, if asked for."""
        if self.config.init == "pca":
            self.start(scores(images, self.config.z_dim))

    @torch.no_grad()
    def start(self, rows: Tensor) -> None:
        """Let the latents be these, brought into their region."""
        self.latents.rows.copy_(project(rows, self.config.region))
        self.fitted.fit(self.latents.rows)

    def phases(self) -> list[Phase]:
        """One: generator and latents descend together (algorithm 1)."""
        c = self.config
        rows = self.latents.rows
        groups = [{"params": trainable(self.generator), "lr": c.g_lr}, {"params": [rows], "lr": c.z_lr}]
        optimizer = SGD(groups, lr=c.g_lr)
        optimizer.register_step_pre_hook(self.remember)
        optimizer.register_step_post_hook(self.settle)
        return [Phase("fit", self.loss, optimizer)]

    def loss(self, batch: Batch) -> Terms:
        """Distances of the reconstructions from their images; means over the batch."""
        fake = self.generator(self.latents(batch["index"]).to(self.device))
        return {name: each.mean() for name, each in self.distances(fake, batch["image"]).items()}

    def distances(self, fake: Tensor, real: Tensor) -> Terms:
        """By term, one value [N] per pair; in float32."""
        with torch.autocast(fake.device.type, enabled=False):
            return DISTANCES[self.config.loss](fake.float(), real.float(), self.levels)

    @torch.no_grad()
    def remember(self, *_: Any) -> None:
        """Before a step: which rows it touches, and what they are."""
        gradient = self.latents.rows.grad
        assert gradient is not None
        self.touched = gradient.coalesce().indices()[0]
        self.before = self.latents.rows[self.touched]

    @torch.no_grad()
    def settle(self, *_: Any) -> None:
        """After a step: its rows return to their region, and the Gaussian follows them."""
        rows = self.latents.rows
        after = project(rows[self.touched], self.config.region)
        rows[self.touched] = after
        self.fitted.replace(self.before, after, len(rows))

    def prior(self, n: int, seed: int) -> Batch:
        """Latents z [n,z_dim] of the Gaussian fitted to the learned ones."""
        return {"z": self.fitted.draw(n, seed)}

    def inputs(
        self,
        n: int,
        seed: int,
        *,
        class_: Classes | None = None,  # refused: the classes of the images are not used
        text: Texts | None = None,  # refused as well
        spread: Annotated[float, Range(0, 10)] = 1.0,  # deviations from the mean latent, times this
        bounded: bool = False,  # drawn latents are brought into the region of the learned ones
    ) -> Batch:
        """The prior with what was chosen."""
        z = self.fitted.draw(n, seed, spread)
        drawn = {"z": project(z, self.config.region) if bounded else z}
        return self.texted(self.labelled(drawn, n, seed, class_), n, seed, text)

    def generate(self, inputs: Batch) -> Tensor:
        """Images of latents z [N,z_dim]."""
        out: Tensor = self.generator(inputs["z"])
        return out.float()

    def between(self, start: Batch, end: Batch, t: float) -> Batch:
        """On the straight line between two latents."""
        return {"z": torch.lerp(start["z"], end["z"], t)}

    @torch.no_grad()
    def reconstruct(self, index: Tensor) -> Tensor:
        """Images [N,C,H,W] on the CPU of the latents of training images int64 [N]; of a model loaded for training."""
        if not hasattr(self, "latents"):
            raise InvalidOptions(["The latents of the images stay with the training: zoo.load(RUN, training=True)."])
        training = self.training
        self.eval()
        try:
            parts = [self.generate({"z": self.latents(part).to(self.device)}) for part in torch.split(index, 64)]
            return torch.cat(parts).clamp(-1, 1).cpu()
        finally:
            self.train(training)

    def invert(
        self,
        images: Tensor,
        *,
        space: str = "z",
        steps: int = 500,
        features: Callable[[Tensor], Tensor] | None = None,
        seed: int = 0,
    ) -> Batch:
        """Latents {"z": [N,z_dim]} with which `generate` comes near images [N,C,H,W] in [-1, 1], in their region."""
        seen = features

        def distance(fake: Tensor, real: Tensor) -> Tensor:
            if seen is not None:
                return (seen(fake) - seen(real)).square().flatten(1).mean(1)
            return torch.stack(list(self.distances(fake, real).values())).sum(0)

        return {"z": invert(self, images.to(self.device), distance, self.config.region, steps, seed)}


def scores(images: Images, dim: int) -> Tensor:
    """What the images [N,D] have of their first components, [N,dim]; zeros where there are fewer components."""
    chosen = np.random.RandomState(0).permutation(len(images))[:SEEN_BY_PCA]
    parts = np.array_split(np.sort(chosen), -(-len(chosen) // 256))
    mean, axes = principal_components(lambda: (images.take(part).flatten(1) for part in parts), dim)
    rows = torch.cat([(batch.flatten(1) - mean) @ axes for batch in images.batches()])
    return torch.nn.functional.pad(rows, (0, dim - axes.shape[1]))


def paper(data: DataSpec) -> Preset:
    """Section 4, for CelebA at 64 px: 256 numbers per image from a Gaussian, 200 passes over the data."""
    return Preset(GLO.Config(kimg=200 * max(data.items, 1) / 1000))


def default(data: DataSpec) -> Preset:
    """Chosen by experiment for 2-core CPUs and small sets."""
    return Preset(GLO.Config(z_dim=64, g_width=48, init="pca", z_lr=1.25, batch=16, kimg=300, minutes=9))


def tiny(data: DataSpec) -> Preset:
    """A generator small enough for tests."""
    return Preset(GLO.Config(z_dim=8, g_width=4, init="pca", batch=8, kimg=0.2))
