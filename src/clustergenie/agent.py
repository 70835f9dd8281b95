"""Run on a droplet: enrol once, report every few seconds, and answer on the droplet's own address.

One file, standard library only, Python 3.9 syntax. The product serves it to droplets and never imports it.

    python -I -S agent.py --bootstrap FILE --state DIR

The bootstrap file is JSON: server, droplet_id, token; optional heartbeat_seconds, ca_pem, cluster_id, address, port,
scope ("host": the whole machine is the droplet; "session": its processes are), size {vcpus, memory_mb, disk_gb},
cgroups {version, cpu, cpuacct, memory, pids}, orphan_seconds (0: never), backoff_seconds. One thread polls; whatever
waits is a generator that yields what it waits for.
Exit codes: 0 told to stop, 2 unusable bootstrap, 3 another agent runs on this state, 4 the address is taken.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import socket
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any, Union

    Wait = tuple[Union[int, None], int, float]  # a file descriptor (or None: just wait), poll events, deadline
    Task = Generator[Wait, None, None]
    Reply = tuple[int, dict[str, str], dict[str, Any]]

VERSION = "1"
FOREVER = float("inf")
REPLY_LIMIT = 1 << 20
REQUEST_LIMIT = 8192
VISITORS = 64
VISIT_SECONDS = 5.0
CALL_SECONDS = 10.0
SLOWEST_RETRY = 60.0
LOG_LIMIT = 1 << 20
GRACE_SECONDS = 3.0


class Unusable(ValueError):
    """It cannot be used."""


# --- files


def read_json(path: str) -> dict[str, Any]:
    """The JSON object in a file; empty when there is none or it is not readable as one."""
    try:
        with open(path, "rb") as file:
            found = json.loads(file.read(REPLY_LIMIT))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_private(path: str, content: dict[str, Any], durable: bool = True) -> None:
    """Replace a file at once, readable by its owner only; durable: it also survives a power cut."""
    temporary = f"{path}.{os.getpid()}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, json.dumps(content).encode())
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(temporary, path)


def read_text(path: str) -> str:
    """What a small system file says; empty when it cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(65536).decode("utf-8", "replace")
    except OSError:
        return ""


def number(value: object, low: float, high: float) -> float | None:
    """A real number held between two bounds, or None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        return None
    return min(max(float(value), low), high)


def modified(path: str) -> int:
    """When a file changed last, in nanoseconds; 0 when it is not there."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def jitter() -> float:
    """A number in [0, 1). The random module would cost more than everything else here."""
    return int.from_bytes(os.urandom(4), "big") / 2**32


_said: dict[str, tuple[int, float]] = {}


def say(level: str, message: str) -> None:
    """One log line. The same line again is held back for a while, longer each time."""
    count, not_before = _said.get(message, (0, 0.0))
    if time.monotonic() < not_before:
        return
    if len(_said) > 100:
        _said.clear()
    _said[message] = (count + 1, time.monotonic() + min(5.0 * 2**count, 600.0))
    try:
        about = os.fstat(2)
        if about.st_mode & 0o170000 == 0o100000 and about.st_size > LOG_LIMIT:
            os.ftruncate(2, 0)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        os.write(2, json.dumps({"at": stamp, "level": level, "message": message}).encode() + b"\n")
    except OSError:
        pass


# --- waiting


class Loop:
    """Runs generators that yield (file descriptor or None, events, deadline)."""

    def __init__(self) -> None:
        self.poller = select.poll()
        self.waiting: dict[int, tuple[Task, float]] = {}
        self.sleeping: list[tuple[float, Task]] = []
        self.stopped = False

    def run(self) -> None:
        while not self.stopped:
            deadlines = [deadline for _, deadline in self.waiting.values()] + [until for until, _ in self.sleeping]
            pause = max(0.0, min(deadlines, default=FOREVER) - time.monotonic())
            ready = self.poller.poll(None if pause == FOREVER else int(pause * 1000) + 1)
            for descriptor, _ in ready:
                self._forget(descriptor, None)
            self._expire(time.monotonic())

    def _expire(self, now: float) -> None:
        for descriptor in [key for key, (_, deadline) in self.waiting.items() if deadline <= now]:
            self._forget(descriptor, TimeoutError("it took too long"))
        due = [task for until, task in self.sleeping if until <= now]
        self.sleeping = [(until, task) for until, task in self.sleeping if until > now]
        for task in due:
            self.advance(task)

    def _forget(self, descriptor: int, error: Exception | None) -> None:
        entry = self.waiting.pop(descriptor, None)
        if entry is not None:
            self.poller.unregister(descriptor)
            self.advance(entry[0], error)

    def advance(self, task: Task, error: Exception | None = None) -> None:
        try:
            descriptor, events, deadline = task.throw(error) if error else next(task)
        except StopIteration:
            return
        if descriptor is None:
            self.sleeping.append((deadline, task))
        else:
            self.poller.register(descriptor, events)
            self.waiting[descriptor] = (task, deadline)


