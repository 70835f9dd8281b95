"""Every rule, each a pure function from a case to what it finds there; the order breaks ties in severity."""

from collections.abc import Callable

from clustergenie.diagnosis.models import Case, Finding
from clustergenie.diagnosis.rules.agents import (
    agent_silent,
    agent_unreachable,
    agent_version_skew,
    flapping,
    machine_gone,
)
from clustergenie.diagnosis.rules.capacity import below_wanted_size, provisioning_failed, provisioning_stuck
from clustergenie.diagnosis.rules.resources import cpu_saturated, cpu_throttled, disk_full, memory_exhausted
from clustergenie.diagnosis.rules.work import check_failing, failing_jobs, queue_backlog

Rule = Callable[[Case], list[Finding]]

RULES: tuple[Rule, ...] = (
    machine_gone,
    agent_silent,
    memory_exhausted,
    disk_full,
    agent_unreachable,
    check_failing,
    below_wanted_size,
    provisioning_failed,
    provisioning_stuck,
    flapping,
    cpu_saturated,
    failing_jobs,
    queue_backlog,
    cpu_throttled,
    agent_version_skew,
)

__all__ = ["RULES", "Rule"]
