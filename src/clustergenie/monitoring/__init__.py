"""How the fleet is: measurements kept and looked up, droplets probed, health with its evidence."""

from clustergenie.monitoring.background import Rounds, consumers, handlers, ticks
from clustergenie.monitoring.evidence import gather, health
from clustergenie.monitoring.exporter import collect
from clustergenie.monitoring.intake import TELEMETRY, record
from clustergenie.monitoring.models import (
    Broken,
    Check,
    DropletHealth,
    Evidence,
    Facts,
    Health,
    Metric,
    MetricSpec,
    Symptom,
)
from clustergenie.monitoring.monitor import MONITOR
from clustergenie.monitoring.plan import AGENT, judge, silence_allowed, symptoms
from clustergenie.monitoring.prober import Prober
from clustergenie.monitoring.prober import of as prober_of
from clustergenie.monitoring.retention import prune
from clustergenie.monitoring.sample import Sampler

__all__ = [
    "AGENT",
    "MONITOR",
    "TELEMETRY",
    "Broken",
    "Check",
    "DropletHealth",
    "Evidence",
    "Facts",
    "Health",
    "Metric",
    "MetricSpec",
    "Prober",
    "Rounds",
    "Sampler",
    "Symptom",
    "collect",
    "consumers",
    "gather",
    "handlers",
    "health",
    "judge",
    "prober_of",
    "prune",
    "record",
    "silence_allowed",
    "symptoms",
    "ticks",
]
