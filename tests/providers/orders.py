"""Orders to drive providers with, for every test that needs one."""

from clustergenie.providers import Bootstrap, Order

OURS = "ours"
NOWHERE = "http://127.0.0.1:9"  # nothing listens on the discard port


def order(
    droplet_id: str = "droplet-1",
    *,
    installation: str = OURS,
    size: str = "s-1vcpu-1gb",
    region: str = "nyc1",
    image: str = "debian-12-x64",
    server: str = NOWHERE,
    token: str = "cgt-secret",  # noqa: S107  a secret to nobody
    heartbeat_seconds: float = 0.2,
    cluster_id: str | None = "cluster-1",
) -> Order:
    """One order; every part can be chosen."""
    return Order(
        installation=installation,
        droplet_id=droplet_id,
        name=f"{droplet_id}-name",
        cluster_id=cluster_id,
        region=region,
        size=size,
        image=image,
        bootstrap=Bootstrap(server=server, droplet_id=droplet_id, token=token, heartbeat_seconds=heartbeat_seconds),
    )
