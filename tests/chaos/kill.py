"""Kill the control plane again and again under traffic, then hold it to its promises.

python -m tests.chaos.kill --kills 1000 --seed 7 [--provider local] [--keep DIR]
"""

import argparse
import contextlib
import random
import secrets
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.aim import wait_for_the_moment
from tests.chaos.traffic import MOST_DROPLETS, Person, Promises
from tests.chaos.verdict import Snapshot, faults, unsettled
from tests.live_server import LiveServer, free_port
from tests.waiting import poll_until

PEOPLE = 4
REST_SECONDS = 120.0
EXPECTED = {  # what the log may complain about while its process is killed all the time
    "request refused", "jobs of a process that had ended badly were taken back", "attempt failed",
    "lease lost; stopping", "lease lost; nothing was written",
}  # fmt: skip


@dataclass
class Story:
    """How a run went."""

    seed: int
    kills: int
    promises: Promises
    moments: list[str] = field(default_factory=list)
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    complaints: Counter[str] = field(default_factory=Counter)

    def told(self) -> str:
        """The story in a few lines, and whatever went wrong."""
        asked, jobs = self.promises, sum(self.outcomes.values())
        lines = [
            f"CG_SEED={self.seed}: {self.kills} kills in {self.seconds:.0f} s; {asked.asked} requests, "
            f"{asked.unanswered} cut off; accepted {len(asked.jobs)} jobs, {len(asked.clusters)} clusters, "
            f"{len(asked.droplets)} droplets",
            f"{jobs} jobs: {dict(self.outcomes)}",
            *(f"  {count} times {reason}" for reason, count in self.reasons.most_common(12)),
            *(f"log: {count} times {what}" for what, count in self.complaints.most_common(20)),
            *(f"FAULT {fault}" for fault in self.faults),
            *([f"kill {n}: {moment}" for n, moment in enumerate(self.moments, 1)] if self.faults else []),
        ]
        return "\n".join(lines)


def run(data_dir: Path, *, kills: int, seed: int, provider: str = "simulated", most: int = MOST_DROPLETS) -> Story:
    """Kill a control plane `kills` times under traffic, let it come to rest, and judge."""
    began = time.monotonic()
    chance = random.Random(seed)
    server = LiveServer(data_dir, free_port(), CLUSTERGENIE_RECONCILE_SECONDS="1")
    story = Story(seed, kills, Promises())
    pause = 0.08 if provider == "simulated" else 0.25
    people = [Person(server.api, story.promises, seed * PEOPLE + n, provider, most, pause) for n in range(PEOPLE)]
    try:
        server.start()
        for person in people:
            person.start()
        for _ in range(kills):
            story.moments.append(wait_for_the_moment(server, chance))
            server.kill()
            server.spawn()
        server.until_ready()
        _let_rest(people)
        _judge(server, story)
    finally:
        for person in people:
            person.stop()
        server.cleanup()
    story.seconds = time.monotonic() - began
    return story


def _let_rest(people: list[Person]) -> None:
    for person in people:
        person.stop()
    for person in people:
        person.join(30)


def _judge(server: LiveServer, story: Story) -> None:
    def at_rest() -> bool:
        waiting = unsettled(Snapshot(server.data_dir))
        assert not waiting, waiting
        return True

    try:
        poll_until(at_rest, REST_SECONDS)
    except AssertionError as failure:
        story.faults.append(f"no rest within {REST_SECONDS:.0f} s: {failure.__cause__}")
    now = Snapshot(server.data_dir)
    story.faults += faults(now, story.promises)
    for row in now.jobs.values():
        story.outcomes[f"{row['type']} {row['state']}"] += 1
        if row["state"] in ("failed", "dead"):
            story.reasons[f"{row['type']}: {str(row['error'])[:160]}"] += 1
    for line in server.lines():
        if line.get("level") in ("warning", "error") and line.get("message") not in EXPECTED:
            story.complaints[f"{line['message']} {line.get('error', line.get('reason', ''))}"[:200]] += 1
    story.faults += [f"the log has: {what}" for what in _bugs(server)]


def _bugs(server: LiveServer) -> list[str]:
    """Log lines that tell of a bug of ours, whatever else they say."""
    bad = ("handler raised", "unhandled failure", "tick failed", "what follows the end of a job failed",
           "the end of a job was refused", "event became a dead letter")  # fmt: skip
    guilty = [line for line in server.lines() if line.get("message") in bad or "exception" in line]
    found = [f"{line.get('message')}: {str(line.get('exception', line))[-1500:]}" for line in guilty]
    plain = [line for line in server.log_file.read_text(errors="replace").splitlines() if line.startswith("Traceback")]
    return [*dict.fromkeys(found), *plain][:10]


def main() -> int:
    """The long profile; the exit code is 1 when a promise was broken."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=1000)
    options.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    options.add_argument("--provider", choices=("simulated", "local"), default="simulated")
    options.add_argument("--most", type=int, default=MOST_DROPLETS)
    options.add_argument("--keep", type=Path)
    given = options.parse_args()
    with contextlib.ExitStack() as stack:
        place = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cg-kill-")))
        place.mkdir(parents=True, exist_ok=True)
        story = run(place / "data", kills=given.kills, seed=given.seed, provider=given.provider, most=given.most)
    sys.stdout.write(story.told() + "\n")
    return 1 if story.faults else 0


if __name__ == "__main__":
    sys.exit(main())
