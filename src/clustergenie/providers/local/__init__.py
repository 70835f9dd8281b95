"""Droplets on this computer: real process groups with real addresses, limits and metrics, and no cloud account."""

from clustergenie.providers.local.driver import LocalDriver
from clustergenie.providers.local.enter import enter, enter_detached
from clustergenie.providers.local.stop import stop_all

__all__ = ["LocalDriver", "enter", "enter_detached", "stop_all"]
