"""ClusterGenie: a self-hosted control plane for fleets of small machines."""

__version__ = "0.1.0"
