"""A Hub of our own: a real HTTP server that speaks the protocol of the Hub's client, keeps commits, counts requests and
fails on demand. Written from what the client sends, plain files in git and large ones by LFS; without Xet.

    with Hub() as hub:
        hub.faults.append(Fault("PUT /lfs/", status=503))
        ... HF_ENDPOINT=hub.url
"""

import base64
import contextlib
import hashlib
import http.server
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

__all__ = ["Fault", "Hub", "Repository"]

LARGE = 1024
"""From so many bytes on a file that is no text goes to LFS."""


@dataclass
class Fault:
    """What goes wrong with requests whose "METHOD /path" contains `at`."""

    at: str
    status: int = 0  # answered instead
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0  # waited before the answer
    change: Callable[[bytes], bytes] | None = None  # of the body, after its length was told
    drop: bool = False  # the connection, without an answer
    after: bool = False  # the same, when the work is done
    times: int = 1_000  # requests that it befalls


@dataclass
class Commit:
    """A state of all files."""

    oid: str
    files: dict[str, bytes]
    message: str


@dataclass
class Repository:
    """One model repository: branches over commits."""

    id: str
    private: bool = False
    gated: bool = False
    writers: tuple[str, ...] = ("writer",)
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)  # pull requests, by their ref

    def __post_init__(self) -> None:
        self.commit("main", {".gitattributes": b"*.safetensors filter=lfs\n"}, "initial commit")

    def commit(self, branch: str, files: dict[str, bytes], message: str) -> str:
        """A new commit on a branch; its hash."""
        told = json.dumps([self.id, len(self.commits), message, sorted(files)])
        oid = hashlib.sha1(told.encode()).hexdigest()
        self.commits[oid] = Commit(oid, files, message)
        self.branches[branch] = oid
        return oid

    def at(self, revision: str) -> Commit | None:
        """The commit of a branch, or of a hash."""
        return self.commits.get(self.branches.get(revision, revision))

    @property
    def head(self) -> Commit:
        """The last commit of main."""
        return self.commits[self.branches["main"]]

    def put(self, **files: bytes) -> str:
        """Commit files as someone else would; `__` stands for `.`, `_slash_` for `/`."""
        named = {name.replace("_slash_", "/").replace("__", "."): content for name, content in files.items()}
        return self.commit("main", {**self.head.files, **named}, "by someone else")


