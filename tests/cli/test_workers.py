"""`clustergenie workers` shows every process with its role and how busy it is."""

from tests.cli.conftest import Cli
from tests.client.toy_api import ToyApi

THERE = [
    {"id": "worker-1", "role": "api", "state": "alive", "host": "h1", "pid": 7, "version": "1", "busy": 0, "slots": 0},
    {"id": "worker-2", "role": "worker", "state": "draining", "host": "h2", "pid": 8, "version": "1", "busy": 3,
     "slots": 16, "waiting": 2},
]  # fmt: skip


def test_each_process_is_a_row(api: ToyApi, cli: Cli) -> None:
    api.on("GET", "/observability/workerpool", {"worker_count": 16, "queue": {"workers": THERE}})
    said = cli("workers")
    assert said.code == 0
    first, second = (line.split() for line in said.out.splitlines()[1:])
    assert first[:7] == ["worker-1", "api", "alive", "h1", "7", "1", "0/0"]
    assert second[:8] == ["worker-2", "worker", "draining", "h2", "8", "1", "3/16", "2"]
    assert cli("workers", "-o", "name").out.split() == ["worker-1", "worker-2"]
