"""A small reverse proxy that serves a server under a path, as nginx would: with or without taking the path off."""

import contextlib
import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OWN = {"connection", "transfer-encoding", "keep-alive", "host"}


def handler(port: int, path: str, strips: bool) -> type[BaseHTTPRequestHandler]:
    """Handles what is under `path` by asking the server on `port`; anything else is somebody else's, and a 404."""

    class Handler(BaseHTTPRequestHandler):
        def forward(self) -> None:
            if self.path != path and not self.path.startswith(path + "/"):
                self.send_error(404)
                return
            target = (self.path[len(path) :] or "/") if strips else self.path
            length = int(self.headers.get("content-length", 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in OWN}
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            with contextlib.closing(connection), contextlib.suppress(OSError):  # either side may hang up
                connection.request(self.command, target, self.rfile.read(length), headers)
                self.answer(connection.getresponse())

        do_GET = do_POST = do_PUT = do_DELETE = forward

        def answer(self, found: http.client.HTTPResponse) -> None:
            self.send_response_only(found.status)
            for name, value in found.getheaders():
                if name.lower() not in OWN:
                    self.send_header(name, value)
            self.end_headers()
            while chunk := found.read1(65536):
                self.wfile.write(chunk)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


class Proxy(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a stream ends when its server does


@contextlib.contextmanager
def proxied(port: int, path: str, *, strips: bool) -> Iterator[str]:
    """The URL under which the server is to be found."""
    with Proxy(("127.0.0.1", 0), handler(port, path, strips)) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{proxy.server_port}{path}"
        finally:
            proxy.shutdown()
            thread.join()
