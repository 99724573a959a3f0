"""From an official file to a model that samples, trains and tells where it comes from."""

import hashlib
import http.server
import json
import threading
from functools import partial

import pytest
import torch

import zoo
from ganzoo_hub.download import local
from ganzoo_hub.importing import import_file, read_file
from ganzoo_progan.official import to_facebook, to_tensorflow
from tests.hub.layouts import tensorflow, write_facebook, write_tensorflow_pickle
from zoo import DataSpec, InvalidOptions, UnknownName, ZooError
from zoo.training.averages import Averages
from zoo.training.engine import Training
from zoo.weights import read_weights, take_averages, take_live

SIZES = {"z_dim": 6, "base": 32, "limit": 8}
FACEBOOK = {"first_bias": "position", "fused": False, "spread": "neighbours", **SIZES}
CONFIG = {"lossCriterion": "WGANGP", "leakyReluLeak": 0.2, "miniBatchStdDev": True, "alpha": 0.0}


def progan(seed: int, **options) -> zoo.Model:
    """A fully grown pair with random weights and biases."""
    torch.manual_seed(seed)
    model = zoo.create("progan", preset="tiny", data=DataSpec(16), training=True, **options)
    for network in (model.generator, model.critic.network):
        network.grow(network.top, 1.0)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith("bias"):
                p.normal_(0, 0.3)
    return model


@pytest.fixture(scope="module")
def pair() -> tuple[zoo.Model, zoo.Model]:
    """Live networks, and averaged ones."""
    return progan(0, **SIZES), progan(1, **SIZES)


@pytest.fixture(scope="module")
def pickle_file(pair, tmp_path_factory):
    """An official TensorFlow pickle of the pair."""
    live, average = pair
    networks = [to_tensorflow(n) for n in (live.generator, live.critic.network, average.generator)]
    made = [tensorflow("G_paper", variables, {}, version=2) for variables in networks]
    return write_tensorflow_pickle(tmp_path_factory.mktemp("tf") / "faces.pkl", tuple(made), "tfutil.Network")


@pytest.fixture(scope="module")
def torch_file(tmp_path_factory):
    """A .pth of pytorch_GAN_zoo, with the models it was made of."""
    live, average = progan(2, **FACEBOOK), progan(3, **FACEBOOK)
    content = {"netG": live.generator, "netD": live.critic.network, "avgG": average.generator}
    states = {name: to_facebook(network) for name, network in content.items()}
    return write_facebook(tmp_path_factory.mktemp("pth") / "faces.pth", states, CONFIG), live, average


