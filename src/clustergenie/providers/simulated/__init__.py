"""A cloud that is not there, with latency, limits, failures, crashes and agents that speak the real protocol."""

from clustergenie.providers.simulated.agents import Call
from clustergenie.providers.simulated.chaos import Chaos
from clustergenie.providers.simulated.cloud import Cloud
from clustergenie.providers.simulated.driver import SimulatedDriver
from clustergenie.providers.simulated.load import Level, Load
from clustergenie.providers.simulated.weather import CALM, Weather

__all__ = ["CALM", "Call", "Chaos", "Cloud", "Level", "Load", "SimulatedDriver", "Weather"]
