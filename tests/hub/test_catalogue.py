"""The catalogue: cards against the schema and the registry, and weights from a server in the official hosts' place."""

import hashlib
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import torch
from huggingface_hub import ModelCard

import zoo
from ganzoo_hub.catalogue import INDEX, OURS, find_card, index
from ganzoo_hub.official import redirected
from tests.hub import test_projected
from tests.hub.hosts import serving
from tests.hub.layouts import persistent, write_torch_pickle
from tests.plugins import test_pix2pix
from zoo import DataSpec, InvalidOptions, UnknownName, ZooError
from zoo.plugins import registry

NAME = "stylegan2/cifar10"


@pytest.mark.parametrize("name", OURS.names())
def test_a_card_is_whole_and_its_architecture_can_load_it(name):
    card = OURS.card(name)  # checks the schema
    known = registry().names("architecture")
    readers = [one.entry.traits.get("architecture", one.name) for one in registry().select("importer")]
    assert card.architecture in known
    assert card.folder is not None or card.architecture in readers
    assert card.folder is None or (card.folder / "config.json").is_file()
    about = ModelCard((OURS.folder / f"{name}.md").read_text(encoding="utf-8")).data
    assert about.library_name == "ganzoo"
    assert f'zoo.load("{name}")' in card.body or "manual" in card.block
    assert all(name in registry().names("dataset") for name in card.matter.get("datasets", []))


def test_no_two_cards_name_the_same_file_and_the_index_is_of_today():
    cards = [OURS.card(name) for name in OURS.names()]
    urls = [card.url for card in cards if card.url]
    assert len(urls) == len(set(urls)) > 70
    assert json.loads((OURS.folder / INDEX).read_text(encoding="utf-8")) == index(OURS)
    assert {card.name for card in cards} == set(zoo.list_weights())


def test_listing_and_near_misses(run):
    assert "stylegan2/ffhq-256" in zoo.list_weights("stylegan2/ffhq*")
    code, output, _ = run("list", "weights", "stylegan2/metfaces*")
    assert code == 0
    assert "stylegan2/metfaces-noaug" in output
    with pytest.raises(UnknownName, match=r"Did you mean 'stylegan2/ffhq'"):
        zoo.load("stylegan2/fhq")
    assert not {"torch", "yaml"} & set(loaded_by("import sys, zoo; zoo.list_weights(); print(*sys.modules)"))


def loaded_by(code: str) -> list[str]:
    from tests.fake_plugins import python

    return python("-c", code).stdout.split()


def test_info_shows_source_licences_and_scores_without_loading_anything(run):
    code, output, _ = run("info", "stylegan2/ffhq")
    assert code == 0
    for text in ("1024 px", "nvlabs-fi-cdn.nvidia.com", "unverified", "licence of weights", "CC BY-NC-SA", "FID 2.84"):
        assert text in output, text
    told = json.loads(run("info", "progan/celeba-hq", "--json")[1])
    assert "Google Drive" in told[0]["card"]["file"]


def model(seed: int, classes: int = 10, size: int = 32) -> zoo.Model:
    """A small StyleGAN2 with averages that are not zero."""
    torch.manual_seed(seed)
    options = {"condition": "label" if classes else "none", "mapping_layers": 2, "z_dim": 6}
    made = zoo.create("stylegan2", preset="tiny", data=DataSpec(size, classes=classes), training=True, **options)
    with torch.no_grad():
        for name, value in made.state_dict().items():
            if name.endswith(("bias", "noise_strength", "w_avg")):
                value.add_(0.3 * torch.randn_like(value))
    return made.eval()


