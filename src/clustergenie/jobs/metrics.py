"""The numbers of the queue and the worker pool, under their public names."""

from prometheus_client import Counter, Gauge, Histogram

from clustergenie.platform.telemetry import registry

_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)

processing_seconds = Histogram(
    "clustergenie_job_processing_seconds", "How long attempts ran.", ("job_type", "status"),
    registry=registry, buckets=_SECONDS,
)  # fmt: skip
waiting_seconds = Histogram(
    "clustergenie_job_waiting_seconds", "How long jobs waited for a worker.", ("job_type",),
    registry=registry, buckets=_SECONDS,
)  # fmt: skip
processed = Counter("clustergenie_jobs_processed_total", "Attempts that ended.", ("status",), registry=registry)
queue_length = Gauge(
    "clustergenie_workerpool_queue_length", "Jobs claimed by this process that wait for a slot.", registry=registry
)
active_workers = Gauge("clustergenie_workerpool_active_workers", "Slots at work.", registry=registry)
worker_count = Gauge("clustergenie_workerpool_worker_count", "Slots of this process.", registry=registry)
lost_leases = Counter(
    "clustergenie_jobs_lost_leases_total", "Attempts that found another attempt in their place.", registry=registry
)
