"""A database file has one owner; what cannot be used is refused with a sentence that says why and what to do."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from clustergenie.platform.db import Database
from clustergenie.platform.errors import CannotStart
from clustergenie.platform.sqlite import SqliteBackend
from tests.platform.databases import add, all_words, forget, opened

HOLD = """
import asyncio, sys
from pathlib import Path
from tests.platform.databases import add, opened

async def hold():
    async with opened(Path(sys.argv[1])) as db:
        await db.write(add, "kept")
        print("holding", flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""


def refusal(path: Path) -> str:
    async def start() -> None:
        db = Database(SqliteBackend(path, forget))
        await db.start()
        await db.stop()

    with pytest.raises(CannotStart) as refused:
        asyncio.run(start())
    return str(refused.value)


def test_a_second_process_is_refused_until_the_first_is_gone_even_by_kill(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"holding\n"
            sentence = refusal(path)
            assert f"pid {holder.pid}" in sentence
            assert "stop it first" in sentence
        finally:
            holder.send_signal(signal.SIGKILL)

    async def after() -> list[str]:
        async with opened(path) as db:
            return await db.read(all_words)

    assert asyncio.run(after()) == ["kept"]


def test_the_lock_is_given_back_by_an_orderly_stop(tmp_path: Path) -> None:
    async def story() -> None:
        for word in "ab":
            async with opened(tmp_path / "a.db") as db:
                await db.write(add, word)

    asyncio.run(story())


# Root may write where others may not, so that directories nobody can write to stand for a read-only one.
@pytest.mark.parametrize("directory", ["/proc", "/proc/no-such-directory"])
def test_a_directory_that_cannot_be_written_is_named_with_the_setting(directory: str) -> None:
    sentence = refusal(Path(directory) / "a.db")
    assert directory in sentence
    assert "--data-dir or CLUSTERGENIE_DATA_DIR" in sentence


def test_a_read_only_directory_is_refused(tmp_path: Path) -> None:
    """As another user, because root is never refused by the mode of a directory."""
    tmp_path.chmod(0o555)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if os.geteuid() == 0:
                os.setuid(65534)
            status = 0 if "not usable" in refusal(tmp_path / "a.db") else 2
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    tmp_path.chmod(0o755)
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"this is a letter to my aunt" * 100)
    sentence = refusal(tmp_path / "a.db")
    assert "a.db cannot be opened" in sentence
    assert "not a database" in sentence
