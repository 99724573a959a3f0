"""Inception as a backbone against torch-fidelity's own extractor, with the same random weights."""

import pytest
import torch

from ganzoo_metrics.inception import Inception


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    path = tmp_path_factory.mktemp("weights") / "weights.pth"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda self, state: None)
        torch.save({}, path)
        torch.manual_seed(0)
        theirs = FeatureExtractorInceptionV3("inception-v3-compat", ["2048", "logits_unbiased"], str(path))
    for layer in theirs.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    torch.save(theirs.state_dict(), path)
    return Inception(str(path)), theirs


def test_features_and_logits_are_those_of_torch_fidelity(pair):
    ours, theirs = pair
    images = torch.randint(0, 256, (2, 3, 48, 48), dtype=torch.uint8)
    with torch.no_grad():
        features, logits = theirs(images)
        vector = ours(images.float() / 127.5 - 1).vector
        torch.testing.assert_close(vector, features, rtol=1e-4, atol=1e-4 * float(features.abs().max()))
        torch.testing.assert_close(ours.logits(features), logits, rtol=1e-4, atol=1e-5)
    assert float(features.std(0).mean()) > 1e-3 * float(features.abs().mean())
    assert (ours.family, ours.dim, len(ours.sha256)) == ("inception", 2048, 64)
