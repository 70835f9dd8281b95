"""Make droplets real: order each one's machine, wait for its agent, and say how far it is."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select, update

from clustergenie.droplets import enroll, plan, service
from clustergenie.droplets.asking import patiently
from clustergenie.droplets.fleet import Fleet
from clustergenie.droplets.models import COMING
from clustergenie.droplets.tables import droplets
from clustergenie.jobs import Retry, Running
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import Conflict, Invalid, Problem
from clustergenie.providers import Machine

FLUSH_SECONDS = 0.1
"""Machines that were made within this time are noted in one transaction."""
LOOK_SECONDS = 0.1

_NOTE = (
    update(droplets)
    .where(droplets.c.id == bindparam("b_id"))
    .values(
        machine_ref=bindparam("ref"),
        ip_address=bindparam("address"),
        port=bindparam("agent_port"),
        hourly_usd_micros=bindparam("price"),
    )
)


class BroughtUp(NamedTuple):
    """How many droplets of a job ended where."""

    active: int
    failed: int
    reasons: list[str]


async def bring_up(job: Running[Any], fleet: Fleet, ids: Sequence[str]) -> BroughtUp:
    """Order what has no machine yet, wait for every agent. Safe to repeat: orders are idempotent by droplet id.

    Raises Retry when a provider had no room or no answer; droplets that can never be are `failed` with the reason.
    """
    await job.progress(10, f"ordering {len(ids)} machine{'s' if len(ids) != 1 else ''}")
    work = _BringUp(job, fleet, ids)
    await work.order_all()
    return await work.wait_for_agents()


class _BringUp:
    def __init__(self, job: Running[Any], fleet: Fleet, ids: Sequence[str]) -> None:
        self.job, self.fleet, self.ids = job, fleet, ids
        self.made: list[Machine] = []
        self.refused: dict[str, str] = {}
        self.again: list[Problem] = []
        self.ordered = 0
        self.said = 10
        self.said_at = time.monotonic()

    async def order_all(self) -> None:
        rows = await self.job.write(_take_up, self.ids)
        self.ordered = len(self.ids) - len(rows)
        gates = {name: asyncio.Semaphore(driver.concurrency) for name, driver in self.fleet.drivers.items()}
        done = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._flush_until(done))
            async with asyncio.TaskGroup() as orders:
                for row in rows:
                    orders.create_task(self._order(row, gates))
            done.set()  # never cancelled in the middle: what it has taken in hand would be forgotten
        await self._flush()
        if self.again:
            raise self._retry()
        # Only now: until then another attempt would ask for them again, and nobody else is to make up for them.
        if self.refused:
            await self.job.write(_refuse, self.refused)
        await self._say(30, "every machine is ordered")

    def _retry(self) -> Retry:
        reasons = Counter(problem.detail for problem in self.again)
        words = "; ".join(f"{count} times: {detail}" for detail, count in reasons.most_common(3))
        return Retry(f"{len(self.again)} machines could not be ordered: {words}")

    async def _order(self, row: Any, gates: dict[str, asyncio.Semaphore]) -> None:
        gate = gates.get(row.provider)
        if gate is None:
            self.refused[row.id] = f"provider {row.provider} is not configured any more"
            return
        driver, order = self.fleet.drivers[row.provider], self.fleet.order(row)
        async with gate:
            try:
                machine = await patiently(lambda: driver.create(order))
                self.made.append(machine)  # not in one line: it may be another list by then
            except (Invalid, Conflict) as refusal:
                self.refused[row.id] = refusal.detail
            except Problem as problem:
                self.again.append(problem)

    async def _flush_until(self, done: asyncio.Event) -> None:
        while not done.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_SECONDS):
                    await done.wait()
            await self._flush()
            percent = plan.progress(self.ordered, 0, len(self.ids))
            await self._say(percent, f"{self.ordered} of {len(self.ids)} machines ordered", minimum=1.0)

    async def _flush(self) -> None:
        made, self.made = self.made, []
        if made:
            await self.job.write(_note, made)
            self.ordered += len(made)

    async def wait_for_agents(self) -> BroughtUp:
        """Until every droplet is active or has failed; those whose agents stay silent are failed in the end."""
        deadline = time.monotonic() + self.fleet.enroll_seconds
        while True:
            states = await self.job.read(_states, self.ids)
            coming = sum(states.get(status, 0) for status in COMING)
            if coming == 0:
                break
            if time.monotonic() > deadline:
                limit = self.fleet.enroll_seconds
                await self.job.write(_give_up, self.ids, f"its agent did not report within {limit:.0f} s")
                continue
            enrolled = len(self.ids) - coming
            percent = min(75, plan.progress(len(self.ids), enrolled, len(self.ids)))
            await self._say(percent, f"{enrolled} of {len(self.ids)} agents report", minimum=0.5)
            await asyncio.sleep(LOOK_SECONDS)
        await self._say(75, "every agent reports")
        failed = states.get("failed", 0) + states.get("lost", 0)
        reasons = await self.job.read(_reasons, self.ids) if failed else []
        return BroughtUp(states.get("active", 0), failed, reasons)

    async def _say(self, percent: int, message: str, minimum: float = 0.0) -> None:
        if percent > self.said and time.monotonic() - self.said_at >= minimum:
            self.said, self.said_at = percent, time.monotonic()
            await self.job.progress(percent, message)


def _chunks(ids: Sequence[str], size: int = 500) -> Iterable[Sequence[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def _rows(tx: Tx, ids: Sequence[str], statuses: Sequence[str]) -> list[Any]:
    found: list[Any] = []
    for chunk in _chunks(ids):
        found += tx.execute(select(droplets).where(droplets.c.id.in_(chunk), droplets.c.status.in_(statuses)))
    return found


def _take_up(tx: Tx, ids: Sequence[str]) -> list[Any]:
    """What is to be ordered. Its agents will need their tokens from now on, however long it has waited."""
    rows = _rows(tx, ids, COMING)
    enroll.renew(tx, [row.id for row in rows])
    return rows


def _states(tx: Tx, ids: Sequence[str]) -> dict[str, int]:
    states: Counter[str] = Counter()
    for chunk in _chunks(ids):
        states.update(tx.execute(select(droplets.c.status).where(droplets.c.id.in_(chunk))).scalars())
    return states


def _note(tx: Tx, made: Sequence[Machine]) -> None:
    """Keep where machines are. A droplet that was deleted meanwhile keeps its status; its machine will be ended."""
    note_machines(tx, made)
    pending = _rows(tx, [machine.droplet_id for machine in made], ("pending",))
    service.move(tx, pending, "provisioning", "its machine is ordered")


def note_machines(tx: Tx, machines: Sequence[Machine]) -> None:
    """Keep where machines are and what they cost."""
    if machines:
        tx.execute(
            _NOTE,
            [
                {
                    "b_id": machine.droplet_id,
                    "ref": machine.ref,
                    "address": machine.address,
                    "agent_port": machine.port,
                    "price": machine.hourly_usd_micros,
                }
                for machine in machines
            ],
        )


def _refuse(tx: Tx, reasons: Mapping[str, str]) -> None:
    service.move(tx, _rows(tx, list(reasons), COMING), "failed", reasons)


def _give_up(tx: Tx, ids: Sequence[str], reason: str) -> None:
    service.move(tx, _rows(tx, ids, COMING), "failed", reason)


def _reasons(tx: Tx, ids: Sequence[str]) -> list[str]:
    rows = _rows(tx, ids, ("failed", "lost"))
    return [f"{row.name}: {row.status_reason}" for row in rows[:5]]
