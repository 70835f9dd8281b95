"""Watch what pages of the console hold on to while events keep coming: `python -m bench.memory [--minutes N]`.

At the console's design size; one tab for each page, looked at every minute after collecting what is dead.
"""

import argparse
import itertools
import json
import sys
import threading
import time
from http.client import HTTPConnection

from playwright.sync_api import Browser, CDPSession, sync_playwright

from bench import fleet, results
from bench.server import Server

WATCHED = ["/", "/jobs", "/droplets", "/events"]
JOBS_PER_SECOND = 7
"""Three events each."""
NOOP = json.dumps({"type": "noop", "parameters": {}})


class Steady(threading.Thread):
    """Asks for a job that does nothing, so many times a second, until it is stopped."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._over = threading.Event()

    def run(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=60)
        begun = time.monotonic()
        for count in itertools.count(1):
            if self._over.wait(max(0.0, begun + count / JOBS_PER_SECOND - time.monotonic())):
                return
            connection.request("POST", "/api/v1/jobs", NOOP, {"Content-Type": "application/json"})
            connection.getresponse().read()

    def stop(self) -> None:
        self._over.set()
        self.join()


def held(session: CDPSession) -> dict[str, float]:
    """What is still reachable after a collection: megabytes of heap, nodes, listeners."""
    for _ in range(2):
        session.send("HeapProfiler.collectGarbage")
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return {
        "heap": metrics["JSHeapUsedSize"] / 1e6,
        "nodes": metrics["Nodes"],
        "listeners": metrics["JSEventListeners"],
    }


def watch(server: Server, browser: Browser, minutes: int) -> list[str]:
    """Rows with the median of the first and of the last five minutes."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    sessions = {}
    for path in WATCHED:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.port}{path}")
        sessions[path] = context.new_cdp_session(page)
        sessions[path].send("Performance.enable")
    steady = Steady(server.port)
    steady.start()
    seen: dict[str, list[dict[str, float]]] = {path: [] for path in WATCHED}
    for minute in range(minutes + 1):
        page.wait_for_timeout(60_000 if minute else 20_000)
        for path, session in sessions.items():
            seen[path].append(held(session))
            sys.stdout.write(f"minute {minute} {path}: {seen[path][-1]}\n")
        sys.stdout.flush()
    steady.stop()
    context.close()
    return [row(path, each, minutes) for path, each in seen.items()]


def row(path: str, seen: list[dict[str, float]], minutes: int) -> str:
    """How the page began and ended."""
    early, late = seen[2:7], seen[-5:]

    def middle(part: list[dict[str, float]], what: str) -> float:
        return sorted(one[what] for one in part)[len(part) // 2]

    sizes = (f"{middle(part, 'heap'):.1f} MB" for part in (early, late))
    nodes = (f"{middle(part, 'nodes'):.0f}" for part in (early, late))
    listeners = (f"{middle(part, 'listeners'):.0f}" for part in (early, late))
    text = f"heap {' → '.join(sizes)}, nodes {' → '.join(nodes)}, listeners {' → '.join(listeners)}"
    return results.row(f"{path} over {minutes} min at {JOBS_PER_SECOND * 3} events/s", text, "flat")


def main() -> None:
    """Run, print, and write its part of RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=30)
    minutes = parser.parse_args().minutes
    with fleet.large() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=fleet.CHROMIUM, args=fleet.ARGS)
        rows = watch(server, browser, minutes)
        browser.close()
    sentence = f"{fleet.SENTENCE} Medians of minutes 2 to 6 and of the last five, each after a collection."
    results.write("bench.memory", sentence, rows, "| page | beginning → end | aim |")


if __name__ == "__main__":
    main()