# --- calling the control plane


def place_of(url: str) -> tuple[bool, str, int, str]:
    """(encrypted, host, port, path prefix) of a server URL; plain HTTP is for this computer only."""
    scheme, found, rest = url.partition("://")
    authority, _, prefix = rest.partition("/")
    if authority.startswith("["):
        host, closed, tail = authority[1:].partition("]")
        port, found = tail.lstrip(":"), closed and found
    else:
        host, _, port = authority.partition(":")
    if (
        not found
        or scheme not in ("http", "https")
        or not host
        or "@" in host
        or (port and not (port.isdigit() and int(port) < 65536))
    ):
        raise Unusable(f"not a server address: {url[:200]!r}")
    if scheme == "http" and not (host in ("localhost", "::1") or host.startswith("127.")):
        raise Unusable(f"plain http is only for a server on this computer, not for {host!r}")
    encrypted = scheme == "https"
    return encrypted, host, int(port or (443 if encrypted else 80)), ("/" + prefix if prefix else "").rstrip("/")


def places_of(urls: str) -> None:
    """Raises Unusable."""
    for url in urls.split(","):
        place_of(url)


def connect(host: str, port: int, deadline: float) -> Generator[Wait, None, socket.socket]:
    """A connected socket that does not block."""
    last: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        link = socket.socket(family, kind, protocol)
        try:
            link.setblocking(False)
            if link.connect_ex(address):
                yield link.fileno(), select.POLLOUT, deadline
            failure = link.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if failure:
                raise OSError(failure, os.strerror(failure))
            return link
        except OSError as error:
            last = error
            link.close()
        except BaseException:
            link.close()
            raise
    raise last


def encrypt(link: socket.socket, host: str, ca_pem: str | None, end: float) -> Generator[Wait, None, socket.socket]:
    """The same link with TLS, the server's certificate verified against the CA we were given."""
    import ssl  # noqa: PLC0415  costs 3 MB, and a local droplet never needs it

    context = ssl.create_default_context(cadata=ca_pem)
    secure = context.wrap_socket(link, server_hostname=host, do_handshake_on_connect=False)
    while True:
        try:
            secure.do_handshake()
            return secure
        except OSError as error:
            yield secure.fileno(), blocked(error, select.POLLIN), end


def blocked(error: OSError, events: int) -> int:
    """The events to wait for when a socket says not now; raises the error when it says something else."""
    name = type(error).__name__  # by name, so that ssl need not be imported
    if not isinstance(error, BlockingIOError) and name not in ("SSLWantReadError", "SSLWantWriteError"):
        raise error
    return {"SSLWantReadError": select.POLLIN, "SSLWantWriteError": select.POLLOUT}.get(name, events)


def send(link: socket.socket, content: bytes, deadline: float) -> Task:
    """Write it all; normally in one go, so that no delayed acknowledgement is ever waited for."""
    left = memoryview(content)
    while left:
        try:
            left = left[link.send(left) :]
        except OSError as error:
            yield link.fileno(), blocked(error, select.POLLOUT), deadline


def receive(link: socket.socket, deadline: float) -> Generator[Wait, None, bytes]:
    """Some bytes; empty at the end."""
    while True:
        try:
            return link.recv(65536)
        except OSError as error:
            yield link.fileno(), blocked(error, select.POLLIN), deadline


def reply_of(raw: bytes, closed: bool) -> tuple[int, dict[str, str], bytes] | None:
    """(status, headers, body) of a reply to HTTP/1.0; None while more may come."""
    head, found, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    length = headers.get("content-length", "")
    if not found or (len(body) < int(length) if length.isdigit() else not closed):
        if closed:
            raise ConnectionError("the server closed the connection before its reply was complete")
        return None
    status = lines[0][9:12]
    if not lines[0].startswith("HTTP/1.") or not status.isdigit() or "transfer-encoding" in headers:
        raise Unusable(f"not an HTTP reply: {lines[0][:80]!r}")
    return int(status), headers, body[: int(length)] if length.isdigit() else body


