"""Measure how long the console lets one wait over 10,000 droplets and 100,000 jobs: `python -m bench.console`.

Every load is cold: a new browser context, nothing cached. Medians; nothing here is a test. Needs Chromium and wrk.
"""

import statistics
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from bench import fleet, results
from bench.server import Server

ROUNDS = 9
PAGES = [
    "/",
    "/clusters",
    "/droplets",
    "/jobs",
    "/schedules",
    "/diagnosis",
    "/monitoring",
    "/events",
    "/observability",
    "/limits",
    "/settings",
]
# Notes, by the page's own clock: when the first row is painted; after begin(what), when a click or a key comes in, and
# when the rows are painted that answer a request with `what` in its address (empty: when there are none any more).
PROBE = """
const seen = fetch, m = window.measured = {}
window.begin = (what, empty) => {
  Object.assign(m, { what, empty, at: 0, asked: 0, answered: 0, painted: 0 })
}
for (const kind of ['click', 'input']) addEventListener(kind, () => { m.at ||= performance.now() }, true)
window.fetch = async (...all) => {
  const mine = m.what && String(all[0].url ?? all[0]).includes(m.what)
  if (mine) m.asked ||= performance.now()
  const answer = await seen(...all)
  if (mine) m.answered ||= performance.now()
  return answer
}
new MutationObserver(() => {
  const rows = Boolean(document.querySelector('tbody tr'))
  if (rows && !m.first) { m.first = 1; requestAnimationFrame(() => { m.firstRow = performance.now() }) }
  if (!m.answered || m.painted || rows === m.empty) return
  m.painted = 1
  requestAnimationFrame(() => { m.painted = performance.now() })
}).observe(document, { childList: true, subtree: true, characterData: true, attributes: true })
"""


def visited(browser: Browser, url: str) -> tuple[BrowserContext, Page]:
    """A page that was loaded with nothing cached, its first row painted."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.add_init_script(PROBE)
    page.goto(url)
    page.wait_for_function("() => measured.firstRow")
    return context, page


def median(browser: Browser, url: str, act: Callable[[Page], float]) -> float:
    """Of what `act` finds on so many cold loads."""
    found = []
    for _ in range(ROUNDS):
        context, page = visited(browser, url)
        found.append(act(page))
        context.close()
    return statistics.median(found)


def answered(asks: str, act: Callable[[Page], Any], since: str = "at", *, empty: bool) -> Callable[[Page], float]:
    """Milliseconds from the act (or `asked`: from the request that it leads to) until its rows are painted."""
    begin = f"begin({asks!r}, {str(empty).lower()})"

    def measure(page: Page) -> float:
        page.wait_for_timeout(500)  # the rest of the page is done
        page.evaluate(begin)
        act(page)
        page.wait_for_function("() => measured.painted > 1")
        return float(page.evaluate(f"measured.painted - measured.{since}"))

    return measure


def typed(word: str) -> Callable[[Page], None]:
    return lambda page: page.locator("input[type=search]").first.fill(word)


def clicked(name: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_role("button", name=name, exact=True).first.click()


def labelled(text: str) -> Callable[[Page], None]:
    return lambda page: page.locator("main label").filter(has_text=text).first.click()


def acts(name: str) -> list[tuple[str, str, str, Callable[[Page], Any], str]]:
    """What is done on which page, what its request has in its address, and since when it is measured."""
    return [
        ("search of /droplets by name, from the request on", "/droplets", "q=", typed(name), "asked"),
        ("the same, from the last key on", "/droplets", "q=", typed(name), "at"),
        ("search of /droplets that finds nothing, from the request on", "/droplets", "q=", typed("nowhere"), "asked"),
        ("filter of /jobs by status, from the click on", "/jobs", "status=completed", labelled("Completed"), "at"),
        ("order of /droplets by name", "/droplets", "sort_by=name", clicked("Name"), "at"),
        ("order of /jobs by type", "/jobs", "sort_by=type", clicked("Job"), "at"),
        ("next page of /droplets", "/droplets", "page=2", clicked("Next page"), "at"),
    ]


def requests(browser: Browser, url: str) -> int:
    """Different calls of the API that a load makes; not the stream, nor what is asked again each second."""
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if "/api/" in one.url else None)
    page.goto(url)
    page.wait_for_timeout(3000)
    context.close()
    return sum(not one.endswith("/stream") for one in set(asked))


def quick(server: Server, browser: Browser) -> list[str]:
    """How long what a person waits for takes."""
    base = f"http://127.0.0.1:{server.port}"
    rows = []
    for name in ("droplets", "droplets?page=200", "jobs", "jobs?page=2000", "clusters"):
        took = median(browser, f"{base}/{name}", lambda page: float(page.evaluate("measured.firstRow")))
        rows.append(results.row(f"first row of /{name}, cold", f"{took:.0f} ms", "1,000 ms"))
    name = server.call("GET", "/droplets?page_size=1&page=5000")["droplets"][0]["name"]
    for what, path, asks, act, since in acts(name):
        took = median(browser, base + path, answered(asks, act, since, empty="nothing" in what))
        rows.append(results.row(what, f"{took:.0f} ms", "200 ms"))
    many = sorted(((requests(browser, base + path), path) for path in PAGES), reverse=True)
    most = ", ".join(path for count, path in many if count == many[0][0])
    rows.append(results.row("most different requests of a load", f"{many[0][0]} ({most})", "6"))
    return rows


def main() -> None:
    """Run, print, and write its part of RESULTS.md."""
    with fleet.large() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=fleet.CHROMIUM, args=fleet.ARGS)
        rows = quick(server, browser)
        browser.close()
    results.write("bench.console", f"{fleet.SENTENCE} Medians of {ROUNDS} cold loads.", rows)


if __name__ == "__main__":
    main()
