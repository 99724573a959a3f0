"""From `zoo.load` of a cached, pinned StyleGAN2 at 256 px to its first image, against bare safetensors and forward.

    python benchmarks/load.py [--repeats 5]

Each measurement is a process of its own; importing torch is apart from both. The bare way builds the network, reads the
file, loads it strictly and draws one image. The model lies in the cache as after a pull, verified; the Hub is set to an
address where nobody answers.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

COMMIT = "0" * 39 + "1"
ID = "bench/stylegan2-256"

OURS = """
import torch, time, sys
torch.manual_seed(0)
start = time.perf_counter()
import zoo
model = zoo.load("hf:{id}@{commit}")
loaded = time.perf_counter()
model.sample(1, seed=0)
print(time.perf_counter() - start, loaded - start, "huggingface_hub" in sys.modules)
"""

BARE = """
import torch, time, json
torch.manual_seed(0)
start = time.perf_counter()
from safetensors.torch import load_file
from ganzoo_stylegan2.model import StyleGAN2
from zoo.data.spec import DataSpec
from zoo.options import from_json
content = json.load(open("{folder}/config.json"))
model = StyleGAN2(from_json(StyleGAN2.Config, content["config"], where=""), DataSpec.from_json(content["data"]))
model.load_state_dict(load_file("{folder}/generator.safetensors"))
model.eval().requires_grad_(False)
loaded = time.perf_counter()
with torch.no_grad():
    model.generate(model.prior(1, 0))
print(time.perf_counter() - start, loaded - start, False)
"""


def cached_model(cache: Path) -> Path:
    """The model's folder, known to the memory as verified."""
    import torch

    import zoo
    from ganzoo_hub.manifest import CONFIG, GENERATOR, Manifest, Record, signed
    from ganzoo_hub.memory import Memory
    from ganzoo_hub.requirements import requirements
    from zoo.files import write_json
    from zoo.training import checkpoint
    from zoo.training.plan import DataChoice, Plan, Settings

    torch.manual_seed(0)
    model = zoo.create("stylegan2", preset="paper256", resolution=256)
    folder = cache / "snapshot"
    folder.mkdir()
    checkpoint.write_tensors(folder / GENERATOR, model.state_dict())
    parts = type(model).parts(model.config)
    plan = Plan("stylegan2", model.config, parts, model.data, DataChoice("", ""), Settings(kimg=0.0, minutes=0.0))
    block = {
        "format": Manifest.FORMAT,
        "images": 0,
        "requires": [one.to_json() for one in requirements(plan)],
        "files": {GENERATOR: Record.of(folder / GENERATOR).to_json()},
    }
    write_json(folder / CONFIG, signed({**plan.to_json(), "repository": block}))
    Memory(os.environ["HF_ENDPOINT"], ID).verified(COMMIT, folder, [CONFIG, GENERATOR])
    return folder


def measured(code: str) -> tuple[float, float, bool]:
    """Seconds to the first image and to the loaded model, in a new process; whether the Hub's client was imported."""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    total, loaded, client = result.stdout.split()
    return float(total), float(loaded), client == "True"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as place:
        os.environ |= {"GANZOO_CACHE": place, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": f"{place}/hf"}
        folder = cached_model(Path(place))
        codes = {"zoo.load": OURS.format(id=ID, commit=COMMIT), "bare": BARE.format(folder=folder)}
        rounds = [{name: measured(code) for name, code in codes.items()} for _ in range(repeats + 1)][1:]
        size = (folder / "generator.safetensors").stat().st_size
    middle = {name: statistics.median(one[name][0] for one in rounds) for name in codes}
    told = {
        "megabytes": round(size / 1e6, 1),
        "seconds to the first image": {name: round(value, 3) for name, value in middle.items()},
        "of which loading": {name: round(statistics.median(one[name][1] for one in rounds), 3) for name in codes},
        "ratio": round(middle["zoo.load"] / middle["bare"], 3),
        "the Hub's client imported": any(one["zoo.load"][2] for one in rounds),
    }
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
