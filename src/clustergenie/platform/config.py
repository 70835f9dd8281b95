"""Read the settings: flags over environment over `clustergenie.toml` over defaults, each checked at the start."""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from clustergenie.platform import kafka_settings
from clustergenie.platform.errors import CannotStart
from clustergenie.platform.kafka_settings import KafkaSettings

FILE = "clustergenie.toml"


class Settings(KafkaSettings, frozen=True, kw_only=True):
    """Every setting with its default; `origins` tells where each value came from."""

    host: str = "127.0.0.1"
    port: int = 8080
    data_dir: Path = Path.home() / ".local" / "share" / "clustergenie"
    database_url: str = ""
    database_connections: int = 16
    base_path: str = ""
    public_url: str = ""
    grafana_url: str = ""
    allowed_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    tls_cert: str = ""
    tls_key: str = ""
    tls_ca: str = ""
    tls_min_version: str = "1.2"
    slow_client_seconds: float = 15.0
    outbound_allow: tuple[str, ...] = ()
    environment: str = "dev"
    log_level: str = "info"
    role: str = "all"
    drain_seconds: float = -1.0
    secret_key: str = ""
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_name: str = "single sign-on"
    oidc_scopes: str = "openid profile email"
    oidc_groups_claim: str = "groups"
    oidc_groups: str = ""
    agent_urls: tuple[str, ...] = ()
    auth: str = "auto"
    session_idle_minutes: int = 720
    session_hours: int = 168
    worker_count: int = 16
    worker_queue: int = 64
    default_provider: str = "local"
    providers: tuple[str, ...] = ("local", "simulated")
    heartbeat_seconds: float = 2.0
    lost_after_seconds: float = 20.0
    reconcile_seconds: float = 2.0
    metrics_retention_hours: int = 24
    events_retention_hours: int = 168
    audit_retention_days: int = 365
    simulated_file: str = ""
    simulated_url: str = ""
    redis_url: str = ""
    jobs_rate: float = 50.0
    jobs_cap: int = 100
    jobs_scope: str = "user"
    diag_rate: float = 1.0
    diag_cap: int = 5
    diag_scope: str = "cluster"
    origins: dict[str, str] = msgspec.field(default_factory=dict)

    def database_path(self) -> Path:
        """The SQLite file."""
        if self.database_url.startswith("sqlite:///"):
            return Path(self.database_url.removeprefix("sqlite:///"))
        return self.data_dir / "clustergenie.db"

    def has_server(self) -> bool:
        """Whether the database is a server's, not a file."""
        return bool(self.database_url) and not self.database_url.startswith("sqlite:")

    def draining(self) -> float:
        """Seconds that a stop gives load balancers to leave and jobs to end; nobody waits for a process alone."""
        return self.drain_seconds if self.drain_seconds >= 0 else 10.0 if self.has_server() else 0.0

    def server_url(self) -> str:
        """Where processes on this machine reach the server."""
        if self.public_url:
            return self.public_url
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "localhost") else self.host  # noqa: S104 - compared, not bound
        scheme = "https" if self.tls_cert else "http"
        return f"{scheme}://[{host}]:{self.port}" if ":" in host else f"{scheme}://{host}:{self.port}"


# The KTD's names hold; everything else is CLUSTERGENIE_<NAME>.
ENVIRONMENT = {"environment": "ENVIRONMENT", "log_level": "LOG_LEVEL"}


def variable(name: str) -> str:
    """The environment variable of a setting."""
    own = name.upper() if name.startswith("kafka_") else f"CLUSTERGENIE_{name.upper()}"
    return ENVIRONMENT.get(name, own)


