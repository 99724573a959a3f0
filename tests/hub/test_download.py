"""Downloads: resumed, limited, and whole or not there."""

from pathlib import Path

import pytest

from ganzoo_hub.download import fetched, local
from tests.hub.hosts import serving
from zoo import ZooError
from zoo.data.cache import cache_folder

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def hosts(tmp_path, monkeypatch):
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    with serving() as found:
        found.files["/a/the%20faces.pkl"] = CONTENT
        yield found


def left() -> list[Path]:
    """What downloads have left behind."""
    return [path for path in (cache_folder().parent / "downloads").rglob("*") if path.is_file()]


def test_a_file_has_its_name_and_is_gone_afterwards(hosts):
    with local(f"{hosts.address}/a/the%20faces.pkl") as path:
        assert path.name == "the faces.pkl"
        assert path.read_bytes() == CONTENT
    assert left() == []
    assert len(hosts.requests) == 1


def test_a_download_that_breaks_off_goes_on_where_it_stopped(hosts):
    hosts.cuts = [1000, 2000]
    with fetched(f"{hosts.address}/a/the%20faces.pkl") as path:
        assert path.read_bytes() == CONTENT
    assert [asked for _, asked in hosts.requests] == ["", "bytes=1000-", "bytes=3000-"]


def test_a_later_call_goes_on_too(hosts):
    url = f"{hosts.address}/a/the%20faces.pkl"
    hosts.cuts = [1000, 0, 0, 0, 0]
    with pytest.raises(ZooError, match="1,000 bytes are kept: try again"), fetched(url):
        pass
    hosts.cuts, before = [], len(hosts.requests)
    with fetched(url) as path:
        assert path.read_bytes() == CONTENT
    assert [asked for _, asked in hosts.requests[before:]] == ["bytes=1000-"]
    assert left() == []


def test_a_file_that_changed_meanwhile_is_fetched_from_its_start(hosts):
    url = f"{hosts.address}/a/the%20faces.pkl"
    hosts.cuts = [1000, 0, 0, 0, 0]
    with pytest.raises(ZooError), fetched(url):
        pass
    hosts.cuts, hosts.files["/a/the%20faces.pkl"] = [], CONTENT[::-1]
    with fetched(url) as path:
        assert path.read_bytes() == CONTENT[::-1]


def test_without_a_mark_of_the_server_nothing_is_pieced_together(hosts):
    hosts.tagged, hosts.cuts = False, [1000]
    with fetched(f"{hosts.address}/a/the%20faces.pkl") as path:
        assert path.read_bytes() == CONTENT
    assert [asked for _, asked in hosts.requests] == ["", ""]


def test_a_server_in_trouble_is_asked_again_and_a_refusal_is_not(hosts):
    hosts.errors = [503, 429]
    with fetched(f"{hosts.address}/a/the%20faces.pkl") as path:
        assert path.read_bytes() == CONTENT
    hosts.errors, hosts.requests[:] = [403], []
    with pytest.raises(ZooError, match="the server says 403"), fetched(f"{hosts.address}/a/the%20faces.pkl"):
        pass
    assert len(hosts.requests) == 1
    hosts.errors = [500] * 9
    with pytest.raises(ZooError, match="the server says 500"), fetched(f"{hosts.address}/a/the%20faces.pkl"):
        pass


def test_a_file_beyond_the_limit_is_refused_before_it_is_there(hosts):
    url = f"{hosts.address}/a/the%20faces.pkl"
    with pytest.raises(ZooError, match="larger than"), fetched(url, largest=5000):
        pass
    assert [path for path in left() if path.suffix == ".pkl"] == []
    with pytest.raises(ZooError, match="http or https"), local("ftp://example.org/a.pkl"):
        pass
