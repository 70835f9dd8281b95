"""Which addresses a user may make the server call: properties, and the list of tricks."""

import ipaddress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clustergenie.platform.addresses import Allowed, UnsafeUrl, check_all, is_public, target

NOBODY = Allowed()
INTERNAL = [
    ipaddress.ip_network(each)
    for each in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        *("224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32"),
        *("::/127", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "2001:db8::/32", "2001::/32"),
    )
]


def addresses_of(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> st.SearchStrategy[str]:
    first, last = int(network.network_address), int(network.broadcast_address)
    kind = ipaddress.IPv4Address if network.version == 4 else ipaddress.IPv6Address
    return st.integers(first, last).map(lambda number: str(kind(number)))


internal = st.sampled_from(INTERNAL).flatmap(addresses_of)
internal_v4 = st.sampled_from([each for each in INTERNAL if each.version == 4]).flatmap(addresses_of)
anything = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)


@given(internal)
@example("169.254.169.254")
@example("100.100.100.200")
@example("fd00:ec2::254")
@example("255.255.255.255")
@example("::")
def test_no_internal_address_is_called(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    with pytest.raises(UnsafeUrl):
        check_all("innocent.example.org", [address], NOBODY)


@given(internal_v4)
def test_no_internal_address_is_called_when_it_is_wrapped(address: str) -> None:
    number = int(ipaddress.IPv4Address(address))
    wrapped = [f"::ffff:{address}", f"64:ff9b::{address}", str(ipaddress.IPv6Address((0x2002 << 112) | (number << 80)))]
    for each in [*wrapped, f"::{address}"]:
        with pytest.raises(UnsafeUrl):
            check_all("innocent.example.org", [each], NOBODY)


@given(st.lists(anything, max_size=4), internal, st.lists(anything, max_size=4))
def test_one_internal_address_among_others_refuses_the_name(before: list[str], bad: str, after: list[str]) -> None:
    with pytest.raises(UnsafeUrl):
        check_all("innocent.example.org", [*before, bad, *after], NOBODY)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "2a00:1450::1"])
def test_a_public_address_is_called(address: str) -> None:
    assert check_all("example.org", [address], NOBODY) == [ipaddress.ip_address(address)]


@given(internal)
def test_what_is_listed_may_be_called_but_metadata_never(address: str) -> None:
    allowed = Allowed(["0.0.0.0/0", "::/0", "innocent.example.org"])
    metadata = {"169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"}
    if address in metadata:
        with pytest.raises(UnsafeUrl, match="metadata"):
            check_all("innocent.example.org", [address], allowed)
    else:
        assert check_all("innocent.example.org", [address], allowed)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://example.org/",
        "javascript:alert(1)",
        "//example.org/",
        "example.org",
        "",
        "https://",
        "https:///path",
        "https://user:password@example.org/",
        "https://user@example.org/",
        "https://@example.org/",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://example.org:port/",
        "https://example.org\\@127.0.0.1/",
        "https://example.org\t/",
        "https://example.org/a b",
        "https://example.org/\r\nHost: evil",
        "https://exämple.org/",
        "https://\uff11\uff12\uff17.0.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://1.2.3.4.5/",
        "https://256.256.256.256/",
        "https://example.0x10/",
        "https://[::1%25eth0]/",
        "https://[fe80::1%eth0]/",
        "https://[::ffff:127.0.0.1",
        "https://exa_mple..org/",
        "https://.example.org/",
        "https://example.org./",
        "https://" + "a" * 300 + ".org/",
        "https://example.org/" + "a" * 3_000,
    ],
)
def test_what_is_no_plain_url_is_refused(url: str) -> None:
    with pytest.raises(UnsafeUrl):
        target(url, NOBODY)


@given(st.text(max_size=60))
@example("https://127.0.0.1\\.example.org")
def test_any_text_is_a_checked_target_or_refused(text: str) -> None:
    for url in (text, f"https://{text}", f"https://example.org/{text}"):
        try:
            found = target(url, NOBODY)
        except UnsafeUrl:
            continue
        assert found.scheme == "https"
        assert found.host.isascii()
        assert not set(found.host + found.path) & set(" \r\n\t\\@") - set("@" if "@" in found.path else "")


def test_http_is_for_listed_hosts_only() -> None:
    allowed = Allowed(["idp.internal", "10.1.0.0/16", "::1"])
    for url in ("http://idp.internal:8080/a?b", "http://10.1.2.3/", "http://[::1]:9/"):
        assert target(url, allowed).scheme == "http"
    for url in ("http://other.internal/", "http://10.2.0.1/", "http://example.org/"):
        with pytest.raises(UnsafeUrl, match="https only"):
            target(url, allowed)
