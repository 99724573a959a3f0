"""StyleGAN2: the logistic game, with path lengths and R1 now and then in phases of their own."""

from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from ganzoo_stylegan2.discriminator import Discriminator
from ganzoo_stylegan2.inversion import invert
from ganzoo_stylegan2.networks import Generator, style_count, truncated
from ganzoo_stylegan2.path_length import PathLength, path_lengths
from ganzoo_stylegan2.presets import PRESETS, Settings
from zoo import (
    Averaging,
    Batch,
    Classes,
    DataSpec,
    InvalidOptions,
    Model,
    Parts,
    Penalty,
    Phase,
    Preset,
    Progress,
    Range,
    Terms,
    Texts,
    adam,
    all_sum,
    compose,
    draw_labels,
    draw_normal,
    trainable,
)

__all__ = ["StyleGAN2"]


class StyleGAN2(Model):
    """Karras et al. 2020a (1912.04958); with an adaptive augmentation, 2020b (2006.06676)."""

    Config = Settings
    config: Settings
    path_mean: Tensor  # running mean of the path lengths
    path_seen: Tensor  # since it last moved: the sum of path lengths and their count
    conditions: ClassVar[tuple[str, ...]] = ("label",)
    spaces: ClassVar[tuple[str, ...]] = ("w", "w+")
    presets: ClassVar[Mapping[str, Callable[[DataSpec], Preset]]] = PRESETS

    def __init__(self, config: Settings, data: DataSpec) -> None:
        super().__init__(config, data)
        c = config
        self.classes = data.classes if c.condition == "label" else 0
        self.needs = ("image", "label") if self.classes else ("image",)
        self.layers = style_count(data.resolution)
        self.generator = Generator(
            data.resolution,
            data.channels,
            z_dim=c.z_dim,
            w_dim=c.w_dim,
            classes=self.classes,
            mapping_layers=c.mapping_layers,
            base=c.channel_base,
            most=c.channel_max,
            form=c.g_form,
            clamp=c.conv_clamp or None,
        )

    @classmethod
    def problems(cls, config: Settings, data: DataSpec) -> list[str]:
        """Sizes double from 4 pixels; a condition needs labels; some layers have to learn."""
        size, problems = data.resolution, []
        if size < 8 or size & (size - 1):
            lower = max(1 << (max(size, 1).bit_length() - 1), 8)
            problems.append(f"stylegan2 doubles from 4 px, so {size} px is out of reach; take {lower} or {2 * lower}.")
        if config.channel_base < size:
            problems.append(
                f"channel_base={config.channel_base} leaves no feature map at {size} px; take {size} or more."
            )
        if config.condition == "label" and not data.classes:
            problems.append("condition=label needs labelled data, and this has no labels; leave it out.")
        return problems

    @classmethod
    def parts(cls, config: Settings) -> Parts:
        """The paper's game and regularisers."""
        return Parts(loss="non-saturating", regularizers=("r1:gamma=10,every=16", "path-length"))

    def build_critics(self, parts: Parts) -> None:
        """One critic, the first layers of its own discriminator frozen on request; lazy penalties become phases."""
        self.critic = compose(parts, self.data, self.discriminator, conditions=self.needs[1:], offers=(PathLength,))
        penalties = self.critic.penalties
        self.lazy = {name: one for name, one in penalties.items() if isinstance(one, Penalty) and one.every > 1}
        for name in self.lazy:
            del penalties[name]
        self.path_length = next((one for one in self.critic.of_generator if isinstance(one, PathLength)), None)
        self.register_buffer("path_mean", torch.zeros(()))
        self.register_buffer("path_seen", torch.zeros(2))

    def discriminator(self) -> Discriminator:
        """Its own."""
        c = self.config
        network = Discriminator(
            self.data.resolution,
            self.data.channels,
            classes=self.classes,
            base=c.channel_base,
            most=c.channel_max,
            form=c.d_form,
            clamp=c.conv_clamp or None,
            group=c.mbstd_group,
            mapping_layers=c.d_mapping_layers,
        )
        network.freeze(c.freeze_d)
        return network

    def phases(self) -> list[Phase]:
        """G, its path lengths, D, its lazy penalties; each in an optimiser step, as in section 3.1 of the paper."""
        path = self.path_length
        g = self.optimizer(self.generator, self.config.g_lr, path.every if path else 0)
        d = self.optimizer(self.critic, self.config.d_lr, max((one.every for one in self.lazy.values()), default=0))
        phases = [Phase("G", self.g_loss, g)]
        if path is not None and path.weight > 0:
            phases.append(Phase("G_path", self.path_loss, g, every=path.every, autocast=False))
        phases.append(Phase("D", self.d_loss, d))
        for name, penalty in self.lazy.items():
            phases.append(Phase(f"D_{name}", self.penalty_loss(name), d, every=penalty.every, autocast=False))
        return phases

    def optimizer(self, module: torch.nn.Module, lr: float, every: int) -> Optimizer:
        """Adam, made slower where every k-th step is followed by one of a penalty: a power k/(k+1) of its decays."""
        share = every / (every + 1) if every else 1.0
        betas = (self.config.beta1**share, self.config.beta2**share)
        return adam(trainable(module), lr * share, betas, nonfinite="mend")

    def g_loss(self, batch: Batch) -> Terms:
        """-log D(G(z)), or what the chosen game says."""
        fake, _ = self.fake(len(batch["image"]), batch.get("label"))
        return self.critic.g_loss(fake, batch["image"], **self.condition(batch))

    def path_loss(self, batch: Batch) -> Terms:
        """The path lengths of a part of the batch."""
        assert self.path_length is not None
        n = max(len(batch["image"]) // self.path_length.part, 1)
        label = batch["label"][:n] if self.classes else None
        fake, ws = self.fake(n, label)
        lengths = path_lengths(fake, ws, torch.randn_like(fake))
        self.path_seen.add_(torch.stack([lengths.detach().sum(), lengths.new_tensor(n)]))
        return {"penalty": self.path_length.every * self.path_length.penalty(lengths, self.path_mean)}

    def d_loss(self, batch: Batch) -> Terms:
        """-log D(x) - log(1 - D(G(z))), or what the chosen game says."""
        with torch.no_grad():
            fake, _ = self.fake(len(batch["image"]), batch.get("label"))
        return self.critic.d_loss(batch["image"], fake, **self.condition(batch))

    def penalty_loss(self, name: str) -> Callable[[Batch], Terms]:
        """The loss of one lazy penalty's phase."""
        penalty = self.lazy[name]

        def loss(batch: Batch) -> Terms:
            with torch.no_grad():
                fake, _ = self.fake(len(batch["image"]), batch.get("label"))
            return {"penalty": penalty.every * penalty(self.critic, batch["image"], fake, self.condition(batch))}

        return loss

    def condition(self, batch: Batch) -> dict[str, Tensor]:
        """What the critic is told besides images."""
        return {name: batch[name] for name in self.needs[1:]}

    def fake(self, n: int, label: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Images of fresh latents and noise, and their styles ws [n,L,w_dim], mixed now and then."""
        label = label if self.classes else None
        mapping = self.generator.mapping
        ws = mapping(self.latents(n), label)
        if torch.rand(()).item() < self.config.style_mixing:
            first = int(torch.randint(1, self.layers, ()))
            other = mapping(self.latents(n), label, follow=False)
            ws = torch.cat([ws[:, :first], other[:, first:]], 1)
        return self.generator.synthesis(ws), ws

    def latents(self, n: int) -> Tensor:
        """z [n,z_dim]."""
        return torch.randn(n, self.config.z_dim, device=self.device)

    @torch.no_grad()
    def begin_step(self, progress: Progress) -> None:
        """Let the running mean take in the path lengths that all processes saw in the step before."""
        if self.path_length is None:
            return
        total, count = all_sum(self.path_seen).unbind()
        moved = self.path_mean.lerp(total / count.clamp(min=1), self.path_length.decay)
        self.path_mean.copy_(torch.where(count > 0, moved, self.path_mean))
        self.path_seen.zero_()

    def prior(self, n: int, seed: int) -> Batch:
        """Latents z [n,z_dim], and with labels one of the classes each."""
        drawn = {"z": draw_normal(n, self.config.z_dim, seed)}
        if self.classes:
            drawn["label"] = draw_labels(n, self.classes, seed)
        return drawn

    def after_z(self, seed: int) -> np.random.RandomState:
        """The stream of one sample where its z has been drawn."""
        state = np.random.RandomState(seed % 2**32)
        state.randn(self.config.z_dim)
        return state

    def inputs(
        self,
        n: int,
        seed: int,
        *,
        truncation: Annotated[float, Range(-2, 2)] = 1.0,  # 1 shows all variety, towards 0 all become the average
        cutoff: Annotated[int, Range(0)] | None = None,  # only the first so many layers are truncated
        class_: Classes | None = None,  # number, names joined by +, all (in turn), balanced, or data (its shares)
        text: Texts | None = None,  # captions, in turn; drawn when it is not given
        noise: Literal["const", "random", "none"] = "const",  # each layer's own map, one for each seed, or none
    ) -> Batch:
        """The prior with what was chosen."""
        drawn = self.texted(self.labelled(self.prior(n, seed), n, seed, class_), n, seed, text)
        if truncation != 1:
            drawn["truncation"] = torch.full((n,), float(truncation))
        if cutoff is not None:
            drawn["cutoff"] = torch.full((n,), cutoff)
        if noise != "const":
            drawn |= self.noise_maps(n, seed, noise == "random")
        return drawn

    def noise_maps(self, n: int, seed: int, drawn: bool) -> Batch:
        """Maps "noise.b8.conv0" [n,1,8,8] and so on, drawn from each sample's stream after its z, or zero."""
        shapes = self.generator.synthesis.noise_shapes()
        if not drawn:
            return {f"noise.{name}": torch.zeros(n, *shape) for name, shape in shapes.items()}
        rows = []
        for i in range(n):
            state = self.after_z(seed + i)
            rows.append([torch.from_numpy(state.randn(*shape).astype(np.float32)) for shape in shapes.values()])
        return {f"noise.{name}": torch.stack(maps) for name, maps in zip(shapes, zip(*rows, strict=True), strict=True)}

    def styles(self, inputs: Batch) -> Tensor:
        """Styles ws [N,L,w_dim] of z, of w [N,w_dim], or of ws; truncated as the inputs say."""
        mapping = self.generator.mapping
        if "ws" in inputs:
            ws = inputs["ws"]
        elif "w" in inputs:
            ws = inputs["w"][:, None].expand(-1, self.layers, -1)
        else:
            if "z" not in inputs:
                raise InvalidOptions([f"stylegan2 draws from z, w or ws; given: {', '.join(inputs) or 'nothing'}."])
            ws = mapping(inputs["z"], inputs.get("label"), follow=False)
        return truncated(ws, mapping.w_avg, inputs.get("truncation", 1.0), inputs.get("cutoff"))

    def generate(self, inputs: Batch) -> Tensor:
        """Images, about [-1, 1], of latents z, styles w or ws; noise maps where given, else each layer's own."""
        maps = {name[6:]: value for name, value in inputs.items() if name.startswith("noise.")}
        out: Tensor = self.generator.synthesis(self.styles(inputs), maps or "const")
        return out

    def invert(
        self,
        images: Tensor,
        *,
        space: str = "w",
        steps: int = 1000,
        features: Callable[[Tensor], Tensor] | None = None,
        seed: int = 0,
    ) -> Batch:
        """Styles {"ws": [N,L,w_dim]} with which `generate` comes near images [N,C,H,W] in [-1, 1]."""
        return invert(self, images.to(self.device), space, steps, features, seed)

    def averaging(self) -> Averaging | None:
        """An average with a half-life in images, perhaps ramped up; w's average and noise are copied."""
        c = self.config
        return Averaging(half_life=c.ema_kimg * 1000, ramp=c.ema_ramp or None) if c.ema_kimg else None
