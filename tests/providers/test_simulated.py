"""The simulated cloud misbehaves as real ones do, on demand, and remembers its machines."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from clustergenie.platform.errors import CannotStart, Problem
from clustergenie.providers import (
    MachineNotFound,
    NoAnswer,
    NoCapacity,
    OverQuota,
    Refused,
    SimulatedDriver,
    Throttled,
)
from clustergenie.providers.simulated import CALM, Cloud, Weather
from tests.providers.orders import order
from tests.providers.plane import Plane, play
from tests.waiting import poll_until_async

PROBLEMS: list[Problem] = [NoCapacity(), OverQuota(), Throttled(retry_after=3), Refused()]


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.type_name())
@pytest.mark.parametrize("operation", ["create", "get", "list", "destroy"])
def test_each_operation_fails_as_scripted_and_then_works(operation: str, problem: Problem) -> None:
    async def scenario(driver: SimulatedDriver) -> None:
        made = await driver.create(order())
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "create": lambda: driver.create(order("droplet-2")),
            "get": lambda: driver.get(made.ref),
            "list": driver.list,
            "destroy": lambda: driver.destroy(made.ref),
        }
        driver.chaos.fail(operation, problem)
        with pytest.raises(type(problem)):
            await calls[operation]()
        assert len(await driver.list()) == 1 if operation != "list" else True
        await calls[operation]()

    play(scenario)


def test_a_full_region_has_no_capacity_until_a_machine_leaves() -> None:
    async def scenario(driver: SimulatedDriver) -> None:
        first = await driver.create(order("droplet-1"))
        await driver.create(order("droplet-2"))
        with pytest.raises(NoCapacity, match="nyc1"):
            await driver.create(order("droplet-3"))
        regions = {region.slug: region.available for region in (await driver.catalog()).regions}
        assert not regions["nyc1"]
        assert regions["fra1"]
        await driver.create(order("droplet-3", region="fra1"))
        await driver.destroy(first.ref)
        await driver.create(order("droplet-4"))

    play(scenario, weather=Weather(create_seconds=(0, 0), capacity={"nyc1": 2}))


def test_an_account_has_a_quota() -> None:
    async def scenario(driver: SimulatedDriver) -> None:
        await driver.create(order("droplet-1"))
        with pytest.raises(OverQuota):
            await driver.create(order("droplet-2"))

    play(scenario, weather=Weather(quota=1))


def test_a_lost_reply_leaves_a_machine_that_ordering_again_finds() -> None:
    async def scenario(driver: SimulatedDriver) -> None:
        driver.chaos.lose_replies()
        with pytest.raises(NoAnswer):
            await driver.create(order())
        (there,) = await driver.list()
        assert (await driver.create(order())).ref == there.ref

    play(scenario)


def test_behind_a_list_that_lags_a_lost_reply_can_become_a_duplicate_and_both_are_seen(tmp_path: Path) -> None:
    async def scenario(driver: SimulatedDriver) -> None:
        driver.chaos.lose_replies()
        with pytest.raises(NoAnswer):
            await driver.create(order())
        assert await driver.list() == []
        second = await driver.create(order())

        async def both() -> bool:
            return [machine.droplet_id for machine in await driver.list()] == ["droplet-1"] * 2

        await poll_until_async(both)
        assert (await driver.create(order())).ref == second.ref

    play(scenario, weather=Weather(create_seconds=(0, 0), list_lag_seconds=0.2))


def test_a_list_that_lags_shows_destroyed_machines_for_a_while() -> None:
    async def scenario(driver: SimulatedDriver) -> None:
        made = await driver.create(order())

        async def shown(count: int) -> bool:
            return len(await driver.list()) == count

        await poll_until_async(lambda: shown(1))
        await driver.destroy(made.ref)
        assert await shown(1)
        with pytest.raises(MachineNotFound):
            await driver.get(made.ref)
        await poll_until_async(lambda: shown(0))

    play(scenario, weather=Weather(create_seconds=(0, 0), list_lag_seconds=0.2))


def test_a_cloud_asked_twice_makes_two() -> None:
    async def scenario(driver: SimulatedDriver) -> None:
        await driver.create(order())
        driver.chaos.duplicate(order())
        assert len({machine.ref for machine in await driver.list()}) == 2

    play(scenario)


def outcomes(seed: int) -> list[str]:
    found: list[str] = []

    async def scenario(driver: SimulatedDriver) -> None:
        for n in range(60):
            try:
                await driver.create(order(f"droplet-{n}"))
                found.append("made")
            except Problem as problem:
                found.append(problem.type_name())

    rates = {"no_capacity": 0.2, "throttled": 0.2, "refused": 0.1, "lost_reply": 0.1}
    play(scenario, weather=Weather(seed=seed, create_seconds=(0, 0), **rates))  # type: ignore[arg-type]
    return found


def test_trouble_by_chance_is_the_same_for_the_same_seed(seed: int) -> None:
    first = outcomes(seed)
    assert outcomes(seed) == first
    assert outcomes(seed + 1) != first
    assert set(outcomes(7)) == {"made", "no-capacity", "throttled", "refused", "no-answer"}


def test_machines_and_their_agents_survive_the_end_of_the_process(tmp_path: Path) -> None:
    path = tmp_path / "cloud.jsonl"
    plane, later = Plane(), Plane()

    async def before(driver: SimulatedDriver) -> None:
        for n in range(3):
            await driver.create(order(f"droplet-{n}"))
        await plane.beaten("droplet-2")
        plane.rotate["droplet-2"] = "rotated"
        await plane.beaten("droplet-2", 3)
        await driver.destroy((await driver.list())[0].ref)

    async def after(driver: SimulatedDriver) -> None:
        assert sorted(machine.droplet_id for machine in await driver.list()) == ["droplet-1", "droplet-2"]
        await later.beaten("droplet-2")
        assert later.enrolments() == []
        assert {credential for _, body, credential in later.calls if body["droplet_id"] == "droplet-2"} == {"rotated"}

    play(before, plane=plane, path=path)
    play(after, plane=later, path=path)
    assert path.stat().st_mode & 0o077 == 0


def test_a_line_cut_off_by_a_crash_is_as_good_as_not_written(tmp_path: Path) -> None:
    path = tmp_path / "cloud.jsonl"
    cloud = Cloud(path, CALM)
    cloud.make(order("droplet-1"))
    cloud.make(order("droplet-2"))
    cloud.close()
    whole = path.read_bytes()
    for cut in range(len(whole.split(b"\n")[0]) + 1, len(whole)):
        path.write_bytes(whole[:cut])
        again = Cloud(path, CALM)
        assert [vm.tag for vm in again.machines.values()] == ["droplet-1"]
        again.close()


def test_a_damaged_file_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "cloud.jsonl"
    path.write_bytes(b"nonsense\n")
    with pytest.raises(CannotStart, match=r"Line 1 of .*cloud\.jsonl"):
        Cloud(path)


def test_the_file_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clustergenie.providers.simulated.journal.SPARE_LINES", 10)
    path = tmp_path / "cloud.jsonl"
    cloud = Cloud(path, CALM)
    vm = cloud.make(order("droplet-1"))
    for n in range(1000):
        vm.credential = f"credential-{n}"
        cloud.save(vm)
    cloud.close()
    assert len(path.read_bytes().splitlines()) <= 15
    again = Cloud(path)
    again.close()
    assert again.machines[vm.ref].credential == "credential-999"