class Hub:
    """The server: `url`, `repositories`, `requests` as "METHOD /path", `faults`."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}  # of LFS, by sha256
        self.tokens = {"hf_writer": "writer", "hf_reader": "reader"}
        self.members = {"reader"}  # who was let in at a gated repository
        self.requests: list[str] = []
        self.faults: list[Fault] = []
        self.lock = threading.RLock()
        handler = type("Handler", (Handler,), {"hub": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.elsewhere = self.url.replace("127.0.0.1", "localhost")  # large files lie on another host

    def __enter__(self) -> "Hub":
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

    def fault_at(self, line: str) -> Fault | None:
        """The fault that befalls this request."""
        with self.lock:
            for fault in self.faults:
                if fault.at in line and fault.times > 0:
                    fault.times -= 1
                    return fault
        return None


class Refused(Exception):
    """An answer other than success."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    hub: Hub
    protocol_version = "HTTP/1.1"
    fault: Fault | None = None

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.serve()

    def do_HEAD(self) -> None:
        self.serve()

    def do_POST(self) -> None:
        self.serve()

    def do_PUT(self) -> None:
        self.serve()

    def serve(self) -> None:
        """Note the request, let the fault befall it, answer."""
        line = f"{self.command} {unquote(self.path)}"
        self.hub.requests.append(line)
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) if self.sized() else self.chunks()
        self.fault = fault = self.hub.fault_at(line)
        with contextlib.suppress(ConnectionError):
            if fault and fault.seconds:
                time.sleep(fault.seconds)
            if fault and fault.drop and not fault.after:
                self.close_connection = True
                self.connection.shutdown(2)
                return
            if fault and fault.status:
                self.answer(fault.status, b"{}", {"X-Error-Message": "a fault", **fault.headers})
                return
            try:
                with self.hub.lock:
                    self.route()
            except Refused as refusal:
                headers = {"X-Error-Message": str(refusal)} | ({"X-Error-Code": refusal.code} if refusal.code else {})
                self.answer(refusal.status, json.dumps({"error": str(refusal)}).encode(), headers)

    def sized(self) -> bool:
        """Whether the body's length is told."""
        return self.headers.get("Transfer-Encoding", "") != "chunked"

    def chunks(self) -> bytes:
        """A body in chunks."""
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Send a whole answer, unless the fault says otherwise."""
        fault = self.fault
        if fault and fault.drop and fault.after:
            self.close_connection = True
            self.connection.shutdown(2)
            return
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD" and status != 304:
            changed = fault.change(body) if fault and fault.change and status < 300 else body
            self.wfile.write(changed)
            if len(changed) < len(body):  # cut off
                self.close_connection = True
                self.wfile.flush()
                self.connection.shutdown(2)

    def tell(self, content: Any, headers: dict[str, str] | None = None) -> None:
        """Send JSON."""
        self.answer(200, json.dumps(content).encode(), {"Content-Type": "application/json", **(headers or {})})

    def route(self) -> None:
        """The handler of a path."""
        parts = urlsplit(self.path)
        self.query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        path = unquote(parts.path)
        for method, form, name in ROUTES:
            if method in (self.command, "GET" if self.command == "HEAD" else "") and (m := re.fullmatch(form, path)):
                getattr(self, name)(*m.groups())
                return
        raise Refused(404, f"no such route: {self.command} {path}")

    # who asks, and for what

    def user(self) -> str:
        """Who holds the token; empty for nobody."""
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        if kind and token not in self.hub.tokens:
            raise Refused(401, "Invalid credentials in Authorization header")
        return self.hub.tokens.get(token, "")

    def repository(self, name: str, write: bool = False, content: bool = False) -> Repository:
        """The repository, if the user may see it (and write to it, and have its files)."""
        user, found = self.user(), self.hub.repositories.get(name)
        if found is None or (found.private and user not in found.writers):
            raise Refused(404 if user else 401, "Repository not found", "RepoNotFound")
        if write and user not in found.writers:
            raise Refused(403, "you are not allowed to write here")
        if content and found.gated and user not in self.hub.members | set(found.writers):
            raise Refused(403 if user else 401, "Access to this model is restricted", "GatedRepo")
        return found

    def commit_of(self, repository: Repository, revision: str) -> Commit:
        """The commit of a revision."""
        found = repository.at(revision)
        if found is None:
            raise Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return found

    # the routes

    def whoami(self) -> None:
        if not (user := self.user()):
            raise Refused(401, "Invalid username or password.")
        self.tell({"type": "user", "name": user, "auth": {}})

    def create(self) -> None:
        asked, user = json.loads(self.body), self.user()
        name = f"{asked.get('organization') or user}/{asked['name']}"
        if not user or name.partition("/")[0] not in (user, "team"):
            raise Refused(403 if user else 401, "you are not allowed to make a repository there")
        if name in self.hub.repositories:
            raise Refused(409, "You already created this model repo")
        private = bool(asked.get("private")) or asked.get("visibility") == "private"
        self.hub.repositories[name] = Repository(name, private=private, writers=(user,))
        self.tell({"url": f"{self.hub.url}/{name}", "name": name, "id": name})

    def validate(self) -> None:
        content = json.loads(self.body)["content"]
        if "license:" not in content.partition("\n---")[0]:
            self.answer(400, json.dumps({"errors": [{"message": "no license"}], "warnings": []}).encode())
            return
        self.tell({"errors": [], "warnings": []})

    def listed(self) -> None:
        search, tag = self.query.get("search", ""), self.query.get("filter", "")
        user, found = self.user(), []
        for one in self.hub.repositories.values():
            card = one.head.files.get("README.md", b"").decode()
            if search in one.id and tag in card and (not one.private or user in one.writers):
                found.append(self.described(one, one.head))
        self.tell(found[: int(self.query.get("limit", "100"))])

    def described(self, repository: Repository, commit: Commit) -> dict[str, Any]:
        card = commit.files.get("README.md", b"").decode().partition("---\n")[2].partition("\n---")[0]
        tags = re.findall(r"^\s*- (\S+)$", card, re.MULTILINE)
        return {
            "_id": "0" * 24,
            "id": repository.id,
            "modelId": repository.id,
            "sha": commit.oid,
            "private": repository.private,
            "gated": "manual" if repository.gated else False,
            "tags": tags,
            "downloads": 7,
            "likes": 1,
            "lastModified": "2026-01-02T03:04:05.000Z",
            "createdAt": "2026-01-02T03:04:05.000Z",
            "siblings": [{"rfilename": name} for name in sorted(commit.files)],
        }

    def info(self, name: str, revision: str | None) -> None:
        found = self.repository(name)
        self.tell(self.described(found, self.commit_of(found, revision or "main")))

    def auth_check(self, name: str, write: str | None) -> None:
        self.repository(name, write=bool(write), content=True)
        self.tell({})

    def tree(self, name: str, revision: str) -> None:
        commit = self.commit_of(self.repository(name, content=True), revision)
        self.tell([{"type": "file", "path": p, "size": len(c), "oid": blob(c)} for p, c in commit.files.items()])

    def preupload(self, name: str, revision: str) -> None:
        commit = self.commit_of(self.repository(name, write="create_pr" not in self.query), revision)
        told = []
        for file in json.loads(self.body)["files"]:
            large = file["size"] >= LARGE and not file["path"].endswith((".md", ".json"))
            here = commit.files.get(file["path"])
            oid = None if here is None else hashlib.sha256(here).hexdigest() if large else blob(here)
            mode = "lfs" if large else "regular"
            told.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        self.tell({"files": told})

    def batch(self, name: str) -> None:
        self.repository(name)
        objects = []
        for asked in json.loads(self.body)["objects"]:
            known = asked["oid"] in self.hub.objects
            upload = {"upload": {"href": f"{self.hub.url}/lfs/{asked['oid']}", "header": {}}}
            objects.append({**asked, **({} if known else {"actions": upload})})
        told = {"transfer": "basic", "objects": objects}
        self.answer(200, json.dumps(told).encode(), {"Content-Type": "application/vnd.git-lfs+json"})

    def upload(self, oid: str) -> None:
        if hashlib.sha256(self.body).hexdigest() != oid:
            raise Refused(400, "the content is not that of the oid")
        self.hub.objects[oid] = self.body
        self.answer(200, b"")

    def commit(self, name: str, revision: str) -> None:
        pull_request = self.query.get("create_pr") == "1"
        repository = self.repository(name, write=not pull_request)
        base, lines = self.commit_of(repository, revision), [json.loads(line) for line in self.body.splitlines()]
        files, header = dict(base.files), lines[0]["value"]
        if not pull_request and header.get("parentCommit", base.oid) != base.oid:
            raise Refused(412, "A commit has happened since. Please refresh and try again.")
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        branch = f"refs/pr/{len(repository.requests) + 1}" if pull_request else revision
        oid = repository.commit(branch, files, header["summary"])
        told = {"success": True, "commitOid": oid, "commitUrl": f"{self.hub.url}/{name}/commit/{oid}"}
        if pull_request:
            repository.requests.append(branch)
            told["pullRequestUrl"] = f"{self.hub.url}/{name}/discussions/{len(repository.requests)}"
        self.tell(told)

    def resolve(self, name: str, revision: str, path: str) -> None:
        commit = self.commit_of(self.repository(name, content=True), revision)
        headers = {"X-Repo-Commit": commit.oid}
        if path not in commit.files:
            told = {**headers, "X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"}
            self.answer(404, b"{}", told)
            return
        content = commit.files[path]
        if len(content) < LARGE or path.endswith((".md", ".json")):
            self.send(content, {**headers, "ETag": f'"{blob(content)}"'})
            return
        digest = hashlib.sha256(content).hexdigest()
        self.hub.objects[digest] = content
        linked = {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content))}
        self.answer(302, b"", {**headers, **linked, "Location": f"{self.hub.elsewhere}/cdn/{digest}"})

    def content(self, digest: str) -> None:
        self.send(self.hub.objects[digest], {"ETag": f'"{digest}"'})

    def send(self, content: bytes, headers: dict[str, str]) -> None:
        """A file, or the rest of it."""
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked is None:
            self.answer(200, content, {"Accept-Ranges": "bytes", **headers})
            return
        start = int(asked[1])
        place = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self.answer(206, content[start:], {"Content-Range": place, **headers})


def blob(content: bytes) -> str:
    """What git calls a file of this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


MODEL = r"([^/]+/[^/]+)"
ROUTES = [
    ("GET", "/api/whoami-v2", "whoami"),
    ("POST", "/api/repos/create", "create"),
    ("POST", "/api/validate-yaml", "validate"),
    ("GET", "/api/models", "listed"),
    ("GET", rf"/api/models/{MODEL}(?:/revision/(.+))?", "info"),
    ("GET", rf"/api/models/{MODEL}/auth-check(/write)?", "auth_check"),
    ("GET", rf"/api/models/{MODEL}/tree/(.+)", "tree"),
    ("POST", rf"/api/models/{MODEL}/preupload/(.+)", "preupload"),
    ("POST", rf"/{MODEL}\.git/info/lfs/objects/batch", "batch"),
    ("PUT", "/lfs/([0-9a-f]{64})", "upload"),
    ("POST", rf"/api/models/{MODEL}/commit/(.+)", "commit"),
    ("GET", "/cdn/([0-9a-f]{64})", "content"),
    ("GET", rf"/{MODEL}/resolve/(refs/pr/\d+|[^/]+)/(.+)", "resolve"),
]
