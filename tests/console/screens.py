"""Take docs/screens anew: `python -m tests.console.screens [FOLDER]`. Every page, light and dark, on real content."""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from tests.console.browsing import ROOT, WIDE, Visit, chromium, settled
from tests.console.content import Content, fill
from tests.live_server import live_server

MOST_BYTES = 80_000
PHONE = (390, 844)
CLOSED = {
    "setup": f"/setup#token={'0123456789abcdef' * 2}",
    "login": "/login",
    "login-refused": "/login?refused=oidc-no-role",
}
"""Pages of a server that trusts nobody."""


def pages(content: Content) -> dict[str, str]:
    """File name → route."""
    cluster = f"/clusters/{content.cluster}"
    return {
        "overview": "/",
        "clusters": "/clusters",
        "clusters-create": "/clusters?create=true",
        "clusters-empty": "/clusters?q=nothing-is-called-so",
        "cluster": cluster,
        "cluster-scale": f"{cluster}?act=scale",
        "cluster-delete": f"{cluster}?act=delete",
        "cluster-settings": f"{cluster}?tab=settings",
        "droplets": "/droplets",
        "droplet": f"/droplets?open={content.droplet}",
        "droplets-orphans": "/droplets?view=orphans",
        "jobs": "/jobs",
        "job": f"/jobs/{content.done}",
        "job-failed": f"/jobs/{content.failed}",
        "diagnosis": f"/diagnosis?cluster={content.cluster}&id={content.diagnosis}",
        "monitoring": f"/monitoring?cluster={content.cluster}&range=15m",
        "events": "/events",
        "observability": "/observability",
        "schedules": "/schedules",
        "schedules-create": "/schedules?create=true",
        "limits": "/limits",
        "limits-edit": "/limits?edit=jobs_create:user",
        "access": "/access",
        "access-create": "/access?create=true",
        "access-roles": "/access?tab=roles",
        "access-sign-on": "/access?tab=sign-on",
        "audit": "/audit",
        "settings": "/settings",
        "error": "/jobs/job-that-never-was",
    }


def take(page: Page, file: Path) -> None:
    """One picture of what the window shows; with fewer colours if it would be large."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.save(file, optimize=True)
    if file.stat().st_size > MOST_BYTES:
        picture.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(file, optimize=True)
    sys.stdout.write(f"{file.name}: {file.stat().st_size // 1000} kB\n")


def all_of(visit: Visit, routes: dict[str, str], folder: Path, scheme: str) -> None:
    """One picture of each."""
    for name, route in routes.items():
        page = visit.open(route)
        settled(page)
        page.wait_for_function("() => document.fonts.status === 'loaded'")
        take(page, folder / f"{name}-{scheme}.png")


def over(visit: Visit, folder: Path, scheme: str) -> None:
    """What opens over a page by a key."""
    page = visit.open("/")
    settled(page)
    page.keyboard.press("Control+k")
    expect(page.get_by_placeholder("Cluster, droplet, job id")).to_be_visible()
    take(page, folder / f"palette-{scheme}.png")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    take(page, folder / f"keys-{scheme}.png")


def main() -> None:
    """Take all of them."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screens"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, live_server(Path(place) / "data") as server, chromium() as browser:
        content = fill(server.api)
        for scheme in ("light", "dark"):
            visit = Visit(browser, server.url, scheme, WIDE)
            all_of(visit, pages(content), folder, scheme)
            over(visit, folder, scheme)
            visit.close()
            visit = Visit(browser, server.url, scheme, PHONE)
            settled(visit.open("/"))
            take(visit.page, folder / f"phone-{scheme}.png")
            visit.close()
    with (
        tempfile.TemporaryDirectory() as place,
        live_server(Path(place) / "data", CLUSTERGENIE_AUTH="required") as server,
        chromium() as browser,
    ):
        for scheme in ("light", "dark"):
            visit = Visit(browser, server.url, scheme, WIDE)
            all_of(visit, CLOSED, folder, scheme)
            visit.close()


if __name__ == "__main__":
    main()
