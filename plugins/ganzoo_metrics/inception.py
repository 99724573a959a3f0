"""The Inception network by which FID, KID and IS are defined, through torch-fidelity."""

import socket
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from zoo import Backbone, Features, ZooError

__all__ = ["Inception", "fetched"]

STAGES = (
    *("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "MaxPool_1", "Conv2d_3b_1x1", "Conv2d_4a_3x3", "MaxPool_2"),
    *("Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"),
    *("Mixed_7a", "Mixed_7b", "Mixed_7c", "AvgPool"),
)
SECONDS = 20  # without an answer
INSTEAD = (
    "a score through efficientnet-lite2, such as fd-efficientnet-lite2 (its weights come with the extra "
    "offline-backbones), or give a file of Inception's weights: fid:weights=FILE"
)


class Inception(Backbone):
    """Pooled features [n,2048]; `logits` of them are those of the graph without its bias, [n,1008]."""

    input_size = 299
    normalisation = ((128 / 255,) * 3, (128 / 255,) * 3)  # the graph's (x - 128) / 128 of bytes
    dim = 2048

    def __init__(
        self,
        weights: str = "",  # a file with the weights; empty fetches the official ones
    ) -> None:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

        path = weights_file(weights)
        network = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], str(path))
        super().__init__(network, family="inception", weights=path.name)

    def takes(self, side: int) -> bool:
        """Any size: the graph has a resize of its own."""
        return True

    def features(self, images: Tensor, wants: Collection[str], blocks: Sequence[int]) -> Features:
        """What is not 299 px is brought there as TensorFlow 1 does."""
        from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x as tf_resize

        x = images
        if x.shape[-2:] != (299, 299):
            x = tf_resize(x, size=(299, 299), align_corners=False)
        for stage in STAGES:
            x = getattr(self.network, stage)(x)
        return Features(vector=x.flatten(1))

    def logits(self, vector: Tensor) -> Tensor:
        """Logits [n,1008] without bias, as Salimans et al.'s code takes them."""
        return vector @ cast(nn.Linear, self.network.fc).weight.T


def weights_file(given: str) -> Path:
    """The file of the weights, fetched where none is given, and known to hold tensors only."""
    if given:
        path = Path(given).expanduser()
        try:
            torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises nearly anything at foreign bytes
            raise ZooError(f"{path} holds no weights of Inception: {type(error).__name__}: {error}") from error
        return path
    found: Path = fetched("Inception's", official, INSTEAD)
    return found


def official() -> Path:
    """torch-fidelity's conversion of the official weights in torch's cache, checked by the hash in its name."""
    from torch.hub import get_dir, load_state_dict_from_url
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    load_state_dict_from_url(URL_INCEPTION_V3, map_location="cpu", progress=False, check_hash=True, weights_only=True)
    return Path(str(get_dir())) / "checkpoints" / str(URL_INCEPTION_V3).rpartition("/")[2]


def fetched(whose: str, work: Callable[[], Any], instead: str) -> Any:
    """What `work` downloads. Raises ZooError that tells what to take `instead` without a network."""
    try:
        with patience():
            return work()
    except (OSError, RuntimeError) as error:  # urllib's errors are OSErrors; a wrong hash is a RuntimeError
        raise ZooError(
            f"{whose} weights are not here and cannot be fetched ({error}). Without a network take {instead}"
        ) from error


@contextmanager
def patience() -> Iterator[None]:
    """A limit to how long a silent network is waited for."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
