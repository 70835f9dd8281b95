"""What the CLI borrows from the server: named here, and loaded only by the commands that need it."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from clustergenie.cli.failures import Failed

DOORS = {
    "serve": "clustergenie.app:serve",
    "simulated_cloud": "clustergenie.providers.simulated.serve:serve",
    "setup_link": "clustergenie.auth:new_setup_link",
    "rotate_secrets": "clustergenie.auth.rotate:rotate",
    "settings": "clustergenie.platform.config:load",
    "upgrade": "clustergenie.platform.migrate:upgrade",
    "downgrade": "clustergenie.platform.migrate:downgrade",
    "revision": "clustergenie.platform.migrate:status",
    "database_server": "clustergenie.platform.databases:server",
    "stop_all": "clustergenie.providers.local:stop_all",
    "enter": "clustergenie.providers.local:enter",
    "enter_detached": "clustergenie.providers.local:enter_detached",
    "CannotStart": "clustergenie.platform.errors:CannotStart",
    "Problem": "clustergenie.platform.errors:Problem",
}


def borrow(name: str) -> Any:
    """A function of the server, by the name this module gives it."""
    module, _, attribute = DOORS[name].partition(":")
    return getattr(import_module(module), attribute)


@contextmanager
def starting() -> Iterator[None]:
    """Turn what keeps a server from starting into one sentence."""
    try:
        yield
    except (borrow("CannotStart"), borrow("Problem")) as reason:
        raise Failed(str(reason)) from reason


def settings_for(**flags: object) -> Any:
    """The server's settings, with these flags above environment, file and defaults; raises Failed."""
    with starting():
        return borrow("settings")({name: value for name, value in flags.items() if value is not None})


def data_dir_of(flag: Path | None) -> Path:
    """The data directory that a server with these settings would use."""
    return Path(settings_for(data_dir=str(flag) if flag else None).data_dir).expanduser()