def exchange(
    url: str, ca_pem: str | None, path: str, payload: dict[str, Any], credential: str | None
) -> Generator[Wait, None, Reply]:
    """POST one JSON object and read one; raises OSError or ValueError for what is no HTTP answer."""
    encrypted, host, port, prefix = place_of(url)
    deadline = time.monotonic() + CALL_SECONDS
    body = json.dumps(payload).encode()
    named = f"[{host}]" if ":" in host else host
    bearer = f"Authorization: Bearer {credential}\r\n" if credential else ""
    head = (
        f"POST {prefix}/api/v1/agent{path} HTTP/1.0\r\nHost: {named}:{port}\r\n"
        f"User-Agent: clustergenie-agent/{VERSION}\r\nContent-Type: application/json\r\n"
        f"Connection: close\r\n{bearer}Content-Length: {len(body)}\r\n\r\n"
    )
    link = yield from connect(host, port, deadline)
    try:
        if encrypted:
            link = yield from encrypt(link, host, ca_pem, deadline)
        yield from send(link, head.encode("latin-1") + body, deadline)
        raw, answer = b"", None
        while answer is None:
            more = yield from receive(link, deadline)
            raw += more
            if len(raw) > REPLY_LIMIT:
                raise Unusable("the reply is too long")
            answer = reply_of(raw, not more)
    finally:
        link.close()
    status, headers, content = answer
    return status, headers, object_in(content) if status == 200 else {}


def object_in(content: bytes) -> dict[str, Any]:
    """The JSON object that a 200 must carry."""
    try:
        found = json.loads(content)
    except RecursionError as error:
        raise Unusable("the reply is nested too deeply") from error
    if not isinstance(found, dict):
        raise Unusable("the reply is not a JSON object")
    return found


# --- measuring


class Process:
    """One line of /proc: what of a process counts."""

    __slots__ = ("pid", "resident", "session", "start", "state", "ticks")

    def __init__(self, pid: int, stat: str) -> None:
        fields = stat[stat.rindex(")") + 2 :].split()
        self.pid = pid
        self.state = fields[0]
        self.session = int(fields[3])
        self.ticks = sum(int(field) for field in fields[11:15])
        self.start = int(fields[19])
        self.resident = int(fields[21])


def process(pid: int) -> Process | None:
    """A live process; None when it has ended, reaped or not."""
    try:
        found = Process(pid, read_text(f"/proc/{pid}/stat"))
    except (ValueError, IndexError):
        return None
    return None if found.state in "ZX" else found


class Members:
    """The processes of this droplet: its session, its cgroup, and what carries its mark in the environment."""

    def __init__(self, droplet_id: str, state: str, cgroups: dict[str, Any]) -> None:
        self.marks = (f"CG_DROPLET_ID={droplet_id}".encode(), f"CG_STATE_DIR={state}".encode())
        self.session = os.getpid() if os.getsid(0) == os.getpid() else -1  # never somebody else's session
        self.cgroups = cgroups
        self.known: dict[tuple[int, int], bool] = {}

    def all(self) -> list[Process]:
        """Every live one, this agent too, by one pass over /proc."""
        now = time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK")
        limited = self._in_cgroup()
        seen: dict[tuple[int, int], bool] = {}
        found = []
        for name in os.listdir("/proc"):
            one = process(int(name)) if name.isdigit() else None
            if one is None:
                continue
            key = (one.pid, one.start)
            ours = one.session == self.session or one.pid in limited or self.known.get(key)
            if ours is None:
                ours = self._marked(one.pid)
            if ours or now - one.start > 200:  # the environment of a young process may still change: it has yet to exec
                seen[key] = ours
            if ours:
                found.append(one)
        self.known = seen
        return found

    def _in_cgroup(self) -> set[int]:
        path = next((self.cgroups[key] for key in ("pids", "memory", "cpu") if self.cgroups.get(key)), "")
        return {int(pid) for pid in read_text(f"{path}/cgroup.procs").split()} if path else set()

    def _marked(self, pid: int) -> bool:
        try:
            with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:
                entries = file.read(1 << 20).split(b"\0")
        except OSError:
            return False
        return all(mark in entries for mark in self.marks)

    def signal(self, number: int) -> None:
        """Send a signal to all but this agent."""
        for one in self.all():
            if one.pid != os.getpid():
                try:
                    os.kill(one.pid, number)
                except OSError:
                    pass


