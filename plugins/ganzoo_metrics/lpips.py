"""LPIPS (Zhang et al. 2018) with its published weights, by torch-fidelity: of pairs, and along paths."""

from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganzoo_metrics.inception import fetched
from ganzoo_metrics.paired import Paired
from ganzoo_metrics.perceptual import along_paths
from zoo import Case, Metric, Range
from zoo.metrics import path_length

__all__ = ["Lpips", "Ppl", "network"]

INSTEAD = (
    "path-length-efficientnet-lite2 for ppl (its weights come with the extra offline-backbones), ssim or l1 for lpips."
)


def network() -> Any:
    """The VGG-16 with LPIPS's linear layers. Raises ZooError where the weights cannot be had."""

    def make() -> Any:
        from torch.hub import load_state_dict_from_url
        from torch_fidelity.sample_similarity_lpips import URL_VGG16_LPIPS, SampleSimilarityLPIPS

        load_state_dict_from_url(URL_VGG16_LPIPS, map_location="cpu", progress=False, weights_only=True)
        return SampleSimilarityLPIPS("lpips-vgg16")

    return fetched("LPIPS's", make, INSTEAD)


class Lpips(Paired):
    """The perceptual distance of each picture from its target."""

    library = "torch-fidelity"

    def __init__(self) -> None:
        self.network = network()

    def errors(self, target: NDArray[np.uint8], fake: NDArray[np.uint8], case: Case) -> NDArray[np.float64]:
        """Per pair."""
        pair = [torch.from_numpy(one).permute(0, 3, 1, 2).expand(-1, 3, -1, -1) for one in (target, fake)]
        with torch.no_grad():
            found: NDArray[np.float64] = self.network(*pair).double().flatten().numpy()
        return found


class Ppl(Metric):
    """Perceptual path length in z: LPIPS of a small step over its square (Karras et al. 2019)."""

    library = "torch-fidelity"

    def __init__(
        self,
        paths: Annotated[int, Range(1)] = 10000,  # places on paths
        epsilon: Annotated[float, Range(1e-6, 0.1)] = 1e-4,  # the step
    ) -> None:
        self.network = network()
        self.paths, self.epsilon, self.samples = paths, epsilon, 2

    def measure(self, case: Case) -> dict[str, float]:
        """The mean without the lowest and highest hundredth."""
        distances = along_paths(case, self.paths, self.epsilon, self.apart)
        return {"value": path_length(distances, self.epsilon)}

    def apart(self, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """LPIPS [n] of images in 0..255 at 256 px where they are larger."""
        pair = [image.cpu().expand(-1, 3, -1, -1) for image in (one, other)]
        if pair[0].shape[-1] > 256:
            pair = [torch.nn.functional.interpolate(image, (256, 256), mode="area") for image in pair]
        found: torch.Tensor = self.network(*pair).flatten()
        return found
