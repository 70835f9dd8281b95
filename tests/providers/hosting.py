"""Host a driver in a process of its own, so that a test can kill it: `hosting KIND DIRECTORY COUNT`."""

import asyncio
import sys
from pathlib import Path

from tests.providers.accounts import Account, LocalAccount, SimulatedAccount, opened
from tests.providers.orders import order


async def host(account: Account, count: int) -> None:
    """Order machines, print their refs, and wait to be killed."""
    async with opened(account.driver()) as driver:
        for n in range(count):
            sys.stdout.write((await driver.create(order(f"droplet-{n}"))).ref + "\n")
            sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    kind = LocalAccount if sys.argv[1] == "local" else SimulatedAccount
    asyncio.run(host(kind(Path(sys.argv[2])), int(sys.argv[3])))
