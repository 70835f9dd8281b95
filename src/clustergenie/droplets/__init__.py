"""One machine each: wished for, provisioned, heard from, reconciled, ended."""

from clustergenie.droplets.bring_up import bring_up
from clustergenie.droplets.desk import Desk
from clustergenie.droplets.destroy import end_by_id, give_up
from clustergenie.droplets.destroy import handler as destroy_handler
from clustergenie.droplets.enroll import Tokens
from clustergenie.droplets.fleet import Fleet, count, installation_id, note_key
from clustergenie.droplets.membership import Joined, Membership, NoSuchCluster, plug
from clustergenie.droplets.models import BROKEN, COMING, LEAVING, LIVE, Droplet, DropletSpec, Metrics, Name, Slug
from clustergenie.droplets.placing import Market, objection, open_market
from clustergenie.droplets.plan import numbered
from clustergenie.droplets.provision import Provision, finish, note_wishes
from clustergenie.droplets.provision import handler as provision_handler
from clustergenie.droplets.reconcile import Reconciler, expire_tokens, gone, prune
from clustergenie.droplets.reports import (
    Average,
    Place,
    Report,
    averages,
    broken_since,
    homes,
    places,
    places_of,
    reports_since,
    statuses,
)
from clustergenie.droplets.service import (
    abandon,
    counts,
    get,
    ids_of_clusters,
    ids_of_job,
    of_cluster,
    request_many,
    revive,
    taken,
)

__all__ = [
    "BROKEN",
    "COMING",
    "LEAVING",
    "LIVE",
    "Average",
    "Desk",
    "Droplet",
    "DropletSpec",
    "Fleet",
    "Joined",
    "Market",
    "Membership",
    "Metrics",
    "Name",
    "NoSuchCluster",
    "Place",
    "Provision",
    "Reconciler",
    "Report",
    "Slug",
    "Tokens",
    "abandon",
    "averages",
    "bring_up",
    "broken_since",
    "count",
    "counts",
    "destroy_handler",
    "end_by_id",
    "expire_tokens",
    "finish",
    "get",
    "give_up",
    "gone",
    "homes",
    "ids_of_clusters",
    "ids_of_job",
    "installation_id",
    "note_key",
    "note_wishes",
    "numbered",
    "objection",
    "of_cluster",
    "open_market",
    "places",
    "places_of",
    "plug",
    "provision_handler",
    "prune",
    "reports_since",
    "request_many",
    "revive",
    "statuses",
    "taken",
]
