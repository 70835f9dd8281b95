"""What the work on droplets needs at run time: the drivers, what they offer, and this installation's secrets."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, insert, select, update

from clustergenie.droplets import plan
from clustergenie.droplets.enroll import Tokens
from clustergenie.droplets.placing import Market
from clustergenie.droplets.tables import droplets, installation
from clustergenie.placement import Offer
from clustergenie.platform import ids
from clustergenie.platform.clock import now
from clustergenie.platform.db import Tx
from clustergenie.platform.errors import Problem
from clustergenie.platform.telemetry import log
from clustergenie.providers import Bootstrap, Catalog, Driver, Machine, Order, UnknownProvider


class Fleet:
    """The providers of this process, by name. `server_url` is where agents find us."""

    def __init__(
        self,
        drivers: Mapping[str, Driver],
        *,
        installation_id: str,
        tokens: Tokens,
        server_url: str,
        default_provider: str,
        heartbeat_seconds: float,
        lost_after_seconds: float,
        enroll_seconds: float = 60.0,
        ca_pem: str | None = None,
    ) -> None:
        self.drivers = drivers
        self.installation_id = installation_id
        self.tokens = tokens
        self.server_url = server_url
        self.ca_pem = ca_pem
        self.default_provider = default_provider
        self.lost_after_seconds = lost_after_seconds
        self.enroll_seconds = enroll_seconds
        self.listening_since = now()
        """Silence before this moment says nothing about an agent: nobody was there to hear it."""
        self.in_use: dict[str, int] = {}
        self._asked_heartbeat = heartbeat_seconds
        self._catalogs: dict[str, Catalog] = {}
        self._unheard = dict.fromkeys(drivers, "it was not asked yet")
        self._asked_at = float("-inf")
        self.silent: dict[str, str] = {}
        """The providers that did not answer when they were asked last, and why."""

    @property
    def deaf_seconds(self) -> float:
        """A pause between looks that is longer than this means that nobody was awake to hear agents."""
        return self.lost_after_seconds / 2

    @property
    def heartbeat_seconds(self) -> float:
        """How often agents should report, given how many there are."""
        return plan.heartbeat_seconds(self._asked_heartbeat, sum(self.in_use.values()))

    def driver(self, name: str) -> Driver:
        """Raises UnknownProvider."""
        if (driver := self.drivers.get(name)) is None:
            raise UnknownProvider(f"There is no provider {name!r}; known: {', '.join(sorted(self.drivers))}.")
        return driver

    def catalog(self, name: str) -> Catalog:
        """What a provider offered when it was last asked. Raises UnknownProvider."""
        self.driver(name)
        return self._catalogs.get(name) or Catalog(regions=[], sizes=[], images=[], note="it has not answered yet")

    def asked_before(self, seconds: float) -> bool:
        """Whether providers were asked for what they offer so long ago."""
        return time.monotonic() - self._asked_at > seconds

    async def refresh(self) -> None:
        """Ask every provider what it offers; one that does not answer keeps its last word."""
        self._asked_at = time.monotonic()
        for name, driver in self.drivers.items():
            try:
                self._catalogs[name] = await driver.catalog()
                self._unheard.pop(name, None)
                self.silent.pop(name, None)
            except Problem as problem:
                self.silent[name] = problem.detail
                if name in self._unheard:
                    self._unheard[name] = problem.detail
                log().warning("provider did not say what it offers", provider=name, error=problem.detail)

    def market(self) -> Market:
        """What wishes are held against."""
        return Market(offers=self.offers(), default_provider=self.default_provider, silent=dict(self._unheard))

    def offers(self) -> list[Offer]:
        """Everything that could be ordered, as placement wants it."""
        return [
            Offer(
                provider=name,
                region=region.slug,
                size=size.slug,
                hourly_usd_micros=size.hourly_usd_micros,
                memory_mb=size.memory_mb,
                available=region.available and size.available,
                any_region=catalog.any_region,
                any_image=catalog.any_image,
                images=tuple(image.slug for image in catalog.images),
                in_use=self.in_use.get(name, 0),
            )
            for name, catalog in self._catalogs.items()
            for region in catalog.regions
            for size in catalog.sizes
        ]

    def order(self, row: Any) -> Order:
        """The order for a droplet's row; the same row always gives the same order."""
        droplet_id: str = row.id
        return Order(
            installation=self.installation_id,
            droplet_id=droplet_id,
            name=row.name,
            cluster_id=row.cluster_id,
            region=row.region,
            size=row.size,
            image=row.image,
            bootstrap=Bootstrap(
                server=self.server_url,
                droplet_id=droplet_id,
                token=self.tokens.token(droplet_id),
                heartbeat_seconds=self.heartbeat_seconds,
                ca_pem=self.ca_pem,
            ),
        )

    async def machines(self) -> tuple[dict[str, list[Machine]], dict[str, str]]:
        """Every machine of ours by provider, and why a provider could not be asked."""
        silent: dict[str, str] = {}

        async def ask(name: str) -> list[Machine] | None:
            try:
                return await self.drivers[name].list()
            except Problem as problem:
                silent[name] = problem.detail
                return None

        names = list(self.drivers)
        lists = await asyncio.gather(*(ask(name) for name in names))
        return {name: found for name, found in zip(names, lists, strict=True) if found is not None}, silent


def count(tx: Tx) -> dict[str, int]:
    """How many droplets each provider carries."""
    there = select(droplets.c.provider, func.count().label("number")).where(droplets.c.status != "deleted")
    return {row.provider: row.number for row in tx.execute(there.group_by(droplets.c.provider))}


def installation_id(tx: Tx, fingerprint: str) -> tuple[str, bool]:
    """This installation's name on its machines' tags, made once, with the database.

    With it, whether this is the secret key that the database was used with before; a first one is noted.
    """
    found = tx.execute(select(installation)).first()
    if found is None:
        made = f"cg-{ids.sortable(tx.now)[-12:]}"
        tx.execute(insert(installation).values(id=made, created_at=tx.now, key_fingerprint=fingerprint))
        return made, True
    if found.key_fingerprint is None:
        note_key(tx, fingerprint)
        return str(found.id), True
    return str(found.id), found.key_fingerprint == fingerprint


def note_key(tx: Tx, fingerprint: str) -> None:
    """From now on this is the secret key."""
    tx.execute(update(installation).values(key_fingerprint=fingerprint))
