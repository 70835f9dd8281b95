"""A role that cannot be is refused with a sentence that says why and what to do."""

import msgspec
import pytest

from clustergenie.platform import roles
from clustergenie.platform.config import load
from clustergenie.platform.errors import CannotStart

SHARED = {
    "CLUSTERGENIE_PROVIDERS": "simulated",
    "CLUSTERGENIE_DEFAULT_PROVIDER": "simulated",
    "CLUSTERGENIE_SIMULATED_URL": "http://127.0.0.1:9090",
}


def _checked(database: str = "mysql://genie@127.0.0.1/genie", **changed: str) -> None:
    settings = load({}, {name: value for name, value in {**SHARED, **changed}.items() if value})
    roles.check(msgspec.structs.replace(settings, database_url=database))


@pytest.mark.parametrize("role", roles.ROLES)
def test_each_role_is_possible_where_everything_is_shared(role: str) -> None:
    _checked(CLUSTERGENIE_ROLE=role)


@pytest.mark.parametrize("role", ["api", "worker"])
@pytest.mark.parametrize(
    ("changed", "why", "what"),
    [
        ({"database": ""}, "SQLite serves one process", "CLUSTERGENIE_DATABASE_URL"),
        ({"CLUSTERGENIE_PROVIDERS": "local,simulated"}, "processes of one host", "leave local out"),
        ({"CLUSTERGENIE_SIMULATED_URL": ""}, "in one process", "CLUSTERGENIE_SIMULATED_URL"),
    ],
)
def test_what_works_in_one_process_only_is_refused(role: str, changed: dict[str, str], why: str, what: str) -> None:
    with pytest.raises(CannotStart) as refused:
        _checked(CLUSTERGENIE_ROLE=role, **changed)
    assert why in str(refused.value)
    assert what in str(refused.value)
    assert "--role all" in str(refused.value)


def test_everything_in_one_process_needs_nothing_shared() -> None:
    roles.check(load({}, {}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLUSTERGENIE_ROLE", "boss"),
        ("CLUSTERGENIE_DRAIN_SECONDS", "-2"),
        ("CLUSTERGENIE_AGENT_URLS", "http://a,ftp://b"),
        ("CLUSTERGENIE_SIMULATED_URL", "127.0.0.1:9090"),
    ],
)
def test_a_setting_of_replicas_that_is_wrong_is_refused(name: str, value: str) -> None:
    with pytest.raises(CannotStart, match=name):
        load({}, {name: value})
