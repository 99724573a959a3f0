"""A Hub that has datasets: what the real client asks for when it reads them, over HTTP, with faults on demand."""

import contextlib
import hashlib
import http.server
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

INFO = re.compile(r"/api/datasets/([^/]+/[^/]+)(?:/revision/(.+))?")
FILE = re.compile(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")


@dataclass
class Dataset:
    """Branches over commits of files."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)

    def commit(self, branch: str, files: dict[str, bytes]) -> str:
        """A new state of a branch; its hash."""
        oid = hashlib.sha1(json.dumps([len(self.commits), sorted(files)]).encode()).hexdigest()
        self.commits[oid], self.branches[branch] = files, oid
        return oid

    @property
    def head(self) -> str:
        """The hash of main."""
        return self.branches["main"]


class Datasets:
    """The server: `url`, `datasets` by owner/name, `requests`, and the paths that are `broken`."""

    def __init__(self) -> None:
        self.datasets: dict[str, Dataset] = {}
        self.requests: list[str] = []
        self.broken: list[str] = []
        handler = type("Handler", (Handler,), {"hub": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> "Datasets":
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @contextlib.contextmanager
    def counted(self) -> Iterator[list[str]]:
        """The requests made inside the block."""
        before, made = len(self.requests), list[str]()
        yield made
        made += self.requests[before:]


class Handler(http.server.BaseHTTPRequestHandler):
    """One request."""

    hub: Datasets

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(path)
        if any(word in path for word in self.hub.broken):
            self.answer(503, b"")
        elif found := INFO.fullmatch(path):
            self.info(*found.groups())
        elif found := FILE.fullmatch(path):
            self.file(*found.groups())
        else:
            self.answer(404, b"")

    def at(self, name: str, revision: str | None) -> tuple[str, dict[str, bytes]] | None:
        """Commit and files; None, and an answer, where there are none."""
        dataset = self.hub.datasets.get(name)
        if dataset is None:
            self.answer(401, b"", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
            return None
        oid = dataset.branches.get(revision or "main", revision or "")
        if oid not in dataset.commits:
            self.answer(404, b"", {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"})
            return None
        return oid, dataset.commits[oid]

    def info(self, name: str, revision: str | None) -> None:
        if found := self.at(name, revision):
            oid, files = found
            card = files.get("README.md", b"").decode().partition("---\n")[2].partition("\n---")[0]
            told: dict[str, Any] = {"_id": "0" * 24, "id": name, "sha": oid, "cardData": yaml.safe_load(card)}
            told |= {"private": False, "gated": False, "disabled": False, "downloads": 0, "likes": 0, "tags": []}
            siblings = [{"rfilename": path, "size": len(content)} for path, content in files.items()]
            self.answer(200, json.dumps({**told, "siblings": siblings}).encode())

    def file(self, name: str, revision: str, path: str) -> None:
        if found := self.at(name, revision):
            content = found[1][path]
            tag = hashlib.sha256(content).hexdigest()
            self.answer(200, content, {"X-Repo-Commit": found[0], "ETag": f'"{tag}"', "Accept-Ranges": "bytes"})

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Send it whole."""
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
