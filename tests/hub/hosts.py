"""A real HTTP server in the place of the official hosts: ranges, ETags, and faults on demand."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Hosts:
    """Files by path, and what happened. `cuts` holds for each answer to come after how many bytes it breaks off."""

    address: str
    files: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)  # path, Range
    cuts: list[int] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)  # status of each answer to come
    tagged: bool = True


@contextmanager
def serving() -> Iterator[Hosts]:
    """The server, for as long as the block runs."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            hosts.requests.append((self.path, wanted))
            content = hosts.files.get(self.path)
            if hosts.errors or content is None:
                self.send_error(hosts.errors.pop(0) if hosts.errors else 404)
                return
            tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            partial = bool(wanted) and self.headers.get("If-Range") == tag
            if partial and start >= len(content):
                self.send_error(416)
                return
            body = content[start:] if partial else content
            self.send_response(206 if partial else 200)
            if partial:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            if hosts.tagged:
                self.send_header("ETag", tag)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: hosts.cuts.pop(0)] if hosts.cuts else body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hosts = Hosts(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hosts
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