def pairs(text: str) -> dict[str, int]:
    """The numbers of a `name number` file."""
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        value = value.strip().split(" ")[0]
        if value.isdigit():
            found[name.rstrip(":")] = int(value)
    return found


def resident(live: list[Process]) -> int:
    """Bytes of memory that processes hold; what they share counts in each."""
    return sum(one.resident for one in live) * os.sysconf("SC_PAGE_SIZE")


class Meter:
    """Measures the droplet against its size. What cannot be known is left out, never made up.

    cpu: percent of the size's vCPUs. memory: percent of the size's memory, without page cache that the kernel can
    take back. disk: percent of the size's disk. network: bytes per second of the host, flagged when it is shared.
    """

    def __init__(self, config: dict[str, Any], state: str, members: Members) -> None:
        size = config.get("size") or {}
        self.members, self.state = members, state
        self.cgroups = members.cgroups
        self.host = config.get("scope", "host") == "host"
        self.vcpus = number(size.get("vcpus"), 0.01, 4096) or float(os.cpu_count() or 1)
        memory = number(size.get("memory_mb"), 1, 1 << 30)
        self.limit = int(memory * (1 << 20)) if memory else None
        disk = number(size.get("disk_gb"), 0.001, 1 << 30)
        self.disk_limit = int(disk * 1e9) if disk else None
        self.killed = 0
        self.before: dict[str, tuple[float, float]] = {}
        self.disk: tuple[float, int] | None = None
        self.sample()

    def sample(self) -> dict[str, Any]:
        """The metrics of one heartbeat; rates are since the last one."""
        now = time.monotonic()
        found = self._of_host(now) if self.host else self._of_droplet(now)
        found.update(self._network(now))
        used, limit = found.get("memory_bytes"), found.get("memory_limit_bytes")
        if used is not None and limit:
            found["memory"] = round(100.0 * used / limit, 2)
        return {name: value for name, value in found.items() if value is not None}

    def _rate(self, name: str, value: float | None, now: float) -> float | None:
        """Growth per second since the last time; None the first time, or when the counter began anew."""
        if value is None:
            return None
        before = self.before.get(name)
        self.before[name] = (now, value)
        if before is None or now <= before[0] or value < before[1]:
            return None
        return round((value - before[1]) / (now - before[0]), 4)

    def _group(self, controller: str, name: str) -> dict[str, int]:
        """The numbers in a file of the droplet's cgroup; a lone one is called `only`."""
        path = self.cgroups.get(controller)
        text = read_text(f"{path}/{name}") if path else ""
        return {"only": int(text)} if text.strip().isdigit() else pairs(text)

    def _of_droplet(self, now: float) -> dict[str, Any]:
        v2 = self.cgroups.get("version") == 2
        cpu = self._group("cpu", "cpu.stat") if v2 else self._group("cpuacct", "cpuacct.usage")
        ticks = cpu.get("usage_usec" if v2 else "only")
        seconds = None if ticks is None else ticks / (1e6 if v2 else 1e9)
        used = self._group("memory", "memory.current" if v2 else "memory.usage_in_bytes").get("only")
        kills = self._group("memory", "memory.events" if v2 else "memory.oom_control").get("oom_kill", 0)
        prefix = "" if v2 else "total_"
        stat = self._group("memory", "memory.stat")
        cache = stat.get(prefix + "inactive_file", 0) + stat.get(prefix + "active_file", 0)
        memory = None if used is None else max(0, used - cache)
        count = self._group("pids", "pids.current").get("only")
        if seconds is None or memory is None or count is None:
            live = self.members.all()
            seconds = sum(one.ticks for one in live) / os.sysconf("SC_CLK_TCK") if seconds is None else seconds
            memory = resident(live) if memory is None else memory
            count = len(live) if count is None else count
        busy, disk = self._rate("cpu", seconds, now), self._directory(now)
        return {
            "cpu": None if busy is None else round(100.0 * busy / self.vcpus, 2),
            "memory_bytes": memory,
            "memory_limit_bytes": self.limit,
            "processes": count,
            "disk_bytes": disk,
            "disk": round(100.0 * disk / self.disk_limit, 3) if self.disk_limit else None,
            "oom_kills": self.killed + kills,
            "throttled_percent": self._throttled(),
        }

    def _throttled(self) -> float | None:
        """Percent of the scheduler's periods in which the droplet had to wait for its quota."""
        stat = self._group("cpu", "cpu.stat")
        if "nr_periods" not in stat:
            return None
        periods, throttled = float(stat["nr_periods"]), float(stat.get("nr_throttled", 0))
        before = self.before.get("throttled", (periods, throttled))
        self.before["throttled"] = (periods, throttled)
        return round(100.0 * (throttled - before[1]) / max(1.0, periods - before[0]), 2)

    def _of_host(self, now: float) -> dict[str, Any]:
        found: dict[str, Any] = {"load1": round(os.getloadavg()[0], 2)}
        fields = read_text("/proc/stat").partition("\n")[0].split()[1:9]
        if len(fields) == 8:
            ticks = [int(field) for field in fields]
            total, idle = self._rate("total", sum(ticks), now), self._rate("idle", ticks[3] + ticks[4], now)
            found["cpu"] = round(100.0 * (1 - idle / total), 2) if total and idle is not None else None
        memory = pairs(read_text("/proc/meminfo"))
        if "MemTotal" in memory and "MemAvailable" in memory:
            found["memory_limit_bytes"] = memory["MemTotal"] * 1024
            found["memory_bytes"] = (memory["MemTotal"] - memory["MemAvailable"]) * 1024
        found["oom_kills"] = pairs(read_text("/proc/vmstat")).get("oom_kill")
        disk = os.statvfs("/")
        found["disk_bytes"] = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
        found["disk"] = round(100.0 * (disk.f_blocks - disk.f_bfree) / max(1, disk.f_blocks), 3)
        found["processes"] = sum(1 for name in os.listdir("/proc") if name.isdigit())
        return found

    def _network(self, now: float) -> dict[str, Any]:
        rows = [row.replace(":", " ").split() for row in read_text("/proc/net/dev").splitlines()[2:]]
        if not rows:
            return {}
        received, sent = (sum(int(row[at]) for row in rows if row[0] != "lo") for at in (1, 9))
        into, out = self._rate("in", received, now), self._rate("out", sent, now)
        return {"network_in": into, "network_out": out, "network_shared": not self.host}

    def _directory(self, now: float) -> int:
        """Bytes below the droplet's directory; walked again only after 50 times as long as walking took."""
        if self.disk is None or now >= self.disk[0]:
            total, begun = 0, time.monotonic()
            pending = [self.state]
            while pending:
                try:
                    with os.scandir(pending.pop()) as entries:
                        for entry in entries:
                            total += entry.stat(follow_symlinks=False).st_blocks * 512
                            if entry.is_dir(follow_symlinks=False):
                                pending.append(entry.path)
                except OSError:
                    continue
            self.disk = (now + 50 * (time.monotonic() - begun), total)
        return self.disk[1]

    def guard(self) -> bool:
        """Above the memory limit, end the largest process but the agent, where nothing else limits it.

        Says whether the limit is near, and another look soon is worth it.
        """
        if self.host or self.cgroups.get("memory") or not self.limit:
            return False
        live = self.members.all()
        used = resident(live)
        others = [one for one in live if one.pid != os.getpid()]
        if used > self.limit and others:
            largest = max(others, key=lambda one: one.resident)
            say("error", f"over the memory limit of {self.limit} bytes: ended process {largest.pid}")
            try:
                os.kill(largest.pid, signal.SIGKILL)
                self.killed += 1
            except OSError:
                pass
        return used > self.limit // 2


