"""Four replicas on real servers, all of which die now and then: everything accepted comes true, and only once.

python -m tests.chaos.replicas --seed 7 --database mariadb [--jobs 2000] [--clusters 20] [--keep DIR]
"""

import argparse
import contextlib
import secrets
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos import topic
from tests.chaos.errands import CLIENTS, Client, Errands, make_clusters
from tests.chaos.server_snapshot import ServerSnapshot, made_twice
from tests.chaos.traffic import Promises
from tests.chaos.trouble import Killer, Troubles, outages
from tests.chaos.verdict import faults, unsettled
from tests.chaos.world import START_SECONDS, World, world
from tests.waiting import poll_until

REST_SECONDS = 600.0
BUGS = ("handler raised", "unhandled failure", "what follows the end of a job failed", "the end of a job was refused",
        "event became a dead letter")  # fmt: skip


@dataclass(frozen=True)
class Profile:
    """How much, and for how long."""

    jobs: int = 2000
    clusters: int = 20
    kafka: bool = True
    kafka_seconds: float = 60.0
    redis_seconds: float = 30.0
    rest: float = 8.0
    pause: tuple[float, float] = (2.0, 6.0)

    @property
    def seconds(self) -> float:
        """About how long the troubles last, and so the errands."""
        return 3 * self.rest + self.redis_seconds + (self.kafka_seconds if self.kafka else 0) + 20


@dataclass
class Story:
    """How a run went."""

    seed: int
    database: str
    profile: Profile
    errands: Errands = field(default_factory=Errands)
    troubles: Troubles = field(default_factory=Troubles)
    facts: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    complaints: Counter[str] = field(default_factory=Counter)

    def told(self) -> str:
        """The story in a few lines, and whatever went wrong."""
        lines = [
            f"CG_SEED={self.seed} on {self.database}: {sum(self.errands.kinds.values())} jobs accepted "
            f"{dict(self.errands.kinds)}",
            f"done to the replicas: {dict(self.troubles.acts)}",
            *(window.told() for window in self.troubles.windows),
            f"jobs by their end: {dict(self.outcomes)}",
            *self.facts,
            *(f"refused {count} times: {what}" for what, count in self.errands.refused.most_common(8)),
            *(f"log: {count} times {what}" for what, count in self.complaints.most_common(12)),
            *(f"FAULT {fault}" for fault in self.faults[:40]),
            *(f"refused to start: {words}" for words in self.troubles.refusals),
            *(self.troubles.diary if self.faults else []),
        ]
        return "\n".join(lines)


def run(folder: Path, *, database: str, seed: int, profile: Profile | None = None) -> Story:
    """Live through it, let everything come to rest, and judge."""
    story = Story(seed, database, profile or Profile())
    with world(folder, database, kafka=story.profile.kafka) as made:
        story.facts.append(f"everything up after {time.monotonic() - story.troubles.began:.0f} s")
        clusters = make_clusters(made.service, story.profile.clusters)
        story.troubles.began = time.monotonic()
        _live(made, story, clusters)
        _come_to_rest(made, story)
        _judge(made, story)
    return story


def _live(made: World, story: Story, clusters: list[str]) -> None:
    profile = story.profile
    share = profile.jobs // CLIENTS
    clients = [Client(made.service, story.errands, clusters, n, share, story.seed) for n in range(CLIENTS)]
    killer = Killer(made, story.troubles, story.seed, profile.pause)
    for client in clients:
        client.pause = profile.seconds / share
        client.start()
    killer.start()
    trouble = threading.Thread(
        target=outages,
        args=(made, story.troubles),
        kwargs={"kafka_seconds": profile.kafka_seconds, "redis_seconds": profile.redis_seconds, "rest": profile.rest},
    )
    trouble.start()
    trouble.join()
    for client in clients:
        client.join()
    killer.stop()
    killer.join()
    story.faults += killer.faults
    for replica in made.replicas:
        if not replica.running:
            replica.spawn()
        replica.until_ready(START_SECONDS)


