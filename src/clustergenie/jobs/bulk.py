"""Cancel many jobs, or try many again, in one call."""

from typing import Literal

import msgspec

from clustergenie.jobs import control
from clustergenie.platform import http as web
from clustergenie.platform.db import Database
from clustergenie.platform.http.bulk import Outcome


class JobsAct(msgspec.Struct, forbid_unknown_fields=True):
    """What to do to which jobs."""

    action: Literal["cancel", "retry"]
    ids: web.Ids


@web.post("/jobs/bulk", allow=web.OPERATOR, scoped=True, status_code=200, tags=["jobs"])
async def act_on_jobs(db: Database, data: JobsAct) -> web.BulkReply:
    """Cancel up to 100 jobs, or queue them again; each is decided alone, and the reply says what became of it."""

    async def one(job_id: str) -> Outcome:
        if data.action == "retry":
            return Outcome("queued again", (await db.write(control.retry, job_id)).id)
        job = await db.write(control.cancel, job_id)
        return Outcome("cancelled" if job.status == "cancelled" else "stopping", job.id)

    return await web.each(data.ids, one)


routes = [act_on_jobs]
