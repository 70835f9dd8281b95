"""A simulated cloud in a process of its own serves several control planes, and its agents find whichever answers."""

import asyncio
import http.client
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from clustergenie.providers import NoAnswer, Refused, SimulatedDriver
from tests.agent.control_plane import ControlPlane
from tests.live_server import free_port
from tests.providers.accounts import opened
from tests.providers.cloud_process import CloudProcess
from tests.providers.orders import OURS, order
from tests.waiting import poll_until


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[CloudProcess]:
    process = CloudProcess(tmp_path / "cloud").start()
    yield process
    process.stop()


def play(cloud: CloudProcess, scenario: Callable[[SimulatedDriver], Awaitable[None]]) -> None:
    async def run() -> None:
        async with opened(SimulatedDriver("there", OURS, url=cloud.url)) as driver:
            await scenario(driver)

    asyncio.run(run())


def test_an_agent_goes_on_with_the_other_server_when_one_dies(cloud: CloudProcess) -> None:
    with ControlPlane() as living:
        with ControlPlane() as dying:
            living.tokens, living.credentials = dying.tokens, dying.credentials

            async def scenario(driver: SimulatedDriver) -> None:
                await driver.create(order(server=f"{dying.url},{living.url}"))

            play(cloud, scenario)
            poll_until(lambda: len(dying.heartbeats) >= 2)
            assert not living.heartbeats
        poll_until(lambda: len(living.heartbeats) >= 2)
        assert len(dying.enrolments) + len(living.enrolments) == 1


def test_and_when_one_says_that_it_cannot(cloud: CloudProcess) -> None:
    with ControlPlane() as living, ControlPlane() as draining:
        draining.script("enroll", *[503] * 50)

        async def scenario(driver: SimulatedDriver) -> None:
            await driver.create(order(server=f"{draining.url},{living.url}"))

        play(cloud, scenario)
        poll_until(lambda: len(living.heartbeats) >= 2)


def test_its_machines_and_their_credentials_outlive_a_kill(cloud: CloudProcess) -> None:
    with ControlPlane() as plane:

        async def scenario(driver: SimulatedDriver) -> None:
            await driver.create(order(server=plane.url))

        play(cloud, scenario)
        poll_until(lambda: len(plane.heartbeats) >= 1)
        cloud.kill()
        cloud.start()
        before = len(plane.heartbeats)
        poll_until(lambda: len(plane.heartbeats) >= before + 2)
        assert len(plane.enrolments) == 1


def test_two_drivers_that_both_saw_nothing_make_two_machines_as_a_real_cloud_would(cloud: CloudProcess) -> None:
    """What keeps replicas from doing this is theirs to do, and must not be hidden by a cloud that is too kind."""
    cloud.mischief("weather", list_lag_seconds=60.0)

    async def scenario(driver: SimulatedDriver) -> None:
        await driver.create(order())

    play(cloud, scenario)
    play(cloud, scenario)
    assert len(cloud.machines()) == 2


def test_a_cloud_that_is_away_is_no_answer_and_is_asked_again() -> None:
    cloud = f"http://127.0.0.1:{free_port()}"

    async def run() -> None:
        async with opened(SimulatedDriver("there", OURS, url=cloud)) as driver:
            for ask in (driver.list, driver.catalog, lambda: driver.create(order())):
                with pytest.raises(NoAnswer, match="does not answer"):
                    await ask()

    asyncio.run(run())


def test_secrets_of_machines_are_not_shown(cloud: CloudProcess) -> None:
    async def scenario(driver: SimulatedDriver) -> None:
        await driver.create(order(token="cgt-very-secret"))

    play(cloud, scenario)
    assert "cgt-very-secret" not in str(cloud.machines())


def test_scripted_refusals_arrive_as_the_words_they_are(cloud: CloudProcess) -> None:
    cloud.mischief("weather", refused=1.0)

    async def scenario(driver: SimulatedDriver) -> None:
        with pytest.raises(Refused, match="does not like"):
            await driver.create(order())

    play(cloud, scenario)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/machines", b"{"),
        ("POST", "/machines", b"[]"),
        ("PUT", "/machines/x", b'{"ref": 1}'),
        ("PATCH", "/machines", b""),
        ("GET", "/nowhere", b""),
        ("POST", "/chaos/weather", b'{"seed": "x"}'),
        ("POST", "/chaos/weather", b"[1]"),
        ("POST", "/chaos/lose-replies", b'{"times": "many"}'),
        ("POST", "/chaos/earthquake", b"{}"),
        ("GET", "/machines/%ff%00", b""),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(cloud: CloudProcess, method: str, path: str, body: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=5)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        assert 400 <= answer.status < 500
        assert b'"detail"' in answer.read()
    finally:
        connection.close()
