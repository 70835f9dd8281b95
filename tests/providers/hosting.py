"""Host a driver in a process of its own, so that a test can kill it: `hosting KIND[:PORT] DIRECTORY COUNT`."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from tests.providers.accounts import Account, LocalAccount, SharedAccount, SimulatedAccount, opened
from tests.providers.orders import order


async def host(account: Account, count: int) -> None:
    """Order machines, print their refs, and wait to be killed."""
    async with opened(account.driver()) as driver:
        for n in range(count):
            sys.stdout.write((await driver.create(order(f"droplet-{n}"))).ref + "\n")
            sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    kind, _, port = sys.argv[1].partition(":")
    place = Path(sys.argv[2])
    accounts: dict[str, Callable[[], Account]] = {
        "local": lambda: LocalAccount(place),
        "simulated": lambda: SimulatedAccount(place),
        "shared": lambda: SharedAccount(place, int(port)),
    }
    asyncio.run(host(accounts[kind](), int(sys.argv[3])))
