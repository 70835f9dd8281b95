"""Simulated agents speak the real wire: they enrol, report, rotate, fall silent and come back."""

import asyncio

import pytest

from clustergenie.providers import (
    MachineNotFound,
    SimulatedDriver,
)
from clustergenie.providers.simulated import CALM, Level, Load, Weather
from tests.providers.accounts import opened
from tests.providers.orders import OURS, order
from tests.providers.plane import Plane, play, quiet
from tests.waiting import poll_until_async


def test_agents_enrol_once_their_machine_has_booted() -> None:
    plane = Plane()

    async def scenario(driver: SimulatedDriver) -> None:
        made = await driver.create(order(token="t-1"))
        assert made.status == "starting"
        assert plane.calls == []
        await plane.beaten("droplet-1")
        assert (await driver.get(made.ref)).status == "running"
        (enrolment,) = plane.enrolments()
        assert enrolment["token"] == "t-1"
        assert enrolment["address"] == made.address

    play(scenario, plane=plane, weather=Weather(create_seconds=(0, 0), boot_seconds=(0.1, 0.1)))


def test_an_agent_that_is_told_no_tries_again_and_one_that_is_gone_does_not() -> None:
    plane = Plane()
    plane.status["droplet-1"] = 503

    async def scenario(driver: SimulatedDriver) -> None:
        await driver.create(order())

        async def tried() -> bool:
            return len(plane.calls) >= 2

        await poll_until_async(tried)
        del plane.status["droplet-1"]
        await plane.beaten("droplet-1")
        plane.status["droplet-1"] = 410
        await poll_until_async(lambda: quiet(plane))
        assert len({body["nonce"] for body in plane.enrolments()}) == 1

    play(scenario, plane=plane)


def test_a_refused_credential_gives_way_to_a_new_token() -> None:
    plane = Plane()

    async def scenario(driver: SimulatedDriver) -> None:
        await driver.create(order())
        await plane.beaten("droplet-1")
        await driver.create(order(token="second"))
        plane.status["droplet-1"] = 401

        async def second() -> bool:
            return any(body["token"] == "second" for body in plane.enrolments())

        await poll_until_async(second)
        del plane.status["droplet-1"]
        await plane.beaten("droplet-1")

    play(scenario, plane=plane)


def test_a_frozen_agent_is_silent_until_it_thaws_and_then_speaks_once_at_a_time() -> None:
    plane = Plane(heartbeat_seconds=0.05)

    async def scenario(driver: SimulatedDriver) -> None:
        made = await driver.create(order())
        await plane.beaten("droplet-1")
        driver.chaos.freeze("droplet-1")
        await poll_until_async(lambda: quiet(plane))
        assert (await driver.get(made.ref)).status == "running"
        driver.chaos.thaw(made.ref)
        driver.chaos.freeze("droplet-1")
        driver.chaos.thaw("droplet-1")
        await plane.beaten("droplet-1", 5)
        assert len(driver.chaos.agents._turn) == 1 if driver.chaos.agents else False

    play(scenario, plane=plane)


def test_a_crash_is_reported_and_silences_the_machine() -> None:
    plane = Plane()
    gone: list[str] = []

    async def run() -> None:
        driver = SimulatedDriver("there", OURS, call=plane, weather=CALM, on_gone=gone.append)
        async with opened(driver):
            await driver.create(order("droplet-1"))
            second = await driver.create(order("droplet-2"))
            await plane.beaten("droplet-1")
            driver.chaos.crash("droplet-1")
            driver.chaos.vanish("droplet-2")
            assert gone == ["droplet-1", "droplet-2"]
            with pytest.raises(MachineNotFound):
                await driver.get(second.ref)
            await poll_until_async(lambda: quiet(plane))
            with pytest.raises(MachineNotFound):
                driver.chaos.crash("droplet-3")

    asyncio.run(run())


def test_machines_crash_by_chance_if_the_weather_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clustergenie.providers.simulated.site.CRASH_CHECK_SECONDS", 0.01)

    async def scenario(driver: SimulatedDriver) -> None:
        for n in range(10):
            await driver.create(order(f"droplet-{n}"))
        driver.chaos.weather.crashes_per_hour = 1e6

        async def all_stopped() -> bool:
            return {machine.status for machine in await driver.list()} == {"stopped"}

        await poll_until_async(all_stopped)

    play(scenario)


def test_load_is_set_by_droplet_or_cluster_and_steps() -> None:
    plane = Plane()

    async def scenario(driver: SimulatedDriver) -> None:
        await driver.create(order("droplet-1", cluster_id="cluster-1"))
        await driver.create(order("droplet-2", cluster_id="cluster-1"))
        await driver.create(order("droplet-3", cluster_id="cluster-2"))
        driver.chaos.load(Load(cpu=Level(50), memory=Level(10, step=80, step_after_seconds=0.2)), of="cluster-1")
        driver.chaos.load(Load(cpu=Level(95, noise=2)), of="droplet-2")
        for n in (1, 2, 3):
            await plane.beaten(f"droplet-{n}")
        assert plane.metrics("droplet-1")["cpu"] == 50
        assert 93 <= plane.metrics("droplet-2")["cpu"] <= 97
        assert plane.metrics("droplet-3")["cpu"] < 20

        async def stepped() -> bool:
            return bool(plane.metrics("droplet-1")["memory"] == 90)

        await poll_until_async(stepped)

    play(scenario, plane=plane)


def test_thousands_of_machines_enrol_with_few_calls_at_once() -> None:
    plane = Plane(heartbeat_seconds=60)

    async def scenario(driver: SimulatedDriver) -> None:
        await asyncio.gather(*(driver.create(order(f"droplet-{n}")) for n in range(3000)))

        async def enrolled() -> bool:
            return len(plane.enrolments()) == 3000

        await poll_until_async(enrolled, 60)
        assert len({machine.ref for machine in await driver.list()}) == 3000
        assert plane.most_under_way <= 256

    play(scenario, plane=plane)