# --- the agent


def join(cgroups: dict[str, Any]) -> None:
    """Put this process under its droplet's limits. Raises OSError."""
    for path in {value for value in cgroups.values() if isinstance(value, str)}:
        with open(path + "/cgroup.procs", "w") as file:
            file.write("0")


class Agent:
    """One droplet's voice: holds its credential, talks to the control plane, answers visitors."""

    def __init__(self, bootstrap: str, state: str) -> None:
        self.bootstrap, self.state = bootstrap, os.path.realpath(state)
        config = read_json(bootstrap)
        if not isinstance(config.get("droplet_id"), str) or not isinstance(config.get("server"), str):
            raise Unusable(f"{bootstrap} does not name a droplet_id and a server")
        self.config = config
        self.droplet_id: str = config["droplet_id"]
        self.local = config.get("scope") == "session"
        self.began = time.monotonic()
        self.boot_id = read_text("/proc/sys/kernel/random/boot_id").strip()
        self.heartbeat = number(config.get("heartbeat_seconds"), 0.05, 3600) or 5.0
        self.slowest = number(config.get("backoff_seconds"), 0.05, SLOWEST_RETRY) or SLOWEST_RETRY
        self.orphan = number(config.get("orphan_seconds"), 0, FOREVER) or FOREVER
        self.told: str = config["server"]
        self.server = self.told.split(",")[0]
        self.credential: str | None = None
        self.seq = int(time.time() * 1000)  # grows across restarts of the agent too
        self.failures = 0
        self.refused = False
        self.draining = False
        self.last_contact = self.began
        self.seen: tuple[int, int] = (0, 0)
        self.visitors: list[socket.socket] = []
        self.loop = Loop()

    def prepare(self) -> int:
        """Take the lock, the limits and the address; an exit code, 0 to go on."""
        os.makedirs(self.state, 0o700, exist_ok=True)
        self.lock = os.open(self.state + "/lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("warning", "another agent runs on this state; leaving it to that one")
            return 3
        self._limit()
        self.members = Members(self.droplet_id, self.state, self.config["cgroups"])
        self.meter = Meter(self.config, self.state, self.members)
        self.nonce = read_json(self.state + "/nonce").get("nonce")
        if not self.nonce:
            self.nonce = os.urandom(16).hex()
            write_private(self.state + "/nonce", {"nonce": self.nonce})
        self.credential = read_json(self.state + "/credential").get("credential")
        self._find_server()
        try:
            self.listener = self._listen()
        except OSError as error:
            say("error", f"cannot answer on {self.config.get('address')}:{self.config.get('port')}: {error}")
            return 4
        me = process(os.getpid())
        record = {"pid": os.getpid(), "start": me.start if me else 0, "boot_id": self.boot_id}
        write_private(self.state + "/process.json", record, durable=False)
        return 0

    def _limit(self) -> None:
        """Go under the droplet's limits, but stay the last one the kernel ends when memory runs out."""
        cgroups = self.config.get("cgroups")
        self.config["cgroups"] = cgroups if isinstance(cgroups, dict) else {}
        try:
            join(self.config["cgroups"])
        except OSError as error:
            say("error", f"cannot join {error.filename}: the droplet runs without these limits")
            self.config["cgroups"] = {}
        if not self.local:
            return
        try:
            with open("/proc/self/oom_score_adj", "w") as file:
                file.write("-500")
        except OSError:
            pass  # only root may; commands run in a droplet raise their own instead
        try:
            import ctypes  # noqa: PLC0415  only a local droplet needs it

            # PR_SET_CHILD_SUBREAPER: processes of this droplet that lost their parent become ours, and get reaped
            ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
        except (ImportError, OSError, AttributeError):
            pass

    def _listen(self) -> socket.socket | None:
        address, port = self.config.get("address"), self.config.get("port")
        if not address or port is None:
            return None
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind((address, port))
        listener.listen(512)
        return listener

    def run(self) -> int:
        code = self.prepare()
        if code:
            return code
        if self.listener is not None:
            self.loop.advance(self._accept(self.listener))
        self.loop.advance(self._signals())
        self.loop.advance(self._talk())
        self.loop.advance(self._guard())
        say("info", f"agent of {self.droplet_id} runs as process {os.getpid()}")
        self.loop.run()
        if self.local:
            self._end_members()
        return 0

    def _stop(self, reason: str) -> None:
        say("info", f"stopping: {reason}")
        self.loop.stopped = True

    def _end_members(self) -> None:
        """End what runs in the droplet: ask, wait, force."""
        self.members.signal(signal.SIGTERM)
        begun = time.monotonic()
        while len(self.members.all()) > 1 and time.monotonic() < begun + 2 * GRACE_SECONDS:
            time.sleep(0.02)
            self._reap()
            if time.monotonic() > begun + GRACE_SECONDS:
                self.members.signal(signal.SIGKILL)

    def _reap(self) -> None:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except OSError:
            pass  # no children

    # --- tasks

    def _signals(self) -> Task:
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(name, lambda *_: None)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self._reap()
        while True:
            yield reader, select.POLLIN, FOREVER
            caught = os.read(reader, 512)
            if signal.SIGCHLD in caught:
                self._reap()
            if signal.SIGTERM in caught or signal.SIGINT in caught:
                self._stop("asked to by a signal")

    def _guard(self) -> Task:
        while True:
            near = self.meter.guard()
            yield None, 0, time.monotonic() + (1.0 if near else max(2.0, min(self.heartbeat, 10.0)))

    def _talk(self) -> Task:
        while True:
            self.seen = self._files()
            try:
                pause = yield from (self._beat() if self.credential else self._enrol())
            except (OSError, ValueError) as error:
                say("warning", f"no use of {self.server}: {error}")
                pause = self._back_off()
                if self._find_server():
                    self.failures, pause = 0, 0.0
            if self.loop.stopped:
                return
            yield from self._rest(pause)

    def _rest(self, pause: float) -> Task:
        """Wait, but not past a reason to stop, nor news of the server or token."""
        until = time.monotonic() + pause
        while time.monotonic() < until and not self.loop.stopped:
            troubled = self.failures or self.refused
            yield None, 0, min(until, time.monotonic() + (1.0 if troubled else 5.0))
            if time.monotonic() - self.last_contact > self.orphan:
                self._stop(f"no word from the control plane for {self.orphan:g} s")
            if not self._at_home():
                self._stop("the state directory is gone")
            if troubled and self._files() != self.seen:
                self._find_server()
                return

    def _at_home(self) -> bool:
        try:
            return os.stat(self.state + "/lock").st_ino == os.fstat(self.lock).st_ino
        except OSError:
            return False

    def _files(self) -> tuple[int, int]:
        return modified(self.state + "/server.json"), modified(self.bootstrap)

    def _find_server(self) -> bool:
        """Whether the server moved."""
        server = read_json(self.state + "/server.json").get("server")
        if not isinstance(server, str) or server == self.told:
            return False
        try:
            places_of(server)
        except Unusable as error:
            say("error", str(error))
            return False
        self.told, self.server = server, server.split(",")[0]
        return True

    def _back_off(self) -> float:
        """Seconds until the next try, at the next server: 1, 2, 4 … up to the slowest, with jitter."""
        self.failures += 1
        urls = self.told.split(",")
        self.server = urls[(urls.index(self.server) + 1) % len(urls)]
        return float(min(self.slowest, 2.0 ** min(self.failures - 1, 10))) * (0.5 + jitter() / 2)

    def _call(self, path: str, payload: dict[str, Any]) -> Generator[Wait, None, Reply]:
        payload.update(droplet_id=self.droplet_id, boot_id=self.boot_id, agent_version=VERSION)
        answer = yield from exchange(self.server, self.config.get("ca_pem"), path, payload, self.credential)
        self.last_contact = time.monotonic()
        return answer

    def _enrol(self) -> Generator[Wait, None, float]:
        """Trade the one-time token for a credential; seconds until the next step."""
        token = read_json(self.bootstrap).get("token")
        if not isinstance(token, str) or not token:
            self.refused = True
            say("error", f"there is neither a credential nor a token in {self.bootstrap}; waiting for a new token")
            return self.slowest
        place = {"address": self.config.get("address"), "port": self.config.get("port"), "pid": os.getpid()}
        status, headers, reply = yield from self._call("/enroll", {"token": token, "nonce": self.nonce, **place})
        if status != 200:
            return self._not_ok("enrolment", status, headers)
        self._keep(reply.get("credential"))
        self._erase_token()
        self._good(reply)
        return jitter() * min(1.0, self.heartbeat)

    def _beat(self) -> Generator[Wait, None, float]:
        """One heartbeat; seconds until the next."""
        begun = time.monotonic()
        self.seq += 1
        news = {"uptime_seconds": round(begun - self.began, 3), "metrics": self.meter.sample(), "workloads": []}
        status, headers, reply = yield from self._call("/heartbeat", {"seq": self.seq, **news})
        if status == 401 and read_json(self.bootstrap).get("token"):
            say("warning", "the credential was refused, but there is a new token: enrolling again")
            self.credential = None
            return 0.0
        if status != 200:
            return self._not_ok("heartbeat", status, headers)
        if reply.get("credential") is not None:
            self._keep(reply["credential"])
        self._erase_token()
        self._good(reply)
        return max(0.0, self.heartbeat * (0.9 + 0.2 * jitter()) - (time.monotonic() - begun))

    def _keep(self, credential: object) -> None:
        """Store a credential, then use it: the server takes the old one until it sees the new one."""
        if not isinstance(credential, str) or not credential.isascii() or not credential.isprintable():
            raise Unusable("the reply carries no usable credential")
        write_private(self.state + "/credential", {"credential": credential})
        self.credential = credential

    def _erase_token(self) -> None:
        """A token that was used is worth nothing."""
        content = read_json(self.bootstrap)
        if content.get("token"):
            write_private(self.bootstrap, {**content, "token": None})

    def _good(self, reply: dict[str, Any]) -> None:
        if self.failures or self.refused:
            say("info", f"in touch with {self.server}")
            _said.clear()
        self.failures, self.refused = 0, False
        self.heartbeat = number(reply.get("heartbeat_seconds"), 0.05, 3600) or self.heartbeat
        directive = reply.get("directive")
        self.draining = directive == "drain"
        if directive == "stop":
            self._stop("the control plane said so")

    def _not_ok(self, what: str, status: int, headers: dict[str, str]) -> float:
        """What an answer other than 200 asks for; seconds until the next try."""
        if status == 410:
            self._stop("the control plane says that this droplet is gone")
            return 0.0
        if status in (401, 403, 409):
            self.refused = True
            say("error", f"{what} REFUSED ({status}) by {self.server}: this droplet needs a new token")
            return self.slowest * (0.5 + jitter() / 2)
        say("warning", f"{what} answered {status} by {self.server}")
        pause = self._back_off()
        wait = headers.get("retry-after", "")
        return max(pause, min(float(wait), 300.0)) if wait.isascii() and wait.isdigit() else pause

    # --- visitors

    def _accept(self, listener: socket.socket) -> Task:
        while True:
            yield listener.fileno(), select.POLLIN, FOREVER
            try:
                for _ in range(VISITORS):
                    link, _ = listener.accept()
                    link.setblocking(False)
                    self.loop.advance(self._visit(link))
            except BlockingIOError:
                pass
            except OSError:
                yield None, 0, time.monotonic() + 0.5  # out of descriptors, most likely

    def _visit(self, link: socket.socket) -> Task:
        """Read one request, answer it, close. Slow ones are cut off, and so is the oldest of too many."""
        self.visitors.append(link)
        deadline = time.monotonic() + VISIT_SECONDS
        try:
            if len(self.visitors) > VISITORS:
                self.visitors[0].shutdown(socket.SHUT_RDWR)
            raw = b""
            while b"\r\n\r\n" not in raw and len(raw) <= REQUEST_LIMIT:
                more = yield from receive(link, deadline)
                if not more:
                    return
                raw += more
            yield from send(link, self._answer(raw), deadline)
            link.shutdown(socket.SHUT_WR)
        except (OSError, ValueError):
            pass  # the visitor's trouble, not ours
        finally:
            self.visitors.remove(link)
            link.close()

    def _answer(self, raw: bytes) -> bytes:
        words = raw.partition(b"\r\n")[0].decode("latin-1").split(" ")
        path = words[1].partition("?")[0] if len(words) == 3 else ""
        if len(raw) > REQUEST_LIMIT:
            status, content = "431 Request Header Fields Too Large", {"error": "the request is too large"}
        elif len(words) != 3 or not words[2].startswith("HTTP/"):
            status, content = "400 Bad Request", {"error": "not an HTTP request"}
        elif words[0] not in ("GET", "HEAD"):
            status, content = "405 Method Not Allowed", {"error": "only GET and HEAD"}
        elif path in ("/", "/healthz"):
            healthy = self.credential is not None and not self.refused
            status = "200 OK" if healthy or path == "/" else "503 Service Unavailable"
            content = self._about(healthy)
        else:
            status, content = "404 Not Found", {"error": "there is / and /healthz"}
        body = json.dumps(content).encode() + b"\n"
        allow = "Allow: GET, HEAD\r\n" if status.startswith("405") else ""
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{allow}Content-Length: {len(body)}\r\n"
        return f"{head}Connection: close\r\n\r\n".encode() + (b"" if words[0] == "HEAD" else body)

    def _about(self, healthy: bool) -> dict[str, Any]:
        status = "draining" if self.draining else "active"
        return {
            "droplet_id": self.droplet_id,
            "cluster_id": self.config.get("cluster_id"),
            "status": status if healthy else "refused" if self.refused else "enrolling",
            "uptime_seconds": round(time.monotonic() - self.began, 3),
        }


def main(arguments: list[str]) -> int:
    options = dict(zip(arguments[::2], arguments[1::2]))  # noqa: B905  strict= is Python 3.10
    if set(options) != {"--bootstrap", "--state"}:
        print(__doc__, file=sys.stderr)  # noqa: T201
        return 2
    os.umask(0o077)
    try:
        agent = Agent(options["--bootstrap"], options["--state"])
        places_of(agent.told)
    except Unusable as error:
        say("error", str(error))
        return 2
    return agent.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
