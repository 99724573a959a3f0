"""Context encoders (Pathak, Krahenbuhl, Donahue, Darrell & Efros 2016): inpainting."""

from collections.abc import Iterator

from zoo.hookspecs import hookimpl
from zoo.registry import Entry

__all__ = ["ganzoo_architectures", "ganzoo_importers", "ganzoo_metrics"]


@hookimpl
def ganzoo_architectures() -> Iterator[Entry]:
    """The network that fills holes, and its training."""
    yield Entry(
        "context-encoder",
        "ganzoo_context_encoder.model:ContextEncoder",
        "fills holes: an encoder, a narrow bottleneck and a decoder, by squared error and a little adversary",
        paper="1604.07379",
        tags=("inpainting", "classic", "features"),
        needs=("image",),
        traits={"players": "pair", "features": "yes", "norm": "d_norm=none"},
        presets={
            "default": "random blocks at 64 px on small sets, minutes on a CPU: narrow networks, the joint loss",
            "paper": "the released command for the centre of 128 px: 4000 units, overlap 4, 500 passes",
            "paper-random": "the released command for arbitrary regions: cut out of a noise pattern, whole images",
            "channelwise": "the paper's channel-wise fully connected layer, centre of 128 px",
            "tiny": "for tests: a few thousand weights",
        },
    )


@hookimpl
def ganzoo_metrics() -> Iterator[Entry]:
    """The paper's table."""
    yield Entry(
        "hole",
        "ganzoo_context_encoder.metric:Hole",
        "L1, L2 and PSNR of filled holes, and those of filling by the mean picture",
        "1604.07379",
        tags=("offline", "inpainting"),
    )


@hookimpl
def ganzoo_importers() -> Iterator[Entry]:
    """Published weights."""
    yield Entry(
        "context-encoder-pytorch",
        "ganzoo_context_encoder.importing:ContextEncoderImporter",
        "netG_streetview.pth and the like of context_encoder_pytorch",
        paper="1604.07379",
        traits={"architecture": "context-encoder"},
    )
