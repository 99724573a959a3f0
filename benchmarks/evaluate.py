"""`ganzoo eval` against torch-fidelity's command on the same folders and network, in one run.

python benchmarks/evaluate.py [--n 256] [--device cpu]

Weights are random (their values change no time) and the same for both; float32 features are compared too.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image


def pictures(folder, n, seed, size=64):
    folder.mkdir()
    rng = np.random.default_rng(seed)
    for i in range(n):
        small = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(small).resize((size, size), Image.Resampling.BICUBIC).save(folder / f"{i:05}.png")
    return folder


def weights(path):
    """Random weights of the network under its own names, at scales that keep activations alive."""
    from unittest import mock

    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    torch.manual_seed(0)
    with mock.patch.object(FeatureExtractorInceptionV3, "load_state_dict"):
        torch.save({}, path)
        network = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], str(path))
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    torch.save(network.state_dict(), path)
    return network


def timed(command):
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return time.perf_counter() - start, done.stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, default=256)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        os.environ["GANZOO_CACHE"] = str(place / "cache")
        one, other = pictures(place / "one", given.n, 0), pictures(place / "other", given.n, 1)
        network = weights(place / "weights.pth")

        from ganzoo_metrics.inception import Inception

        bytes_ = torch.from_numpy(np.stack([np.asarray(Image.open(path)) for path in sorted(one.iterdir())[:16]]))
        images = bytes_.permute(0, 3, 1, 2)
        ours = Inception(str(place / "weights.pth"))(images.float() / 127.5 - 1).vector
        with torch.no_grad():
            theirs = network(images)[0]
        print(f"float32 features differ by {float((ours - theirs).abs().max() / theirs.abs().max()):.1e} relative")

        module = "import sys; from torch_fidelity.fidelity import main; sys.exit(main())"
        command = [sys.executable, "-c", module, "--input1", str(one), "--input2", str(other), "--fid", "--json"]
        command += ["--feature-extractor-weights-path", str(place / "weights.pth"), "--no-cache", "--silent"]
        command += ["--cpu"] if given.device == "cpu" else ["--gpu", "0"]
        seconds, out = timed(command)
        theirs = json.loads(out[out.index("{") :])["frechet_inception_distance"]
        print(f"torch-fidelity  {seconds:6.1f} s  fid {theirs:.6g}")
        for precision in ("fp32", "bf16"):
            subprocess.run(["rm", "-rf", str(place / "cache")], check=True)
            ganzoo = [sys.executable, "-m", "zoo.cli", "eval", str(one), "--data", str(other), "--json"]
            ganzoo += ["--metrics", f"fid:weights={place / 'weights.pth'}", "--device", given.device]
            mine, out = timed([*ganzoo, "--precision", precision])
            value = json.loads(out)[0]["values"]["value"]
            print(f"ganzoo {precision}     {mine:6.1f} s  fid {value:.6g}  {seconds / mine:.2f} times as fast")


if __name__ == "__main__":
    main()
