"""The agents' API: enrol, report, and fetch the agent itself."""

import functools
import hashlib
from pathlib import Path
from typing import Annotated

from litestar import Response
from litestar.params import HeaderParameter

import clustergenie
from clustergenie.droplets.desk import Desk
from clustergenie.droplets.enroll import Enroll, Enrolled
from clustergenie.droplets.heartbeat import Beat, Reply
from clustergenie.droplets.models import DropletGone, TokenRefused, TokenUsed
from clustergenie.platform import http as web


@web.post(
    "/agent/enroll", allow=web.AGENT, raises=[TokenRefused, TokenUsed, DropletGone], status_code=200, tags=["agents"]
)
async def enroll(desk: Desk, data: Enroll) -> Enrolled:
    """Trade a one-time token for a credential. The same nonce may ask again; another one is refused."""
    return await desk.enroll(data)


@web.post("/agent/heartbeat", allow=web.AGENT, raises=[TokenRefused, DropletGone], status_code=200, tags=["agents"])
async def heartbeat(
    desk: Desk,
    data: Beat,
    authorization: Annotated[
        str | None,
        HeaderParameter(name="Authorization", max_length=512, description="`Bearer` and the credential"),
    ] = None,
) -> Reply:
    """Say how the droplet is, and hear what to do."""
    scheme, _, credential = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not credential:
        raise TokenRefused("Send the credential as `Authorization: Bearer …`.")
    return await desk.heartbeat(data, credential.strip())


@functools.cache
def _agent() -> tuple[bytes, str]:
    content = (Path(clustergenie.__file__).parent / "agent.py").read_bytes()
    return content, hashlib.sha256(content).hexdigest()


@web.get("/agent/agent.py", allow=web.ANYONE, media_type="text/x-python", tags=["agents"])
async def fetch_agent() -> Response[bytes]:
    """The agent: one file, standard library only, Python 3.9 or later."""
    content, checksum = _agent()
    headers = {"ETag": f'"{checksum}"', "X-Content-SHA256": checksum}
    return Response(content, media_type="text/x-python", headers=headers)


routes = [enroll, heartbeat, fetch_agent]
