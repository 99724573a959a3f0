"""Push, search, pull, load and verify, by the Hub's real client against a server that speaks its protocol."""

import json
import os
import subprocess
import sys

import pytest
import torch

import zoo
from ganzoo_hub.pull import fetch, pull, verify
from ganzoo_hub.push import push
from ganzoo_hub.reference import parse
from ganzoo_hub.search import search
from tests.hub.server import Fault
from zoo import InvalidOptions, ZooError

ID = "writer/emoji"
LICENCE = {"licence": "cc-by-4.0", "quiet": True}


@pytest.fixture
def pushed(hub, trained):
    """The run, published."""
    return push(trained, ID, private=False, **LICENCE)


def in_a_fresh_process(code: str, **surroundings: str) -> subprocess.CompletedProcess[str]:
    """Python in a process of its own, where the client reads the environment anew."""
    environment = {**os.environ, **surroundings}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)


def test_push_is_one_commit_of_all_files(hub, trained, capsys):
    with hub.counted() as requests:
        done = zoo.push(trained, ID, licence="cc-by-4.0", private=True, with_discriminator=True)
    repository = hub.repositories[ID]
    assert repository.private
    assert len(repository.commits) == 2  # the first is made with the repository
    assert set(repository.head.files) == {
        *(".gitattributes", "README.md", "config.json", "discriminator.safetensors"),
        *("generator.safetensors", "samples.png"),
    }
    assert sum("/commit/" in line for line in requests) == 1
    assert done.commit == repository.head.oid
    told = capsys.readouterr().out
    for name in done.files:
        assert name in told
    assert f'zoo.load("hf:{ID}@{done.commit}")' in told
    assert told.index("generator.safetensors") < told.index("Pushed:")
    card = repository.head.files["README.md"].decode()
    assert "license: cc-by-4.0" in card
    assert f'zoo.load("hf:{ID}' in card


def test_a_fresh_process_draws_the_same_pictures(hub, trained, pushed, tmp_path):
    out = tmp_path / "samples.pt"
    code = f"import torch, zoo; torch.save(zoo.load('hf:{ID}').sample(4, seed=3), {str(out)!r})"
    result = in_a_fresh_process(code, GANZOO_CACHE=str(tmp_path / "another"))
    assert result.returncode == 0, result.stderr
    assert f"hf:{ID} is commit {pushed.commit}" in result.stderr
    assert torch.equal(torch.load(out), zoo.load(trained).sample(4, seed=3))


def test_what_is_cached_and_pinned_costs_no_request(hub, pushed, capsys):
    with hub.counted() as first:
        zoo.load(f"hf:{ID}@{pushed.commit}")
    assert [line.split()[0] for line in first] == ["HEAD", "GET", "HEAD", "GET"]  # of config.json and the weights
    with hub.counted() as again:
        zoo.load(f"hf:{ID}@{pushed.commit}")
        zoo.load(f"hf:{ID}")  # pinned by the push
    assert again == []
    assert capsys.readouterr().err == ""


def test_a_fresh_process_asks_nothing_and_imports_no_client(hub, pushed):
    zoo.load(f"hf:{ID}")
    writing = "{'huggingface_hub', 'zoo.training.run'}"
    code = f"import sys, zoo; zoo.load('hf:{ID}'); print({writing} & sys.modules.keys())"
    with hub.counted() as requests:
        result = in_a_fresh_process(code)
    assert (result.stdout, result.stderr, requests) == ("set()\n", "", [])


def test_a_revision_is_pinned_until_pull_asks_anew(hub, pushed, trained, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "another"))
    zoo.load(f"hf:{ID}")
    assert f"hf:{ID} is commit {pushed.commit}, and stays that here" in capsys.readouterr().err
    newer = hub.repositories[ID].put(README__md=b"---\nlicense: mit\n---\nedited\n")
    with hub.counted() as requests:
        zoo.load(f"hf:{ID}")
    assert requests == []
    found = pull(ID)
    assert found.reference.revision == newer
    assert f"hf:{ID} is commit {newer}" in capsys.readouterr().err
    assert fetch(parse(ID), lambda manifest: []).reference.revision == newer
    hub.repositories[ID].branches["v1"] = pushed.commit
    assert fetch(parse(f"{ID}@v1"), lambda manifest: []).reference.revision == pushed.commit


