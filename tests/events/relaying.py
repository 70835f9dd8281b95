"""A process that does nothing but relay a database server's log to Kafka, until it is killed.

`python -m tests.events.relaying <database url> <brokers> <topic>`; it prints `leads <relay>` whenever it begins to.
"""

import asyncio
import os
import sys

from clustergenie import events
from clustergenie.events.kafka import relay as relays
from clustergenie.events.kafka.connection import Contact
from clustergenie.events.kafka.publisher import Publisher
from clustergenie.events.kafka.relay import Relay
from clustergenie.platform.config import Settings
from clustergenie.platform.db import Database
from clustergenie.platform.servers import ServerBackend

SHARDS = 2
LEASE_SECONDS = 3.0


def relays_of(db: Database, brokers: str, topic: str, holder: str) -> list[Relay]:
    """The relays of one process, whose leases end sooner than usual."""
    relays.LEASE_SECONDS = LEASE_SECONDS
    contact = Contact(Settings(kafka_brokers=brokers, kafka_topic=topic))
    return [
        Relay(
            db,
            contact,
            Publisher(contact, topic, "/clustergenie/test", f"clustergenie-{topic}-{number}"),
            number=number,
            shards=SHARDS,
            holder=holder,
        )
        for number in range(SHARDS)
    ]


async def main(url: str, brokers: str, topic: str) -> None:
    """Until killed."""
    db = Database(ServerBackend(url, events.append, connections=6))
    await db.start()
    mine = relays_of(db, brokers, topic, f"relay-{os.getpid()}")
    db.listen(lambda _committed: [relay.nudge() for relay in mine] and None)
    await events.Sequencer(db).start()
    running = [asyncio.create_task(relay.run()) for relay in mine]
    led = [False] * len(mine)
    while running:
        now = [relay.leads for relay in mine]
        for relay, leads, before in zip(mine, now, led, strict=True):
            if leads and not before:
                sys.stdout.write(f"leads {relay.name}\n")
                sys.stdout.flush()
        led = now
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
