"""What every driver must do: one suite, each test run against every provider there is."""

import asyncio
import datetime as dt
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from clustergenie.platform.errors import Problem
from clustergenie.providers import (
    Driver,
    Machine,
    MachineNotFound,
    NoAnswer,
    NoCapacity,
    OverQuota,
    Refused,
    Throttled,
)
from tests.providers.accounts import Account, LocalAccount, SharedAccount, SimulatedAccount, opened
from tests.providers.orders import OURS, order
from tests.waiting import poll_until_async

Scenario = Callable[[Driver], Awaitable[None]]


ACCOUNTS: dict[str, Callable[[Path], Account]] = {
    "local": LocalAccount,
    "simulated": SimulatedAccount,
    "shared": SharedAccount,
}


@pytest.fixture(params=ACCOUNTS)
def account(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Account]:
    found = ACCOUNTS[request.param](tmp_path)
    yield found
    found.cancel()


def play(account: Account, *scenarios: Scenario, installation: str = OURS) -> None:
    """Play each scenario with a driver of its own, as a control plane does that restarts between them."""
    for scenario in scenarios:

        async def run(scenario: Scenario = scenario) -> None:
            async with opened(account.driver(installation)) as driver:
                await scenario(driver)

        asyncio.run(run())


def test_an_order_becomes_a_machine_that_is_found_until_it_is_destroyed(account: Account) -> None:
    async def scenario(driver: Driver) -> None:
        assert await driver.list() == []
        made = await driver.create(order())
        assert (await driver.get(made.ref)).ref == made.ref
        assert [machine.ref for machine in await driver.list()] == [made.ref]
        await driver.destroy(made.ref)
        with pytest.raises(MachineNotFound):
            await driver.get(made.ref)
        assert await driver.list() == []

    play(account, scenario)
    assert account.leftovers() == []


def test_a_machine_carries_what_was_ordered(account: Account) -> None:
    async def scenario(driver: Driver) -> None:
        before = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
        wish = order("droplet-7", size="s-2vcpu-4gb", region="fra1", image="ubuntu-24-04-x64", cluster_id="cluster-9")
        made = await driver.create(wish)
        wanted = (wish.droplet_id, wish.name, wish.cluster_id, wish.region, wish.size, wish.image)
        for machine in (made, await driver.get(made.ref), *await driver.list()):
            carried = (
                machine.droplet_id,
                machine.name,
                machine.cluster_id,
                machine.region,
                machine.size,
                machine.image,
            )
            assert carried == wanted
            assert machine.provider == driver.name
            assert before <= machine.created_at <= dt.datetime.now(dt.UTC)
            assert machine.address
            assert machine.limits
        size = (await driver.catalog()).size("s-2vcpu-4gb")
        assert size is not None
        assert made.hourly_usd_micros == size.hourly_usd_micros

    play(account, scenario)


def test_a_machine_runs_after_a_moment(account: Account) -> None:
    async def scenario(driver: Driver) -> None:
        made = await driver.create(order())

        async def runs() -> bool:
            return (await driver.get(made.ref)).status == "running"

        await poll_until_async(runs)

    play(account, scenario)


def test_ordered_again_is_the_same_machine(account: Account) -> None:
    async def scenario(driver: Driver) -> None:
        first, second = await driver.create(order()), await driver.create(order(token="another"))
        assert first.ref == second.ref
        assert len(await driver.list()) == 1

    play(account, scenario)


def test_ordered_many_times_at_once_is_one_machine(account: Account) -> None:
    async def scenario(driver: Driver) -> None:
        made = await asyncio.gather(*(driver.create(order()) for _ in range(20)))
        assert len({machine.ref for machine in made}) == 1
        assert len(await driver.list()) == 1

    play(account, scenario)


def test_ordered_again_by_the_next_control_plane_is_the_same_machine(account: Account) -> None:
    refs = []

    async def scenario(driver: Driver) -> None:
        refs.append((await driver.create(order())).ref)
        assert [machine.ref for machine in await driver.list()] == refs[:1]

    play(account, scenario, scenario, scenario)
    assert len(set(refs)) == 1


def test_different_orders_are_different_machines(account: Account) -> None:
    async def scenario(driver: Driver) -> None:
        made = await asyncio.gather(*(driver.create(order(f"droplet-{n}")) for n in range(10)))
        assert len({machine.ref for machine in made}) == 10
        assert len({(machine.address, machine.port) for machine in made}) == 10
        assert {machine.droplet_id for machine in await driver.list()} == {f"droplet-{n}" for n in range(10)}

    play(account, scenario)


def test_destroying_what_is_gone_succeeds(account: Account) -> None:
    async def scenario(driver: Driver) -> None:
        made = await driver.create(order())
        await asyncio.gather(driver.destroy(made.ref), driver.destroy(made.ref))
        await driver.destroy(made.ref)
        await driver.destroy("sim-99999999")
        await driver.destroy("../../etc")

    play(account, scenario)
    assert account.leftovers() == []


def test_a_ref_that_never_was_is_not_found(account: Account) -> None:
    async def scenario(driver: Driver) -> None:
        for ref in ("droplet-404", "", "../ours", "x" * 5000, "\0"):
            with pytest.raises(MachineNotFound):
                await driver.get(ref)

    play(account, scenario)


def test_a_destroyed_machine_can_be_ordered_anew(account: Account) -> None:
    async def scenario(driver: Driver) -> None:
        for _ in range(3):
            made = await driver.create(order())
            await driver.destroy(made.ref)
        await driver.create(order())
        assert len(await driver.list()) == 1

    play(account, scenario)


