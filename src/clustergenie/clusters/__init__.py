"""Named sets of droplets with a wanted size: created, resized, healed, deleted."""

from clustergenie.clusters.models import Check, Cluster, ClusterNotFound, ClusterSpec
from clustergenie.clusters.remove import handler as delete_handler
from clustergenie.clusters.scale import heal_handler, scale_handler
from clustergenie.clusters.service import Members, checks, create, get, note_checked, seed, statuses
from clustergenie.clusters.watch import round_of_all

__all__ = [
    "Check",
    "Cluster",
    "ClusterNotFound",
    "ClusterSpec",
    "Members",
    "checks",
    "create",
    "delete_handler",
    "get",
    "heal_handler",
    "note_checked",
    "round_of_all",
    "scale_handler",
    "seed",
    "statuses",
]
