"""GLO: generative latent optimization (Bojanowski, Joulin, Lopez-Paz & Szlam 2018)."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_architectures"]


@hookimpl
def ganzoo_architectures() -> Iterator[Entry]:
    """A generator whose latents are learned, one for each image."""
    yield Entry(
        "glo",
        "ganzoo_glo.model:GLO",
        "DCGAN's generator without an adversary: a learned latent per image, reconstruction by Laplacian pyramid",
        paper="1707.05776",
        tags=("unconditional", "classic", "small", "projection"),
        needs=("image", "index"),
        traits={"game": "none"},
        presets={
            "default": "small sets in minutes on a CPU: 64 numbers per image, from their principal components",
            "paper": "the paper's settings for faces: 256 numbers per image, SGD, 200 passes over the data",
            "tiny": "for tests: a few thousand weights",
        },
    )
