"""Tell which addresses and URLs a user may make this server call: decisions only, nothing is looked up here."""

import ipaddress
import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from clustergenie.platform.errors import Invalid

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LONGEST = 2_048
_PORTS = {"https": 443, "http": 80}
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z)({_LABEL}\.)*{_LABEL}")
# https://url.spec.whatwg.org/#ends-in-a-number-checker: such a host is an IPv4 address to some resolver or other.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_NETWORKS = tuple(
    ipaddress.ip_network(each)
    for each in (
        "168.63.129.16/32",  # Azure's host, which hands out credentials, at a public address
        "192.88.99.0/24",  # 6to4 relays
        "fec0::/10",  # site-local, deprecated and still routed by some
        "2001::/23",  # protocol assignments, Teredo among them
        "::/96",  # IPv4-compatible
    )
)
_METADATA = frozenset(
    ipaddress.ip_address(each)
    for each in ("169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class UnsafeUrl(Invalid):
    """The server does not call that address."""


class Target(NamedTuple):
    """Where a checked URL leads."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """As in a Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.authority}"


class Allowed:
    """The internal hosts that may be called all the same, also without TLS: names, addresses and networks."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self._names: set[str] = set()
        self._networks: list[Network] = []
        for entry in entries:
            try:
                self._networks.append(ipaddress.ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                self._names.add(entry.lower())

    def names(self, host: str) -> bool:
        """Whether a host is one of them by its name, or by its address where it is written as one."""
        return host in self._names or ((address := _address(host)) is not None and self.has(address))

    def has(self, address: Address) -> bool:
        """Whether an address is in one of the networks."""
        return any(address in network for network in self._networks if network.version == address.version)


def target(url: str, allowed: Allowed) -> Target:
    """Read a URL as strictly as can be. Raises UnsafeUrl with what is wrong with it."""
    if len(url) > LONGEST or not url.isascii() or any(char <= " " or char in '\\"<>^`{|}\x7f' for char in url):
        raise UnsafeUrl("A URL is at most 2048 printable ASCII characters (write other scripts as punycode).")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UnsafeUrl(f"That is not a URL: {error}.") from error
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    if scheme not in _PORTS or not host or port == 0:
        raise UnsafeUrl("A URL begins with https:// and a host.")
    if parts.username is not None or parts.password is not None:
        raise UnsafeUrl("A URL with a user or password in it is not called; credentials have settings of their own.")
    _check_host(host)
    if scheme == "http" and not allowed.names(host):
        raise UnsafeUrl(f"{host} is called by https only, unless CLUSTERGENIE_OUTBOUND_ALLOW lists it.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(scheme, host, port or _PORTS[scheme], path)


def _check_host(host: str) -> None:
    if _address(host) is None and (not _NAME.fullmatch(host) or _NUMBER.fullmatch(host.rpartition(".")[2])):
        raise UnsafeUrl(f"{host!r} is neither a host name nor an address in its usual form.")


def _address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host) if "%" not in host else None
    except ValueError:
        return None


def check_all(host: str, found: Iterable[str], allowed: Allowed) -> list[Address]:
    """The addresses of a host, when every one of them may be called. Raises UnsafeUrl.

    One bad address among good ones is refused as well: it would be a matter of luck which is taken.
    """
    addresses = [ipaddress.ip_address(each.partition("%")[0]) for each in found]
    named = allowed.names(host)
    for address in addresses:
        if any(each in _METADATA for each in _meanings(address)):
            raise UnsafeUrl(f"{host} leads to a cloud's metadata service, which is never called.")
        if not (named or allowed.has(address) or is_public(address)):
            raise UnsafeUrl(
                f"{host} leads to an address that is not public; CLUSTERGENIE_OUTBOUND_ALLOW lists internal hosts that "
                "may be called."
            )
    return addresses


def is_public(address: Address) -> bool:
    """Whether an address, and every IPv4 address it may stand for, belongs to the public internet."""
    return all(
        each.is_global
        and not (each.is_multicast or each.is_reserved or each.is_private or each.is_link_local)
        and not any(each in network for network in _NETWORKS if network.version == each.version)
        for each in _meanings(address)
    )


def _meanings(address: Address) -> list[Address]:
    """An address and the IPv4 addresses that are wrapped in it."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    inside: list[Address] = []
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        inside.append(address.sixtofour)
    if address in _NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    if int(address) >> 32 == 0:
        inside.append(ipaddress.IPv4Address(int(address)))
    return [address, *inside]