def _come_to_rest(made: World, story: Story) -> None:
    began = time.monotonic()

    def at_rest() -> bool:
        now = ServerSnapshot(made)
        waiting = [*unsettled(now), *(["events wait for their place"] if now.outbox else [])]
        assert not waiting, waiting[:20]
        return True

    def slowly() -> bool:
        time.sleep(1)
        return at_rest()

    try:
        poll_until(slowly, REST_SECONDS)
    except AssertionError as failure:
        story.faults.append(f"no rest within {REST_SECONDS:.0f} s: {failure.__cause__}")
    story.facts.append(f"at rest {time.monotonic() - began:.0f} s after the last trouble")


def _judge(made: World, story: Story) -> None:
    now: Any = ServerSnapshot(made)
    promises = Promises(jobs=list(story.errands.jobs.values()))
    story.faults += [*story.errands.faults, *made.service.strange, *made.service.unavailable]
    story.faults += faults(now, promises)
    story.faults += made_twice(made.cloud.state / "machines.jsonl")
    story.faults += [f"the log has: {what}" for what in _bugs(made, story)]
    for row in now.jobs.values():
        story.outcomes[f"{row['type']} {row['state']}"] += 1
        if row["state"] in ("failed", "dead"):
            story.complaints[f"{row['type']} {row['state']}: {str(row['error'])[:200]}"] += 1
    attempts = Counter(row["outcome"] for row in now.attempts)
    service = made.service
    story.facts += [
        f"{len(now.jobs)} jobs in {len(now.attempts)} attempts {dict(attempts)}; {len(now.events)} events",
        f"{service.asked} requests, {service.resent} sent again to the other replica, {len(service.unavailable)} "
        f"without an answer; the longest took {service.longest_wait:.1f} s",
        f"{len(now.simulated)} machines for "
        f"{sum(row['status'] != 'deleted' for row in now.droplets.values())} droplets",
    ]
    if story.profile.kafka:
        _judge_topic(made, story, now)


def _judge_topic(made: World, story: Story, now: Any) -> None:
    def complete() -> Any:
        messages = topic.read_all(made.kafka.brokers)
        missing = list(topic.faults(messages, now.events))
        assert not missing, missing[:5]
        return messages

    try:
        messages = poll_until(complete, 60)
    except AssertionError as failure:
        story.faults.append(f"the topic is not what happened: {failure.__cause__}")
        messages = topic.read_all(made.kafka.brokers)
    turned = topic.inversions(messages)
    repeated = len(messages) - len({(key, event["seq"]) for key, event in messages})
    story.facts.append(f"the topic has {len(messages)} messages, {repeated} of them repetitions, {turned} inversions")
    if turned:
        story.faults.append(f"{turned} times an older event of a key came after a newer one on the topic")


def _bugs(made: World, story: Story) -> Iterator[str]:
    """Log lines that tell of a bug of ours; the others are counted."""
    for replica in made.replicas:
        for line in replica.lines():
            if line.get("level") in ("warning", "error"):
                story.complaints[f"{line['message']} {line.get('error', line.get('reason', ''))}"[:160]] += 1
            if line.get("message") in BUGS:
                yield f"{replica.data_dir.name}: {line.get('message')}: {str(line.get('exception', line))[-1200:]}"


def main() -> int:
    """The long profile; the exit code is 1 when a promise was broken."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    options.add_argument("--database", choices=("mariadb", "postgresql"), default="mariadb")
    options.add_argument("--jobs", type=int, default=Profile.jobs)
    options.add_argument("--clusters", type=int, default=Profile.clusters)
    options.add_argument("--kafka-seconds", type=float, default=Profile.kafka_seconds)
    options.add_argument("--redis-seconds", type=float, default=Profile.redis_seconds)
    options.add_argument("--without-kafka", action="store_true")
    options.add_argument("--keep", type=Path)
    given = options.parse_args()
    profile = Profile(given.jobs, given.clusters, not given.without_kafka, given.kafka_seconds, given.redis_seconds)
    with contextlib.ExitStack() as stack:
        place = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cg-replicas-")))
        story = run(place / "world", database=given.database, seed=given.seed, profile=profile)
    sys.stdout.write(story.told() + "\n")
    return 1 if story.faults else 0


if __name__ == "__main__":
    sys.exit(main())
