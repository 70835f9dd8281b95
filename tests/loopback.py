"""Keep the test process on this machine: an audit hook refuses every address that is not loopback."""

import ipaddress
import socket
import sys

_INTERNET = (socket.AF_INET, socket.AF_INET6)
_GUARDED = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_LOCAL_NAMES = {"localhost", "", None}


class OutsideWorld(RuntimeError):
    """A test tried to leave this machine. Not an OSError, so that no `except OSError` hides it."""


def is_local(host: object) -> bool:
    """Whether a host, as sockets take it, is on the loopback interface (or no host at all)."""
    if isinstance(host, bytes):
        host = host.decode()
    if host in _LOCAL_NAMES:
        return True
    try:
        address = ipaddress.ip_address(str(host).split("%", 1)[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def refuse_outside(event: str, args: tuple[object, ...]) -> None:
    """The audit hook: raises OutsideWorld for a look-up, a connection or a datagram to anywhere else."""
    if event == "socket.getaddrinfo":
        host = args[0]
    elif event in _GUARDED and isinstance(args[0], socket.socket) and args[0].family in _INTERNET:
        if not isinstance(args[1], tuple):
            return  # sendmsg on a connected socket names no address
        host = args[1][0]
    else:
        return
    if not is_local(host):
        raise OutsideWorld(f"Tests stay on this machine, but {event} named {host!r}.")


def enforce() -> None:
    """Install the hook for the rest of this process; it cannot be removed."""
    sys.addaudithook(refuse_outside)