def test_offline_works_and_says_what_it_lacks(hub, trained, pushed, tmp_path, monkeypatch):
    code = f"import zoo; print(zoo.load('hf:{ID}').sample(1).shape)"
    empty = in_a_fresh_process(code, HF_HUB_OFFLINE="1")
    assert "HF_HUB_OFFLINE is set" in empty.stderr
    assert f"{hub.url} is not asked" in empty.stderr
    assert "would need config.json" in empty.stderr
    assert f"ganzoo pull hf:{ID}" in empty.stderr
    zoo.load(f"hf:{ID}")
    with hub.counted() as requests:
        result = in_a_fresh_process(code, HF_HUB_OFFLINE="1")
        # the memory is lost: what the client's cache holds of the branch is not known by its name, of the commit it is
        other = in_a_fresh_process(
            code.replace(ID, f"{ID}@{pushed.commit}"), HF_HUB_OFFLINE="1", GANZOO_CACHE=str(tmp_path / "another")
        )
    assert (result.stderr, other.stderr, requests) == ("", "", [])
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    push_again = {"match": "pushing needs the Hub"}
    with pytest.raises(ZooError, **push_again):
        push(trained, ID, **LICENCE)
    with pytest.raises(ZooError, match="searching needs the Hub"):
        search()


def test_offline_lists_the_files_that_are_missing_with_their_sizes(hub, trained, monkeypatch):
    done = push(trained, ID, private=False, with_discriminator=True, **LICENCE)
    zoo.load(f"hf:{ID}")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ZooError, match=rf"hf:{ID}@{done.commit} would need discriminator\.safetensors \(0\.\d MB\)"):
        zoo.load(f"hf:{ID}", training=True)


def test_pull_to_a_folder_and_verify(hub, trained, tmp_path, run, pushed):
    code, out, _ = run("pull", ID, "--to", str(tmp_path / "mine"))
    assert code == 0
    assert "2 files" in out
    assert "verified" in out
    assert f"Next: ganzoo sample {tmp_path / 'mine'}" in out
    assert torch.equal(zoo.load(tmp_path / "mine").sample(2), zoo.load(trained).sample(2))
    assert (tmp_path / "mine" / "README.md").exists()
    code, out, _ = run("verify", str(tmp_path / "mine"))
    assert (code, "all 2 files that are here are as config.json says" in out) == (0, True)
    with hub.counted() as requests:
        code, out, _ = run("verify", ID)
    assert (code, requests) == (0, [])
    assert f"hf:{ID}@{pushed.commit}: all 2 files" in out
    code, _, err = run("pull", ID, "--to", str(tmp_path / "mine"))
    assert code == 1
    assert "exists and is not empty" in err
    code, _, err = run("verify", str(tmp_path))
    assert code == 1
    assert "holds no model: it has no config.json" in err
    code, _, err = run("verify", "nobody/nothing")
    assert code == 1
    assert "Nothing of hf:nobody/nothing is in the cache. Fetch it: ganzoo pull nobody/nothing" in err


def test_verify_finds_damage_in_the_cache_and_pull_mends_it(hub, pushed, run):
    place = pull(ID).folder / "generator.safetensors"
    data = bytearray(place.read_bytes())
    data[-1] ^= 1
    place.resolve().write_bytes(data)
    code, _, err = run("verify", ID)
    assert code == 1
    assert "generator.safetensors is damaged" in err
    assert f"ganzoo pull hf:{ID}@{pushed.commit}" in err
    pull(ID)
    assert verify(ID)[2] == []


def test_search_lists_what_is_tagged(hub, pushed, run):
    hub.repositories["writer/text"] = type(hub.repositories[ID])("writer/text")
    assert [(one.repository, one.architecture) for one in search()] == [(ID, "dcgan")]
    assert search("no-such") == []
    with hub.counted() as requests:
        code, out, _ = run("search", "emoji")
    assert code == 0
    assert len(requests) == 1
    assert ID in out
    assert "dcgan" in out
    assert f"ganzoo sample hf:{ID}" in out
    assert json.loads(run("search", "--json")[1])[0]["repository"] == ID
    assert "Nothing on the Hub is tagged ganzoo and called like 'none'" in run("search", "none")[1]


