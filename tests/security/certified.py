"""Run a certified OpenID provider under Node, and be the browser that logs in there."""

import contextlib
import http.client
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from tests.live_server import NOBODY
from tests.waiting import poll_until

HERE = Path(__file__).parent / "issuer"
ROOT = Path(__file__).parents[2]
NODE = ROOT / "web" / "tools" / "node.sh"
CLIENT, SECRET = "clustergenie", "the client's secret: 100% & +/="


@contextlib.contextmanager
def provider(port: int, redirect_uri: str) -> Iterator[str]:
    """Its issuer URL."""
    subprocess.run([ROOT / "tools" / "issuer.sh"], check=True)
    process = subprocess.Popen(
        [NODE, "node", "provider.mjs", str(port), CLIENT, SECRET, redirect_uri],
        cwd=HERE,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        poll_until(lambda: _answers(port, process), 60)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)
        if process.stdout is not None:
            process.stdout.close()


def _answers(port: int, process: "subprocess.Popen[bytes]") -> bool:
    if process.poll() is not None and process.stdout is not None:
        raise RuntimeError(process.stdout.read().decode(errors="replace"))
    try:
        return Browser().get(f"http://127.0.0.1:{port}/.well-known/openid-configuration").status == 200
    except NOBODY:
        return False


class Page:
    """What a browser was answered."""

    def __init__(self, url: str, answer: http.client.HTTPResponse) -> None:
        self.url, self.status = url, answer.status
        self.body = answer.read()
        self.location = answer.getheader("location")
        self.set_cookies = answer.headers.get_all("set-cookie") or []
        self.kind = answer.headers.get_content_type()


class Browser:
    """Follows redirects, and keeps each host's cookies by name, path and nothing else."""

    def __init__(self) -> None:
        self.cookies: dict[tuple[str, str], tuple[str, str]] = {}

    def get(self, url: str, **headers: str) -> Page:
        """One request, with the cookies of that host and path."""
        parts = urlsplit(url)
        jar = [
            f"{name}={value}"
            for (host, name), (value, path) in self.cookies.items()
            if host == parts.netloc and parts.path.startswith(path)
        ]
        sent = {**({"Cookie": "; ".join(jar)} if jar else {}), **headers}
        connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), headers=sent)
            page = Page(url, connection.getresponse())
        for line in page.set_cookies:
            self._keep(parts.netloc, line)
        return page

    def _keep(self, host: str, line: str) -> None:
        first, *rest = (part.strip() for part in line.split(";"))
        name, _, value = first.partition("=")
        attributes = {key.lower(): said for key, _, said in (part.partition("=") for part in rest)}
        if attributes.get("max-age") == "0" or value in ("", '""'):
            self.cookies.pop((host, name), None)
        else:
            self.cookies[host, name] = (value, attributes.get("path", "/"))

    def follow(self, url: str, until: str = "\0") -> Page:
        """Through all redirects; stops before a URL that begins with `until`, with a page that leads there."""
        for _ in range(12):
            page = self.get(url)
            if page.location is None:
                return page
            url = urljoin(url, page.location)
            if url.startswith(until):
                page.location = url
                return page
        raise AssertionError(f"There is no end to the redirects; the last one leads to {url}.")
