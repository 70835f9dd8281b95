"""What happened, in order: the log that commits with the state, and the ways to read, follow and consume it."""

from clustergenie.events.audience import EVERYBODY, Audience
from clustergenie.events.bus import Bus, BusStatus, EmbeddedBus, GroupStatus
from clustergenie.events.catalogue import CATALOGUE, BadEvent, EventType, Sample, Telemetry, Threshold, check, parse
from clustergenie.events.connect import build
from clustergenie.events.consumer import Consumer
from clustergenie.events.history import EventRecord, EventsReply, Filter, history, recent
from clustergenie.events.live import Live, Resync
from clustergenie.events.log import Extent, append, extent, newest, prune
from clustergenie.events.sequencer import Sequencer

__all__ = [
    "CATALOGUE",
    "EVERYBODY",
    "Audience",
    "BadEvent",
    "Bus",
    "BusStatus",
    "Consumer",
    "EmbeddedBus",
    "EventRecord",
    "EventType",
    "EventsReply",
    "Extent",
    "Filter",
    "GroupStatus",
    "Live",
    "Resync",
    "Sample",
    "Sequencer",
    "Telemetry",
    "Threshold",
    "append",
    "build",
    "check",
    "extent",
    "history",
    "newest",
    "parse",
    "prune",
    "recent",
]
