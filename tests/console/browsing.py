"""A real Chromium looking at the console, with everything it complains about on the way."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
# What a browser does on its own account, on the network above all, is no part of a test.
ARGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update"]
ROOT = Path(__file__).parents[2]
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE_MS = 60_000  # costs nothing when all is well, and the machine may be busy
WIDE = (1280, 900)
NARROW = (320, 640)
# Chromium's own words for an answer that is no success, or none; the page shows these to the person as well.
NOT_A_SUCCESS = r"Failed to load resource"
# Nothing fades any more, and what is computed now has been drawn.
STILL = """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() =>
  done(document.getAnimations().every(one => one.effect.getTiming().iterations === Infinity)))))"""

expect.set_options(timeout=PATIENCE_MS)


class Complaints:
    """Errors of scripts, of the content security policy and of loading, in every tab of a context."""

    def __init__(self, context: BrowserContext) -> None:
        self._heard: list[str] = []
        self._expected: list[str] = []
        self._over = False
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self._hear(f"uncaught: {error.error}"))

    def expect(self, pattern: str) -> None:
        """From here on, and before, complaints like this are part of the test."""
        self._expected.append(pattern)

    def close(self) -> None:
        """What is said from now on is about being left."""
        self._over = True

    def left(self) -> list[str]:
        """What nobody expected."""
        return [one for one in self._heard if not any(re.search(pattern, one) for pattern in self._expected)]

    def _hear(self, complaint: str) -> None:
        if not self._over:
            self._heard.append(complaint)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self._hear(f"{message.type}: {message.text} ({message.location.get('url', '')})")


class Visit:
    """One person's browser: a context of its own with a first tab, on one server."""

    def __init__(self, browser: Browser, url: str, scheme: str, size: tuple[int, int], **options: Any) -> None:
        self.url = url.rstrip("/")
        self.context = browser.new_context(
            base_url=self.url,
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
            viewport={"width": size[0], "height": size[1]},
            locale="en-GB",
            timezone_id="UTC",
            **options,
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.complaints = Complaints(self.context)
        self.page = self.context.new_page()

    def open(self, path: str, page: Page | None = None) -> Page:
        """Load a path of the console; returns once its page is drawn."""
        tab = page or self.page
        tab.goto(f"{self.url}{path}")
        expect(tab.locator("main h1, main [role=alert]").first).to_be_visible()
        return tab

    def another(self, path: str) -> Page:
        """One more tab of the same browser."""
        return self.open(path, self.context.new_page())

    def close(self) -> None:
        """Leave; what is still on its way then is no complaint."""
        self.complaints.close()
        self.context.close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        try:
            yield browser
        finally:
            browser.close()


def settled(page: Page) -> None:
    """Wait until nothing on the page stands for something that is still to come, and what the address opens is open."""
    if re.search(r"[?&](act|create|edit|open)=", page.url):
        expect(page.get_by_role("dialog").get_by_role("button").first).to_be_visible()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)


def axe(page: Page) -> list[str]:
    """What axe has against the page as it is now, by all of its rules: one line for each fault."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(f"{AXE.read_text()}; undefined")
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        " ".join((page.url, rule["id"], str(node["target"]), *node["failureSummary"].split()[:40], node["html"][:160]))
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def look(page: Page, scheme: Literal["light", "dark"], size: tuple[int, int]) -> None:
    """Show the page in this scheme and window, and wait until it has turned into that."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", scheme)
    page.wait_for_function(STILL)


def sideways(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wide
