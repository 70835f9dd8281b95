"""Everything that can happen to jobs, in any order, against a model that fits on a page."""

import asyncio
import contextlib
import datetime as dt
import itertools
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from clustergenie import jobs
from clustergenie.jobs import lease, rescue
from clustergenie.jobs.models import JobEnded, JobLive
from clustergenie.jobs.running import Running
from clustergenie.jobs.running import begin as running_begin
from tests.conftest import IN_CI, SEED
from tests.jobs.queues import TERMINAL, Clock, Queue, Work, check, opened

OUTCOMES = st.sampled_from(["completed", "failed", "retry", "cancelled", "handed_back"])
KEYS = st.sampled_from([None, None, "a", "b"])


class Asked(NamedTuple):
    """A request."""

    serial: str | None
    unique: str | None
    later: bool
    max_attempts: int
    on_conflict: jobs.OnConflict


ASKED = st.builds(
    Asked,
    KEYS,
    KEYS,
    st.sampled_from([False, False, True]),
    st.integers(1, 3),
    st.sampled_from(["queue", "queue", "reject", "replace"]),
)


@dataclass
class Expected:
    """What the model knows of a job. `losses` counts those without progress, `begun` whether the attempt is one."""

    serial: str | None
    unique: str | None
    max_attempts: int
    state: str = "ready"
    fence: int = 0
    attempt: int = 0
    losses: int = 0
    begun: bool = False
    asked_to_stop: bool = False
    worker: str | None = None

    @property
    def live(self) -> bool:
        return self.state not in TERMINAL


