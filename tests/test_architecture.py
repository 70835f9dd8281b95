"""The code keeps the rules of the house, and each rule is shown to catch a breach."""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

import clustergenie
from clustergenie.platform.errors import Problem
from tests import house_rules
from tests.house_rules import Source

ROOT = Path(__file__).parent.parent
OURS = house_rules.read(ROOT, "src", "tests", "bench")
PACKAGE = [source for source in OURS if source.parts]
NOT_IMPORTABLE = {"clustergenie.agent", "clustergenie.__main__", "clustergenie.migrations"}

Rule = Callable[[Iterable[Source]], Iterator[str]]


def src(path: str, text: str) -> Source:
    return Source(f"src/clustergenie/{path}", text)


JOBS = [
    src("jobs/__init__.py", "from clustergenie.jobs.enqueue import enqueue"),
    src("jobs/enqueue.py", ""),
    src("jobs/tables.py", ""),
]
LONG = "def f():\n    'Said shortly.'\n" + "    x = 1\n" * 40

BREACHES: list[tuple[Rule, Source]] = [
    (house_rules.too_long, src("jobs/x.py", "\n" * 301)),
    (house_rules.too_long, Source("tests/test_x.py", "\n" * 401)),
    (house_rules.too_long, src("agent.py", "#" * (40 * 1024 + 1))),
    (house_rules.long_functions, src("jobs/x.py", LONG)),
    (
        house_rules.long_functions,
        src("jobs/x.py", "class A:\n" + "".join(f"    {line}\n" for line in LONG.split("\n"))),
    ),
    (house_rules.empty_names, src("jobs/utils.py", "")),
    (house_rules.empty_names, src("jobs/job_manager.py", "")),
    (house_rules.empty_names, Source("tests/helpers/ports.py", "")),
    (house_rules.undescribed, src("jobs/x.py", "import os")),
    (house_rules.undescribed, src("jobs/x.py", '"""Jobs."""')),
    (house_rules.back_doors, src("droplets/x.py", "from clustergenie.jobs.tables import jobs")),
    (house_rules.back_doors, src("droplets/x.py", "from clustergenie.jobs import tables")),
    (house_rules.back_doors, src("droplets/x.py", "import clustergenie.jobs.tables")),
    (house_rules.back_doors, src("droplets/x.py", "def f():\n    from clustergenie.jobs.enqueue import enqueue")),
    (house_rules.back_doors, src("app.py", "from clustergenie.jobs.enqueue import enqueue")),
    (house_rules.impure_plans, src("placement/plan.py", "import random")),
    (house_rules.impure_plans, src("placement/plan.py", "from sqlalchemy.sql import select")),
    (house_rules.impure_plans, src("placement/plan.py", "from datetime import datetime\ndatetime.now()")),
    (house_rules.impure_plans, src("placement/plan.py", "open('x')")),
    (house_rules.impure_plans, src("placement/plan.py", "async def f(): ...")),
    (house_rules.agent_needs, src("agent.py", "import msgspec")),
    (house_rules.agent_needs, src("agent.py", "import tomllib")),
    (house_rules.agent_needs, src("agent.py", "match x:\n    case 1: pass")),
    (house_rules.agent_needs, src("agent.py", "def f(x: int | None): ...")),
    (lambda s: house_rules.importers_of("agent", s), src("app.py", "from clustergenie import agent")),
    (lambda s: house_rules.importers_of("agent", s), src("providers/local.py", "import clustergenie.agent")),
    (lambda s: house_rules.imports_of_ours("client", s), src("client/x.py", "from clustergenie.platform import ids")),
]

KEPT: list[tuple[Rule, Source]] = [
    (house_rules.too_long, src("jobs/x.py", "\n" * 300)),
    (house_rules.too_long, src("agent.py", "\n" * 1000)),
    (house_rules.long_functions, src("jobs/x.py", LONG.removesuffix("    x = 1\n"))),
    (house_rules.empty_names, src("platform/database.py", "")),
    (house_rules.undescribed, src("jobs/x.py", '"""Put jobs into the queue."""')),
    (house_rules.back_doors, src("droplets/x.py", "from clustergenie import jobs")),
    (house_rules.back_doors, src("droplets/x.py", "from clustergenie.jobs import enqueue")),
    (house_rules.back_doors, src("droplets/x.py", "from clustergenie.platform.db import Tx")),
    (house_rules.back_doors, src("jobs/x.py", "from clustergenie.jobs.tables import jobs")),
    (house_rules.back_doors, src("app.py", "from clustergenie.jobs import tables")),
    (house_rules.impure_plans, src("placement/plan.py", "from datetime import datetime, timedelta")),
    (house_rules.impure_plans, src("placement/rank.py", "import random")),
    (house_rules.agent_needs, src("agent.py", "from __future__ import annotations\ndef f(x: int | None): ...")),
    (
        lambda s: house_rules.imports_of_ours("client", s),
        src("client/x.py", "from clustergenie.client.errors import E"),
    ),
]


@pytest.mark.parametrize(("rule", "sample"), BREACHES)
def test_a_rule_catches_its_breach(rule: Rule, sample: Source) -> None:
    assert list(rule([*JOBS, sample]))


@pytest.mark.parametrize(("rule", "sample"), KEPT)
def test_a_rule_lets_the_good_pass(rule: Rule, sample: Source) -> None:
    assert [fault for fault in rule([*JOBS, sample]) if sample.path in fault] == []


@pytest.mark.parametrize("rule", [house_rules.too_long, house_rules.long_functions, house_rules.empty_names])
def test_files_functions_and_names_stay_small_and_telling(rule: Rule) -> None:
    assert list(rule(OURS)) == []


@pytest.mark.parametrize(
    "rule", [house_rules.undescribed, house_rules.back_doors, house_rules.impure_plans, house_rules.agent_needs]
)
def test_the_package_keeps_its_shape(rule: Rule) -> None:
    assert list(rule(PACKAGE)) == []


def test_the_agent_is_served_and_never_imported() -> None:
    assert list(house_rules.importers_of("agent", OURS)) == []


@pytest.mark.parametrize("apart", ["agent", "client"])
def test_what_stands_apart_imports_nothing_of_ours(apart: str) -> None:
    assert list(house_rules.imports_of_ours(apart, PACKAGE)) == []


def test_every_problem_tells_the_user_what_happened() -> None:
    for module in pkgutil.walk_packages(clustergenie.__path__, "clustergenie.", onerror=_reraise):
        if not any(module.name == name or module.name.startswith(f"{name}.") for name in NOT_IMPORTABLE):
            importlib.import_module(module.name)
    assert list(house_rules.untold_problems(Problem)) == []


def _reraise(name: str) -> None:
    raise ImportError(f"{name} cannot be imported")


def test_a_problem_that_tells_nothing_is_caught() -> None:
    class Root:
        """Something went wrong."""

        status = 500

        @classmethod
        def type_name(cls) -> str:
            return cls.__name__.lower()

    class Silent(Root):
        status = 404

    class NoStatus(Root):
        """It failed."""

    class Twin(Root):
        """The first of two."""

        status = 409

    first = Twin

    class Twin(Root):  # type: ignore[no-redef]
        """The second of two."""

        status = 409

    assert first is not Twin
    faults = "\n".join(house_rules.untold_problems(Root))
    assert "Silent: its docstring" in faults
    assert "NoStatus: 500" in faults
    assert "already has a 'twin'" in faults
    assert len(faults.splitlines()) == 3