def test_machines_of_another_installation_are_neither_seen_nor_touched(account: Account) -> None:
    made: list[Machine] = []

    async def theirs(driver: Driver) -> None:
        made.append(await driver.create(order("droplet-t", installation="theirs")))

    async def ours(driver: Driver) -> None:
        assert await driver.list() == []
        with pytest.raises(MachineNotFound):
            await driver.get(made[0].ref)
        await driver.destroy(made[0].ref)
        with pytest.raises(Refused):
            await driver.create(order("droplet-t", installation="theirs"))

    async def still_there(driver: Driver) -> None:
        assert [machine.ref for machine in await driver.list()] == [made[0].ref]

    play(account, theirs, installation="theirs")
    play(account, ours)
    play(account, still_there, installation="theirs")


def test_a_size_that_does_not_exist_is_refused_with_the_ones_that_do(account: Account) -> None:
    async def scenario(driver: Driver) -> None:
        with pytest.raises(Refused, match="s-1vcpu-1gb"):
            await driver.create(order(size="s-900vcpu"))
        assert await driver.list() == []

    play(account, scenario)
    assert account.leftovers() == []


def test_the_catalog_lists_what_can_be_ordered(account: Account) -> None:
    async def scenario(driver: Driver) -> None:
        catalog = await driver.catalog()
        for things in (catalog.regions, catalog.sizes, catalog.images):
            slugs = [thing.slug for thing in things]
            assert slugs
            assert len(set(slugs)) == len(slugs)
        for size in catalog.sizes:
            assert size.vcpus > 0
            assert size.memory_mb > 0
            assert size.disk_gb > 0
            assert size.hourly_usd_micros >= 0
            wish = order(
                f"droplet-{size.slug}",
                size=size.slug,
                region=catalog.regions[0].slug,
                image=catalog.images[0].slug,
            )
            assert (await driver.create(wish)).size == size.slug
        assert catalog.any_region or "atlantis" not in {region.slug for region in catalog.regions}

    play(account, scenario)


def test_unknown_slugs_are_labels_where_the_catalog_says_so_and_refused_elsewhere(account: Account) -> None:
    async def scenario(driver: Driver) -> None:
        catalog = await driver.catalog()
        for wish, free in (
            (order(region="atlantis"), catalog.any_region),
            (order(image="minix"), catalog.any_image),
        ):
            if free:
                assert (await driver.create(wish)).droplet_id == wish.droplet_id
            else:
                with pytest.raises(Refused):
                    await driver.create(wish)

    play(account, scenario)


def test_a_crashed_machine_is_stopped_and_runs_again_when_ordered_again(account: Account) -> None:
    async def scenario(driver: Driver) -> None:
        made = await driver.create(order())
        account.crash(driver, made)

        async def shows(status: str) -> bool:
            return [(machine.ref, machine.status) for machine in await driver.list()] == [(made.ref, status)]

        await poll_until_async(lambda: shows("stopped"))
        assert (await driver.create(order(token="fresh"))).ref == made.ref
        await poll_until_async(lambda: shows("running"))
        account.crash(driver, made)
        await driver.destroy(made.ref)

    play(account, scenario)
    assert account.leftovers() == []


def test_a_create_that_nobody_waits_for_any_more_leaves_at_most_one_machine(account: Account) -> None:
    async def scenario(driver: Driver) -> None:
        for turns in range(12):
            task = asyncio.create_task(driver.create(order()))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            made = await driver.create(order())
            assert [machine.ref for machine in await driver.list()] == [made.ref]
            await driver.destroy(made.ref)

    play(account, scenario)
    assert account.leftovers() == []


def test_creating_and_destroying_at_once_ends_with_nothing_after_one_more_destroy(account: Account) -> None:
    async def scenario(driver: Driver) -> None:
        made = await driver.create(order())
        await asyncio.gather(*(call for _ in range(5) for call in (driver.destroy(made.ref), driver.create(order()))))
        for machine in await driver.list():
            await driver.destroy(machine.ref)
        assert await driver.list() == []

    play(account, scenario)
    assert account.leftovers() == []


def test_machines_outlive_a_control_plane_that_is_killed(account: Account, tmp_path: Path) -> None:
    hosting = [sys.executable, "-m", "tests.providers.hosting", account.hosting, str(tmp_path), "5"]
    with subprocess.Popen(hosting, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        refs = [host.stdout.readline().strip() for _ in range(5)]
        host.kill()

    async def scenario(driver: Driver) -> None:
        assert sorted(machine.ref for machine in await driver.list()) == sorted(refs)
        again = [(await driver.create(order(f"droplet-{n}"))).ref for n in range(5)]
        assert again == refs
        assert len(await driver.list()) == 5
        await asyncio.gather(*(driver.destroy(ref) for ref in refs))

    play(account, scenario)
    assert account.leftovers() == []


def test_a_token_is_never_shown() -> None:
    assert "cgt-secret" not in f"{order()!r} {order().bootstrap} {order().bootstrap!r}"


@pytest.mark.parametrize(
    ("problem", "status"),
    [(MachineNotFound, 404), (NoCapacity, 503), (OverQuota, 409), (Throttled, 429), (Refused, 422), (NoAnswer, 503)],
)
def test_each_word_for_a_failure_is_a_problem_a_user_can_read(problem: type[Problem], status: int) -> None:
    assert problem.status == status
    assert problem.title().endswith(".")


def test_being_throttled_says_for_how_long() -> None:
    assert Throttled(retry_after=2.5).retry_after == 2.5
    assert Throttled(retry_after=3).headers() == {"Retry-After": "3"}