def test_a_tensorflow_pickle_becomes_a_model_folder(pickle_file, pair, tmp_path):
    live, average = pair
    import_file(pickle_file, tmp_path / "faces", "progan")
    model = zoo.load(tmp_path / "faces")
    torch.testing.assert_close(model.sample(3), average.sample(3), atol=1e-5, rtol=0)
    assert not any(p.requires_grad for p in model.parameters())
    trained = zoo.load(tmp_path / "faces", training=True)
    images = torch.randn(4, 3, 16, 16)
    judged = [one.critic.network.eval()(images) for one in (trained, live)]
    torch.testing.assert_close(*judged, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(trained.sample(2), live.sample(2), atol=1e-5, rtol=0)


def test_the_folder_tells_where_its_weights_come_from(pickle_file, tmp_path):
    import_file(pickle_file, tmp_path / "faces", "progan", source="https://example.org/faces.pkl")
    config = json.loads((tmp_path / "faces" / "config.json").read_text())
    told = config["provenance"]
    assert told["imported_from"] == "https://example.org/faces.pkl"
    assert told["sha256"] == hashlib.sha256(pickle_file.read_bytes()).hexdigest()
    assert "NonCommercial" in told["licence"]
    assert (told["plugin"], told["distribution"]) == ("progan", "ganzoo")
    assert config["architecture"] == "progan"
    assert config["data"]["resolution"] == 16
    assert config["source"]["source"] == ""
    assert sorted(path.name for path in (tmp_path / "faces").iterdir()) == ["checkpoints", "config.json"]


def test_a_file_loads_as_its_folder_does(torch_file, tmp_path):
    path, live, average = torch_file
    model = zoo.load(path)
    torch.testing.assert_close(model.sample(3), average.sample(3), atol=1e-5, rtol=0)
    import_file(path, tmp_path / "faces")
    assert torch.equal(zoo.load(tmp_path / "faces").sample(3), model.sample(3))
    trained = zoo.load(path, training=True)
    torch.testing.assert_close(trained.sample(2), live.sample(2), atol=1e-5, rtol=0)
    assert model.config.first_bias == "position"


def test_a_file_without_a_discriminator_samples_and_says_so(torch_file, tmp_path):
    _, _, average = torch_file
    path = write_facebook(tmp_path / "g.pth", {"netG": to_facebook(average.generator)}, CONFIG)
    import_file(path, tmp_path / "faces")
    torch.testing.assert_close(zoo.load(tmp_path / "faces").sample(2), average.sample(2), atol=1e-5, rtol=0)
    for where in (path, tmp_path / "faces"):
        with pytest.raises(ZooError, match="the generator alone"):
            zoo.load(where, training=True)


def test_a_full_folder_is_refused_and_a_failure_leaves_nothing(pickle_file, torch_file, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note").write_text("mine")
    with pytest.raises(InvalidOptions, match="not empty"):
        import_file(pickle_file, tmp_path / "full", "progan")
    _, live, _ = torch_file
    broken = {**to_facebook(live.generator), "surplus.weight": torch.zeros(2)}
    path = write_facebook(tmp_path / "broken.pth", {"netG": broken}, CONFIG)
    with pytest.raises(ZooError, match="surplus"):
        import_file(path, tmp_path / "new" / "faces")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["broken.pth", "full"]


def test_names_too_few_and_too_many_are_listed(torch_file, tmp_path):
    _, live, _ = torch_file
    state = to_facebook(live.generator)
    state["extra.one"] = state.pop("groupScale0.0.module.bias")
    path = write_facebook(tmp_path / "a.pth", {"netG": state}, CONFIG)
    with pytest.raises(ZooError, match=r"missing: generator\.blocks\.0\.conv\.bias; not known here: .*extra\.one"):
        read_file(path)


def test_a_file_that_claims_large_networks_is_refused_before_they_are_built(torch_file, tmp_path):
    _, live, _ = torch_file
    state = to_facebook(live.generator)
    wide = 1 << 14  # convolutions of 9 gigabytes
    state |= {"formatLayer.module.weight": torch.zeros(wide * 16, 1), "formatLayer.module.bias": torch.zeros(wide * 16)}
    state |= {f"scaleLayers.{i}.1.module.bias": torch.zeros(wide) for i in (0, 1)}
    with pytest.raises(ZooError, match=r"of another shape|follow no"):
        zoo.load(write_facebook(tmp_path / "a.pth", {"netG": state}, CONFIG))


def test_a_file_that_lacks_what_its_importer_reads(torch_file, tmp_path):
    path = write_facebook(tmp_path / "a.pth", {"netG": {"formatLayer.module.weight": torch.zeros(2, 2)}}, CONFIG)
    with pytest.raises(ZooError, match=r"is not whole|follow no"):
        zoo.load(path)


def test_what_no_importer_recognises(tmp_path):
    torch.save({"some.weight": torch.zeros(2)}, tmp_path / "a.pth")
    with pytest.raises(ZooError, match=r"holds the networks one \(state-dict\); no importer recognises.*progan"):
        zoo.load(tmp_path / "a.pth")
    with pytest.raises(ZooError, match="as progan it is not recognised"):
        read_file(tmp_path / "a.pth", "progan")
    with pytest.raises(UnknownName, match="Did you mean 'progan'"):
        read_file(tmp_path / "a.pth", "progam")
    with pytest.raises(UnknownName, match=r"No importer is registered for dcgan.*progan"):
        read_file(tmp_path / "a.pth", "dcgan")
    with pytest.raises(ZooError, match="There is no file"):
        zoo.load(tmp_path / "gone.pkl")
    with pytest.raises(ZooError, match=r"ganzoo import https://example\.org/a\.pkl --out DIR"):
        zoo.load("https://example.org/a.pkl")


IMPORTER = """
    from zoo import DataSpec, Imported, Importer
    from ganzoo_dcgan.model import DCGAN

    class Examples(Importer):
        def recognises(self, file):
            return "main.0.weight" in getattr(file.networks.get(""), "tensors", {})

        def convert(self, file):
            tensors = file.networks[""].tensors
            config = DCGAN.Config(z_dim=tensors["main.0.weight"].shape[0], g_width=4)
            state = {f"generator.{name}": value for name, value in tensors.items()}
            return Imported(config, DataSpec(16), state, licence="BSD 3-Clause")
"""
HOOK = """
    from zoo.registry import Entry

    def ganzoo_importers():
        traits = {{"architecture": "dcgan"}}
        yield Entry("{name}", "{name}_importer:Examples", "netG of pytorch/examples", traits=traits)
"""


def add_importer(fakes, name: str) -> None:
    fakes.add(name, {name: f"{name}_plugin"}, {f"{name}_plugin": HOOK.format(name=name), f"{name}_importer": IMPORTER})


def test_a_third_party_adds_an_importer_for_any_architecture(fakes, tmp_path):
    original = zoo.create("dcgan", preset="tiny", data=DataSpec(16))
    torch.save(original.generator.state_dict(), tmp_path / "netG.pth")
    add_importer(fakes, "one")
    torch.testing.assert_close(zoo.load(tmp_path / "netG.pth").sample(2), original.sample(2))
    add_importer(fakes, "two")
    with pytest.raises(ZooError, match="Two importers of dcgan"):
        zoo.load(tmp_path / "netG.pth")


def test_an_importer_that_does_not_load_stops_no_other(fakes, torch_file, capsys):
    hook = HOOK.format(name="torn")
    fakes.add("torn", {"torn": "torn_plugin"}, {"torn_plugin": hook, "torn_importer": "import no_such_module"})
    assert zoo.load(torch_file[0]).data.resolution == 16
    assert "no_such_module" in capsys.readouterr().err
    with pytest.raises(ZooError, match="no_such_module"):
        read_file(torch_file[0], "dcgan")


def test_the_command(run, torch_file, tmp_path):
    path, *_ = torch_file
    out = tmp_path / "faces"
    code, said, errors = run("import", str(path), "--out", str(out), "--as", "progan")
    assert (code, errors) == (0, "")
    assert "progan at 16 px, 3 channels (generator, its average and discriminator)" in said
    assert f"ganzoo sample {out}" in said
    assert run("sample", str(out), "--n", "2", "--out", str(tmp_path / "grid.png"))[0] == 0
    code, _, errors = run("import", str(path), "--out", str(out))
    assert code == 1
    assert "not empty" in errors


def test_an_imported_model_is_trained_from_but_not_resumed(run, torch_file, pictures, tmp_path):
    path, *_ = torch_file
    out = tmp_path / "faces"
    import_file(path, out)
    code, _, errors = run("train", "--resume", str(out))
    assert code == 1
    assert f"ganzoo train progan --data DATA --resolution 16 --from {out}" in errors
    small = ("--preset", "tiny", "--resolution", "16", "--kimg", "0.016", "--precision", "fp32")
    options = [word for key, value in FACEBOOK.items() for word in ("-s", f"{key}={value}")]
    for origin, to in ((out, "one"), (path, "two")):
        arguments = ("--data", str(pictures), "--from", str(origin), "--out", str(tmp_path / to))
        code, _, told = run("train", "progan", *arguments, *small, *options)
        assert code == 0, told
        taken, averaged = (line for line in told.splitlines() if "tensors taken" in line)
        assert "new here" not in taken + averaged
        assert "Averages: " in averaged


def test_averages_start_from_the_origins_averages(pickle_file, pair):
    live, average = pair
    origin = read_weights(pickle_file, training=True)
    fresh = progan(9, **SIZES)
    assert "left out" not in take_live(fresh, origin)
    training = Training(fresh)
    assert isinstance(training.averages, Averages)
    take_averages(training.averages, origin)
    name, copy = next(training.averages.named())
    assert name == "generator"
    assert torch.allclose(copy.state_dict()["blocks.0.conv.weight"], average.generator.blocks[0].conv.weight)
    assert torch.allclose(fresh.generator.blocks[0].conv.weight, live.generator.blocks[0].conv.weight)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder quietly; `cut` promises more than it gives."""

    def log_message(self, *arguments):
        """Say nothing."""

    def do_GET(self):
        if self.path != "/cut.pkl":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"short")


@pytest.fixture
def served(tmp_path):
    """A folder and the address at which it is served."""
    folder = tmp_path / "served"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_url_is_downloaded_for_as_long_as_it_is_needed(run, served, pickle_file, tmp_path):
    folder, address = served
    (folder / "the faces.pkl").write_bytes(pickle_file.read_bytes())
    with local(f"{address}/the%20faces.pkl") as path:
        assert path.name == "the faces.pkl"
        assert path.read_bytes() == pickle_file.read_bytes()
    assert not path.exists()
    code, _, errors = run("import", f"{address}/the%20faces.pkl", "--out", str(tmp_path / "faces"))
    assert code == 0, errors
    told = json.loads((tmp_path / "faces" / "config.json").read_text())["provenance"]
    assert told["imported_from"] == f"{address}/the%20faces.pkl"


def test_a_url_that_does_not_give_the_file(served):
    _, address = served
    for url, word in (
        (f"{address}/cut.pkl", "cut off after 5 of 100 bytes"),
        (f"{address}/gone.pkl", "[Nn]ot [Ff]ound"),
        ("http://127.0.0.1:9/a.pkl", "not downloaded"),
        ("ftp://example.org/a.pkl", "http or https"),
        ("file:///etc/passwd", "http or https"),
    ):
        with pytest.raises(ZooError, match=word), local(url):
            pass
