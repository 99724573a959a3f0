"""Importer of the pickles that Projected GAN's authors publish: G and G_ema with FastGAN's generator."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from ganzoo_projected import official
from ganzoo_projected.presets import VIEW, published
from zoo import DataSpec, ForeignFile, ForeignNetwork, Imported, Importer, Parts, ZooError

__all__ = ["ProjectedImporter"]

LICENCE = "MIT (autonomousvision/projected-gan); the images that the weights were trained on have terms of their own"
NATIVE = 224  # px, to which the published discriminator enlarges smaller pictures


class ProjectedImporter(Importer):
    """Pickles of whole modules. Those with StyleGAN2's generator are read as stylegan2, the generators alone.

    D starts anew, in the form of the file's. Its heads have learnt on a frozen network whose batch statistics the
    authors' code moves as it is built, by a grey picture in training mode; ours has the statistics of ImageNet, on
    which those heads say something else.
    """

    classes = ("pg_modules.*", "timm.*", "torch.nn.*", "torch.ao.nn.*", "torch.utils.hooks.*")

    def recognises(self, file: ForeignFile) -> bool:
        """By the names of FastGAN's generator in the authors' form."""
        return "G_ema" in file.networks and official.is_generator(file.networks["G_ema"].tensors)

    def convert(self, file: ForeignFile) -> Imported:
        """The averaged generator, and the live pair where both are there."""
        average = official.generator(file.networks["G_ema"].tensors)
        values = file.networks["G_ema"].values
        if (stated := values.get("img_resolution", average.resolution)) != average.resolution:
            raise ZooError(f"This generator says that it draws {stated} px and has the layers of {average.resolution}.")
        classes = int(values.get("c_dim") or average.classes) if average.classes else 0
        data = DataSpec(average.resolution, average.channels, classes=classes)
        preset = published(data, **average.options)  # type: ignore[arg-type]
        assert preset.parts is not None
        live, d = file.networks.get("G"), file.networks.get("D")
        parts, training = preset.parts, {}
        if live is not None and d is not None and official.is_discriminator(d.tensors):
            heads = official.discriminator(d.tensors)
            parts = judged(preset.parts, heads.options, d, data.resolution)
            training = below("generator.", official.generator(live.tensors).tensors)
        sampler = below("generator.", average.tensors)
        return Imported(preset.config, data, sampler, LICENCE, parts, training, fresh=("critic.*",))


def judged(parts: Parts, options: Mapping[str, object], d: ForeignNetwork, resolution: int) -> Parts:
    """The parts with a discriminator built as the file's was."""
    enlarged = d.values.get("interp224", resolution < NATIVE)
    chosen = {**options, "size": NATIVE if enlarged else resolution}
    reference = "projected:" + ",".join(f"{name}={str(value).lower()}" for name, value in chosen.items())
    return replace(parts, discriminator=reference, augment=VIEW if d.values.get("diffaug", True) else "none")


def below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """A network's tensors under its name in the model."""
    return {prefix + name: value for name, value in tensors.items()}
