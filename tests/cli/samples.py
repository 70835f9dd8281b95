"""Answers of the API, as the tests of the command line need them."""

from typing import Any


def cluster(**changed: Any) -> dict[str, Any]:
    """A cluster."""
    one = {"id": "cluster-1", "name": "web", "region": "nyc3", "status": "healthy", "droplets": ["droplet-1"]}
    return {**one, "wanted_size": 1, "active": 1, "health": "All is well.", "revision": 3, **changed}


def droplet(**changed: Any) -> dict[str, Any]:
    """A droplet."""
    one = {"id": "droplet-1", "name": "web-1", "status": "active", "ip_address": "127.83.0.2", "port": 8000}
    return {**one, "metrics": {"cpu": 12.4, "memory": 30.0, "disk": 1.0}, "hourly_usd_micros": 8930, **changed}


def job(status: str = "pending", **changed: Any) -> dict[str, Any]:
    """A job."""
    one = {"id": "job-scale-1", "type": "scale", "status": status, "progress": 0, "message": None, "error": None}
    return {**one, "cluster_id": "cluster-1", **changed}


def page(key: str, *items: dict[str, Any]) -> dict[str, Any]:
    """A page that is the last one."""
    return {key: list(items), "page": 1, "page_size": 100, "total": len(items), "next_cursor": None}
