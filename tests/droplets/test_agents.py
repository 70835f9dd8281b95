"""Agents are let in once, keep their credentials through lost replies, and are told when their droplet is gone."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustergenie import droplets
from clustergenie.droplets import destroy, provision
from clustergenie.droplets.enroll import CREDENTIAL_LIFE, ROTATE_AT, TOKEN_LIFE
from clustergenie.droplets.reconcile import expire_tokens
from tests.droplets.rig import Rig, parts

ROTATION = CREDENTIAL_LIFE * ROTATE_AT
SECOND = dt.timedelta(seconds=1)


class Agent:
    """What an agent of one droplet says, by hand."""

    def __init__(self, rig: Rig, droplet_id: str) -> None:
        self.rig, self.droplet_id = rig, droplet_id

    async def enrol(self, **other: Any) -> tuple[int, dict[str, Any]]:
        token = self.rig.fleet.tokens.token(self.droplet_id)
        body = {"droplet_id": self.droplet_id, "token": token, "nonce": "n-1", **other}
        return await self.rig.desk.call("/enroll", body, None)

    async def beat(self, credential: str | None, **other: Any) -> tuple[int, dict[str, Any]]:
        return await self.rig.desk.call("/heartbeat", {"droplet_id": self.droplet_id, **other}, credential)

    async def let_in(self) -> str:
        status, reply = await self.enrol()
        assert status == 200, reply
        credential: str = reply["credential"]
        return credential


def play(path: Path, scenario: Callable[[Rig, Agent], Coroutine[Any, Any, None]]) -> None:
    """A droplet that was asked for and that nobody works on, and its agent."""

    async def run() -> None:
        async with parts(path) as rig, asyncio.timeout(30):
            droplet, _ = await rig.db.write(provision.request, rig.fleet, droplets.DropletSpec("solo"))
            await scenario(rig, Agent(rig, droplet.id))

    asyncio.run(run())


def test_the_same_nonce_may_ask_again_and_gets_a_credential_that_replaces_the_first(tmp_path: Path) -> None:
    async def scenario(rig: Rig, agent: Agent) -> None:
        first, second = await agent.let_in(), await agent.let_in()
        assert (await agent.beat(first))[0] == 401
        assert (await agent.beat(second))[0] == 200
        assert (await rig.row(agent.droplet_id)).status == "active"

    play(tmp_path, scenario)


def test_another_nonce_is_a_conflict(tmp_path: Path) -> None:
    async def scenario(_rig: Rig, agent: Agent) -> None:
        credential = await agent.let_in()
        assert (await agent.enrol(nonce="n-2"))[0] == 409
        assert (await agent.beat(credential))[0] == 200

    play(tmp_path, scenario)


def test_a_wrong_token_an_unknown_droplet_and_the_token_of_another_are_refused_alike(tmp_path: Path) -> None:
    async def scenario(rig: Rig, agent: Agent) -> None:
        other, _ = await rig.db.write(provision.request, rig.fleet, droplets.DropletSpec("other"))
        for attempt in (
            agent.enrol(token="cgt_nonsense"),
            agent.enrol(token=rig.fleet.tokens.token(other.id)),
            agent.enrol(droplet_id="droplet-none"),
            agent.enrol(token="ä\u0000"),
        ):
            status, reply = await attempt
            assert (status, reply["type"]) == (401, "token-refused")
        assert (await agent.enrol(token=""))[0] == 422
        assert (await agent.enrol())[0] == 200

    play(tmp_path, scenario)


def test_a_token_ends_after_its_life_but_an_order_gives_it_a_new_one(tmp_path: Path) -> None:
    async def scenario(rig: Rig, agent: Agent) -> None:
        rig.clock.ahead = TOKEN_LIFE + SECOND
        assert (await agent.enrol())[0] == 401
        await rig.db.write(droplets.enroll.renew, [agent.droplet_id])
        assert (await agent.enrol())[0] == 200
        rig.clock.ahead = 3 * TOKEN_LIFE
        await rig.db.write(expire_tokens)
        assert (await agent.enrol())[0] == 401

    play(tmp_path, scenario)


def test_a_credential_is_rotated_and_the_old_one_lives_until_the_new_one_was_used(tmp_path: Path) -> None:
    async def scenario(rig: Rig, agent: Agent) -> None:
        old = await agent.let_in()
        rig.clock.ahead = ROTATION - SECOND
        assert (await agent.beat(old))[1]["credential"] is None
        rig.clock.ahead = ROTATION + SECOND
        lost = (await agent.beat(old))[1]["credential"]
        fresh = (await agent.beat(old))[1]["credential"]
        assert lost != fresh
        assert (await agent.beat(lost))[0] == 401
        assert (await agent.beat(fresh)) == (200, (await agent.beat(fresh))[1])
        assert (await agent.beat(fresh))[1]["credential"] is None
        assert (await agent.beat(old))[0] == 401
        rig.clock.ahead = 2 * ROTATION + 2 * SECOND
        assert (await agent.beat(fresh))[1]["credential"] is not None

    play(tmp_path, scenario)


def test_a_credential_past_its_life_is_replaced_not_refused(tmp_path: Path) -> None:
    async def scenario(rig: Rig, agent: Agent) -> None:
        old = await agent.let_in()
        rig.clock.ahead = 30 * CREDENTIAL_LIFE
        status, reply = await agent.beat(old)
        assert status == 200
        assert (await agent.beat(reply["credential"]))[0] == 200
        assert (await agent.beat(old))[0] == 401

    play(tmp_path, scenario)


@settings(max_examples=15)
@given(st.lists(st.tuples(st.floats(0, 30), st.booleans()), max_size=20))
def test_no_sequence_of_outages_and_lost_replies_locks_an_agent_out(moves: list[tuple[float, bool]]) -> None:
    async def run(path: Path) -> None:
        async with parts(path) as rig:
            droplet, _ = await rig.db.write(provision.request, rig.fleet, droplets.DropletSpec("solo"))
            agent, passed = Agent(rig, droplet.id), dt.timedelta()
            credential = await agent.let_in()
            for hours, lost in moves:
                passed += dt.timedelta(hours=hours)
                rig.clock.ahead = passed
                status, reply = await agent.beat(credential)
                assert status == 200
                if reply["credential"] and not lost:
                    credential = reply["credential"]

    _in_a_directory(run)


def _in_a_directory(run: Callable[[Path], Awaitable[None]]) -> None:
    import tempfile  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(run(Path(directory)))  # type: ignore[arg-type]


def test_a_wrong_credential_and_none_are_refused(tmp_path: Path) -> None:
    async def scenario(rig: Rig, agent: Agent) -> None:
        assert (await agent.beat("cgc_early"))[0] == 401
        await agent.let_in()
        for wrong in ("cgc_nonsense", "", None, "ä"):
            assert (await agent.beat(wrong))[0] == 401
        assert (await agent.beat("x", droplet_id="droplet-none"))[0] == 401
        assert (await rig.row(agent.droplet_id)).status == "pending"

    play(tmp_path, scenario)


def test_an_agent_of_a_droplet_that_is_going_is_told_to_stop(tmp_path: Path) -> None:
    async def scenario(rig: Rig, agent: Agent) -> None:
        credential = await agent.let_in()
        await agent.beat(credential)
        await rig.db.write(destroy.request, agent.droplet_id)
        assert (await agent.beat(credential))[0] == 410
        assert (await agent.enrol())[0] == 410
        assert (await agent.beat("cgc_nonsense"))[0] == 401

    play(tmp_path, scenario)


def test_what_runs_workloads_is_drained_before_it_is_ended(tmp_path: Path) -> None:
    async def scenario(rig: Rig, agent: Agent) -> None:
        credential = await agent.let_in()
        assert (await agent.beat(credential, workloads=[{"name": "w"}]))[1]["directive"] == "run"
        await rig.db.write(destroy.request, agent.droplet_id)
        assert (await rig.row(agent.droplet_id)).status == "draining"
        job_id = (await rig.row(agent.droplet_id)).job_id
        assert (await agent.beat(credential, workloads=[{"name": "w"}]))[1]["directive"] == "drain"
        assert await rig.db.write(destroy._drained, job_id) == 1
        await agent.beat(credential, workloads=[])
        assert await rig.db.write(destroy._drained, job_id) == 0
        assert (await rig.row(agent.droplet_id)).status == "deleting"
        assert (await agent.beat(credential))[0] == 410

    play(tmp_path, scenario)


def test_draining_ends_when_its_time_is_over(tmp_path: Path) -> None:
    async def scenario(rig: Rig, agent: Agent) -> None:
        await agent.beat(await agent.let_in(), workloads=[{"name": "w"}])
        _, job = await rig.db.write(destroy.request, agent.droplet_id)
        rig.clock.ahead = dt.timedelta(seconds=destroy.DRAIN_SECONDS + 1)
        assert await rig.db.write(destroy._drained, job.id) == 0
        assert (await rig.row(agent.droplet_id)).status == "deleting"

    play(tmp_path, scenario)


def test_a_large_fleet_is_told_to_report_less_often(tmp_path: Path) -> None:
    async def scenario(rig: Rig, agent: Agent) -> None:
        credential = await agent.let_in()
        assert (await agent.beat(credential))[1]["heartbeat_seconds"] == 0.1
        rig.fleet.in_use = {"simulated": 10_000}
        assert (await agent.beat(credential))[1]["heartbeat_seconds"] == 25.0

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/enroll", {}),
        ("/enroll", {"droplet_id": "", "token": "x", "nonce": "y"}),
        ("/heartbeat", {"droplet_id": "d", "metrics": {"cpu": -1}}),
        ("/heartbeat", {"droplet_id": "d", "metrics": {"cpu": "hot"}}),
        ("/heartbeat", {"droplet_id": "d", "workloads": [1]}),
        ("/heartbeat", {"droplet_id": "d" * 65}),
        ("/elsewhere", {}),
    ],
)
def test_what_is_no_report_is_refused(tmp_path: Path, path: str, body: dict[str, Any]) -> None:
    async def scenario(rig: Rig, _agent: Agent) -> None:
        assert (await rig.desk.call(path, body, "cgc_x"))[0] in (400, 422)

    play(tmp_path, scenario)


def test_many_reports_at_once_are_answered_each_by_its_own(tmp_path: Path) -> None:
    async def scenario(rig: Rig, agent: Agent) -> None:
        made = await asyncio.gather(
            *(rig.db.write(provision.request, rig.fleet, droplets.DropletSpec(f"d-{n}")) for n in range(30))
        )
        agents = [Agent(rig, droplet.id) for droplet, _ in made]
        credentials = await asyncio.gather(*(one.let_in() for one in agents))
        shifted = [*credentials[1:], "cgc_nonsense"]
        answers = await asyncio.gather(
            *(one.beat(right) for one, right in zip(agents, credentials, strict=True)),
            *(one.beat(wrong) for one, wrong in zip(agents, shifted, strict=True)),
            *(one.beat(right) for one, right in zip(agents, credentials, strict=True)),
        )
        assert [status for status, _ in answers] == [200] * 30 + [401] * 30 + [200] * 30
        assert [row.version for row in await rig.rows(status="active")] == [2] * 30

    play(tmp_path, scenario)