class Jobs(RuleBasedStateMachine):
    """The queue of one process, worked by hand."""

    held = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = contextlib.AsyncExitStack()
        folder = tempfile.TemporaryDirectory()
        self.stack.callback(folder.cleanup)
        self.clock = Clock()
        self.q: Queue = self.run(self.stack.enter_async_context(opened(Path(folder.name) / "jobs.db", self.clock)))
        self.model: dict[str, Expected] = {}
        self.workers: dict[str, bool] = {}
        self.steps = itertools.count()
        self.new_worker()

    def run(self, doing: Any) -> Any:
        return self.runner.run(doing)

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()

    # -- asking

    @initialize(serials=st.lists(KEYS, min_size=3, max_size=5))
    def some_jobs(self, serials: list[str | None]) -> None:
        for serial in serials:
            self.ask(Asked(serial, None, False, 3, "queue"))

    @rule(wanted=st.lists(ASKED, min_size=1, max_size=4))
    def enqueue(self, wanted: list[Asked]) -> None:
        for asked in wanted:
            self.ask(asked)

    def ask(self, asked: Asked) -> None:
        run_at = self.clock.now + dt.timedelta(seconds=30) if asked.later else None
        live = {job_id: job for job_id, job in self.model.items() if job.live}
        same = [job_id for job_id, job in live.items() if asked.unique and job.unique == asked.unique]
        others = [job for job in live.values() if asked.serial and job.serial == asked.serial]
        work = Work(serial=asked.serial, unique=asked.unique)
        adding = self.q.add(work, run_at=run_at, max_attempts=asked.max_attempts, on_conflict=asked.on_conflict)
        if others and asked.on_conflict == "reject" and not same:
            with pytest.raises(jobs.JobConflict):
                self.run(adding)
            return
        added = self.run(adding)
        if same:
            assert [added.id] == same
            return
        for other in others if asked.on_conflict == "replace" else []:
            self.stop(other)
        state = "scheduled" if asked.later else "ready"
        self.model[added.id] = Expected(asked.serial, asked.unique, asked.max_attempts, state)

    def stop(self, job: Expected) -> None:
        if job.state == "running":
            job.asked_to_stop = True
        else:
            job.state, job.fence = "cancelled", job.fence + 1

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job_id = self.any_job(data)
        if not self.model[job_id].live:
            with pytest.raises(JobEnded):
                self.run(self.q.db.write(jobs.cancel, job_id))
            return
        self.run(self.q.db.write(jobs.cancel, job_id))
        self.stop(self.model[job_id])

    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        job_id = self.any_job(data)
        job = self.model[job_id]
        same = job.unique is not None and any(o.live and o.unique == job.unique for o in self.model.values())
        if job.live or job.state == "completed" or same:
            with pytest.raises((JobLive, JobEnded, jobs.JobConflict)):
                self.run(self.q.db.write(jobs.retry, job_id))
            return
        job.max_attempts = self.run(self.q.db.write(jobs.retry, job_id)).max_attempts
        job.state, job.fence, job.losses, job.asked_to_stop = "ready", job.fence + 1, 0, False

    def any_job(self, data: st.DataObject) -> str:
        """One of all jobs; more often one that is at work."""
        at_work = [job_id for job_id, job in self.model.items() if job.state == "running"]
        return data.draw(st.sampled_from(sorted(self.model) + 3 * sorted(at_work)))

    # -- working

    @rule()
    def new_worker(self) -> None:
        name = f"worker-{len(self.workers)}"
        self.run(self.q.worker(name))
        self.workers[name] = True

    @rule(target=held, data=st.data(), limit=st.integers(1, 6))
    def claim(self, data: st.DataObject, limit: int) -> Any:
        return multiple(*self.take(data, limit))

    @rule(data=st.data(), outcome=OUTCOMES, stopped=st.booleans(), said=st.sampled_from([None, "progress", "write"]))
    def an_attempt(self, data: st.DataObject, outcome: str, stopped: bool, said: str | None) -> None:
        for job in self.take(data, 1):
            if said is not None:
                self.speak(job, said)
            if stopped:
                self.run(self.q.db.write(jobs.cancel, job.id))
                self.stop(self.model[job.id])
            self.end(job, outcome)

    def take(self, data: st.DataObject, limit: int) -> list[jobs.Claimed]:
        worker = data.draw(st.sampled_from([name for name, alive in self.workers.items() if alive]))
        taken = self.run(self.q.claim(limit, worker))
        assert len(taken) <= limit
        for job in taken:
            expected = self.model[job.id]
            assert expected.state == "ready"
            expected.state, expected.fence, expected.worker = "running", expected.fence + 1, worker
            expected.attempt += 1
            expected.begun = expected.losses == 0
            assert (job.fence, job.attempt, job.lost_count) == (expected.fence, expected.attempt, expected.losses)
        waiting = [job for job in self.model.values() if job.state == "ready" and job.serial is None]
        assert len(taken) == limit or not waiting  # who has no key waits for nobody
        return taken

    def holds(self, job: jobs.Claimed) -> Expected | None:
        expected = self.model[job.id]
        return expected if (expected.state, expected.fence) == ("running", job.fence) else None

    @rule(job=consumes(held), outcome=OUTCOMES)
    def leave(self, job: jobs.Claimed, outcome: str) -> None:
        self.end(job, outcome)

    def end(self, job: jobs.Claimed, outcome: str) -> None:
        answer = self.run(self.q.leave(job, outcome, error="so it is", delay_seconds=5.0))
        expected = self.holds(job)
        if expected is None:
            assert isinstance(answer, jobs.LostLease)
            return
        assert answer is None
        expected.fence += 1
        if outcome in ("retry", "handed_back") and expected.asked_to_stop:
            expected.state = "cancelled"
        elif outcome == "retry":
            expected.state = "failed" if expected.attempt >= expected.max_attempts else "scheduled"
            expected.losses = 0
        elif outcome == "handed_back":
            expected.state, expected.attempt = "ready", expected.attempt - 1
        else:
            expected.state = outcome

    @rule(job=held, how=st.sampled_from(["progress", "write", "write_step"]))
    def say(self, job: jobs.Claimed, how: str) -> None:
        self.speak(job, how)

    def speak(self, job: jobs.Claimed, how: str) -> None:
        running, expected = Running(job, Work(), self.q.db, {}), self.holds(job)
        doing = {
            "progress": lambda: running.progress(50, "half"),
            "write": lambda: running.write(lambda tx: None),
            "write_step": lambda: running.write_step(f"step {next(self.steps)}", lambda tx: None),
        }[how]
        if expected is None:
            with pytest.raises(jobs.LostLease):
                self.run(doing())
            return
        self.run(doing())
        if how != "write":
            expected.losses = 0

    @rule(job=held)
    def begin(self, job: jobs.Claimed) -> None:
        expected = self.holds(job)
        if expected is None:
            with pytest.raises(jobs.LostLease):
                self.run(self.q.db.write(running_begin, job))
            return
        self.run(self.q.db.write(running_begin, job))
        expected.begun = True

    # -- time and trouble

    @rule(seconds=st.sampled_from([1, 10, 31, 75, 400]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)
        for name, alive in self.workers.items():
            if alive:
                self.run(self.q.db.write(lease.renew, name, 30.0))

    @rule()
    def promote(self) -> None:
        self.run(self.q.db.write(self.q.store.promote, 100))
        for job_id, job in self.model.items():
            if job.state == "scheduled":
                job.state = self.run(self.q.state(job_id))
                assert job.state in ("scheduled", "ready")

    @rule(data=st.data())
    def a_worker_dies(self, data: st.DataObject) -> None:
        alive = [name for name, living in self.workers.items() if living]
        worker = data.draw(st.sampled_from(alive))
        self.clock.advance(31)
        answers = [self.run(self.q.db.write(rescue.rescue, worker)) for _ in range(2)]
        theirs = [job for job in self.model.values() if job.state == "running" and job.worker == worker]
        assert answers == [len(theirs), None]
        self.workers[worker] = False
        for job in theirs:
            self.lost(job)
        for name in alive:
            if name != worker:
                self.run(self.q.db.write(lease.renew, name, 30.0))
        if len(alive) == 1:
            self.new_worker()

    def lost(self, job: Expected) -> None:
        job.fence += 1
        if job.begun:
            job.losses += 1
        else:
            job.attempt -= 1
        worn_out = job.losses >= 3 or job.attempt >= job.max_attempts + 3
        job.state = "cancelled" if job.asked_to_stop else "dead" if worn_out else "ready"

    @rule()
    def expire(self) -> None:
        self.run(self.q.db.write(rescue.expire))
        for job_id, job in self.model.items():
            if job.state == "running" and (state := self.run(self.q.state(job_id))) != "running":
                failed = "failed" if job.attempt >= job.max_attempts else "scheduled"
                assert state == ("cancelled" if job.asked_to_stop else failed)
                job.state, job.fence, job.losses = state, job.fence + 1, 0

    @invariant()
    def the_queue_is_as_the_model_says(self) -> None:
        self.run(self.q.db.read(check))
        for job_id, expected in self.model.items():
            job = self.run(self.q.get(job_id))
            assert (job.state, job.attempt) == (expected.state, expected.attempt), (job, expected)


def test_jobs_do_what_the_model_does(seed: int) -> None:
    """Repeat with CG_SEED; Hypothesis prints the story that failed."""
    assert seed == SEED
    few = settings(
        max_examples=60 if IN_CI else 40,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    run_machine(Jobs, settings=few)
