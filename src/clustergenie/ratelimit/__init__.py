"""Nobody floods: token buckets for all, for a user and for a cluster, decided together, in memory or in Redis."""

from clustergenie.ratelimit.connect import Service, build
from clustergenie.ratelimit.enforce import Enforcement, QuotaExceeded, authenticated, limited, loopback_subject
from clustergenie.ratelimit.limiter import Limiter, LimiterClosed, Outcome

__all__ = [
    "Enforcement",
    "Limiter",
    "LimiterClosed",
    "Outcome",
    "QuotaExceeded",
    "Service",
    "authenticated",
    "build",
    "limited",
    "loopback_subject",
]