def test_a_dry_run_asks_nothing(hub, trained, run, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    with hub.counted() as requests:
        code, out, _ = run("push", str(trained), ID, "--licence", "mit", "--dry-run")
    assert (code, requests) == (0, [])
    for word in ("config.json", "generator.safetensors", "samples.png", "README.md", "Nothing was sent"):
        assert word in out


def test_no_licence_no_push(hub, trained, run):
    with hub.counted() as requests:
        code, _, err = run("push", str(trained), ID, "--public")
    assert (code, requests) == (1, [])
    assert "no licence is given, and none is assumed" in err


def test_visibility_is_chosen_and_never_widened(hub, trained):
    with pytest.raises(InvalidOptions, match="does not exist yet: say who may see it, with --private or --public"):
        push(trained, ID, **LICENCE)
    assert ID not in hub.repositories
    push(trained, ID, private=False, **LICENCE)
    with pytest.raises(InvalidOptions, match="is public, and --private was given"):
        push(trained, ID, private=True, **LICENCE)
    push(trained, ID, **LICENCE)


def test_a_pull_request_leaves_main_as_it_is(hub, pushed, trained):
    head = hub.repositories[ID].head.oid
    done = push(trained, ID, pr=True, with_discriminator=True, **LICENCE)
    assert hub.repositories[ID].head.oid == head
    assert done.url.endswith("/discussions/1")
    assert "discriminator.safetensors" in hub.repositories[ID].at("refs/pr/1").files
    assert torch.equal(zoo.load(f"hf:{ID}@refs/pr/1").sample(1), zoo.load(trained).sample(1))


def test_a_branch_and_what_two_options_contradict(hub, pushed, trained):
    hub.repositories[ID].branches["v2"] = hub.repositories[ID].head.oid
    done = push(trained, ID, revision="v2", with_discriminator=True, **LICENCE)
    assert hub.repositories[ID].branches["v2"] == done.commit
    assert hub.repositories[ID].head.oid == pushed.commit
    with pytest.raises(ZooError, match="has no such revision"):
        push(trained, ID, revision="v3", **LICENCE)
    with pytest.raises(InvalidOptions, match="--pr asks for a change of main"):
        push(trained, f"{ID}@v2", pr=True, **LICENCE)
    with pytest.raises(InvalidOptions, match="name two branches"):
        push(trained, f"{ID}@v2", revision="v3", **LICENCE)


def test_what_an_earlier_push_left_over_goes(hub, trained):
    push(trained, ID, private=False, with_discriminator=True, with_optimizer=True, **LICENCE)
    assert any(name.startswith("checkpoints/") for name in hub.repositories[ID].head.files)
    hub.repositories[ID].put(notes__md=b"mine")
    push(trained, ID, **LICENCE)
    assert set(hub.repositories[ID].head.files) == {
        *(".gitattributes", "README.md", "config.json", "generator.safetensors", "samples.png", "notes.md"),
    }


def test_the_optimizer_is_shared_only_when_asked(hub, trained, tmp_path, pictures):
    push(trained, ID, private=True, with_optimizer=True, **LICENCE)
    pull(ID, tmp_path / "whole")
    run = zoo.resume(tmp_path / "whole", kimg=0.048, data=pictures, quiet=True, device="cpu")
    assert zoo.load(run.folder).sample(1).shape == (1, 3, 16, 16)
    push(trained, ID, **LICENCE)
    pull(ID, tmp_path / "bare")
    before = {path.name: path.read_bytes() for path in (tmp_path / "bare").iterdir()}
    with pytest.raises(ZooError, match=r"shared without its optimisers.*--from"):
        zoo.resume(tmp_path / "bare", kimg=0.048, data=pictures, quiet=True, device="cpu")
    assert {path.name: path.read_bytes() for path in (tmp_path / "bare").iterdir()} == before


def test_training_starts_from_the_hub(hub, trained, pictures, tmp_path):
    done = push(trained, ID, private=False, with_discriminator=True, **LICENCE)
    run = zoo.train(
        *("dcgan", pictures),
        out=tmp_path / "on",
        origin=f"hf:{ID}",
        preset="tiny",
        resolution=16,
        kimg=0.016,
        quiet=True,
        device="cpu",
    )
    assert json.loads((run.folder / "config.json").read_text())["origin"] == str(done)


def test_a_model_of_the_hub_is_scored(hub, pushed, pictures):
    settings = {"metrics": "pixel-frechet:samples=16", "n": 16, "device": "cpu", "quiet": True}
    (score,) = zoo.evaluate(f"hf:{ID}", pictures, **settings)
    assert score.subject["run"] == f"hf:{ID}"


def test_two_mirrors_are_kept_apart(hub, pushed, tmp_path, monkeypatch):
    zoo.load(f"hf:{ID}")
    hub.faults.append(Fault("", status=500))
    monkeypatch.setenv("HF_ENDPOINT", hub.url.replace("127.0.0.1", "localhost"))
    with pytest.raises(ZooError, match="Looking up hf:writer/emoji failed: http://localhost"):
        zoo.load(f"hf:{ID}")
