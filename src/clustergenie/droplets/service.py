"""Ask for droplets, and look them up."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from clustergenie import auth, placement
from clustergenie.droplets import enroll
from clustergenie.droplets.models import COMING, Droplet, DropletNameTaken, DropletNotFound, DropletSpec, shown
from clustergenie.droplets.placing import Market, place
from clustergenie.droplets.tables import agents, droplets, vitals
from clustergenie.platform import ids
from clustergenie.platform.db import Contended, Tx
from clustergenie.platform.errors import invalid
from clustergenie.platform.event import Event
from clustergenie.platform.http import Counts, Page, Paging, fetch_page

DEFAULT_IMAGE = "ubuntu-24-04-x64"
CHUNK = 500

STATUSES = ("pending", "provisioning", "active", "draining", "deleting", "deleted", "failed", "lost")
SORTABLE: dict[str, ColumnElement[Any]] = {
    name: droplets.c[name] for name in ("created_at", "name", "status", "region", "provider", "size", "active_at", "id")
}

_JOINED = select(droplets, *(column for column in vitals.c if column.name != "droplet_id")).outerjoin(
    vitals, vitals.c.droplet_id == droplets.c.id
)


class DropletFilter(msgspec.Struct, frozen=True):
    """Which droplets; None means any, and deleted ones only when asked for."""

    cluster_id: str | None = None
    status: str | None = None
    provider: str | None = None
    region: str | None = None
    q: str | None = None


def request_many(
    tx: Tx,
    specs: Sequence[DropletSpec],
    market: Market,
    tokens: enroll.Tokens,
    *,
    job_id: str | None,
    trace_id: str,
) -> list[str]:
    """Note the wish for droplets: rows, one-time tokens and `droplet_created` events. Nothing is ordered yet.

    Raises what `place` does, and DropletNameTaken if a cluster has a live droplet of that name.
    """
    places: dict[tuple[Any, ...], placement.Candidate] = {}
    rows = []
    for spec in specs:
        wish = (spec.provider, spec.region, spec.size, spec.image)
        if wish not in places:
            places[wish] = place(spec, market)
        rows.append(_row(spec, places[wish], job_id, trace_id, tx.now))
    try:
        tx.execute(insert(droplets), rows)
    except IntegrityError as clash:
        names = ", ".join(repr(spec.name) for spec in specs[:3])
        raise DropletNameTaken(f"A live droplet is already named {names}; choose another name.") from clash
    expires = tx.now + enroll.TOKEN_LIFE
    tx.execute(
        insert(agents),
        [
            {"droplet_id": row["id"], "token_hash": enroll.digest(tokens.token(row["id"])), "token_expires_at": expires}
            for row in rows
        ],
    )
    for row in rows:
        tx.emit(event("droplet_created", row, 1, f"{row['name']} requested"))
    return [row["id"] for row in rows]


def _row(
    spec: DropletSpec, chosen: placement.Candidate, job_id: str | None, trace_id: str, now: dt.datetime
) -> dict[str, Any]:
    return {
        "id": ids.droplet_id(now),
        "cluster_id": spec.cluster_id,
        "name": spec.name,
        "live_name": live_name(spec.cluster_id, spec.name),
        "region": chosen.region,
        "provider": chosen.provider,
        "size": chosen.size,
        "image": spec.image or DEFAULT_IMAGE,
        "status": "pending",
        "status_reason": "waiting for its machine",
        "hourly_usd_micros": chosen.hourly_usd_micros,
        "job_id": job_id,
        "trace_id": trace_id,
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }


def event(kind: str, row: Mapping[str, Any], seq: int, message: str, **payload: Any) -> Event:
    """An event about a droplet; `row` is a mapping of its columns."""
    return Event(
        type=kind,
        key=row["id"],
        seq=seq,
        droplet_id=row["id"],
        cluster_id=row["cluster_id"],
        job_id=row["job_id"],
        message=message,
        trace_id=row["trace_id"],
        payload={"name": row["name"], "provider": row["provider"], "region": row["region"], "size": row["size"]}
        | payload,
    )


_STATUS = (
    update(droplets)
    .where(droplets.c.id == bindparam("b_id"), droplets.c.version == bindparam("read_version"))
    .values(
        status=bindparam("new_status"),
        status_reason=bindparam("reason"),
        version=droplets.c.version + 1,
        updated_at=bindparam("moment"),
    )
)
_EVENT_OF = {"active": "droplet_active", "lost": "droplet_lost", "deleted": "droplet_deleted"}


def move(tx: Tx, rows: Sequence[Any], status: str, reason: str | Mapping[str, str]) -> None:
    """Put droplets into a status, with an event each; `reason` is one for all or one per id.

    The rows must have been read in this transaction. Raises Contended where one has changed since: an agent's first
    heartbeat, a reconciler and a job may all want to move the same droplet at the same moment.
    """
    if not rows:
        return
    reasons = reason if isinstance(reason, Mapping) else dict.fromkeys((row.id for row in rows), reason)
    moved = tx.execute(
        _STATUS,
        [
            {
                "b_id": row.id,
                "read_version": row.version,
                "new_status": status,
                "reason": reasons[row.id],
                "moment": tx.now,
            }
            for row in rows
        ],
    )
    if moved.rowcount != len(rows):
        raise Contended("a droplet was moved by somebody else meanwhile")
    wanted = [row.id for row in rows]
    if status == "deleted":
        tx.execute(
            update(droplets).where(droplets.c.id == bindparam("b_id")).values(live_name=None, deleted_at=tx.now),
            [{"b_id": droplet_id} for droplet_id in wanted],
        )
    if status == "active":
        tx.execute(
            update(droplets)
            .where(droplets.c.id == bindparam("b_id"))
            .values(active_at=func.coalesce(droplets.c.active_at, bindparam("first", type_=droplets.c.active_at.type))),
            [{"b_id": droplet_id, "first": tx.now} for droplet_id in wanted],
        )
    for row in rows:
        kind = _EVENT_OF.get(status, "droplet_updated")
        tx.emit(event(kind, row._mapping, row.version + 1, f"{row.name} {status}: {reasons[row.id]}", status=status))


def get(tx: Tx, droplet_id: str) -> Droplet:
    """Raises DropletNotFound."""
    row = tx.execute(_JOINED.where(droplets.c.id == droplet_id)).one_or_none()
    if row is None or not auth.admits(row.cluster_id):
        raise DropletNotFound(f"There is no droplet {droplet_id!r}; GET /api/v1/droplets lists them.")
    return shown(row)


def page(tx: Tx, wanted: DropletFilter, paging: Paging) -> Page[Droplet]:
    """One page of droplets, newest first unless asked otherwise."""
    rows, total, following = fetch_page(tx, _filtered(wanted), paging, SORTABLE, droplets.c.id)
    return Page([shown(row) for row in rows], paging.page, paging.page_size, total, following)


def counts_by_status(tx: Tx, wanted: DropletFilter) -> Counts:
    """How many droplets there are of each status but `deleted`, by whatever else is wanted."""
    query = _filtered(msgspec.structs.replace(wanted, status=None), select(droplets.c.status, func.count().label("n")))
    found = dict.fromkeys((status for status in STATUSES if status != "deleted"), 0)
    found |= {row.status: row.n for row in tx.execute(query.group_by(droplets.c.status))}
    return Counts(found, sum(found.values()))


def _filtered(wanted: DropletFilter, query: Select[Any] = _JOINED) -> Select[Any]:
    query = auth.visible(query, droplets.c.cluster_id)
    for name in ("cluster_id", "provider", "region"):
        if (value := getattr(wanted, name)) is not None:
            query = query.where(droplets.c[name] == value)
    if wanted.q:
        query = query.where(droplets.c.name.icontains(wanted.q, autoescape=True))
    if wanted.status is None:
        return query.where(droplets.c.status != "deleted")
    if wanted.status not in STATUSES:
        raise invalid("?status", f"must be one of {', '.join(STATUSES)}")
    return query.where(droplets.c.status == wanted.status)


def of_cluster(tx: Tx, cluster_id: str) -> list[Droplet]:
    """Every droplet of a cluster that is not deleted, oldest first, with what its agent last said."""
    query = _JOINED.where(droplets.c.cluster_id == cluster_id, droplets.c.status != "deleted")
    return [shown(row) for row in tx.execute(query.order_by(droplets.c.created_at, droplets.c.id))]


def ids_of_clusters(tx: Tx, cluster_ids: Sequence[str]) -> dict[str, list[str]]:
    """The ids of the droplets of each cluster that are not deleted, oldest first."""
    found: dict[str, list[str]] = {cluster_id: [] for cluster_id in cluster_ids}
    query = select(droplets.c.id, droplets.c.cluster_id).where(
        droplets.c.cluster_id.in_(cluster_ids), droplets.c.status != "deleted"
    )
    for row in tx.execute(query.order_by(droplets.c.created_at, droplets.c.id)):
        found[row.cluster_id].append(row.id)
    return found


def counts(tx: Tx, cluster_ids: Sequence[str] | None = None) -> dict[str, dict[str, int]]:
    """How many droplets each cluster has in each status but `deleted`."""
    query = (
        select(droplets.c.cluster_id, droplets.c.status, func.count().label("n"))
        .where(droplets.c.status != "deleted", droplets.c.cluster_id.is_not(None))
        .group_by(droplets.c.cluster_id, droplets.c.status)
    )
    if cluster_ids is not None:
        query = query.where(droplets.c.cluster_id.in_(cluster_ids))
    found: dict[str, dict[str, int]] = {}
    for row in tx.execute(query):
        found.setdefault(row.cluster_id, {})[row.status] = row.n
    return found


def rows_of_job(tx: Tx, job_id: str, statuses: Sequence[str] = COMING) -> list[Any]:
    """The rows that a job ordered and that are in one of these statuses."""
    query = select(droplets).where(droplets.c.job_id == job_id, droplets.c.status.in_(statuses))
    return list(tx.execute(query.order_by(droplets.c.created_at, droplets.c.id)))


def ids_of_job(tx: Tx, job_id: str) -> list[str]:
    """The ids of every droplet a job ordered and whose end is not decided, oldest first."""
    query = select(droplets.c.id).where(
        droplets.c.job_id == job_id, droplets.c.status.not_in(("draining", "deleting", "deleted"))
    )
    return list(tx.execute(query.order_by(droplets.c.created_at, droplets.c.id)).scalars())


def taken(tx: Tx, cluster_id: str, names: Sequence[str]) -> set[str]:
    """Which of these names live droplets of a cluster have."""
    found: set[str] = set()
    for start in range(0, len(names), CHUNK):
        live = [live_name(cluster_id, name) for name in names[start : start + CHUNK]]
        found.update(tx.execute(select(droplets.c.name).where(droplets.c.live_name.in_(live))).scalars())
    return found


def live_name(cluster_id: str | None, name: str) -> str:
    """What is unique while a droplet lives: its name, in its cluster."""
    return f"{cluster_id or ''}/{name}"


def unclaimed(tx: Tx, droplet_id: str, cluster_id: str | None = None) -> bool:
    """Whether this droplet waits for a job to make it real, and none has been asked to yet."""
    query = select(droplets.c.id).where(droplets.c.id == droplet_id, droplets.c.job_id.is_(None))
    if cluster_id is not None:  # who may act on one cluster must not reach into another
        query = query.where(droplets.c.cluster_id == cluster_id)
    return tx.execute(query.where(droplets.c.status == "pending")).first() is not None


def belongs_to(tx: Tx, droplet_ids: Sequence[str], job_id: str) -> None:
    """Note which job makes these droplets real."""
    tx.execute(update(droplets).where(droplets.c.id.in_(droplet_ids)).values(job_id=job_id))


def revive(tx: Tx, job_id: str) -> None:
    """A job that is tried again after it had failed takes up again what failed with it, unless that has gone since."""
    rows = [row for row in rows_of_job(tx, job_id, ("failed",)) if row.live_name is not None]
    move(tx, rows, "pending", "tried again")


def abandon(tx: Tx, job_id: str, reason: str) -> None:
    """The job that was to make these droplets real has ended: those that are not up yet have failed."""
    move(tx, rows_of_job(tx, job_id), "failed", reason)
