"""Debian's nginx with our configuration, and a name server that tells it where the replicas are."""

import contextlib
import os
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.deploy.judges import DEPLOY, find
from tests.live_server import free_port
from tests.waiting import poll_until

OUTSIDE = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
worker_processes 1;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    include {folder}/clustergenie.conf;
}}
"""


def _answer(query: bytes, addresses: list[str]) -> bytes:
    """A records for whatever is asked (RFC 1035, section 4)."""
    ident, end = query[:2], query.index(b"\0", 12) + 5
    records = b"".join(
        b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 1, 4) + socket.inet_aton(address) for address in addresses
    )
    return ident + b"\x81\x80" + struct.pack(">HHHH", 1, len(addresses), 0, 0) + query[12:end] + records


@contextlib.contextmanager
def name_server(addresses: list[str]) -> Iterator[int]:
    """A name server on loopback for which every name has these addresses."""
    with socket.socket(type=socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                query, asker = listening.recvfrom(512)
                if not query:
                    return
                listening.sendto(_answer(query, addresses), asker)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = listening.getsockname()[1]
        try:
            yield port
        finally:
            with socket.socket(type=socket.SOCK_DGRAM) as last:
                last.sendto(b"", ("127.0.0.1", port))
            thread.join(5)


@contextlib.contextmanager
def nginx(folder: Path, upstream: str, resolver: str) -> Iterator[int]:
    """nginx as the compose file configures it; the port it answers on."""
    port = free_port()
    filled = (DEPLOY / "nginx" / "clustergenie.conf.template").read_text()
    for name, value in {"CLUSTERGENIE_UPSTREAM": upstream, "NGINX_LOCAL_RESOLVERS": resolver}.items():
        filled = filled.replace(f"${{{name}}}", value)
    (folder / "clustergenie.conf").write_text(filled.replace("listen 8080;", f"listen 127.0.0.1:{port};"))
    (folder / "nginx.conf").write_text(OUTSIDE.format(folder=folder))
    if os.geteuid() == 0:  # its workers are somebody else then
        (folder / "nginx.conf").write_text("user root;" + OUTSIDE.format(folder=folder))
    process = subprocess.Popen([find("nginx"), "-e", folder / "error.log", "-p", folder, "-c", folder / "nginx.conf"])

    def answers() -> bool:
        assert process.poll() is None, (folder / "error.log").read_text()
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True

    try:
        poll_until(answers, 20)
        yield port
    finally:
        process.terminate()
        process.wait(20)
