"""A control plane that has been set up, for the tests that need no more."""

from collections.abc import Iterator

import pytest

from tests.auth.access import Access


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Access]:
    limits = {"CLUSTERGENIE_JOBS_SCOPE": "user", "CLUSTERGENIE_JOBS_RATE": "0.01", "CLUSTERGENIE_JOBS_CAP": "9999"}
    made = Access(tmp_path_factory.mktemp("access"), **limits)
    try:
        yield made.start()
    finally:
        made.server.cleanup()
