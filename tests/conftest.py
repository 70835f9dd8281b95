"""What every test gets: no network, a seed, private ports, no skipping in CI, and no process left behind."""

import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests import leaks, loopback
from tests.servers import provide

IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")

# The servers of the tests are started as everywhere else: where nothing compiled may be kept, each of them would spend
# more than a second of processor on compiling all it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A shell that starts this in the background has it ignore Ctrl-C, and so would every process of the tests.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Set before anything is started, so that every process of this run inherits them, the xdist workers too. A pytest that
# a test starts makes a mark of its own, or (below a worker) ends nobody: else it would end the run it is part of.
OWNS_THE_RUN = "PYTEST_XDIST_WORKER" not in os.environ
if OWNS_THE_RUN:
    os.environ["CG_TEST_RUN"] = secrets.token_hex(8)
    provide.claim_the_run()
SEED = int(os.environ.setdefault("CG_SEED", str(secrets.randbelow(2**32))))

loopback.enforce()

# In CI the examples are the same on every run: a change is judged by its own merit. Elsewhere each run tries new ones.
settings.register_profile("ci", derandomize=True, max_examples=100, deadline=None, print_blob=True)
settings.register_profile("dev", max_examples=50, deadline=None, print_blob=True)
settings.register_profile(
    "thorough", max_examples=2000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("CG_HYPOTHESIS", "ci" if IN_CI else "dev"))


def pytest_report_header() -> list[str]:
    """How to repeat this run."""
    return [f"repeat with: CG_SEED={SEED}", f"processes of this run carry CG_TEST_RUN={os.environ['CG_TEST_RUN']}"]


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """A number for `random.Random`: fixed by CG_SEED, printed with a failure."""
    sys.stdout.write(f"CG_SEED={SEED} repeats {request.node.nodeid}\n")
    return SEED


@pytest.fixture
def free_port() -> int:
    """A TCP port on 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(autouse=True)
def databases_are_given_back() -> Iterator[None]:
    """A test's databases on a server go to other tests once it is over."""
    yield
    if (databases := sys.modules.get("tests.databases")) is not None:
        databases.forget()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a pass on another database: without what is about SQLite itself, or about no database at all."""
    if os.environ.get("CG_TEST_DATABASE", "sqlite") != "sqlite":
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("sqlite")])
        items[:] = [item for item in items if not item.get_closest_marker("sqlite")]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """In CI a test that is skipped, or expected to fail, has failed."""
    report = yield
    return _not_skipped(report) if IN_CI else report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector):
    """In CI a module that skips itself has failed."""
    report = yield
    return _not_skipped(report) if IN_CI else report


def _not_skipped(report):
    if report.outcome == "skipped":
        report.outcome = "failed"
        report.longrepr = f"Nothing may be skipped or expected to fail in CI: {report.longrepr}"
        vars(report).pop("wasxfail", None)
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Once every worker has ended: end what the tests left running, and fail for it."""
    if not OWNS_THE_RUN:
        return
    provide.stop_all()
    left = leaks.end_processes_of(os.environ["CG_TEST_RUN"])
    if not left:
        return
    sentence = "The tests left processes running, which were ended now:\n" + "\n".join(left)
    report = pytest.TestReport(
        nodeid="no process is left behind",
        location=("tests/conftest.py", None, "no process is left behind"),
        keywords={},
        outcome="failed",
        longrepr=sentence,
        when="teardown",
    )
    session.config.hook.pytest_runtest_logreport(report=report)
    session.exitstatus = pytest.ExitCode.TESTS_FAILED
