"""Measure the console at its design size: `python -m bench.console [--minutes N]`, 10,000 droplets and 100,000 jobs.

Every load is cold: a new browser context, nothing cached. Medians; nothing here is a test. Needs Chromium and wrk.
"""

import argparse
import datetime as dt
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from bench.server import Server

CHROMIUM = "/usr/bin/chromium"
ARGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update"]
RESULTS = Path(__file__).parent / "CONSOLE.md"
JOBS, DROPLETS = 100_000, 10_000
ROUNDS = 9
# Notes, in the page's own time, when the first row is painted, and when the rows of a filter are.
PROBE = """
const asked = {}, seen = fetch
window.fetch = (...all) => {
  const url = String(all[0].url ?? all[0])
  if (url.includes('q=') || url.includes('status=')) asked.at = performance.now()
  return seen(...all)
}
window.measured = asked
new MutationObserver(() => {
  const rows = document.querySelectorAll('tbody tr')
  if (rows.length === 0) return
  if (!asked.first) { asked.first = 1; requestAnimationFrame(() => { asked.firstRow = performance.now() }) }
  const wanted = window.wanted
  if (wanted && !asked.done && asked.at && [...rows].every((row) => row.innerText.includes(wanted))) {
    asked.done = 1
    requestAnimationFrame(() => { asked.filtered = performance.now() - asked.at })
  }
}).observe(document, { childList: true, subtree: true, characterData: true })
"""


def fill(server: Server) -> None:
    """Droplets by one job, jobs by wrk: most of them done, some of them waiting."""
    cluster_id = server.call("POST", "/clusters", {"name": "large", "provider": "simulated"})["cluster"]["id"]
    left = DROPLETS
    while left:
        parameters = {"cluster_id": cluster_id, "count": min(left, 1000)}
        job = server.call("POST", "/jobs", {"type": "provision", "parameters": parameters})["job"]
        while server.call("GET", f"/jobs/{job['id']}")["job"]["status"] in ("pending", "running"):
            time.sleep(0.1)
        left -= parameters["count"]
    script = server.data_dir / "noop.lua"
    script.write_text(
        "wrk.method='POST'\nwrk.headers['Content-Type']='application/json'\n"
        'wrk.body=\'{"type":"noop","parameters":{},"priority":200}\'\n'
    )
    url = f"http://127.0.0.1:{server.port}/api/v1/jobs"
    while server.call("GET", "/jobs?page_size=1")["total"] < JOBS:
        subprocess.run(["wrk", "-t1", "-c64", "-d5", "-s", str(script), url], check=True, capture_output=True)
    while server.call("GET", "/jobs?status=pending&page_size=1")["total"]:
        time.sleep(0.5)


def opened(browser: Browser, url: str, act: Callable[[Page], Any]) -> Any:
    """What `act` finds on a page that was loaded with nothing cached."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        page = context.new_page()
        page.add_init_script(PROBE)
        page.goto(url)
        page.wait_for_function("() => window.measured.firstRow")
        return act(page)
    finally:
        context.close()


def first_row(browser: Browser, url: str) -> float:
    """Milliseconds from navigation to the first painted row."""
    return statistics.median(
        opened(browser, url, lambda page: page.evaluate("measured.firstRow")) for _ in range(ROUNDS)
    )


def filtered(browser: Browser, url: str, word: str) -> float:
    """Milliseconds from a filter's request to its painted rows; the box waits 200 ms for a pause in typing before."""

    def act(page: Page) -> float:
        page.evaluate(f"window.wanted = {word!r}")
        page.locator("input[type=search]").fill(word)
        page.wait_for_function("() => window.measured.filtered")
        return float(page.evaluate("measured.filtered"))

    return statistics.median(opened(browser, url, act) for _ in range(ROUNDS))


def requests(browser: Browser, url: str) -> int:
    """Calls of the API that a load makes, the stream not counted."""
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if "/api/" in one.url else None)
    page.goto(url)
    page.wait_for_timeout(3000)
    context.close()
    return sum(not one.endswith("/stream") for one in asked)


def memory(browser: Browser, url: str, minutes: float) -> list[float]:
    """Megabytes of live heap, after collecting what is dead, at even distances over the time."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(url)
    page.wait_for_timeout(5000)
    session = context.new_cdp_session(page)
    found = []
    for _ in range(7):
        session.send("HeapProfiler.collectGarbage")
        found.append(session.send("Runtime.getHeapUsage")["usedSize"] / 1e6)
        page.wait_for_timeout(minutes * 60_000 / 6)
    context.close()
    return found


def measured(server: Server, browser: Browser, minutes: float) -> list[str]:
    """The rows of the table."""
    base = f"http://127.0.0.1:{server.port}"
    rows = [
        f"| first row of /{name}, cold | {first_row(browser, f'{base}/{name}'):.0f} ms | 1,000 ms |"
        for name in ("droplets", "jobs", "clusters")
    ]
    rows.append(f"| filter of /droplets | {filtered(browser, f'{base}/droplets', 'large-00042'):.0f} ms | 200 ms |")
    pages = ["", "clusters", "droplets", "jobs", "diagnosis", "monitoring", "events", "observability", "settings"]
    most = max((requests(browser, f"{base}/{name}"), name) for name in pages)
    rows.append(f"| most requests of a load | {most[0]} (/{most[1]}) | 6 |")
    for name in ("", "droplets", "events"):
        heap = ", ".join(f"{size:.1f}" for size in memory(browser, f"{base}/{name}", minutes))
        rows.append(f"| live heap of /{name} over {minutes:g} min | {heap} MB | flat |")
    return rows


def main() -> None:
    """Run, print, and write CONSOLE.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=3, help="how long each page is watched for memory")
    minutes = parser.parse_args().minutes
    with Server() as server, sync_playwright() as playwright:
        fill(server)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        rows = measured(server, browser, minutes)
        browser.close()
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    head = (
        f"{dt.datetime.now(dt.UTC):%Y-%m-%d}, {os.cpu_count()} cores shared by server and browser, load average {load}."
    )
    text = "\n".join(["| what | median | aim |", "|---|---|---|", *rows])
    sys.stdout.write(f"{head}\n{text}\n")
    RESULTS.write_text(f"# Results of `python -m bench.console`\n\n{head}\n\n{text}\n")


if __name__ == "__main__":
    main()