def official(one: zoo.Model, path: Path) -> bytes:
    """It as a .pkl of stylegan2-ada-pytorch."""
    c, data = one.config, one.data
    sizes = [4 << i for i in range((data.resolution // 4).bit_length())]
    g = {"z_dim": c.z_dim, "w_dim": c.w_dim, "c_dim": one.classes, "img_resolution": data.resolution}
    g |= {"img_channels": data.channels, "mapping.fc0.bias_gain": 0.01}
    for size in sizes:
        g |= {f"synthesis.b{size}.architecture": c.g_form, f"synthesis.b{size}.conv1.activation": "lrelu"}
        g |= {f"synthesis.b{size}.conv1.conv_clamp": c.conv_clamp or None, f"synthesis.b{size}.conv1.use_noise": True}
    d = {f"b{data.resolution}.architecture": c.d_form, f"b{data.resolution}.conv0.conv_clamp": c.conv_clamp or None}
    d |= {"b4.mbstd.group_size": c.mbstd_group, "b4.mbstd.num_channels": 1, "b4.fc.activation": "lrelu"}
    widths = {"channel_base": c.channel_base, "channel_max": c.channel_max}
    networks = {
        "G": persistent("Generator", one.generator.state_dict(), g, {"synthesis_kwargs": widths}),
        "D": persistent("Discriminator", one.critic.network.state_dict(), d, widths),
    }
    return write_torch_pickle(path, {**networks, "G_ema": networks["G"]}).read_bytes()


def test_the_bundled_model_draws_without_a_network_and_without_a_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    model = zoo.load("dcgan/emoji")
    images = model.sample(16)
    assert images.shape == (16, 3, 64, 64)
    assert images.isfinite().all()
    assert images.std() > 0.3
    assert not (tmp_path / "cache").exists()
    card = OURS.card("dcgan/emoji")
    files = [path for path in card.folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 8e6
    (weights,) = (path for path in files if path.suffix == ".safetensors")
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == card.sha256
    scores = {one["metric"]: one["value"] for one in card.block["score"]}
    assert scores["fd-efficientnet-lite2"] == pytest.approx(442.0859)


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    """A model, and the bytes of its official file."""
    made = model(0)
    return made, official(made, tmp_path_factory.mktemp("official") / "a.pkl")


@pytest.fixture
def hosts(truth, tmp_path, monkeypatch):
    """The official hosts, reached by the mirror's variable, and a cache of one's own."""
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with serving() as found:
        monkeypatch.setenv("GANZOO_MIRROR", f"{found.address}/mirror/")
        found.files[place(NAME)] = truth[1]
        yield found


def place(name: str) -> str:
    """Where the mirror has a card's file."""
    parts = urlsplit(OURS.card(name).url)
    return f"/mirror/{parts.netloc}{parts.path}"


def test_a_name_loads_end_to_end_and_costs_one_request(hosts, truth, capfd):
    images = zoo.load(NAME).sample(2, class_=3)
    torch.testing.assert_close(images, truth[0].sample(2, class_=3), atol=2e-5, rtol=0)
    told = capfd.readouterr().err
    assert "licence of the weights: NVIDIA" in told
    assert hashlib.sha256(truth[1]).hexdigest() in told
    file, hosts.files = hosts.files, {}
    assert torch.equal(zoo.load(NAME).sample(2, class_=3), images)
    assert len(hosts.requests) == 1
    assert capfd.readouterr().err == ""
    hosts.files = file  # critics are taken over when they are first asked for
    trained = zoo.load(NAME, training=True).eval()
    pictures = torch.randn(4, 3, 32, 32)
    judged = [one.critic.network(pictures, label=torch.arange(4)) for one in (trained, truth[0])]
    torch.testing.assert_close(*judged, atol=2e-5, rtol=1e-5)
    torch.testing.assert_close(zoo.load(NAME).sample(2, class_=3), images)
    zoo.load(NAME, training=True)
    assert len(hosts.requests) == 2


def test_the_faces_of_projected_gan_load_end_to_end(hosts, tmp_path):
    torch.manual_seed(0)
    theirs = zoo.create("fastgan", preset="tiny", data=DataSpec(256), form="projected", g_width=8, z_dim=6)
    network = test_projected.generator(theirs, 0)
    path = test_projected.write(tmp_path / "p.pkl", {"G": network, "G_ema": network, "D": None})
    hosts.files[place("projected-gan/ffhq")] = path.read_bytes()
    loaded = zoo.load("projected-gan/ffhq")
    assert loaded.sample(1).shape == (1, 3, 256, 256)
    torch.testing.assert_close(loaded.sample(2), theirs.sample(2), atol=1e-5, rtol=0)
    assert len(hosts.requests) == 1
    assert zoo.list_weights("projected-gan/f*") == ["projected-gan/ffhq", "projected-gan/flowers"]


def test_horses_become_zebras_end_to_end(hosts, tmp_path, run):
    torch.manual_seed(0)
    data = DataSpec(256, source_channels=3, paired=False)
    theirs = zoo.network("pix2pix", "generator", data=data, generator="resnet", g_norm="instance", g_width=4, blocks=9)
    torch.save(theirs.state_dict(), tmp_path / "g.pth")  # the official names are ours
    hosts.files[place("cyclegan/horse2zebra")] = (tmp_path / "g.pth").read_bytes()
    horses = torch.rand(1, 3, 40, 56) * 2 - 1
    zebras = zoo.load("cyclegan/horse2zebra").translate(horses)
    assert zebras.shape == horses.shape
    zoo.to_pil(horses)[0].save(tmp_path / "horse.png")
    code, _, errors = run(
        "translate", "cyclegan/horse2zebra", str(tmp_path / "horse.png"), "--out", str(tmp_path / "out")
    )
    assert code == 0, errors
    assert list((tmp_path / "out").glob("*.png"))
    assert len(hosts.requests) == 1


def test_labels_become_facades_end_to_end(hosts, tmp_path):
    theirs = zoo.network("pix2pix", "generator", data=DataSpec(256, source_channels=3), g_width=4, levels=8)
    torch.save(test_pix2pix.official(theirs.state_dict()), tmp_path / "g.pth")
    hosts.files[place("pix2pix/facades-label2photo")] = (tmp_path / "g.pth").read_bytes()
    loaded = zoo.load("pix2pix/facades-label2photo")
    labels = torch.rand(1, 3, 256, 256) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(loaded.translate(labels), theirs.eval()(labels), atol=1e-5, rtol=0)


def test_commands_take_a_name_where_they_take_a_run(hosts, run, tmp_path):
    code, _, errors = run("sample", NAME, "--n", "2", "--out", str(tmp_path / "grid.png"))
    assert code == 0, errors
    assert (tmp_path / "grid.png").stat().st_size > 100
    assert hashlib.sha256(hosts.files[place(NAME)]).hexdigest() in run("info", NAME)[1]


def test_the_first_use_is_recorded_and_another_file_refused_ever_after(hosts, tmp_path):
    zoo.load(NAME)
    import shutil

    shutil.rmtree(tmp_path / "cache" / "weights" / "stylegan2")
    hosts.files[place(NAME)] = official(model(1), tmp_path / "b.pkl")
    with pytest.raises(ZooError, match=r"is not the file that stylegan2/cifar10 was first loaded from here.*remove "):
        zoo.load(NAME)
    assert not list((tmp_path / "cache" / "weights").rglob("*.safetensors"))
    (record,) = (tmp_path / "cache" / "weights" / "seen").iterdir()
    record.unlink()
    zoo.load(NAME)


def test_a_published_sha256_is_asked_of_the_file(hosts, truth):
    hosts.files[place("progan/celeba")] = truth[1]
    with pytest.raises(ZooError, match=r"begin with 2b0acc76\. Nothing was loaded"):
        zoo.load("progan/celeba")


def test_a_file_that_holds_another_model_than_its_card_says_is_refused(hosts, tmp_path):
    hosts.files[place(NAME)] = official(model(2, classes=0, size=16), tmp_path / "c.pkl")
    with pytest.raises(ZooError, match="resolution 16, not 32, classes 0, not 10"):
        zoo.load(NAME)


def test_what_cannot_be_fetched_says_what_to_do(hosts, monkeypatch):
    with pytest.raises(ZooError, match=r"Google Drive.*ganzoo import FILE --as progan"):
        zoo.load("progan/celeba-hq")
    hosts.files.clear()
    with pytest.raises(ZooError, match="404"):
        zoo.load(NAME)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ZooError, match="HF_HUB_OFFLINE forbids the network; it would need http"):
        zoo.load(NAME)


def test_the_mirror_stands_for_every_official_host(monkeypatch):
    monkeypatch.setenv("GANZOO_MIRROR", "https://mirror.example/gans/")
    assert redirected("https://a.org/b/c.pkl") == "https://mirror.example/gans/a.org/b/c.pkl"
    monkeypatch.delenv("GANZOO_MIRROR")
    assert redirected("https://a.org/b/c.pkl") == "https://a.org/b/c.pkl"


PLUGIN = """
    from pathlib import Path

    import zoo
    from zoo.registry import Entry

    CARDS = zoo.Cards(Path(__file__).parent / "cards")

    def ganzoo_weights():
        yield Entry("stylegan2/mine", "fake_cards:CARDS", "weights of a third party")
"""


def test_plugins_bring_cards_of_their_own(fakes, hosts, truth, run):
    text = (OURS.folder / f"{NAME}.md").read_text(encoding="utf-8")
    digest = hashlib.sha256(truth[1]).hexdigest()
    text = text.replace("sha256: unverified", f"sha256: {digest}").replace(
        OURS.card(NAME).url, "https://mine.org/m.pkl"
    )
    folder = fakes.folder / "cards" / "stylegan2"
    folder.mkdir(parents=True)
    (folder / "mine.md").write_text(text, encoding="utf-8")
    fakes.add("fake-cards", {"cards": "fake_cards"}, {"fake_cards": PLUGIN})
    hosts.files["/mirror/mine.org/m.pkl"] = truth[1]
    torch.testing.assert_close(zoo.load("stylegan2/mine").sample(1), truth[0].sample(1), atol=2e-5, rtol=0)
    assert "https://mine.org/m.pkl" in run("info", "stylegan2/mine")[1]
    (folder / "mine.md").write_text(text.replace("sha256: ", "sha: "), encoding="utf-8")
    with pytest.raises(InvalidOptions, match=r"ganzoo\.sha256"):
        find_card("stylegan2/mine")


def test_a_card_may_name_a_repository_of_the_hub_at_a_commit(hub, trained, tmp_path):
    zoo.push(trained, "writer/tiny", licence="mit", private=False, quiet=True)
    commit = hub.repositories["writer/tiny"].branches["main"]
    text = (OURS.folder / "dcgan" / "emoji.md").read_text(encoding="utf-8")
    (tmp_path / "dcgan").mkdir()
    place = tmp_path / "dcgan" / "tiny.md"
    place.write_text(text.replace("  file: dcgan/emoji", f"  url: hf:writer/tiny@{commit}"), encoding="utf-8")
    found = zoo.Cards(tmp_path)("dcgan/tiny")
    assert found.where == "dcgan/tiny"
    assert found.plan.data.resolution == 16
    place.write_text(text.replace("  file: dcgan/emoji", "  url: hf:writer/tiny@main"), encoding="utf-8")
    with pytest.raises(InvalidOptions, match="with a whole commit"):
        zoo.Cards(tmp_path).card("dcgan/tiny")
