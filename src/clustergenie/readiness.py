"""Say whether requests can be served, dependency by dependency, in sentences."""

import asyncio

import msgspec

import clustergenie
from clustergenie import jobs
from clustergenie.platform import http as web
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import Problem
from clustergenie.runtime import Runtime

DATABASE_SECONDS = 2.0
NEEDED = ("database", "process")
"""Without these nothing can be answered; without any other less can be done, which is said."""


class Health(msgspec.Struct):
    """The process is alive."""

    status: str
    version: str


class Readiness(msgspec.Struct):
    """`ready`, or `degraded` where something is missing without which requests can still be served."""

    status: str
    version: str
    role: str
    dependencies: dict[str, str]


class NotReady(Problem):
    """The service is not ready."""

    status = 503


@web.get("/healthz", allow=web.ANYONE, tags=["service"])
async def healthz() -> Health:
    """The process is alive."""
    return Health("ok", clustergenie.__version__)


@web.get("/readyz", allow=web.ANYONE, raises=[NotReady], tags=["service"])
async def readyz(runtime: Runtime) -> Readiness:
    """Whether requests can be served, and what is the matter with each dependency: `ok` or a sentence."""
    found = await look(runtime)
    bad = {name: state for name, state in found.items() if state != "ok"}
    if any(name in NEEDED for name in bad):
        raise NotReady("; ".join(f"{name}: {state}" for name, state in bad.items()) + ".", dependencies=found)
    status = "degraded" if bad else "ready"
    return Readiness(status, clustergenie.__version__, runtime.settings.role, found)


async def look(runtime: Runtime) -> dict[str, str]:
    """Every dependency that this process has, each `ok` or what is wrong with it."""
    database, replicas = await _database(runtime)
    found = {"database": database, "workers": _workers(runtime, replicas), "providers": _providers(runtime)}
    if runtime.draining:
        found["process"] = "it is stopping"
    if (redis := await runtime.limits.trouble()) is not None:
        found["redis"] = redis
    if runtime.settings.kafka_brokers:
        # Events wait in the database meanwhile, so that requests need not.
        found["kafka"] = await runtime.bus.trouble() or "ok"
    return found


async def _database(runtime: Runtime) -> tuple[str, int]:
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            return "ok", await runtime.db.read(_living_workers)
    except TimeoutError:
        return f"does not answer within {DATABASE_SECONDS:g} s", 0
    except Problem as problem:
        return problem.detail, 0


def _living_workers(tx: Tx) -> int:
    return jobs.living(tx)


def _workers(runtime: Runtime, replicas: int) -> str:
    if runtime.settings.role == "api":
        return "ok" if replicas else "no worker is there: jobs wait until one comes"
    if runtime.pool.snapshot()["stopping"]:
        return "stopping"
    return "this worker's lease is lost, and it is registering anew" if runtime.pool.standing.lost.is_set() else "ok"


def _providers(runtime: Runtime) -> str:
    silent = runtime.fleet.silent
    if silent:
        return "; ".join(f"{name} does not say what it offers ({reason})" for name, reason in sorted(silent.items()))
    return "ok" if runtime.fleet.offers() else "no provider has said what it offers"


routes = [healthz, readyz]
