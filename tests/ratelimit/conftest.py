from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live_server import free_port
from tests.ratelimit.servers import RedisServer, redis_server


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for the tests of a module; they do not share the names of limiters."""
    folder: Path = tmp_path_factory.mktemp("redis")
    with redis_server(folder, free_port()) as server:
        yield server
