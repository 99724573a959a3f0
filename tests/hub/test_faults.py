"""Every fault of Hub, network and disk: one message with the next step, nothing half, and the retry works."""

import errno
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

import zoo
from ganzoo_hub.pull import fetch, pull
from ganzoo_hub.push import push
from ganzoo_hub.reference import parse
from tests.hub.server import Fault, Repository
from zoo import ZooError

ID = "writer/emoji"
LICENCE = {"licence": "cc-by-4.0", "quiet": True}


@pytest.fixture
def pushed(hub, trained):
    """The run, published, and forgotten here."""
    return push(trained, ID, private=False, **LICENCE)


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """No memory of any model."""
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "fresh"))


def refusal(call, *arguments, **options) -> str:
    """The message of the error that a call ends with, in one line."""
    with pytest.raises(ZooError) as told:
        call(*arguments, **options)
    text = str(told.value)
    assert "\n" not in text
    return text


def flip(body: bytes) -> bytes:
    return body[:-1] + bytes([body[-1] ^ 1])


def test_no_token(hub, trained, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    with hub.counted() as requests:
        text = refusal(push, trained, ID, private=False, **LICENCE)
    assert text.startswith(f"There is no token for {hub.url}.")
    assert "hf auth login" in text
    assert requests == []


def test_a_token_that_is_not_valid(hub, trained, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_old")
    text = refusal(push, trained, ID, private=False, **LICENCE)
    assert "the token is not valid (any more)" in text
    assert "hf auth login" in text


def test_no_permission(hub, trained, pushed, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_reader")
    head = hub.repositories[ID].head.oid
    text = refusal(push, trained, ID, **LICENCE)
    assert f"no permission for {ID}" in text
    assert "Use a token with write access: hf auth login" in text
    assert hub.repositories[ID].head.oid == head
    assert "no permission for other/emoji" in refusal(push, trained, "other/emoji", private=False, **LICENCE)


def test_not_found_and_private(hub, pushed, fresh, monkeypatch):
    text = refusal(zoo.load, "hf:nobody/nothing")
    assert f"nobody/nothing is not found on {hub.url}, or is private" in text
    assert "Check the spelling" in text
    hub.repositories[ID].private = True
    monkeypatch.setenv("HF_TOKEN", "hf_reader")
    assert "for a private one log in: hf auth login" in refusal(zoo.load, f"hf:{ID}")
    monkeypatch.delenv("HF_TOKEN")
    assert "for a private one log in: hf auth login" in refusal(zoo.load, f"hf:{ID}")


def test_a_revision_that_is_not_there(hub, pushed):
    assert f"{hub.url}/{ID}/tree/main shows its branches" in refusal(zoo.load, f"hf:{ID}@no-such")
    assert "has no such revision" in refusal(zoo.load, f"hf:{ID}@{'0' * 40}")


def test_gated(hub, pushed, fresh, monkeypatch):
    hub.repositories[ID].gated = True
    hub.members.clear()
    monkeypatch.setenv("HF_TOKEN", "hf_reader")
    text = refusal(zoo.load, f"hf:{ID}")
    assert f"{ID} is gated. Ask for access on {hub.url}/{ID}" in text
    hub.members.add("reader")
    zoo.load(f"hf:{ID}")


def test_someone_else_committed_meanwhile(hub, trained, pushed):
    class Late(Fault):
        """Lets another's commit in just before ours."""

        @property
        def seconds(self):
            if len(repository.commits) == 2:
                repository.put(notes__md=b"theirs")
            return 0.0

        @seconds.setter
        def seconds(self, value):
            pass

    repository = hub.repositories[ID]
    hub.faults.append(Late(f"POST /api/models/{ID}/commit"))
    text = refusal(push, trained, ID, with_discriminator=True, **LICENCE)
    assert "has changed since it was looked at: someone else committed" in text
    assert "the same command tries again" in text
    assert "discriminator.safetensors" not in repository.head.files
    hub.faults.clear()
    push(trained, ID, with_discriminator=True, **LICENCE)
    assert {"discriminator.safetensors", "notes.md"} <= set(repository.head.files)


def test_the_hub_is_down(hub, pushed, fresh, trained, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    text = refusal(zoo.load, f"hf:{ID}")
    assert "http://127.0.0.1:9 is not reached" in text
    assert "Check the network, and HF_ENDPOINT" in text
    assert "http://127.0.0.1:9 is not reached" in refusal(push, trained, ID, **LICENCE)


def test_what_is_no_hub(hub, pushed, fresh):
    hub.faults.append(Fault("/resolve/", status=200))
    assert "what answers there is no Hub. Check HF_ENDPOINT" in refusal(zoo.load, f"hf:{ID}")


@pytest.mark.parametrize("at", ["HEAD", "GET /cdn", f"GET /{ID}/resolve"])
def test_5xx_while_loading_and_then_not(hub, pushed, fresh, at, trained):
    hub.faults.append(Fault(at, status=503))
    text = refusal(zoo.load, f"hf:{ID}")
    assert f"{hub.url} is down or overloaded (it answers 503)" in text
    hub.faults.clear()
    assert torch.equal(zoo.load(f"hf:{ID}").sample(1), zoo.load(trained).sample(1))


@pytest.mark.parametrize("at", ["/preupload/", "/info/lfs/", "PUT /lfs", "/commit/"])
@pytest.mark.parametrize("fault", [{"status": 500}, {"drop": True}], ids=str)
def test_a_push_that_breaks_leaves_the_repository_as_it_was(hub, pushed, trained, at, fault):
    repository = hub.repositories[ID]
    before = repository.head
    hub.objects.clear()
    hub.faults.append(Fault(at, **fault))
    text = refusal(push, trained, ID, with_discriminator=True, **LICENCE)
    assert "Pushing to writer/emoji failed" in text
    assert "all at once or not at all; the same command tries again" in text
    assert repository.head == before
    assert len(repository.commits) == 2
    hub.faults.clear()
    push(trained, ID, with_discriminator=True, **LICENCE)
    assert "discriminator.safetensors" in repository.head.files


def test_a_push_whose_answer_is_lost_is_not_made_twice(hub, pushed, trained):
    repository = hub.repositories[ID]
    hub.faults.append(Fault("/commit/", drop=True, after=True))
    refusal(push, trained, ID, with_discriminator=True, **LICENCE)
    assert len(repository.commits) == 3
    hub.faults.clear()
    done = push(trained, ID, with_discriminator=True, **LICENCE)
    assert (len(repository.commits), done.commit) == (3, repository.head.oid)


def test_a_first_push_that_breaks_says_that_the_repository_is_empty(hub, trained):
    hub.faults.append(Fault("PUT /lfs", status=500))
    text = refusal(push, trained, ID, private=True, **LICENCE)
    assert "The repository was made and is empty; the same command goes on." in text
    assert set(hub.repositories[ID].head.files) == {".gitattributes"}
    hub.faults.clear()
    push(trained, ID, private=True, **LICENCE)


def test_a_killed_push_leaves_the_repository_as_it_was(hub, pushed, trained):
    repository = hub.repositories[ID]
    before = repository.head
    hub.objects.clear()
    hub.faults.append(Fault("/commit/", seconds=30.0, drop=True))
    earlier = len(hub.requests)
    code = f"import zoo; zoo.push({str(trained)!r}, {ID!r}, licence='mit', with_discriminator=True)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 100
    while not any("/commit/" in line for line in hub.requests[earlier:]) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    hub.faults.clear()
    assert repository.head == before
    with hub.counted() as requests:
        push(trained, ID, with_discriminator=True, licence="mit", quiet=True)
    assert not any("PUT" in line for line in requests)  # what had arrived is not sent again
    assert "discriminator.safetensors" in repository.head.files


def test_an_answer_that_is_cut_off_is_continued(hub, pushed, fresh, trained):
    hub.faults.append(Fault("GET /cdn", change=lambda body: body[: len(body) // 2], times=1))
    with hub.counted() as requests:
        model = zoo.load(f"hf:{ID}")
    assert sum("GET /cdn" in line for line in requests) == 2
    assert torch.equal(model.sample(1), zoo.load(trained).sample(1))


def test_an_answer_that_is_always_cut_off(hub, pushed, fresh, tmp_path):
    hub.faults.append(Fault("GET /cdn", change=lambda body: body[:0]))
    text = refusal(zoo.load, f"hf:{ID}")
    assert "Downloading generator.safetensors" in text
    assert "Nothing half is kept; the same call tries again." in text
    assert not list((tmp_path / "hf").rglob("*.incomplete"))
    hub.faults.clear()
    zoo.load(f"hf:{ID}")


def test_a_corrupt_body_of_the_right_size_is_fetched_once_more(hub, pushed, fresh, trained):
    hub.faults.append(Fault("GET /cdn", change=flip, times=1))
    assert torch.equal(zoo.load(f"hf:{ID}").sample(1), zoo.load(trained).sample(1))


def test_a_corrupt_body_that_stays_is_refused_and_removed(hub, pushed, fresh, tmp_path, trained):
    hub.faults.append(Fault("GET /cdn", change=flip))
    with hub.counted() as requests:
        text = refusal(zoo.load, f"hf:{ID}")
    assert "generator.safetensors of hf:writer/emoji@" in text
    assert "came damaged twice" in text
    assert "removed and not loaded" in text
    assert sum("GET /cdn" in line for line in requests) == 2
    assert not list((tmp_path / "hf").rglob("generator.safetensors"))
    hub.faults.clear()
    assert torch.equal(zoo.load(f"hf:{ID}").sample(1), zoo.load(trained).sample(1))


def test_a_corrupt_config_json(hub, pushed, fresh):
    def change(body: bytes) -> bytes:
        return body.replace(b'"resolution": 16', b'"resolution": 32')

    hub.faults.append(Fault("resolve", change=change, times=10))
    assert "config.json of hf:writer/emoji@" in refusal(zoo.load, f"hf:{ID}")
    hub.faults.clear()
    hub.faults.append(Fault("GET /writer/emoji/resolve", change=change, times=1))
    zoo.load(f"hf:{ID}")


def test_a_repository_that_is_broken_itself(hub, pushed):
    repository = hub.repositories[ID]
    files = dict(repository.head.files)
    files["generator.safetensors"] = flip(files["generator.safetensors"])
    repository.commit("main", files, "broken")
    assert "or the repository itself is broken: tell its owner" in refusal(pull, ID)
    del files["generator.safetensors"]
    repository.commit("main", files, "without weights")
    assert "lacks a file that a model of ganzoo has (generator.safetensors)" in refusal(pull, ID)


def test_what_is_no_model_of_ours(hub):
    repository = hub.repositories["writer/other"] = Repository("writer/other")
    assert "lacks a file that a model of ganzoo has (config.json)" in refusal(zoo.load, "hf:writer/other")
    repository.put(config__json=b'{"model_type": "bert"}')
    assert "no pickles, no code" in refusal(pull, "writer/other")


def test_a_slow_hub(hub, pushed):
    hub.faults.append(Fault("HEAD", seconds=3.0))
    environment = {**os.environ, "HF_HUB_ETAG_TIMEOUT": "1"}
    command = [sys.executable, "-m", "zoo.cli", "pull", f"{ID}@v1"]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)
    assert result.returncode == 1
    assert f"{hub.url} is slow: no answer in the time allowed" in result.stderr
    assert "HF_HUB_ETAG_TIMEOUT=60" in result.stderr
    assert "Traceback" not in result.stderr


def test_too_many_requests(hub, pushed, fresh):
    hub.faults.append(Fault("HEAD", status=429))
    assert "asks for patience" in refusal(zoo.load, f"hf:{ID}")


def test_a_card_that_the_hub_refuses(hub, trained, pushed):
    hub.faults.append(Fault("validate-yaml", status=400))
    assert "the Hub refuses" in refusal(push, trained, ID, **LICENCE)


def test_the_disk_is_full(hub, pushed, fresh, monkeypatch, tmp_path):
    import huggingface_hub.file_download as client

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "hf"))

    with monkeypatch.context() as during:
        during.setattr(client, "http_get", full)
        text = refusal(zoo.load, f"hf:{ID}")
    assert f"no space is left for {tmp_path / 'hf'}" in text
    assert "HF_HOME" in text
    assert not list((tmp_path / "hf").rglob("*.incomplete"))
    zoo.load(f"hf:{ID}")


def test_the_disk_is_full_for_the_copy(hub, pushed, monkeypatch, tmp_path):
    import shutil

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as during:
        during.setattr(shutil, "copyfile", full)
        assert "No space left while writing" in refusal(pull, ID, tmp_path / "copy")
    assert not list(tmp_path.glob("*copy*")) + list(tmp_path.glob(".pull-*"))
    pull(ID, tmp_path / "copy")


def test_a_cache_that_cannot_be_written_costs_only_time(hub, pushed, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "file"))
    zoo.load(f"hf:{ID}@{pushed.commit}")
    zoo.load(f"hf:{ID}@{pushed.commit}")


def test_what_was_touched_is_hashed_again(hub, pushed, trained):
    place = fetch(parse(ID), lambda manifest: list(manifest.files)).folder / "generator.safetensors"
    place.resolve().write_bytes(flip(place.read_bytes()))
    assert torch.equal(zoo.load(f"hf:{ID}").sample(1), zoo.load(trained).sample(1))