def load(
    overrides: Mapping[str, object] | None = None,
    environ: Mapping[str, str] = os.environ,
    directory: Path | None = None,
) -> Settings:
    """The settings in force.

    Raises CannotStart with a sentence that names the setting, where its value came from, and what it may be.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    names = [field for field in Settings.__struct_fields__ if field != "origins"]
    for origin, source in _sources(overrides or {}, environ, directory or Path.cwd(), names):
        for name, raw in source.items():
            values[name] = _convert(name, raw, origin)
            origins[name] = origin
    settings = Settings(**values, origins=origins)
    for name, (good, sentence) in (_RULES | kafka_settings.RULES).items():
        if not good(getattr(settings, name)):
            origin = origins.get(name, "the default")
            raise CannotStart(f"{_label(name)} is {getattr(settings, name)!r} (from {origin}), but {sentence}.")
    _check_together(settings)
    return settings


def _check_together(settings: Settings) -> None:
    """Raises CannotStart for what is wrong with several settings at once, or with one in a way of its own."""
    if settings.auth == "off" and not is_loopback(settings.host):
        raise CannotStart(
            f"{_label('host')} is {settings.host!r}, which others can reach, but {_label('auth')} is 'off': "
            "without authentication the server answers on loopback addresses only (127.0.0.1, ::1, localhost)."
        )
    if settings.database_url and not settings.database_url.startswith(_DATABASES):
        scheme = settings.database_url.partition("://")[0] if "://" in settings.database_url else ""
        # The value is not said: an address may hold a password.
        raise CannotStart(
            f"{_label('database_url')} names a {scheme!r} database, which this version cannot use; "
            f"it must begin with {', '.join(_DATABASES[:-1])} or {_DATABASES[-1]}, "
            "or be left out to use the data directory."
        )
    if settings.simulated_url and not settings.simulated_url.startswith(("http://", "https://")):
        raise CannotStart(f"{_label('simulated_url')} must begin with http:// or https://, or be left out.")
    if settings.redis_url and not settings.redis_url.startswith(("redis://", "rediss://", "unix://")):
        # The value is not said: an address may hold a password.
        raise CannotStart(f"{_label('redis_url')} must begin with redis://, rediss:// or unix://, or be left out.")


def _sources(
    overrides: Mapping[str, object], environ: Mapping[str, str], directory: Path, names: list[str]
) -> list[tuple[str, dict[str, object]]]:
    """Weakest first, so that a later source overwrites an earlier one."""
    from_file = _read_file(Path(environ.get("CLUSTERGENIE_CONFIG", directory / FILE)), names, environ)
    from_env: dict[str, object] = {}
    for name in names:
        if (value := environ.get(variable(name))) is not None and value != "":
            from_env[name] = value
        if (path := environ.get(f"{variable(name)}_FILE")) is not None:
            from_env[name] = _secret_file(name, Path(path))
    given = {name: value for name, value in overrides.items() if value is not None}
    return [(FILE, from_file), ("the environment", from_env), ("the command line", given)]


def _read_file(path: Path, names: list[str], environ: Mapping[str, str]) -> dict[str, object]:
    try:
        content = tomllib.loads(path.read_text())
    except FileNotFoundError:
        if "CLUSTERGENIE_CONFIG" in environ:
            raise CannotStart(f"CLUSTERGENIE_CONFIG names {path}, which does not exist.") from None
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CannotStart(f"The settings file {path} cannot be read: {error}.") from error
    if unknown := sorted(set(content) - set(names)):
        raise CannotStart(f"The settings file {path} has an unknown setting {unknown[0]!r}; known: {', '.join(names)}.")
    return content


def _secret_file(name: str, path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise CannotStart(f"{variable(name)}_FILE names {path}, which cannot be read: {error.strerror}.") from error


def _convert(name: str, raw: object, origin: str) -> Any:
    wanted = (KafkaSettings.__annotations__ | Settings.__annotations__)[name]
    if wanted is Path:
        return Path(str(raw)).expanduser().absolute()
    if wanted == tuple[str, ...] and isinstance(raw, str):
        raw = [part.strip() for part in raw.split(",") if part.strip()]
    try:
        return msgspec.convert(raw, wanted, strict=False)
    except msgspec.ValidationError as error:
        kind = {int: "a whole number", float: "a number"}.get(wanted, "of another type")
        raise CannotStart(f"{_label(name)} is {raw!r} (from {origin}), but it must be {kind}.") from error


def _label(name: str) -> str:
    return f"{variable(name)} (--{name.replace('_', '-')})"


def _between(low: float, high: float) -> tuple[Callable[[Any], bool], str]:
    return (lambda value: low <= value <= high, f"it must be from {low:g} to {high:g}")


def _one_of(*words: str) -> tuple[Callable[[Any], bool], str]:
    return (lambda value: value in words, f"it must be one of {', '.join(words)}")


_HOST_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*")
_ORIGIN = re.compile(r"https?://([A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    return host in ("::1", "localhost") or re.fullmatch(r"127(\.[0-9]{1,3}){3}", host) is not None


_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:_-]+(/[A-Za-z0-9._~-]+)*")
_DATABASES = ("mysql://", "mariadb://", "postgresql://", "postgres://", "sqlite:///")

_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "host": (bool, "it must be an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them"),
    "port": _between(0, 65535),
    "base_path": (
        lambda path: re.fullmatch(r"(/[A-Za-z0-9._~-]+)*", path) is not None,
        "it must be empty or a path like /tools/clustergenie, without a slash at its end",
    ),
    "public_url": (
        lambda url: re.fullmatch(r"(https?://[A-Za-z0-9.\[\]:_-]+(/[A-Za-z0-9._~-]+)*)?", url) is not None,
        "it must be empty or look like https://genie.example.org, without a slash at its end",
    ),
    "grafana_url": (
        lambda url: not url or _URL.fullmatch(url) is not None,
        "it must be empty or look like https://grafana.example.org, without a slash at its end",
    ),
    "allowed_hosts": (
        lambda names: all(_HOST_NAME.fullmatch(name) for name in names),
        "each must be a host name, an address, or *.example.org for all names below one; without scheme, port or path",
    ),
    "cors_origins": (
        lambda origins: all(_ORIGIN.fullmatch(origin) for origin in origins),
        "each must look like https://app.example.org, without a path; to let every site in is not possible",
    ),
    "agent_urls": (
        lambda urls: all(_URL.fullmatch(url) for url in urls),
        "each must look like https://genie-1.example.org, without a slash at its end",
    ),
    "tls_min_version": _one_of("1.2", "1.3"),
    "outbound_allow": (
        lambda entries: all(re.fullmatch(r"[A-Za-z0-9_.:\[\]-]+(/[0-9]{1,3})?", entry) for entry in entries),
        "each must be a host name, an address or a network such as 10.1.0.0/16",
    ),
    "slow_client_seconds": _between(1, 600),
    "log_level": _one_of("debug", "info", "warning", "error"),
    "role": _one_of("all", "api", "worker"),
    "drain_seconds": (lambda seconds: seconds == -1 or 0 <= seconds <= 3600, "it must be from 0 to 3600"),
    "auth": _one_of("auto", "required", "off"),
    "session_idle_minutes": _between(1, 60 * 24 * 30),
    "session_hours": _between(1, 24 * 366),
    "environment": (
        lambda word: bool(word) and len(word) <= 32 and word.replace("-", "").replace("_", "").isalnum(),
        "it must be a word of at most 32 letters, digits, '-' or '_'",
    ),
    "worker_count": _between(1, 1000),
    "worker_queue": _between(0, 100_000),
    "database_connections": _between(2, 200),
    "default_provider": (bool, "it must name a provider"),
    "providers": (bool, "it must name at least one provider"),
    "heartbeat_seconds": _between(0.2, 300),
    "lost_after_seconds": _between(1, 3600),
    "reconcile_seconds": _between(0.1, 300),
    "metrics_retention_hours": _between(1, 24 * 366),
    "events_retention_hours": _between(1, 24 * 366),
    "audit_retention_days": _between(1, 3660),
    "jobs_rate": _between(1e-6, 1e9),
    "jobs_cap": _between(1, 1e9),
    "jobs_scope": _one_of("global", "user", "cluster", "none"),
    "diag_rate": _between(1e-6, 1e9),
    "diag_cap": _between(1, 1e9),
    "diag_scope": _one_of("global", "user", "cluster", "none"),
}
