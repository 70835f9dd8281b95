"""The drivers of an installation are built from its settings and found by name."""

import asyncio
from pathlib import Path

import pytest

from clustergenie.platform.config import load
from clustergenie.platform.errors import CannotStart
from clustergenie.providers import Registry, UnknownProvider, build
from tests.providers.orders import NOWHERE, OURS


def registry(tmp_path: Path, *providers: str) -> Registry:
    settings = load({"data_dir": str(tmp_path), "providers": list(providers)}, environ={}, directory=tmp_path)
    return build(settings, OURS, server_url=NOWHERE)


def test_the_settings_name_the_drivers(tmp_path: Path) -> None:
    drivers = registry(tmp_path, "local", "simulated")
    assert [(name, drivers[name].kind) for name in drivers] == [("local", "local"), ("simulated", "simulated")]
    assert registry(tmp_path, "simulated").keys() == {"simulated"}


def test_a_name_that_is_not_there_is_the_users_mistake(tmp_path: Path) -> None:
    drivers = registry(tmp_path, "local")
    assert "vultr" not in drivers
    assert drivers.get("vultr") is None
    with pytest.raises(UnknownProvider, match="there are local") as caught:
        drivers["vultr"]
    assert str(caught.value) == caught.value.detail


def test_a_provider_that_does_not_exist_refuses_to_start(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="only local, simulated"):
        registry(tmp_path, "local", "cumulus")


def test_all_start_and_close_together(tmp_path: Path) -> None:
    async def run() -> None:
        drivers = registry(tmp_path, "local", "simulated")
        await drivers.start()
        try:
            for driver in drivers.values():
                assert await driver.list() == []
        finally:
            await drivers.close()

    asyncio.run(run())
    assert (tmp_path / "simulated" / "machines.jsonl").exists()
    assert (tmp_path / "local").is_dir()


def test_a_directory_that_cannot_be_used_refuses_to_start_and_still_closes(tmp_path: Path) -> None:
    (tmp_path / "local").write_text("a file where a directory should be")

    async def run() -> None:
        drivers = registry(tmp_path, "local", "simulated")
        with pytest.raises(CannotStart, match=f"cannot use {tmp_path}"):
            await drivers.start()
        await drivers.close()

    asyncio.run(run())
